"""A flood at a pole: forged frames from the collector's own address, which nobody else's is taken.

    flood = Flood(district, pole, "speaker-01", rate_hz=10_000, kind="forged")
    flood.start()
    district.run_for(1)
    flood.stop()
    print(flood.fates)          # delivered, and overrun: the pole's mailbox was full

It goes into the pole's socket at once, past the network, whose loss and delay would only help.
What a frame costs the pole's processor is not modelled, unless `cost_us` says so.
"""

from __future__ import annotations

import json
import socket
import sys
import time
from collections import Counter
from contextlib import suppress

from fieldbeat.protocols import frame

from .district import District
from .virtual.board import VirtualBoard
from .virtual.network import DOWN, Network

KINDS = ("stranger", "old", "forged")
SECOND_US = 1_000_000
_FRAMES = 64  # different ones


def forgeries(kid: bytes, kind: str, high: int, count: int = _FRAMES) -> list[bytes]:
    """Frames of a key that nobody has.

    Args:
        kid: the pole's.
        kind: "stranger" has another key id; "old" a number that was used, "forged" one that may
            come: whoever hears the line knows both.
        high: the highest number that was used.
    """
    if kind == "stranger":
        kid = bytes(byte ^ 0x55 for byte in kid)
    keys = frame.KeySet(bytes(16), kid, 1)
    numbers = [high] * count if kind == "old" else range(high + 1, high + 1 + count)
    return [keys.seal(frame.COMMAND, frame.DOWN, n, bytes(120)) for n in numbers]


def highest_heard(network: Network, kid: bytes) -> int:
    """The highest number of a frame to a unit, as who hears the line knows it."""
    heard = (frame.parse(data) for _, way, data in network.capture if way == DOWN)
    return max(header.piv for header in heard if header.kid == kid)


class Flood:
    """Forged frames at a pace; `cost_us` is what a datagram costs the pole from then on."""

    def __init__(
        self,
        district: District,
        pole: VirtualBoard,
        unit: str,
        rate_hz: int,
        kind: str = "forged",
        cost_us: int = 0,
    ) -> None:
        self.fates: Counter[str] = Counter()
        self._world = district.world
        self._sockets = pole.hardware.sockets
        self._step_us = SECOND_US // rate_hz
        self._cost_us = cost_us
        found = district.registry.unit(unit)
        assert found is not None
        self._frames = forgeries(found.kid, kind, highest_heard(district.network, found.kid))
        self._sent = 0
        self._runs = False

    def start(self) -> None:
        """Begins; the first frame is there at once."""
        self._sockets.receive_us = self._cost_us
        self._runs = True
        self._send()

    def stop(self) -> None:
        """Ends it."""
        self._sockets.receive_us = 0
        self._runs = False

    def _send(self) -> None:
        if not self._runs:
            return
        self._world.call_after(self._step_us, self._send)
        data = self._frames[self._sent % len(self._frames)]
        self._sent += 1
        for own in [*self._sockets.open.values()]:
            if own.peer is not None:
                self.fates[self._sockets.take(own.port, data, own.peer)] += 1


def send(host: str, port: str, kid: str, rate_hz: str, seconds: str) -> None:
    """Send forged frames of a unit to a collector: `python -m fieldbeat.hil_tests.flood ...`."""
    keys = frame.KeySet(bytes(16), bytes.fromhex(kid), 1)
    frames = [keys.seal(frame.TELEMETRY, frame.UP, n, bytes(100)) for n in range(1, 1 + _FRAMES)]
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect((host, int(port)))
    begin_s, sent = time.monotonic(), 0
    while (passed_s := time.monotonic() - begin_s) < float(seconds):
        while sent < passed_s * int(rate_hz):
            with suppress(OSError):  # a full buffer
                out.send(frames[sent % _FRAMES])
            sent += 1
        time.sleep(0.001)
    print(json.dumps({"sent": sent}))


if __name__ == "__main__":
    send(*sys.argv[1:])
