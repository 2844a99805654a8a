"""A station's board and a fixture's in one world, and the wires between them: UARTs, two pins.

What a desk with a station and a Pico is, both of them virtual.
"""

from __future__ import annotations

from typing import Any

from .. import small_image
from ..virtual.bench import Bench, board_manifest
from ..virtual.board import VirtualBoard
from ..virtual.models.uart import UartDevice
from ..virtual.world import World
from . import install

WIRING = {
    "uart": {"modem": {"id": 0, "tx": 16, "rx": 17}, "rs485": {"id": 1, "tx": 8, "rx": 9}},
    "pins": {"pwrkey": {"pin": 14, "pressed": 1}, "reset": {"pin": 15, "pressed": 1}},
}
BUSES: dict[str, dict[str, Any]] = {
    "modem": {"kind": "uart", "uart": 0, "tx": 16, "rx": 17, "baud": 115_200},
    "rs485": {"kind": "uart", "uart": 1, "tx": 8, "rx": 9, "baud": 9_600},
}


class Wire(UartDevice):
    """One end of a serial cable: what this board sends, the other one receives."""

    def __init__(self, world: World, baud: int) -> None:
        super().__init__(world, baud)
        self.other: Wire = self

    def receive(self, data: bytes) -> None:
        self.other.transmit(bytes(data))


class PinWire:
    """A wire from an output of one board to an input of the other."""

    def __init__(self, board: VirtualBoard, pin: int) -> None:
        self.board, self.pin = board, pin
        self.changed(0)

    def changed(self, value: int) -> None:
        self.board.hardware.buses.levels[self.pin] = value


def add_fixture(bench: Bench, values: dict[str, float], utc_s: int = 0) -> VirtualBoard:
    """A board that runs the fixture's program."""
    manifest = board_manifest("greenhouse_esp32")
    fixture = install.config(manifest, WIRING, utc_s=utc_s, values=values)
    image = small_image.image(install.files(fixture) | {"boot.py": ""})
    board = small_image.MANIFEST | {"heap_kb": 400, "buses": BUSES}
    return bench.add_board(board, "pico", image=image)


def connect(station: VirtualBoard, pico: VirtualBoard) -> None:
    """The wires, in place of the station's own models of soil probe and modem."""
    for name, bus in BUSES.items():
        ends = [Wire(station.world, bus["baud"]) for _ in range(2)]
        ends[0].other, ends[1].other = ends[1], ends[0]
        station.hardware.buses.put(name, ends[0])
        pico.hardware.buses.put(name, ends[1])
    listeners = station.hardware.buses.pin_listeners
    listeners.update({4: PinWire(pico, 14), 5: PinWire(pico, 15)})
    del listeners[27]  # the RS485 module on the fixture's side finds its direction itself
