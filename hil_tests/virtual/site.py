"""A site in one world: a bench with provisioned stations, and their collector in this process.

    with Site(seed=1) as site:
        station = site.add_station()
        site.run_for(86_400)
        print(site.views.unit("gh-01", site.now_s))

The tests, the benchmarks and the demo stand on it. Identity and key come from the registry as
`fieldbeat build --secrets-out` writes them; `provision` over the serial port gives the same state.
"""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from fieldbeat.host_tools import image, node_config, nvs_image, partition_table
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.host_tools.outcome import Outcome
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.trace_keys import TraceKeys
from fieldbeat.host_tools.views import Views

from .bench import Bench, Collecting
from .board import VirtualBoard
from .models.faults import Faults

UNIT = "gh-01"
AT_ONCE_US = 1000
STEPS_BEFORE_KILL = 40  # of SQLite's machine: in the first of the rows of a datagram
CONFIG = """
[node]
name = "{unit}"
site = "bench"
board = "{board}"
profile = "greenhouse"

[uplink]
host = "collector.example.org"
port = 5690
apn = "iot.example"
interval_s = 3600
"""
# For days that are not about the samples: they cost less than half of those with 288 rounds.
QUARTER_HOURLY = "[sampling]\ninterval_s = 900\nreport_samples = 4\n"


def config(unit: str = UNIT, board: str = "greenhouse_esp32", more: str = "") -> NodeConfig:
    """The node of a station; `more` is TOML that goes to the end."""
    return node_config.parse(CONFIG.format(unit=unit, board=board) + more, f"{unit}.toml")


class Site(Bench):
    """A bench with a registry, a collector and the stations that report to it.

    Keys come from the seed, so that two sites of one seed put the same bytes on the air.
    """

    def __init__(self, seed: int = 1, workdir: Path | None = None, **options: Any) -> None:
        super().__init__(seed, workdir, **options)
        self._keys_made = 0
        self.outcomes: list[Outcome] = []
        self.faults = Faults(server_clock_off_s=0, kill_collector="")
        self.collector_runs = False
        self.start_collector()

    @property
    def now_s(self) -> float:
        """Unix time in this world."""
        return self.world.utc_s

    def start_collector(self) -> None:
        """Starts the collector from its files, at the beginning and after it was killed."""
        self.registry = Registry(
            self.workdir / "registry.db",
            random_bytes=self._random_bytes,
            now=lambda: self.world.utc_s,
        )
        self.store = Store(self.workdir / "collector.db")
        self.views = Views(self.store, self.registry)
        self.collector = Collector(self.store, self.registry, self.outcomes.append)
        self.collector_runs = True

    def kill_collector(self) -> None:
        """Ends the collector as SIGKILL does: nothing is flushed, nothing is said to anybody."""
        self.collector_runs = False
        self.store.close()
        self.registry.close()

    def handle(self, datagram: bytes, source: str, now_s: float) -> list[bytes]:
        """Lets the collector answer, if it runs; the fault `kill_collector` ends it now.

        "before" it reads the datagram; "inside" the transaction that keeps it; "after" that is
        stored and before the answer leaves.
        """
        if not self.collector_runs:
            return []
        when = self.faults.take("kill_collector")
        if when == "inside":
            self._interrupt_transaction()
        answers = [] if when == "before" else self.collector.handle(datagram, source, now_s)
        if when:
            self.faults.kill_collector = ""
            self.kill_collector()
            return []
        if self.collector_runs and self.collector.next_outgoing_s() is not None:
            self.world.call_at(self.world.now_us + AT_ONCE_US, self.dispatch)
        return answers

    def _interrupt_transaction(self) -> None:
        """SQLite asks at each of its steps whether to go on; once the answer is no."""
        connection = self.store.database._connection
        steps = count()
        connection.set_progress_handler(
            lambda: connection.in_transaction and next(steps) == STEPS_BEFORE_KILL, 1
        )

    def add_station(
        self,
        node: NodeConfig | None = None,
        provisioned: bool = True,
        sounds: dict[str, bytes] | None = None,
        wifi_password: str | None = None,
        **options: Any,
    ) -> VirtualBoard:
        """Puts a flashed station on the bench and lets the collector answer at its address.

        `sounds` are clips of a loudspeaker, `options` go to VirtualBoard. Without `wifi_password`
        it gets the right one.
        """
        node = node or config()
        flash = image.build(node, sounds=sounds)
        station = self.add_board(
            node.board.id, node.tables.node.name, image=flash, power=False, **options
        )
        if provisioned:
            self.give_key(station, node, wifi_password)
        uplink = node.tables.uplink
        self.attach_collector(self.collector, uplink.host, uplink.port)
        station.power_on()
        return station

    def give_key(
        self, station: VirtualBoard, node: NodeConfig, wifi_password: str | None = None
    ) -> None:
        """Writes identity and a new key into the NVS partition, as `flash --secrets` does."""
        tables = node.tables
        self.registry.allocate(tables.node.name, "bench")
        unit = self.registry.describe(tables.node.name, "bench", "", **node.for_registry)
        master = dict(self.registry.keys(unit.kid))[unit.epoch]
        nvs = partition_table.find(node.board.partition_table(), "nvs")
        issuers = Issuers(self.registry).list_for_units() if node.obeys else b""
        wifi = wifi_password or ""
        if tables.wifi and not wifi:
            wifi = self.network.lan.wifi[tables.wifi.ssid].password
        signing = b""
        if tables.trace:
            signing = TraceKeys(self.registry).make(unit.name).for_unit
        identity = nvs_image.Identity(
            *(unit.name, unit.kid, unit.epoch, master, issuers, wifi.encode()), signing
        )
        station.flash.load(nvs.offset, nvs_image.build(identity, nvs.size))

    def dispatch(self) -> None:
        """Sends what is due of the orders in the store, now and whenever more is due."""
        if not self.collector_runs:
            return
        for datagram, source in self.collector.outgoing(self.now_s):
            if source in self.ways:
                self.ways[source](datagram)
        due_s = self.collector.next_outgoing_s()
        if due_s is not None:
            after_us = max(round((due_s - self.now_s) * 1e6), 1000)
            self.world.call_at(self.world.now_us + after_us, self.dispatch)

    def attach_collector(self, collector: Collecting, host: str, port: int) -> None:
        """The same; this site's own collector may be killed and started again."""
        super().attach_collector(self if collector is self.collector else collector, host, port)

    def _random_bytes(self, count: int) -> bytes:
        self._keys_made += 1
        return hashlib.sha256(f"key {self.world.seed}/{self._keys_made}".encode()).digest()[:count]

    def close(self) -> None:
        """Ends boards and collector; no process stays behind."""
        self.world.tell(self, "close")
        with ExitStack() as last_first:  # all of it, also when one of them fails
            last_first.callback(super().close)
            if self.collector_runs:
                last_first.callback(self.registry.close)
                last_first.callback(self.store.close)
                last_first.callback(self.collector.flush)
            last_first.callback(self.stop_real)
