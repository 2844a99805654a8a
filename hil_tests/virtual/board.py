"""A virtual board: flash bytes, a real MicroPython interpreter, a serial port and a reset line.

    board = VirtualBoard(world, manifest, Path("build/bench/node0"), mac=b"\2\0\0\0\0\1")
    board.power_on()         # boots what stands in board.flash
    print(board.port)        # /dev/pts/7, for esptool, mpremote, any terminal
    board.on_output(print)

Does not model: the speed of the processor (computing takes no time, only looking at the clock and
touching hardware does), interrupts and timers (but for the callbacks of I2S and of pins, while the
program waits), TCP, Bluetooth, voltages, the second core, 32-bit integers and floats (the
interpreter has 64), currents, signature and rollback of the boot loader, the bytes of the firmware
image (its place and first byte are checked, the interpreter is the host's). DTR and RTS do not
exist on a PTY: hanging up ends a visit to the serial loader (`rfc2217_port.py` has them).
A program that computes without end is stopped by its watchdog, or after 20 s of real time.
"""

import atexit
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from .console import Console
from .errors import BenchError
from .flash import Flash
from .hardware import Answer, Hardware
from .loader_pace import LoaderPace
from .partitions import TYPE_APP
from .processor import NO_REPLY, Processor
from .pty_port import PtyPort
from .rom import SYNC, RomLoader
from .sleep import CONSOLE_RX, REASONS
from .world import Event, World

# machine.reset_cause() of the ESP32 port
POWER_ON, HARD, WATCHDOG, DEEPSLEEP, SOFT = 1, 2, 3, 4, 5
_ROM_CAUSE = {
    POWER_ON: "0x1 (POWERON_RESET)",
    HARD: "0xc (SW_CPU_RESET)",
    WATCHDOG: "0x7 (TG0WDT_SYS_RESET)",
    DEEPSLEEP: "0x5 (DEEPSLEEP_RESET)",
}
CAUSES = {POWER_ON: "power on", HARD: "program", WATCHDOG: "watchdog", DEEPSLEEP: "deep sleep"}
CAUSES[SOFT] = "soft"
# esp_restart() resets none of the pins (ESP-IDF, API reference, Miscellaneous System APIs), and a
# panic of the task watchdog, which machine.WDT is, ends in the same (hypothesis: untried).
PINS_STAY = (HARD, WATCHDOG, SOFT)
DOWNLOAD_BOOT = (
    b"\nrst:0x1 (POWERON_RESET),boot:0x3 (DOWNLOAD_BOOT(UART0/UART1/SDIO_REI_REO_V2))\n"
    b"waiting for download\n"
)
BOOT_US = 300_000  # from reset to boot.py, an ESP32 with the generic build
IMAGE_MAGIC = 0xE9
TOLD_BYTES = 60  # of what is typed at once, to the listeners


class SerialPort(Protocol):
    """What a board needs of a port that it serves."""

    def write(self, data: bytes) -> None: ...


class VirtualBoard:
    """One board on the bench; `manifest` is a board's map, `fitted` what is soldered around it.

    `state` is off, boot, running, repl, light sleep, sleep or download. `mac` has six bytes and is
    locally administered (02:...). `ticks_start_ms` is where the board's ticks begin.
    """

    def __init__(
        self,
        world: World,
        manifest: dict[str, Any],
        workdir: Path,
        mac: bytes,
        fitted: Any = None,
        ticks_start_ms: int = 0,
    ) -> None:
        self.world = world
        self.spec = manifest.get("fieldbeat", manifest)
        self.mac = mac
        self.fitted = fitted
        self.ticks_start_ms = ticks_start_ms
        self.resets: list[int] = []  # causes, oldest first
        self.loader_pace: LoaderPace | None = None  # of the serial loader; None: at once
        self.flash = Flash(Path(workdir).absolute() / "flash.bin", self.spec["flash_mb"] << 20)
        self.hardware = Hardware(world, self.spec, self.flash, mac, fitted)
        self._port = PtyPort(world, self.console_write, self._hung_up)
        self.ports: list[SerialPort] = [self._port]  # each gets what leaves at TX
        self.console = Console(world, self._send)
        self.processor = Processor(world, self.console, self.hardware, self)
        self._state = "off"
        self._rom: RomLoader | None = None
        self._heard = b""  # the last characters, to find the loader's SYNC
        self._next: Event | None = None  # the end of the start-up
        self._woken_by = 0  # machine.wake_reason() of the program that runs
        self._watchdog_us = 0
        self._watchdog_at = 0
        self._watchdog_check: Event | None = None
        self._closed = False
        atexit.register(self.close)

    # What a person can do to a board

    @property
    def port(self) -> str:
        """Path of the serial port."""
        return self._port.path

    @property
    def state(self) -> str:
        """off, boot, running, repl, light sleep, sleep or download."""
        return "repl" if self._state == "running" and self.processor.at_repl else self._state

    @property
    def address(self) -> str | None:
        """IP address on the bench's local network; None without Ethernet and Wi-Fi."""
        return next((nic.address for nic in getattr(self.fitted, "nics", ())), None)

    @property
    def uptime(self) -> float:
        """Seconds since the last reset (a soft reset does not count); 0 when off."""
        return 0.0 if self._state == "off" else (self.world.now_us - self._zero_us) / 1e6

    @property
    def output(self) -> bytes:
        """What the board printed; with times in `console.transcript`."""
        return self.console.output

    def on_output(self, callback: Callable[[bytes], object]) -> None:
        """Calls `callback(data)` with every piece the board prints from now on."""
        with self.world.lock:
            self.console.callbacks.append(callback)

    def console_write(self, data: bytes) -> None:
        """Types on the console, as over the PTY: SYNC takes the place of the two buttons."""
        with self.world.lock:
            if self._state == "off":
                return
            heard = self._heard + data
            if self._rom is None and SYNC in heard:
                data = heard[heard.index(SYNC) :]
                self._enter_loader()
            self._heard = heard[1 - len(SYNC) :]
            self.serial_write(data)

    def serial_write(self, data: bytes) -> None:
        """Takes what arrives at RX, from a port that has the two buttons as lines."""
        with self.world.lock:
            if self._rom is not None:
                self._answer_loader(self._rom, data)
            elif self._state == "light sleep":
                self.hardware.sleep.heard(CONSOLE_RX[self.spec["chip"]], len(data))
            elif self._state != "off":
                self.world.tell(self, "typed", data[:TOLD_BYTES].decode("latin-1"))
                self.processor.typed(data)

    def _enter_loader(self) -> None:
        self._stop("download")
        self._rom = RomLoader(self.spec["chip"], self.mac, self.flash)

    def _send(self, data: bytes) -> None:
        for port in self.ports:
            port.write(data)

    def _answer_loader(self, rom: RomLoader, data: bytes) -> None:
        baud = rom.baud
        answer = rom.feed(data)
        leave, now_us = rom.leave, self.world.now_us

        def arrived() -> None:
            if self._rom is rom:
                self._send(answer)
                if leave:
                    self._boot(HARD)

        if self.loader_pace is None:
            arrived()
        else:
            work_us, early, size = rom.work_us, rom.early, len(data)
            at_us = self.loader_pace.answer_at(now_us, baud, size, len(answer), work_us, early)
            self.world.call_at(at_us, arrived)

    def power_on(self) -> None:
        with self.world.lock:
            if self._state == "off":
                self.hardware.power_up()
                self._boot(POWER_ON)

    def power_off(self) -> None:
        """Cuts the supply: everything but the flash is lost at once."""
        with self.world.lock:
            self._stop("off")

    def reset(self) -> None:
        """Pulls the reset line."""
        with self.world.lock:
            if self._state != "off":
                self._boot(POWER_ON)

    def unplug(self) -> None:
        """Pulls the serial cable: the port is gone; the board, on a supply of its own, runs on."""
        with self.world.lock:
            self.ports.remove(self._port)
            self._port.close()
            self._hung_up()

    def plug_in(self) -> None:
        """Plugs the cable in again; `port` may have another path now."""
        with self.world.lock:
            self._port = PtyPort(self.world, self.console_write, self._hung_up)
            self.ports.append(self._port)

    def hold(self) -> None:
        """Keeps the chip in reset, until `reset` or `download`."""
        with self.world.lock:
            if self._state != "off":
                self._stop("boot")

    def download(self) -> None:
        """Resets with BOOT held: the chip waits in its serial loader until the next reset."""
        with self.world.lock:
            if self._state != "off":
                self._enter_loader()
                self.console.text(DOWNLOAD_BOOT)

    def brown_out(self) -> None:
        """The supply dips: the detector resets the chip, which keeps its RTC."""
        with self.world.lock:
            if self._state not in ("off", "download"):
                self.console.text(b"\nBrownout detector was triggered\n")
                self._boot(POWER_ON)  # what MicroPython makes of ESP-IDF's ESP_RST_BROWNOUT

    def close(self) -> None:
        """Ends the board: no process and no descriptor stays behind; the flash file does."""
        with self.world.lock:
            if self._closed:
                return
            self._closed = True
            self.power_off()
            if self._port in self.ports:
                self._port.close()
            self.hardware.camera.close()
            self.flash.close()
        atexit.unregister(self.close)

    # Reset and start

    @property
    def _zero_us(self) -> int:
        return self.processor.zero_us

    def _stop(self, state: str, pins_stay: bool = False) -> None:
        """Ends whatever runs on the chip."""
        self._be(state)
        self._rom = None
        self._heard = b""
        self._watchdog_us = 0
        self.console.stdin.clear()
        if self._next is not None:
            self._next.cancel()
        self.processor.stop()
        self.hardware.halt(pins_stay)

    def _boot(self, cause: int, woken_by: int = 0) -> None:
        """A reset of the whole chip; boot.py runs BOOT_US later."""
        self._stop("boot", cause in PINS_STAY)
        self._woken_by = woken_by
        self._reset_by(cause)
        self.processor.zero_us = self.world.now_us
        self.processor.at_repl = False
        self.console.raw_repl = False
        self.console.text(f"\nrst:{_ROM_CAUSE[cause]},boot:0x13 (SPI_FAST_FLASH_BOOT)\n".encode())
        self.hardware.boot()
        complaint = self._not_bootable()
        if complaint:
            self.console.text(f"{complaint}\n".encode())
            self._state = "download"
            self.world.tell(self, "state", "no program")
        else:
            self._next = self.world.call_after(BOOT_US, self._start)

    def _not_bootable(self) -> str:
        """What the first and second stage loaders would complain of."""
        offset = self.spec.get("micropython", {}).get("offset", 0x1000)
        first = self.flash.read(offset, 4)
        if first[0] != IMAGE_MAGIC:
            return f"invalid header: 0x{int.from_bytes(first, 'little'):08x}"
        table = self.hardware.table
        if not table:
            return "E (51) boot: load partition table error!"
        if not any(p.type == TYPE_APP and self.flash.data[p.offset] == IMAGE_MAGIC for p in table):
            return "E (57) boot: No bootable app partitions in the partition table"
        return ""

    def _start(self) -> None:
        self.console.restarted(silent=False)
        self.processor.start(self.spec["heap_kb"])
        self._state = "running"
        self.world.tell(self, "state", "running")

    def _reset_by(self, cause: int) -> None:
        self.resets.append(cause)
        self.world.tell(self, "reset", CAUSES[cause])

    def _soft_reset(self) -> None:
        """A new interpreter; the clock and the watchdog go on."""
        self.processor.stop()
        self._reset_by(SOFT)
        self.console.text(b"MPY: soft reboot\n")
        self.hardware.halt(pins_stay=True)
        self.hardware.boot()
        self._start()

    def interpreter_ended(self) -> None:
        """The interpreter is gone: Ctrl-D at its prompt, or a crash."""
        if self.state == "repl":
            self._soft_reset()
            return
        if self.processor.requests == 0:
            raise BenchError(f"the interpreter does not start: {self.output.decode()}")
        self.console.text(b"\nabort(): the interpreter of this virtual board ended\n")
        self._boot(HARD)

    def _hung_up(self) -> None:
        with self.world.lock:
            if self._rom is not None:
                self._boot(POWER_ON)

    # The requests that concern the board as a whole

    def op_hello(self, _argument: int, _payload: bytes) -> Answer:
        info = {
            "flash": str(self.flash.path),
            "partitions": [list(row) for row in self.hardware.table],
            "mac": list(self.mac),
            # one number of both, so that the board needs no further name
            "reset_cause": self.resets[-1] | self._woken_by << 8,
            "rtc_us": self.hardware.rtc_us_at_zero + self._zero_us,
            "ticks_start_us": self.ticks_start_ms * 1000,
            "random": self.hardware.random.getrandbits(32),
            "scripts": ["boot.py"] if self.console.raw_repl else ["boot.py", "main.py"],
        }
        return json.dumps(info).encode()

    def op_reset(self, _argument: int, _payload: bytes) -> object:
        self._boot(HARD)
        return NO_REPLY

    def op_soft_reset(self, _argument: int, _payload: bytes) -> object:
        self._soft_reset()
        return NO_REPLY

    def op_deepsleep(self, _argument: int, payload: bytes) -> object:
        duration_ms = struct.unpack("<q", payload)[0]
        self._stop("sleep")
        self.hardware.sleep.begin(duration_ms, False, self._wake_up)
        return NO_REPLY

    def _wake_up(self, reason: int) -> None:
        self.world.tell(self, "woken", REASONS[reason])
        self._boot(DEEPSLEEP, reason)

    def light_sleep(self, duration_ms: int, awake: Callable[[int], object]) -> None:
        """Stops the chip's clocks, that of the watchdog, too; what its UARTs hear is lost."""
        begin_us, state = self.world.now_us, self._state
        hardware = self.hardware
        self._be("light sleep")
        if self._watchdog_check is not None:
            self._watchdog_check.cancel()

        def end(reason: int) -> None:
            hardware.buses.deaf = None
            self.world.tell(self, "woken", REASONS[reason])
            self._be(state)
            if self._watchdog_us:
                self._watchdog_at += self.world.now_us - begin_us
                self._check_watchdog()
            awake(reason)

        hardware.buses.deaf = hardware.sleep.heard
        hardware.sleep.begin(duration_ms, True, end)

    def _be(self, state: str) -> None:
        self._state = state
        self.world.tell(self, "state", state)

    def op_rtc_set(self, _argument: int, payload: bytes) -> Answer:
        reading_at_reset_us = struct.unpack("<q", payload)[0]
        self.hardware.rtc_us_at_zero = reading_at_reset_us - self._zero_us
        return None

    # The watchdog

    def op_wdt_init(self, timeout_ms: int, _payload: bytes) -> Answer:
        if self._watchdog_check is not None:
            self._watchdog_check.cancel()  # a second one changes the time of the first
        self._watchdog_us = timeout_ms * 1000
        self.op_wdt_feed(0, b"")
        self._check_watchdog()
        return None

    def op_wdt_feed(self, _argument: int, _payload: bytes) -> Answer:
        self._watchdog_at = self.world.now_us + self._watchdog_us
        return None

    def _check_watchdog(self) -> None:
        if self._watchdog_us == 0 or self._state != "running":
            return
        if self.world.now_us >= self._watchdog_at:
            self._boot(WATCHDOG)
        else:
            check = self._check_watchdog
            self._watchdog_check = self.world.call_at(self._watchdog_at, check)

    def stuck(self) -> bool:
        """The program computes without end: True if a watchdog ends that."""
        if self._watchdog_us == 0:
            return False
        self._boot(WATCHDOG)
        return True
