"""A virtual board: flash bytes, a real MicroPython interpreter, a serial port and a reset line.

    board = VirtualBoard(world, manifest, Path("build/bench/node0"), mac=bytes.fromhex("020000000001"))
    board.power_on()                      # boots what stands in board.flash
    print(board.port)                     # /dev/pts/7, for esptool, mpremote, any terminal
    board.on_output(print)

Does not model: the speed of the processor (computing takes no time, only looking at the clock and
touching hardware does), interrupts and timers, Wi-Fi and Bluetooth, brown-outs, the second core,
32-bit integers and floats (the interpreter has 64), currents, signature and rollback of the boot
loader, the bytes of the firmware image (its place and header are checked, the interpreter is the
host's). DTR and RTS do not exist on a PTY: hanging up ends a visit to the serial loader instead.
A program that computes without end is stopped by its watchdog, or after `stuck_s` of real time.
"""

import atexit
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .console import CTRL_A, CTRL_C, Console
from .errors import BoardStuck, BenchError, PowerCut
from .flash import Flash
from .hardware import OP_US, Answer, Hardware
from .interpreter import Interpreter
from .link import CONSOLE_BIT, FOREVER, INTERRUPT, OK, OPS, OS_ERROR, Request
from .partitions import TYPE_APP
from .pty_port import PtyPort
from .rom import SYNC, RomLoader
from .world import Event, World

# machine.reset_cause() of the ESP32 port
POWER_ON, HARD, WATCHDOG, DEEPSLEEP, SOFT = 1, 2, 3, 4, 5
_ROM_CAUSE = {
    POWER_ON: "0x1 (POWERON_RESET)",
    HARD: "0xc (SW_CPU_RESET)",
    WATCHDOG: "0x7 (TG0WDT_SYS_RESET)",
    DEEPSLEEP: "0x5 (DEEPSLEEP_RESET)",
}
BOOT_US = 300_000  # from reset to boot.py, an ESP32 with the generic build
LEAD_US = 1_000  # how far a board may be ahead before the world catches up
IMAGE_MAGIC = 0xE9
_NO_REPLY = object()


class VirtualBoard:
    """One board on the bench. `state` is off, boot, running, repl, sleep or download."""

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
        self.stuck_s = 20.0  # of real time
        self.state = "off"
        self.requests = 0
        self.resets: list[int] = []  # causes, oldest first
        workdir = Path(workdir).absolute()
        self.workdir = workdir
        self.flash = Flash(workdir / "flash.bin", self.spec["flash_mb"] << 20)
        self.hardware = Hardware(world, self.spec, self.flash, mac, fitted)
        self.hardware.buses.uart_changed = self._input_changed
        self._port = PtyPort(world, self._port_received, self._port_hung_up)
        self.console = Console(world, self._port.write)
        self._interpreter: Interpreter | None = None
        self._rom: RomLoader | None = None
        self._heard = b""
        self._reset_us = world.now_us
        self._cause = POWER_ON
        self._next: Event | None = None  # boot, end of a sleep, a request from the future
        self._waiting: tuple[Request, int] | None = None
        self._interrupted = False
        self._interrupt_char = CTRL_C
        self._watchdog_us = 0
        self._watchdog_at = 0
        self._handlers = [getattr(self, f"_{name}", None) or self._hardware(name) for name in OPS]
        atexit.register(self.close)

    def _hardware(self, name: str) -> Callable[[int, bytes], Answer]:
        return getattr(self.hardware, "rtc_memory_op" if name == "rtc_memory" else name)

    # What a person can do to a board

    @property
    def port(self) -> str:
        """Path of the serial port."""
        return self._port.path

    @property
    def uptime(self) -> float:
        """Seconds since the last reset (a soft reset does not count); 0 when off."""
        return 0.0 if self.state == "off" else (self.world.now_us - self._reset_us) / 1e6

    @property
    def output(self) -> bytes:
        """Everything the board printed; with times in `console.transcript`."""
        return self.console.output

    def on_output(self, callback: Callable[[bytes], object]) -> None:
        """Calls `callback(data)` with every piece the board prints from now on."""
        with self.world.lock:
            self.console.callbacks.append(callback)

    def console_write(self, data: bytes) -> None:
        """Types on the console, as if it came over the serial port."""
        with self.world.lock:
            self._port_received(data)

    def power_on(self) -> None:
        with self.world.lock:
            if self.state == "off":
                self.hardware.power_up()
                self._boot(POWER_ON)

    def power_off(self) -> None:
        """Cuts the supply: everything but the flash is lost at once."""
        with self.world.lock:
            self._stop()
            self.state = "off"
            self.console.stdin.clear()

    def reset(self) -> None:
        """Pulls the reset line."""
        with self.world.lock:
            if self.state != "off":
                self._boot(POWER_ON)

    def close(self) -> None:
        """Ends the board: no process, no descriptor stays behind; the flash file does."""
        with self.world.lock:
            if self._port is None:
                return
            self.power_off()
            self._port.close()
            self._port = None  # type: ignore[assignment]
            self.flash.close()
        atexit.unregister(self.close)

    # Reset and start

    def _stop(self) -> None:
        """Ends whatever runs on the chip."""
        interpreter, self._interpreter = self._interpreter, None
        self._rom = None
        self._waiting = None
        self._interrupted = False
        self.world.running.pop(self, None)
        if self._next is not None:
            self._next.cancel()
        if interpreter is not None:
            self.console.text(interpreter.read_output())
            self.world.unwatch(interpreter.link.read_fd)
            self.world.unwatch(interpreter.output_fd)
            interpreter.kill()

    def _boot(self, cause: int) -> None:
        """A reset of the whole chip; boot.py runs BOOT_US later."""
        self._stop()
        self.state = "boot"
        self.resets.append(cause)
        self._reset_us = self.world.now_us
        self._watchdog_us = 0
        self._cause = cause
        self._heard = b""
        self.console.raw_repl = False
        self.console.restarted(silent=False)
        self.console.text(f"\nrst:{_ROM_CAUSE[cause]},boot:0x13 (SPI_FAST_FLASH_BOOT)\n".encode())
        self.hardware.boot()
        complaint = self._not_bootable()
        if complaint:
            self.console.text(f"{complaint}\n".encode())
            self.state = "download"
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
        interpreter = self._interpreter = Interpreter(self.spec["heap_kb"], self.workdir)
        self.world.pin(interpreter.process.pid)
        self.world.watch(interpreter.link.read_fd, lambda _flags: self._turn(0))
        self.world.watch(interpreter.output_fd, lambda _flags: self._drain())
        self.state = "running"
        self._interrupt_char = CTRL_C
        self.world.running[self] = None

    def _restart_program(self) -> None:
        """A soft reset: a new interpreter, the clock and the watchdog go on."""
        self._stop()
        self.console.text(b"MPY: soft reboot\n")
        self.console.restarted(silent=False)
        self._cause = SOFT
        self.hardware.boot()
        self._start()

    def _ended(self) -> None:
        """The interpreter is gone: Ctrl-D at its prompt, or a crash."""
        interpreter = self._interpreter
        assert interpreter is not None
        if self.state == "repl":
            self._restart_program()
            return
        self._drain()
        status = interpreter.process.wait()
        if not self.console.transcript or self.requests == 0:
            raise BenchError(f"the interpreter does not start: {self.output.decode()}")
        self.console.text(f"\nThe interpreter ended with status {status}.\n".encode())
        self._boot(HARD)

    # The link

    def serve(self) -> None:
        """Answers until the board waits; for the world, in virtual time."""
        while self in self.world.running:
            if not self._turn(self.stuck_s):
                self._stuck()

    def _turn(self, timeout_s: float) -> bool:
        interpreter = self._interpreter
        assert interpreter is not None
        happened = interpreter.link.wait(timeout_s)
        self._drain()
        if happened > 1:
            request = interpreter.link.receive()
            if request is None:
                self._ended()
            else:
                self.requests += 1
                self._take(request)
        return bool(happened)

    def _drain(self) -> None:
        if self._interpreter is not None:
            data = self._interpreter.read_output()
            if data:
                self.console.text(data)
                if self.state == "repl":
                    self._feed_repl()

    def _take(self, request: Request) -> None:
        """Answers a request, or lets the world catch up first."""
        if self._next is not None:
            self._next.cancel()
        self._waiting = None
        at_us = self._reset_us + request.local_us
        if at_us <= self.world.now_us + LEAD_US:
            self._answer(request)
        else:
            self.world.running.pop(self, None)
            self._next = self.world.call_at(at_us, lambda: self._answer_later(request))

    def _answer_later(self, request: Request) -> None:
        self._continue()
        self._answer(request)

    def _continue(self) -> None:
        if self.state == "running":
            self.world.running[self] = None

    def _answer(self, request: Request) -> None:
        self.hardware.busy_us = OP_US
        self._request = request
        try:
            answer = self._handlers[request.op](request.argument, request.payload)
        except OSError as error:
            self._reply(request, OS_ERROR, error.errno or 0)
        except PowerCut:
            self.power_off()
        else:
            if answer is _NO_REPLY:
                return
            if isinstance(answer, bytes):
                self._reply(request, OK, len(answer), answer)
            else:
                self._reply(request, OK, answer or 0)

    def _reply(self, request: Request, status: int, value: int, body: bytes = b"") -> None:
        assert self._interpreter is not None
        now_us = max(self.world.now_us - self._reset_us, request.local_us)
        now_us += self.hardware.busy_us
        self._interpreter.link.reply(request.sequence, status, value, now_us, body)

    def _stuck(self) -> None:
        if self._watchdog_us:
            self._boot(WATCHDOG)
        else:
            raise BoardStuck(
                f"the board's program has computed for {self.stuck_s} s without waiting or touching "
                f"hardware, and no watchdog runs; its last words: {self.output[-200:]!r}"
            )

    # Waiting

    def _wait(self, _argument: int, payload: bytes) -> Any:
        request = self._request
        deadline_us, mask = struct.unpack("<qI", payload)
        self.hardware.busy_us = 0
        ready = self._inputs() & mask
        if self._interrupted:
            self._interrupted = False
            self._reply(request, INTERRUPT, 0)
        elif ready or 0 <= deadline_us <= request.local_us:
            self._reply(request, OK, ready)
        else:
            self.world.running.pop(self, None)
            self._waiting = (request, mask)
            if deadline_us != FOREVER:
                self._next = self.world.call_at(self._reset_us + deadline_us, self._wake)
        return _NO_REPLY

    def _wake(self) -> None:
        if self._waiting is None or self._interpreter is None:
            return
        request, mask = self._waiting
        self._waiting = None
        if self._next is not None:
            self._next.cancel()
        self.hardware.busy_us = 0
        self._continue()
        if self._interrupted:
            self._interrupted = False
            self._reply(request, INTERRUPT, 0)
        else:
            self._reply(request, OK, self._inputs() & mask)

    def _inputs(self) -> int:
        ready = self.hardware.buses.uarts_with_input()
        return ready | CONSOLE_BIT if self.console.stdin else ready

    def _input_changed(self) -> None:
        if self._waiting is not None and (self._interrupted or self._inputs() & self._waiting[1]):
            self._wake()

    # Requests that concern the board as a whole

    def _hello(self, _argument: int, _payload: bytes) -> Answer:
        info = {
            "flash": str(self.flash.path),
            "partitions": [list(row) for row in self.hardware.table],
            "mac": list(self.mac),
            "reset_cause": self._cause,
            "rtc_us": self.hardware.rtc_us_at_zero + self._reset_us,
            "ticks_start_us": self.ticks_start_ms * 1000,
            "random": self.hardware.random.getrandbits(32),
            "scripts": ["boot.py"] if self.console.raw_repl else ["boot.py", "main.py"],
        }
        return json.dumps(info).encode()

    def _repl(self, _argument: int, _payload: bytes) -> Answer:
        self.state = "repl"
        self.world.running.pop(self, None)
        self.console.restarted(silent=self.console.raw_repl)
        self._raw_wanted = self.console.raw_repl
        return None

    def _reset(self, _argument: int, _payload: bytes) -> Any:
        self._boot(HARD)
        return _NO_REPLY

    def _soft_reset(self, _argument: int, _payload: bytes) -> Any:
        self._restart_program()
        return _NO_REPLY

    def _deepsleep(self, _argument: int, payload: bytes) -> Any:
        duration_ms = struct.unpack("<q", payload)[0]
        self._stop()
        self.state = "sleep"
        if duration_ms >= 0:
            self._next = self.world.call_after(duration_ms * 1000, lambda: self._boot(DEEPSLEEP))
        return _NO_REPLY

    def _rtc_set(self, _argument: int, payload: bytes) -> None:
        reading_at_reset_us = struct.unpack("<q", payload)[0]
        self.hardware.rtc_us_at_zero = reading_at_reset_us - self._reset_us

    def _wdt_init(self, timeout_ms: int, _payload: bytes) -> None:
        was_running = bool(self._watchdog_us)
        self._watchdog_us = timeout_ms * 1000
        self._wdt_feed(0, b"")
        if not was_running:
            self._watchdog_check()

    def _wdt_feed(self, _argument: int, _payload: bytes) -> None:
        self._watchdog_at = self.world.now_us + self._watchdog_us

    def _watchdog_check(self) -> None:
        if not self._watchdog_us or self.state in ("off", "boot", "sleep", "download"):
            return
        if self.world.now_us >= self._watchdog_at:
            self._boot(WATCHDOG)
        else:
            self.world.call_at(self._watchdog_at, self._watchdog_check)

    # The console

    def _console_read(self, n: int, _payload: bytes) -> bytes:
        return self.console.take(n)

    def _console_write(self, _argument: int, payload: bytes) -> None:
        self.console.binary(payload)

    def _kbd_intr(self, char: int, _payload: bytes) -> None:
        self._interrupt_char = char

    def _feed_repl(self) -> None:
        """Passes typed characters to the interpreter's own REPL, once it reads."""
        interpreter = self._interpreter
        if interpreter is None or not self.console.at_prompt:
            return
        if self._raw_wanted:
            self._raw_wanted = False
            interpreter.terminal.write(CTRL_A)
            return
        data = self.console.take(len(self.console.stdin))
        at = data.rfind(bytes([CTRL_C])) if self._interrupt_char == CTRL_C else -1
        if at >= 0 and interpreter.terminal.runs_program:
            interpreter.interrupt()
            data = data[at + 1 :]
        if data:
            interpreter.terminal.write(data)

    def _port_received(self, data: bytes) -> None:
        if self.state == "off":
            return
        if self._rom is None and SYNC in self._heard + data:
            self._stop()
            self.state = "download"
            self._rom = RomLoader(self.spec["chip"], self.mac, self.flash)
            data = (self._heard + data)[(self._heard + data).index(SYNC) :]
        if self._rom is not None:
            self._port.write(self._rom.feed(data))
            if self._rom.leave:
                self._boot(HARD)
            return
        self._heard = (self._heard + data)[-len(SYNC) :]
        if self.state in ("running", "boot") and self._interrupt_char in data:
            at = data.rindex(self._interrupt_char)
            self.console.stdin += data[at + 1 :]
            self._interrupt()
        else:
            self.console.stdin += data
        if self.state == "repl":
            self._feed_repl()
        else:
            self._input_changed()

    def _interrupt(self) -> None:
        """Ctrl-C for the program: at its next wait, or soon if it does not wait."""
        self._interrupted = True
        served = self.requests

        def insist() -> None:
            if self._interrupted and self._interpreter is not None and served == self.requests:
                self._interrupted = False
                self._interpreter.interrupt()

        self.world.call_after(500_000, insist)

    def _port_hung_up(self) -> None:
        self._heard = b""
        if self._rom is not None:
            self._boot(POWER_ON)
