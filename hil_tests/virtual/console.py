"""The console of a virtual board: what it printed and when, and whose turn it is to read.

A board has one stream of characters in and one out; its program and its REPL share them.
"""

from collections.abc import Callable

from .world import World

RAW_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY_PROMPT = b'Type "help()" for more information.\r\n>>> '
TRANSCRIPT_LIMIT = 1 << 22
CTRL_A, CTRL_C = b"\x01", b"\x03"


class Console:
    """Characters out (`transcript`, callbacks, the port) and in (`stdin`)."""

    def __init__(self, world: World, send: Callable[[bytes], object]) -> None:
        self.world = world
        self.stdin = bytearray()
        self.callbacks: list[Callable[[bytes], object]] = [send]
        self.transcript: list[tuple[int, bytearray]] = []  # (us of the world, bytes)
        self.raw_repl = False
        self.at_prompt = False  # whether this interpreter's REPL has begun to read
        self._size = 0
        self._tail = b""
        self._after_return = False
        self._muted: bytearray | None = None

    def restarted(self, silent: bool) -> None:
        """A new interpreter runs; `silent` hides what it says until its raw prompt."""
        self.at_prompt = False
        self._tail = b""
        self._muted = bytearray() if silent else None

    def text(self, data: bytes) -> None:
        """Prints text: a bare \\n becomes \\r\\n, as a board's stdout does it."""
        cooked = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        if self._after_return and data[:1] == b"\n":
            cooked = cooked[1:]  # the pair came in two pieces
        self._after_return = data[-1:] == b"\r"
        self._watch_prompt(cooked)
        if self._muted is not None:
            self._muted += cooked
            at = self._muted.find(RAW_PROMPT)
            if at < 0:
                return
            cooked, self._muted = bytes(self._muted[at:]), None
        self.binary(cooked)

    def binary(self, data: bytes) -> None:
        """Puts bytes out as they are."""
        if not data:
            return
        now_us = self.world.now_us
        if self.transcript and self.transcript[-1][0] == now_us:
            self.transcript[-1][1].extend(data)
        else:
            self.transcript.append((now_us, bytearray(data)))
        self._size += len(data)
        while self._size > TRANSCRIPT_LIMIT:
            self._size -= len(self.transcript.pop(0)[1])
        for callback in list(self.callbacks):
            callback(data)

    def _watch_prompt(self, data: bytes) -> None:
        self._tail = (self._tail + data)[-4 * len(FRIENDLY_PROMPT) :]
        for prompt, raw in ((RAW_PROMPT, True), (FRIENDLY_PROMPT, False)):
            if prompt in self._tail:
                self.raw_repl, self.at_prompt = raw, True
                self._tail = b""

    def take(self, n: int) -> bytes:
        """Up to `n` characters for the board to read."""
        data = bytes(self.stdin[:n])
        del self.stdin[:n]
        return data

    @property
    def output(self) -> bytes:
        """Everything printed so far."""
        return b"".join(bytes(data) for _, data in self.transcript)
