"""Pins, I2C, UARTs and ADC of a virtual board: from the chip's side to the models on the wires.

A bus is found by the pins that the program gives, as on hardware: with wrong pins nobody answers.
Does not model clock stretching, arbitration or pull-ups.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from .models.i2c import Nack
from .pin_edges import PinEdges
from .world import World

ENODEV = 19
UART_BITS = 0b1111  # of the inputs
INPUT = 1  # machine.Pin.IN
FIFO_BYTES = 128  # of an ESP32 UART, before its driver's ring buffer


class Uart:
    """One UART of the chip: what waits to be read, and until when its line is busy."""

    def __init__(self, world: World, changed: Callable[[Uart], object]) -> None:
        self.world = world
        self.changed = changed
        self.device: Any = None
        self.rx = bytearray()
        self.rx_room = 256 + FIFO_BYTES
        self.tx_room = 256 + FIFO_BYTES
        self.byte_us = 87.0
        self.baud = 115_200
        self.free_us = 0
        self.overruns = 0
        self.mask = 0  # its bit, once the program has opened it
        self.rx_pin = -1

    def _garbled(self, data: bytes) -> bytes:
        garbled = getattr(self.device, "garbled", None)
        return garbled(data, self.baud) if garbled else data

    def arrive(self, data: bytes) -> None:
        """Bytes from the device; what does not fit is lost and counted."""
        data = self._garbled(data)
        room = self.rx_room - len(self.rx)
        self.overruns += max(0, len(data) - room)
        self.rx += data[: max(room, 0)]
        self.changed(self)

    def read(self, n: int, until: bytes) -> bytes:
        end = min(n, len(self.rx))
        if until:
            found = self.rx.find(until, 0, end)
            end = found + len(until) if found >= 0 else end
        data = bytes(self.rx[:end])
        del self.rx[:end]
        self.changed(self)
        return data

    def write(self, data: bytes) -> int:
        """Queues bytes; returns for how many us the caller is held until they fit."""
        begin_us = max(self.free_us, self.world.now_us)
        self.free_us = begin_us + round(len(data) * self.byte_us)
        if self.device is not None:
            said = self._garbled(data)
            self.world.call_at(begin_us, lambda: self.device.receive(said))
        return max(0, self.pending_us() - round(self.tx_room * self.byte_us))

    def pending_us(self) -> int:
        """How long the line is still busy."""
        return max(0, self.free_us - self.world.now_us)


class Buses:
    """What the manifest says is wired, and the models of what is fitted.

    `fitted` has the dictionaries `i2c` {(bus, address): device}, `uart` {bus: device},
    `adc` {pin: source}, `pins` {pin: listener}, and perhaps `inputs` {pin: contact}, `sinks`
    {bus: DAC} and `wires` {bus: 1-Wire line}; None is a bare board.
    """

    def __init__(self, world: World, manifest: dict[str, Any], fitted: Any = None) -> None:
        self.world = world
        self.wiring = manifest.get("buses", {})
        self.i2c_devices = dict(getattr(fitted, "i2c", {}))
        self.uart_devices = dict(getattr(fitted, "uart", {}))
        self.adc_sources = dict(getattr(fitted, "adc", {}))
        self.pin_listeners = dict(getattr(fitted, "pins", {}))
        self.contacts = dict(getattr(fitted, "inputs", {}))
        self.sinks = dict(getattr(fitted, "sinks", {}))
        self.wires = dict(getattr(fitted, "wires", {}))
        self.inputs_changed: Callable[[], object] = lambda: None
        self.lines_changed: Callable[[], object] = lambda: None  # a level at an input
        self.probes: list[Callable[[int, float | None], object]] = []  # see pin_set
        self.deaf: Callable[[int, int], object] | None = None  # in light sleep: (pin, bytes)
        self.levels: dict[int, int] = {}  # of pins that the chip drives
        self.edges = PinEdges(self.pin_get, self.set_input)
        for contact in self.contacts.values():
            if hasattr(contact, "listeners"):
                contact.listeners.append(self._line_changed)
        self._wired = {bus: Uart(world, self._uart_changed) for bus in self.uart_devices}
        for bus, uart in self._wired.items():
            uart.device = self.uart_devices[bus]
            uart.device.attach(partial(self._arrive, uart))
        self.reset()

    def put(self, bus: str, device: Any) -> None:
        """Puts a device on a UART in place of what is there."""
        uart = self._wired.setdefault(bus, Uart(self.world, self._uart_changed))
        uart.device = device
        device.attach(partial(self._arrive, uart))

    def _arrive(self, uart: Uart, data: bytes) -> None:
        if self.deaf is not None:
            self.deaf(uart.rx_pin, len(data))
        else:
            uart.arrive(data)

    def _line_changed(self) -> None:
        """The clocks that see an edge stand still in light sleep; a level wakes them up."""
        self.edges.look(asleep=self.deaf is not None)
        self.lines_changed()

    def _uart_changed(self, uart: Uart) -> None:
        self.set_input(uart.mask, bool(uart.rx))

    def set_input(self, mask: int, ready: bool) -> None:
        """Notes whether something can be read (or written); wakes the program if it waits."""
        if ready:
            self.inputs |= mask
            self.inputs_changed()
        else:
            self.inputs &= ~mask

    def reset(self) -> None:
        """The chip forgets its settings; the devices on the wires keep their state.

        What it drives it goes on driving until `release`.
        """
        self.i2c: dict[int, tuple[str | None, int]] = {}
        self.uarts: dict[int, Uart] = {}
        self.pulls: dict[int, int] = {}
        self.inputs = 0  # mask of what can be read: UARTs, sockets, pins; or written: I2S
        self.edges.reset()
        for uart in self._wired.values():
            uart.rx.clear()
            uart.free_us = uart.mask = 0

    def release(self) -> None:
        """The chip stops driving its pins: resistors decide, for those listeners that have any."""
        for pin in self.levels:
            self._tell_probes(pin, None)
        self.levels.clear()
        for listener in self.pin_listeners.values():
            self._let_go(listener)

    def _let_go(self, listener: Any) -> None:
        released = getattr(listener, "released", None)
        if released is not None:
            released()

    # Pins

    def pin_mode(self, pin: int, mode: int, pull: int) -> None:
        self.pulls[pin] = pull
        if mode == INPUT and self.levels.pop(pin, None) is not None:
            self._tell_probes(pin, None)
            self._let_go(self.pin_listeners.get(pin))

    def pin_set(self, pin: int, level: int) -> None:
        """Drives a pin. Each of `probes` is called with a pin and its new level, None: let go."""
        if self.levels.get(pin) != level:
            self.levels[pin] = level
            self._tell_probes(pin, level)
            listener = self.pin_listeners.get(pin)
            if listener is not None:
                listener.changed(level)

    def pwm_duty(self, pin: int, share: float) -> None:
        """Lets a pin be high for a share of the time; probes get that as its level."""
        self.levels[pin] = int(share >= 0.5)
        self._tell_probes(pin, share)
        listener = self.pin_listeners.get(pin)
        if listener is not None:
            listener.duty(share)

    def _tell_probes(self, pin: int, level: float | None) -> None:
        for probe in self.probes:
            probe(pin, level)

    def pin_get(self, pin: int) -> int:
        """Level of an output as set; of an input as what is wired or its pull-up (2) makes it."""
        if pin in self.contacts:
            return self.contacts[pin].level(self.pulls.get(pin) == 2)
        return self.levels.get(pin, int(self.pulls.get(pin) == 2))

    def i2s_sink(self, sck: int, ws: int, sd: int) -> Any:
        """The DAC whose clocks and data are on these pins."""
        return self.sinks.get(self._find("i2s", sck=sck, ws=ws, sd=sd) or "")

    def adc_uv(self, pin: int) -> int:
        source = self.adc_sources.get(pin)
        return 0 if source is None else int(source.read_uv())

    # 1-Wire

    def wire(self, pin: int) -> Any:
        """What hangs on the wire at a pin; None if nothing does."""
        return self.wires.get(self._find("onewire", pin=pin) or "")

    # I2C

    def i2c_init(self, number: int, scl: int, sda: int, freq_hz: int) -> None:
        bus = self._find("i2c", scl=scl, sda=sda)
        self.i2c[number] = (bus, freq_hz)

    def i2c_transfer(self, number: int, address: int, data: bytes, n: int) -> tuple[bytes, int]:
        """Writes, then reads `n` bytes; returns them and the time on the bus in us."""
        bus, freq_hz = self.i2c[number]
        device = self.i2c_devices.get((bus, address))
        busy_us = (len(data) + n + 2) * 9_000_000 // freq_hz
        if device is None:
            raise OSError(ENODEV, "no acknowledge")
        try:
            if data or not n:
                device.write(data)
            return (device.read(n) if n else b""), busy_us
        except Nack as nack:
            raise OSError(ENODEV, "no acknowledge") from nack

    # UART

    def uart_init(
        self, number: int, tx: int, rx: int, baud: int, byte_us: float, rooms: tuple[int, int]
    ) -> None:
        bus = self._find("uart", tx=tx, rx=rx) or self._find("rs485", tx=tx, rx=rx)
        uart = self._wired.get(bus or "") or Uart(self.world, self._uart_changed)
        uart.baud, uart.byte_us = baud, byte_us
        uart.rx_pin = rx
        uart.tx_room, uart.rx_room = (room + FIFO_BYTES for room in rooms)
        before = self.uarts.get(number)
        if before is not None:
            before.mask = 0
        if before is not uart:  # led to other pins: what was said there before was not heard
            uart.rx.clear()
        uart.mask = 1 << number
        self.uarts[number] = uart
        ready = sum(uart.mask for uart in self.uarts.values() if uart.rx)
        self.inputs = self.inputs & ~UART_BITS | ready

    def first_input(self, mask: int, limit: int) -> bytes:
        """All that the first UART of a mask has to read; nothing if that is more than `limit`."""
        uart = self.uarts.get((mask & -mask).bit_length() - 1)
        return b"" if uart is None or len(uart.rx) > limit else bytes(uart.rx)

    def _find(self, kind: str, **pins: int) -> str | None:
        for name, bus in self.wiring.items():
            wired = {"tx": bus.get("rx"), **bus}  # a UART that only listens has one pin
            if bus.get("kind") == kind and all(wired.get(key) == pin for key, pin in pins.items()):
                return name
        return None
