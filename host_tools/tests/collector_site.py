"""A collector with its files, for tests that hand it frames."""

import sqlite3

from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.outcome import Outcome
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store

from .sender import (
    NOW_S,
    Sender,
    boot_record,
    schema_record,
)

SOURCE = ("192.0.2.7", 40000)


class Site:
    """A collector with its files, which can be closed and opened again."""

    def __init__(self, folder):
        self.folder = folder
        self.now_s = NOW_S
        self.open()

    def open(self):
        self.registry = Registry(self.folder / "registry.sqlite", now=lambda: self.now_s)
        self.store = Store(self.folder / "store.sqlite")
        self.outcomes: list[Outcome] = []
        self.collector = Collector(self.store, self.registry, self.outcomes.append)

    def close(self):
        self.store.close()
        self.registry.close()

    def take(self, datagram):
        return self.collector.handle(datagram, SOURCE, self.now_s)

    @property
    def last(self):
        return self.outcomes[-1]

    def values(self, channel, unit="gh-1"):
        rows = self.store.database.all(
            "SELECT t, value FROM samples JOIN series ON series.id = series"
            " WHERE unit = ? AND name = ? ORDER BY t, record",
            *(unit, channel),
        )
        return [row["value"] for row in rows]

    def numbers(self, unit="gh-1", run=1):
        return self.store.stored_after(unit, run, 0)


def begin(site, name="gh-1"):
    """Return a sender whose boot event and schema have arrived."""
    sender = Sender(site.registry, name)
    answer = sender.open_ack(site.take(sender.seal([boot_record(1), schema_record(2)])))
    assert answer.cumulative == 2
    return sender


def hold(path):
    """Return a connection that keeps a file locked until its ROLLBACK."""
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def waits(database):
    """Return a list that grows by one whenever a connection has to wait for others."""
    database._connection.execute("PRAGMA busy_timeout=0")
    seen = []
    run = database._explain
    database._explain = lambda error: (seen.append(str(error)), run(error))[1]
    return seen
