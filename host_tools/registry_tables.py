"""The tables of a registry's file, and the steps from older ones."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from . import vault
from .database_layout import Layout
from .language import tr

_ISSUERS = """
CREATE TABLE issuers (
    kid BLOB PRIMARY KEY, name TEXT NOT NULL, algorithm INTEGER NOT NULL, key BLOB NOT NULL,
    highest_class INTEGER NOT NULL, highest_level INTEGER NOT NULL,
    counter INTEGER NOT NULL DEFAULT 0, created_s REAL NOT NULL, revoked_s REAL);
CREATE UNIQUE INDEX issuers_in_office ON issuers (name) WHERE revoked_s IS NULL;
"""

_WIFI = (
    "CREATE TABLE wifi (unit TEXT PRIMARY KEY, password TEXT NOT NULL, changed_s REAL NOT NULL);"
)

# What is kept for a unit in secret, by name; its key is in `keys`. Sealed as `lock` has it.
_SECRETS = f"""
CREATE TABLE secrets (
    unit TEXT NOT NULL, name TEXT NOT NULL, value BLOB NOT NULL, changed_s REAL NOT NULL,
    PRIMARY KEY (unit, name));
{vault.TABLE}
"""

# What a board that replaces another is given, and chips that are no longer the unit they were.
_SUCCESSION = """
CREATE TABLE configs (unit TEXT PRIMARY KEY, config BLOB NOT NULL, changed_s REAL NOT NULL);
CREATE TABLE retired (
    mac TEXT PRIMARY KEY, unit TEXT NOT NULL, why TEXT NOT NULL, at_s REAL NOT NULL);
"""

# See check_records.py.
_CHECKS = """
CREATE TABLE checks (
    at_s REAL NOT NULL, unit TEXT NOT NULL, who TEXT NOT NULL, part TEXT NOT NULL,
    channel TEXT NOT NULL, verdict TEXT NOT NULL, detail TEXT NOT NULL,
    value_unit TEXT NOT NULL, before REAL, noise REAL, after REAL);
CREATE TABLE calibrations (
    at_s REAL NOT NULL, unit TEXT NOT NULL, who TEXT NOT NULL, channel TEXT NOT NULL,
    against TEXT NOT NULL, points TEXT NOT NULL, noise REAL NOT NULL,
    before TEXT NOT NULL, after TEXT NOT NULL);
"""

_TRACE_KEYS = (
    "CREATE TABLE trace_keys (unit TEXT NOT NULL, public BLOB NOT NULL, made_s REAL NOT NULL);"
)

# Who signs certificates: technicians.py.
_TECHNICIANS = """
CREATE TABLE technicians (
    kid BLOB PRIMARY KEY, name TEXT NOT NULL, algorithm INTEGER NOT NULL, key BLOB NOT NULL,
    created_s REAL NOT NULL, expires_s REAL NOT NULL, revoked_s REAL);
CREATE UNIQUE INDEX technicians_in_office ON technicians (name) WHERE revoked_s IS NULL;
"""

# The number of each command that an issuer has signed, and when it ends: issuers.py.
_SIGNED = (
    "CREATE TABLE signed (kid BLOB NOT NULL, number INTEGER NOT NULL, expires_s REAL NOT NULL,"
    " PRIMARY KEY (kid, number)) WITHOUT ROWID;"
)

# Names and words of a unit's rules, which it does not have itself: control_spoken.py.
_CONTROL = "CREATE TABLE control (unit TEXT PRIMARY KEY, spoken TEXT NOT NULL);"

_TABLES = f"""
CREATE TABLE settings (name TEXT PRIMARY KEY, value);
CREATE TABLE units (
    name TEXT PRIMARY KEY, kid BLOB NOT NULL UNIQUE, epoch INTEGER NOT NULL, state TEXT NOT NULL,
    mac TEXT NOT NULL DEFAULT '', board TEXT NOT NULL DEFAULT '',
    profile TEXT NOT NULL DEFAULT '', site TEXT NOT NULL DEFAULT '',
    firmware TEXT NOT NULL DEFAULT '', config_sha256 TEXT NOT NULL DEFAULT '',
    report_interval_s INTEGER, created_s REAL NOT NULL, changed_s REAL NOT NULL,
    role TEXT NOT NULL DEFAULT 'station', groups TEXT NOT NULL DEFAULT '',
    latitude REAL, longitude REAL, two_issuers_level INTEGER NOT NULL DEFAULT 0);
CREATE TABLE keys (
    kid BLOB NOT NULL, epoch INTEGER NOT NULL, master BLOB NOT NULL, created_s REAL NOT NULL,
    sent_s REAL, down_limit INTEGER NOT NULL DEFAULT 0, revoked_s REAL,
    PRIMARY KEY (kid, epoch));
CREATE TABLE history (at_s REAL NOT NULL, unit TEXT NOT NULL, action TEXT NOT NULL, detail TEXT);
{_ISSUERS}
{_CHECKS}
{_TRACE_KEYS}
{_CONTROL}
{_SECRETS}
{_SUCCESSION}
{_TECHNICIANS}
{_SIGNED}
"""

_STEPS = {
    1: "ALTER TABLE units ADD COLUMN role TEXT NOT NULL DEFAULT 'station';"
    "ALTER TABLE units ADD COLUMN groups TEXT NOT NULL DEFAULT '';" + _ISSUERS,
    2: _WIFI,
    3: "ALTER TABLE units ADD COLUMN latitude REAL;ALTER TABLE units ADD COLUMN longitude REAL;",
    4: "ALTER TABLE units ADD COLUMN two_issuers_level INTEGER NOT NULL DEFAULT 0;",
    5: _CHECKS,
    6: _TRACE_KEYS,
    7: _CONTROL,
    8: _SECRETS + "INSERT INTO secrets SELECT unit, 'wifi password', CAST(password AS BLOB),"
    " changed_s FROM wifi;DROP TABLE wifi;",
    9: "ALTER TABLE keys ADD COLUMN revoked_s REAL;" + _SUCCESSION,
    10: _TECHNICIANS,
    # Nobody knows when what was signed before ends; no alert counts for more than 30 days.
    11: _SIGNED + "INSERT INTO signed SELECT kid, counter, strftime('%s', 'now') + 2592000"
    " FROM issuers WHERE counter > 0;",
}

LAYOUT = Layout(
    name="registry",
    application_id=int.from_bytes(b"fbrg", "big"),
    version=12,
    tables=_TABLES,
    since_version_1="keys",
    steps=_STEPS,
    remedy=tr("start 'fieldbeat collect' with it once, which brings it up to date"),
    private=True,
)
