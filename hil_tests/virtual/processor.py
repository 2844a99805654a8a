"""The running side of a board: takes the interpreter's requests and answers each at its time.

A board may look at its clock and use its peripherals without asking how late the world thinks it
is; a request that comes from more than LEAD_US ahead waits until the world is there.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from .console import CTRL_A, CTRL_C, Console
from .errors import BoardStuck, PowerCut
from .hardware import OP_US, Answer, Hardware
from .interpreter import Interpreter
from .link import (
    BODY_LIMIT,
    CONSOLE_BIT,
    FILL_HEAP,
    FOREVER,
    INTERRUPT,
    OK,
    OPS,
    OS_ERROR,
    POSTED,
    REQUEST,
    Request,
)
from .world import Event, World

LEAD_US = 1_000
LIGHT_WAKE_US = 1_000  # ESP-IDF, sleep modes: below a millisecond
_TIME = struct.Struct("<ii")
INSIST_US = 500_000  # then Ctrl-C stops a program that does not wait
NO_REPLY = object()  # what an op returns when its reply comes later, or never
Op = Callable[[int, bytes], Any]


class Processor:
    """Runs one interpreter at a time. The board gives the ops that concern it as a whole.

    `zero_us` is the time of the world at which the board's clock stood at 0. `ended()` is called
    when the interpreter is gone, `power_cut()` when a flash hook cuts the supply, `stuck()` when a
    program computes for `stuck_s` of real time without waiting; it returns True if that helped.
    """

    def __init__(self, world: World, console: Console, hardware: Hardware, board: Any) -> None:
        self.world = world
        self.console = console
        self.hardware = hardware
        self.board = board
        self.interpreter: Interpreter | None = None
        self.at_repl = False
        self.zero_us = world.now_us
        self.requests = 0
        self.stuck_s = 20.0
        self._next: Event | None = None  # the end of a wait, or a request from the future
        self._waiting: tuple[Request, int] | None = None
        self._interrupted = False
        self._interrupt_char = CTRL_C
        self._raw_wanted = False
        self._hogged = 0  # bytes that the hog leaves free; 0: it is not there
        self._ops = [self._find_op(name) for name in OPS]
        hardware.buses.inputs_changed = self.input_changed

    def _find_op(self, name: str) -> Op:
        for owner in (self, self.board, self.hardware, *self.hardware.more):
            op = getattr(owner, f"op_{name}", None)
            if op is not None:
                return op
        raise NotImplementedError(name)

    # Start and stop

    def start(self, heap_kb: int) -> None:
        interpreter = self.interpreter = Interpreter(heap_kb, self.hardware.camera.frame_fd)
        self.world.pin(interpreter.process.pid)
        self.world.watch(interpreter.link.read_fd, lambda _flags: self._turn(0))
        self.world.watch(interpreter.output_fd, lambda _flags: self._drain())
        self.at_repl = False
        self._interrupt_char = CTRL_C
        self._hogged = 0
        self._continue()

    def stop(self) -> None:
        """Ends the interpreter at once, whatever it does."""
        interpreter, self.interpreter = self.interpreter, None
        self._waiting = None
        self._interrupted = False
        self._hold()
        self.world.attended.discard(self)
        if interpreter is not None:
            self.console.text(interpreter.read_output())
            self.world.unwatch(interpreter.link.read_fd)
            self.world.unwatch(interpreter.output_fd)
            self.world.unpin(interpreter.process.pid)
            interpreter.kill()

    def _continue(self) -> None:
        """It is the board's turn. At the REPL nobody waits for it: a person does not."""
        if not self.at_repl:
            self.world.running[self] = None

    def _hold(self) -> None:
        self.world.running.pop(self, None)
        if self._next is not None:
            self._next.cancel()

    # Requests

    def serve(self) -> None:
        """Answers until the board waits; for the world, in virtual time."""
        while self in self.world.running:
            if not self._turn(self.stuck_s) and not self.board.stuck():
                raise BoardStuck(
                    f"the program has computed for {self.stuck_s} s without waiting or touching "
                    f"hardware, and no watchdog runs; it printed {self.console.output[-200:]!r}"
                )

    def _turn(self, timeout_s: float) -> bool:
        assert self.interpreter is not None
        link = self.interpreter.link
        happened = REQUEST if link.held() else link.wait(timeout_s)
        if happened & ~REQUEST:
            self._drain()
        if happened & REQUEST:
            self._receive()
        return bool(happened)

    def _receive(self) -> None:
        """Takes a request, and those that came with it, until one has to wait."""
        interpreter = self.interpreter
        while interpreter is not None and interpreter is self.interpreter:
            request = interpreter.link.receive()
            if request is None:
                self.board.interpreter_ended()
                return
            self.requests += 1
            if not self._take(request) or not interpreter.link.held():
                return

    def _drain(self) -> None:
        data = self.interpreter.read_output() if self.interpreter is not None else b""
        if data:
            self.console.text(data)
            self._feed_repl()

    def _take(self, request: Request) -> bool:
        """Answers a request now or at its time; False if that is later."""
        self._waiting = None  # at the REPL, Ctrl-C ends a wait
        if self._next is not None:
            self._next.cancel()
        at_us = self.zero_us + request.local_us
        if at_us > self.world.now_us + LEAD_US:
            self._hold()
            self._next = self.world.call_at(at_us, lambda: self._answer_later(request))
            return False
        self._answer(request)
        return True

    def _answer_later(self, request: Request) -> None:
        self._continue()
        self._answer(request)
        if self.interpreter is not None and self.interpreter.link.held():
            self._receive()

    def _answer(self, request: Request) -> None:
        self.hardware.busy_us = OP_US
        self._request = request
        op = request.op
        try:
            answer = self._ops[op & ~POSTED](request.argument, request.payload)
        except OSError as error:
            if not op & POSTED:
                self._reply(request, OS_ERROR, error.errno or 0)
        except PowerCut:
            self.board.power_off()
        else:
            if answer is NO_REPLY or op & POSTED:
                return
            if isinstance(answer, bytes):
                self._reply(request, OK, len(answer), answer)
            else:
                self._reply(request, OK, answer or 0)

    def _reply(self, request: Request, status: int, value: int, body: bytes = b"") -> None:
        assert self.interpreter is not None
        hardware = self.hardware
        now_us = max(self.world.now_us - self.zero_us, request.local_us) + hardware.busy_us
        self.interpreter.link.reply(
            request.sequence, status, hardware.buses.inputs, value, now_us, body
        )

    # Waiting

    def op_wait(self, mask: int, payload: bytes) -> object:
        s, us = _TIME.unpack(payload)
        return self._wait(s * 1_000_000 + us, mask)

    def op_uart_flush(self, number: int, _payload: bytes) -> object:
        """Waits until the last bit of what was written is on the line."""
        return self._wait(self.hardware.buses.uarts[number].free_us - self.zero_us, 0)

    def _wait(self, deadline_us: int, mask: int) -> object:
        self._waiting = (self._request, mask)
        over = deadline_us <= self._request.local_us and deadline_us != FOREVER
        if over or self._interrupted or self._inputs() & mask:
            self._wake()
        else:
            self._hold()
            if deadline_us != FOREVER:
                self._next = self.world.call_at(self.zero_us + deadline_us, self._wake)
        return NO_REPLY

    def _wake(self) -> None:
        assert self._waiting is not None
        request, mask = self._waiting
        self._hold()
        hang_s = self.hardware.faults.take("hang")
        if hang_s:
            self.hardware.faults.hang = 0
            self._waiting = None
            self._next = self.world.call_after(
                round(hang_s * 1e6), lambda: self._go_on(request, mask)
            )
            return
        self._go_on(request, mask)

    def _go_on(self, request: Request, mask: int) -> None:
        self._waiting = None
        self._continue()
        self.hardware.busy_us = 0
        if self.hardware.faults.heap_hog != self._hogged:
            self._fill_heap(request)
        if self._interrupted:
            self._interrupted = False
            self._reply(request, INTERRUPT, 0)
        else:
            ready = self._inputs() & mask
            self._reply(
                request,
                OK,
                ready,
                self.hardware.buses.first_input(ready, BODY_LIMIT) if ready else b"",
            )

    def op_lightsleep(self, _argument: int, payload: bytes) -> object:
        """Stops the program; the reply tells what has woken the chip."""
        request = self._request
        self._hold()

        def awake(reason: int) -> None:
            self._continue()
            self.hardware.busy_us = LIGHT_WAKE_US
            self._reply(request, OK, reason)

        self.board.light_sleep(struct.unpack("<q", payload)[0], awake)
        return NO_REPLY

    def _fill_heap(self, request: Request) -> None:
        """Tells the interpreter's end of the link, and no line of the program, to take memory."""
        self._hogged = self.hardware.faults.heap_hog
        self.hardware.faults.take("heap_hog")
        self._reply(request, FILL_HEAP, self._hogged)

    def _inputs(self) -> int:
        ready = self.hardware.buses.inputs
        return ready | CONSOLE_BIT if self.console.stdin else ready

    def input_changed(self) -> None:
        """A UART, a socket or the console has something to read, or an I2S has room."""
        if self._waiting is not None and (self._interrupted or self._inputs() & self._waiting[1]):
            self._wake()

    # The console

    def op_console_read(self, n: int, _payload: bytes) -> Answer:
        return self.console.take(n)

    def op_console_write(self, _argument: int, payload: bytes) -> Answer:
        self.console.binary(payload)
        return None

    def op_kbd_intr(self, char: int, _payload: bytes) -> Answer:
        self._interrupt_char = b"" if char < 0 else bytes([char])
        return None

    def op_repl(self, _argument: int, _payload: bytes) -> Answer:
        """The program is over, the interpreter's own REPL follows: its turn ends at the prompt."""
        self.at_repl = True
        self.world.attended.add(self)
        self._raw_wanted = self.console.raw_repl
        self.console.restarted(silent=self._raw_wanted)
        return None

    def typed(self, data: bytes) -> None:
        """Takes characters from the serial port."""
        self.console.stdin += data
        if self.at_repl:
            self._feed_repl()
            return
        at = _last(data, self._interrupt_char)
        if at >= 0:
            self.console.stdin[:] = data[at + 1 :]
            self._interrupt()
        self.input_changed()

    def _interrupt(self) -> None:
        """Ctrl-C for the program: at its next wait, or soon if it does not wait."""
        self._interrupted = True
        served = self.requests

        def insist() -> None:
            if self._interrupted and self.interpreter is not None and served == self.requests:
                self._interrupted = False
                self.interpreter.interrupt()

        self.world.call_after(INSIST_US, insist)

    def _feed_repl(self) -> None:
        """Passes typed characters to the interpreter's own REPL, once it reads."""
        interpreter = self.interpreter
        if interpreter is None or not self.at_repl or not self.console.at_prompt:
            return
        if self._raw_wanted:
            self._raw_wanted = self.console.at_prompt = False
            interpreter.terminal.write(CTRL_A)
            return
        self.world.running.pop(self, None)
        data = self.console.take(len(self.console.stdin))
        at = _last(data, self._interrupt_char)
        if at >= 0 and interpreter.terminal.runs_program:
            interpreter.interrupt()
            data = data[at + 1 :]
        if data:
            interpreter.terminal.write(data)


def _last(data: bytes, char: bytes) -> int:
    """Index of the last `char`; -1 if there is none, or no such char."""
    return data.rfind(char) if char else -1
