"""The tables of a store, and how those of older versions become like them."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .database_layout import Layout
from .language import tr

# As of version 2; another layout of them needs a step of its own.
_REPORTS = """
CREATE TABLE layouts (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, series TEXT NOT NULL, UNIQUE (unit, series));
CREATE TABLE reports (
    record INTEGER PRIMARY KEY, layout INTEGER NOT NULL REFERENCES layouts,
    first_t INTEGER NOT NULL, last_t INTEGER NOT NULL, times TEXT NOT NULL, counts TEXT NOT NULL,
    qualities TEXT);
CREATE INDEX reports_in_time ON reports (layout, last_t);
CREATE VIEW samples AS SELECT
    s.value AS series, t.value AS t, record,
    json_extract(counts, '$[' || s.key || '][' || t.key || ']') AS value,
    coalesce(json_extract(qualities, '$[' || s.key || '][' || t.key || ']'), 0) AS quality
    FROM layouts JOIN reports ON layout = layouts.id
    JOIN json_each(layouts.series) AS s JOIN json_each(times) AS t;
"""

_FORGERIES = """
CREATE TABLE forgeries (
    kid BLOB PRIMARY KEY, unit TEXT NOT NULL, since_s REAL NOT NULL, last_s REAL NOT NULL,
    count INTEGER NOT NULL, source TEXT NOT NULL)
"""

# A picture's chunks are here until it is whole; `state`: of protocols/block_receiver.py.
_PICTURES = """
CREATE TABLE pictures (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, number INTEGER NOT NULL, check_ INTEGER NOT NULL,
    sha256 BLOB NOT NULL, taken_s INTEGER NOT NULL, size INTEGER NOT NULL, begun_s REAL NOT NULL,
    last_s REAL NOT NULL, done_s REAL, state BLOB NOT NULL, data BLOB,
    UNIQUE (unit, number, check_));
CREATE INDEX pictures_in_time ON pictures (unit, taken_s);
CREATE TABLE picture_chunks (
    picture INTEGER NOT NULL, begin INTEGER NOT NULL, data BLOB NOT NULL,
    PRIMARY KEY (picture, begin)) WITHOUT ROWID
"""

# An order is one command or several, and a command has a delivery for each of its units.
_ORDERS = """
CREATE TABLE orders (
    id BLOB PRIMARY KEY, kind INTEGER NOT NULL, class INTEGER NOT NULL, level INTEGER NOT NULL,
    silent INTEGER NOT NULL, made_s REAL NOT NULL, start_s REAL NOT NULL, expires_s REAL NOT NULL,
    issuers TEXT NOT NULL, told TEXT NOT NULL, origin TEXT NOT NULL, cancels BLOB,
    cancelled_s REAL);
CREATE TABLE commands (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE,
    order_id BLOB NOT NULL REFERENCES orders, plaintext BLOB NOT NULL);
CREATE INDEX commands_of_order ON commands (order_id);
CREATE TABLE deliveries (
    command BLOB NOT NULL, unit TEXT NOT NULL, area TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0, first_s REAL, last_s REAL, heard_s REAL, told_s REAL,
    stage INTEGER, reason INTEGER, run INTEGER, rn INTEGER, proof BLOB, started_s INTEGER,
    ended_s INTEGER, source INTEGER, hops TEXT, PRIMARY KEY (command, unit)) WITHOUT ROWID
"""

_TABLES = f"""
CREATE TABLE frames (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, epoch INTEGER NOT NULL, piv INTEGER NOT NULL,
    received_s REAL NOT NULL, source TEXT NOT NULL, raw BLOB NOT NULL);
CREATE TABLE records (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, run INTEGER NOT NULL, rn INTEGER NOT NULL,
    frame INTEGER NOT NULL REFERENCES frames, schema INTEGER NOT NULL, state TEXT NOT NULL,
    synced INTEGER NOT NULL DEFAULT 1, raw BLOB NOT NULL, UNIQUE (unit, run, rn));
CREATE INDEX records_waiting ON records (unit, schema) WHERE state = 'waiting';
CREATE TABLE series (
    id INTEGER PRIMARY KEY, unit TEXT NOT NULL, name TEXT NOT NULL, symbol TEXT NOT NULL,
    scale INTEGER NOT NULL, UNIQUE (unit, name, symbol, scale));
{_REPORTS}CREATE TABLE events (
    record INTEGER PRIMARY KEY, unit TEXT NOT NULL, type INTEGER NOT NULL, t INTEGER NOT NULL,
    body BLOB NOT NULL);
CREATE INDEX events_of_unit ON events (unit, type, t);
CREATE TABLE windows (
    kid BLOB NOT NULL, epoch INTEGER NOT NULL, high INTEGER NOT NULL, bits BLOB NOT NULL,
    PRIMARY KEY (kid, epoch));
CREATE TABLE contacts (
    unit TEXT PRIMARY KEY, first_s REAL NOT NULL, last_s REAL NOT NULL, source TEXT NOT NULL,
    frames INTEGER NOT NULL, bytes INTEGER NOT NULL, run INTEGER NOT NULL,
    run_epoch INTEGER NOT NULL, run_piv INTEGER NOT NULL, cumulative INTEGER NOT NULL,
    report_s INTEGER);
CREATE TABLE lost (
    unit TEXT NOT NULL, run INTEGER NOT NULL, first_rn INTEGER NOT NULL, last_rn INTEGER NOT NULL,
    known_s REAL NOT NULL);
CREATE TABLE schemas (
    id INTEGER NOT NULL, hash INTEGER NOT NULL, map BLOB NOT NULL, PRIMARY KEY (id, hash));
CREATE TABLE unit_schemas (
    unit TEXT NOT NULL, run INTEGER NOT NULL, schema INTEGER NOT NULL, from_rn INTEGER NOT NULL,
    hash INTEGER NOT NULL, PRIMARY KEY (unit, run, schema, from_rn));
CREATE TABLE refusals (
    unit TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, last_s REAL NOT NULL,
    source TEXT NOT NULL, PRIMARY KEY (unit, reason));
{_FORGERIES};
{_ORDERS};
{_PICTURES}
"""

_STEPS = {
    # A row for each value became a row for each report: they are decoded again (`Decoder`).
    1: "DROP TABLE samples;"
    + _REPORTS
    + "UPDATE records SET state = 'waiting' WHERE schema != 0 AND state = 'decoded'",
    2: "DROP TABLE locks;" + _FORGERIES,
    3: _ORDERS,
    4: _PICTURES,
}

LAYOUT = Layout(
    name="store",
    application_id=int.from_bytes(b"fbst", "big"),
    version=5,
    tables=_TABLES,
    since_version_1="frames",
    steps=_STEPS,
    remedy=tr("start 'fieldbeat collect' on it once, which brings it up to date"),
)
