"""A county in virtual time: the collector's own code and files, and a network of numbers.

    county = VirtualCounty(folder, units=10_000, loss=0.1)
    county.alarm()      # seconds until the last receipt is stored

The collector is as fast as this machine: the processor time that each call of it took passes in
virtual time, too, and what comes meanwhile waits in its socket. What other programs take of the
machine does not count, nor does the disk. The loudspeakers are those of crowd.py; they take none.
"""

from __future__ import annotations

import heapq
import random
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from functools import cache, partial
from itertools import count
from pathlib import Path

from fieldbeat.host_tools import issuer_keys, udp_server
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.orders import Order, Orders
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.signed_commands import Maker, Signer, Window
from fieldbeat.host_tools.sounds import Sound
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import command, cose, frame, p256
from fieldbeat.protocols.command import EMERGENCY

from .crowd import Member

DELAY_S = (0.02, 0.2)  # one way
HELLOS_HZ = 4000
START_S = 1_800_000_000.0
SOUND = Sound(EMERGENCY, 1, [[command.TONE, 0, 3000]])


class VirtualCounty:
    """See the module. `datagrams` counts commands, `lost` what the network lost each way.

    With `turn_s` each turn of the collector takes so long, and a seed gives the same run on every
    machine; without it takes what it takes here.
    """

    def __init__(
        self, folder: Path, units: int, loss: float, seed: int = 1, turn_s: float | None = None
    ) -> None:
        self.folder = folder
        self.units = units
        self.loss = 0.0
        self.wanted_loss = loss
        self.turn_s = turn_s
        self.now_s = START_S
        self.used_s = 0.0  # processor time of the collector
        self.counts: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._waiting: list[tuple[bytes, tuple[str, int]]] = []  # in the collector's socket
        self._busy_s = 0.0  # until then the collector computes

    # What udp_server.py needs of a socket

    def recvfrom(self, _size: int) -> tuple[bytes, tuple[str, int]]:
        if not self._waiting:
            raise BlockingIOError
        return self._waiting.pop(0)

    def sendto(self, datagram: bytes, place: tuple[str, int]) -> None:
        self._later("down", lambda: self._told(datagram, place))

    # The network

    def _later(self, way: str, arrive: Callable[[], None]) -> None:
        is_lost = self._random.random() < self.loss
        self.counts[f"{way}_lost" if is_lost else way] += 1
        if not is_lost:
            from_s = max(self.now_s, self._busy_s)
            self._at(from_s + self._random.uniform(*DELAY_S), arrive)

    def _at(self, at_s: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (at_s, next(self._order), call))

    def _say_hello(self, member: Member, place: tuple[str, int]) -> None:
        self._waiting.append((member.seal([]), place))

    def _told(self, datagram: bytes, place: tuple[str, int]) -> None:
        """A datagram has come to a loudspeaker."""
        answer = self._members[frame.parse(datagram).kid].take(datagram, self.counts, self.now_s)
        if answer:
            self._later("up", lambda: self._waiting.append((answer, place)))

    # The collector

    def _turn(self) -> None:
        """What its event loop does every 20 ms, and whenever something has come."""
        before_s = time.process_time()
        udp_server.receive(self, self._collector, self.now_s)  # type: ignore[arg-type]
        took_s = time.process_time() - before_s
        self.used_s += took_s
        if self.turn_s is not None:
            took_s = self.turn_s
        self._busy_s = self.now_s + took_s
        rest_s = took_s if self._waiting else udp_server.COMMANDS_S
        self._at(self.now_s + max(rest_s, took_s, 1e-4), self._turn)

    def _run_until(self, condition: Callable[[], object]) -> None:
        while not condition():
            at_s, _, call = heapq.heappop(self._queue)
            self.now_s = max(self.now_s, at_s)
            call()

    def alarm(self) -> float:
        """Order an alert for all; returns the seconds until the last receipt is stored."""
        with (
            closing(Registry(self.folder / "registry.db", now=lambda: self.now_s)) as registry,
            closing(Store(self.folder / "store.db")) as store,
        ):
            signer = self._people(registry)
            self._collector = Collector(store, registry)
            self._at(self.now_s, self._turn)
            for n, member in enumerate(self._members.values()):
                place = ("192.0.2.1", 10_000 + n)
                self._at(self.now_s + n / HELLOS_HZ, partial(self._say_hello, member, place))
            self._run_until(lambda: all(m.is_known for m in self._members.values()))
            return self._ordered(store, registry, signer)

    def _people(self, registry: Registry) -> Signer:
        """An issuer, and loudspeakers that know him."""
        key = issuer_keys.generate(cose.ES256)
        with registry.database.transaction():
            issuer = Issuers(registry).add("county", cose.ES256, key.public, EMERGENCY, 1)
            for n in range(self.units):
                registry.allocate(f"crowd-{n:05}")
                registry.describe(f"crowd-{n:05}", "crowd", role="speaker", site="riverside")
        known = {issuer.kid: issuer.for_units()}
        self._members = {u.kid: Member(registry, u, known) for u in registry.units()}
        return Signer(issuer, key)

    def _ordered(self, store: Store, registry: Registry, signer: Signer) -> float:
        window = Window(0, self.now_s + 600)
        made = Maker(Issuers(registry), [signer], self.now_s).alert(
            SOUND, window, choose(registry, everyone=True)
        )
        times = (self.now_s, window.start_s, window.expires_s)
        order = Order(made[0].id, command.ALERT, EMERGENCY, 1, False, *times, "county", "a county")
        verify, p256.verify = p256.verify, cache(p256.verify)  # once for all of them
        try:
            self.counts.clear()
            self.loss = self.wanted_loss
            ordered_s, self.used_s = self.now_s, 0.0
            Orders(store).add(order, made)
            fan_out = self._collector._dispatcher.fan_out
            self._run_until(lambda: len(fan_out))
            self._run_until(lambda: not len(fan_out))
        finally:
            p256.verify = verify
        silent = "SELECT COUNT(*) FROM deliveries WHERE heard_s IS NULL"
        assert store.database.one(silent)[0] == 0 and self.counts["obeyed"] == self.units
        return max(self.now_s, self._busy_s) - ordered_s
