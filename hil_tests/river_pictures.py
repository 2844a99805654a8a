"""A river station whose pictures go over a modelled NB-IoT link, and what is measured of that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fieldbeat.host_tools import app_files, pictures
from fieldbeat.host_tools.pictures import Picture
from fieldbeat.protocols import cbor, event, frame

from .river_site import BOARDS, DATUM_MM, UNIT, RiverSite, river_config
from .virtual.board import VirtualBoard
from .virtual.models.modem_radio import GOOD
from .virtual.network import UP

UPLINK_BITS_S = 28_000
WAY_MS = (500, 500)  # 1.2 s there and back with the 200 ms that a modem needs in the mean
NOON = "2024-06-01T04:00:00Z"
LOW_MM, FLOOD_MM, CREST_MM = 1000, 3190, 3230  # the last step is none that a sensor doubts
FULL_BYTES = 40_000
FULL = "full"
CUTS_AT = (12, 26, 40, 55, 70)  # of its 86 chunks
HEADER_BYTES = 28  # IPv4 and UDP
MORE = """
[[alarm]]
number = 1
channel = "level"
above = "2.50 m"
back = "0.10 m"
hold = "3 s"
[[alarm]]
number = 2
channel = "level"
above = "3.20 m"
back = "0.10 m"
hold = "3 s"
[[alarm]]                      # the profile's: a flood that comes at once is not its business
number = 103
channel = "level"
rises = "30000 mm/h"
[pictures]
"""
NEVER = "every_s = 0\n"
# The heap at each write to a UART: a datagram leaves in pieces while all that made it is alive.
# "AT" begins a wake.
PROBE = b"""\
import gc
import machine

class UART(machine.UART):
    most = 0

    def write(self, data):
        if bytes(data) == b"AT":
            gc.collect()
            UART.most = gc.mem_alloc()
            print("BASE", UART.most)
        elif gc.mem_alloc() > UART.most + 64:
            UART.most = gc.mem_alloc()
            print("PEAK", UART.most)
        return super().write(data)

machine.UART = UART
"""


class PictureSite(RiverSite):
    """One station, `river-01`, at noon; its level is `level_mm`, its link slow."""

    def __init__(self, seed: int = 5, start: str = NOON, **options: Any) -> None:
        super().__init__(seed, start=start, **({"delay_ms": WAY_MS} | options))
        self.level_mm = LOW_MM

    def put_up(
        self, more: str = NEVER, board: str = BOARDS[0], run_s: float = 300
    ) -> VirtualBoard:
        """Adds the station, and lets it find its collector; `more` is TOML of [pictures]."""
        station = self.add_station(river_config(board, more=MORE + more))
        station.fitted.modem.radio.coverage = GOOD._replace(uplink_bits_s=UPLINK_BITS_S)
        station.fitted.parts["river"].hang(lambda: DATUM_MM - self.level_mm)
        self.run_for(run_s)
        return station

    @property
    def station(self) -> VirtualBoard:
        return self.boards[UNIT]

    def show(self, data: bytes) -> None:
        """Puts a JPEG file in place of all that the camera sees."""
        self.station.fitted.parts["view"].jpeg = lambda size, quality, exposure=1.0: data

    def flood(self) -> None:
        """Lets the level cross the first mark: thumbnail and full picture are on their way."""
        self.level_mm = FLOOD_MM
        self._flooded_at = len(self.station.output)

    def heap_peak(self) -> int:
        """Bytes that the heap grew by during a wake, the most of those since the flood.

        Of a `probed()` station. The wakes before it sent no picture, and in one of them the table
        of names grows, once and for good (docs/decisions.md 18).
        """
        return heap_peak(self.station.output[self._flooded_at :])

    def pictures(self) -> list[Picture]:
        """What the collector has of them, whole or not."""
        return pictures.of_unit(self.store, UNIT)

    def whole(self, kind: str = FULL) -> list[Picture]:
        """Those of a kind that have come to their end."""
        return [each for each in self.pictures() if each.kind == kind and each.done_s is not None]

    def data(self, picture: Picture) -> bytes:
        return pictures.data_of(self.store, picture)

    def chunks(self) -> int:
        """How many pieces of the picture on its way the collector has."""
        return self.store.database.one("SELECT count(*) FROM picture_chunks")[0]

    def until_full(self, seconds: float = 240) -> Picture:
        """Runs until a full picture is whole at the collector, and returns it.

        Raises:
            AssertionError: it did not come.
        """
        assert self.run_until(self.whole, seconds), (self.pictures(), self.station.output[-2000:])
        return self.whole()[-1]

    def blocks(self, size: int = FULL_BYTES) -> list[tuple[int, str, bytes]]:
        """The frames that carried pictures, both ways; those of a thumbnail are left out."""
        found = [row for row in self.network.capture if frame.parse(row[2]).cls == frame.BLOCK]
        first = next(n for n, row in enumerate(found) if self._begins(row[2], size))
        return found[first:]

    def _begins(self, datagram: bytes, size: int) -> bool:
        """Whether it is the header of an object of this size."""
        keys = self.keys()
        try:
            _, _, message = keys.open(frame.UP, datagram)
        except frame.FrameError:
            return False
        return cbor.decode(message).get(1) == size

    def keys(self) -> frame.KeySet:
        unit = self.registry.unit(UNIT)
        assert unit is not None
        return frame.KeySet(dict(self.registry.keys(unit.kid))[unit.epoch], unit.kid, unit.epoch)

    def on_the_air(self, size: int = FULL_BYTES) -> int:
        """Bytes that the picture cost up, frames and IP and UDP headers included."""
        return sum(len(data) + HEADER_BYTES for _, way, data in self.blocks(size) if way == UP)

    def seconds(self, picture: Picture) -> float:
        """From its first bit on the air until the collector has it whole."""
        at_us, _, data = self.blocks(picture.size)[0]
        air_s = (len(data) + HEADER_BYTES) * 8 / UPLINK_BITS_S
        assert picture.done_s is not None
        return picture.done_s - (self.world.start.timestamp() + at_us / 1e6 - air_s)

    def told(self) -> list[tuple[str, int]]:
        """Hash and reason of each picture that the unit has told of, oldest first."""
        rows = self.store.database.all(
            "SELECT body FROM events WHERE type = ? ORDER BY t, record", event.PICTURE
        )
        bodies = [cbor.decode(row["body"]) for row in rows]
        return [(b[event.PICTURE_SHA256].hex(), b[event.PICTURE_WHY]) for b in bodies]

    def says(self, verb: str) -> str:
        """What the console answers."""
        before = len(self.station.output)
        self.station.console_write(verb.encode() + b"\r")
        self.run_for(2)
        return " ".join(self.station.output[before:].decode().split())

    def alarms(self) -> dict[int, float]:
        """When the collector had each alarm that began."""
        rows = self.store.database.all(
            "SELECT events.body, received_s FROM events JOIN records ON records.id = events.record"
            " JOIN frames ON frames.id = records.frame WHERE type = ?",
            event.ALARM,
        )
        bodies = [(cbor.decode(row["body"]), row["received_s"]) for row in rows]
        return {b[event.ALARM_RULE]: at_s for b, at_s in bodies if b[event.ALARM_BEGINS]}


def padded(jpeg: bytes, size: int = FULL_BYTES) -> bytes:
    """The same picture in a file of exactly so many bytes: comments fill it up."""
    out = bytearray(jpeg[:2])
    left = size - len(jpeg)
    while left:
        n = min(left, 60_000)
        if left - n in (1, 2, 3):  # too short for one
            n -= 4
        out += b"\xff\xfe" + (n - 2).to_bytes(2, "big") + bytes(n - 4)
        left -= n
    return bytes(out) + jpeg[2:]


def heap_peak(output: bytes) -> int:
    """Bytes that the heap grew by during a wake, the most of all wakes that begin in an output."""
    base: int | None = None
    most = 0
    for line in output.decode().split("\n"):
        word, _, number = line.strip().rpartition(" ")
        if word.endswith("BASE"):
            base = int(number)
        elif word.endswith("PEAK") and base is not None:
            most = max(most, int(number) - base)
    return most


@contextmanager
def probed() -> Iterator[None]:
    """Stations that are added meanwhile print how their heap grows."""
    before = app_files.MAIN_SOURCE
    app_files.MAIN_SOURCE = PROBE + before
    try:
        yield
    finally:
        app_files.MAIN_SOURCE = before


def cut_and_resume(site: PictureSite, chunks: int) -> int:
    """Cuts the power when the collector has so many chunks; returns how many it had then."""
    station = site.station
    assert site.run_until(lambda: site.chunks() >= chunks, 120), site.chunks()
    had, was = site.chunks(), station.state
    assert was == "running" and not site.whole()
    station.power_off()
    station.fitted.modem.power_off()
    site.run_for(20)
    station.power_on()
    return had
