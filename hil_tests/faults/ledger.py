"""What must hold after any fault, read from the air and from the collector's file alone.

    assert Ledger(site).broken() == []

Acknowledgements are opened with the registry's keys as they went over the air, so that neither
the unit nor the collector is asked what it has promised.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from fieldbeat.protocols import ack, frame

from ..virtual.network import DOWN, UP
from ..virtual.site import Site

SAMPLES = "SELECT times, counts FROM reports JOIN records ON id = record WHERE unit = ?"


class Ledger:
    """The books of a site with all its units, which measure every `round_s`."""

    def __init__(self, site: Site, round_s: int = 300) -> None:
        self.site = site
        self.round_s = round_s
        self._all = site.store.database.all
        self._keys: dict[bytes, list[frame.KeySet]] = {}
        self._names: dict[bytes, str] = {}
        for unit in site.registry.units():
            self._names[unit.kid] = unit.name
            keys = site.registry.keys(unit.kid)
            self._keys[unit.kid] = [frame.KeySet(key, unit.kid, epoch) for epoch, key in keys]

    def broken(self) -> list[str]:
        """Return every broken promise in plain words."""
        found = [*self._sealed_twice()]
        for unit in self._names.values():
            found += [*self._acknowledged_lost(unit), *self._stored_twice(unit)]
        return found

    def acknowledged(self, unit: str) -> set[int]:
        """Return the record numbers that some answer on the air told the unit to forget."""
        kid = next(kid for kid, name in self._names.items() if name == unit)
        numbers: set[int] = set()
        for _at_us, direction, datagram in self.site.network.capture:
            if direction == DOWN and frame.parse(datagram, len(kid)).kid == kid:
                answer = self._open(kid, datagram)
                numbers.update(range(1, answer.cumulative + 1))
                ahead = range(ack.BITMAP_SIZE)
                numbers.update(answer.cumulative + 1 + n for n in ahead if answer.bitmap >> n & 1)
        return numbers

    def _open(self, kid: bytes, datagram: bytes) -> ack.Ack:
        for keys in self._keys[kid]:
            try:
                return ack.decode(keys.open(frame.DOWN, datagram)[2])
            except frame.FrameError:
                pass
        raise AssertionError(f"an answer that no key opens: {datagram.hex()}")

    def _acknowledged_lost(self, unit: str) -> Iterator[str]:
        rows = self._all("SELECT run, rn FROM records WHERE unit = ?", unit)
        stored = {row["rn"] for row in rows}
        for row in self._all("SELECT first_rn, last_rn FROM lost WHERE unit = ?", unit):
            stored.update(range(row["first_rn"], row["last_rn"] + 1))  # the unit said so itself
        lost = sorted(self.acknowledged(unit) - stored)
        if lost:
            yield f"{unit}: records {lost[:8]} were acknowledged and are not stored"
        runs = {row["run"] for row in rows}
        if len(runs) > 1:
            yield f"{unit}: record numbers began again, runs {sorted(runs)}"

    def _stored_twice(self, unit: str) -> Iterator[str]:
        seen: dict[tuple[object, ...], int] = defaultdict(int)
        for row in self._all(SAMPLES, unit):
            for t, *counts in zip(
                json.loads(row["times"]), *json.loads(row["counts"]), strict=True
            ):
                seen[(t, *counts)] += 1
        twice = [values[0] for values, times in seen.items() if times > 1]
        if twice:
            yield f"{unit}: samples of {twice[:8]} are stored twice"

    def _sealed_twice(self) -> Iterator[str]:
        sealed: dict[tuple[bytes, int], bytes] = {}
        for _at_us, direction, datagram in self.site.network.capture:
            if direction == UP:
                header = frame.parse(datagram, self.site.registry.kid_size)
                before = sealed.setdefault((header.kid, header.piv), datagram)
                if before != datagram:
                    name = self._names[header.kid]
                    yield f"{name}: sequence number {header.piv} sealed two datagrams"

    # What a fault may have cost

    def times(self, unit: str = "gh-01") -> list[int]:
        """Return the times of all samples, in order."""
        rows = self._all(SAMPLES, unit)
        return sorted(t for row in rows for t in json.loads(row["times"]))

    def complete(self, unit: str = "gh-01") -> bool:
        """Whether the sample of every round since the first one is stored, each once."""
        times = self.times(unit)
        steps = {b - a for a, b in zip(times, times[1:], strict=False)}
        return len(times) > 12 and steps == {self.round_s}

    def counters(self, unit: str = "gh-01") -> dict[str, int]:
        """Return the counters of the unit's last HEALTH event: what it knows went wrong."""
        return self.site.views.unit(unit, self.site.now_s).counters
