"""SMP over the console of a virtual board in virtual time: the `Link` that provisioning needs."""

from __future__ import annotations

from typing import Any

from fieldbeat.protocols import smp

from ..virtual.bench import Bench
from ..virtual.board import VirtualBoard
from ..virtual.errors import BenchError

# Zephyr's numbers: group, command.
GROUP_OS, GROUP_SETTINGS, GROUP_FS, GROUP_SHELL = 0, 3, 8, 9
OS_ECHO, OS_RESET, OS_APPLICATION_INFO = 0, 5, 7
SETTINGS_READ_WRITE, SETTINGS_COMMIT = 0, 2
FS_FILE = SHELL_EXECUTE = 0

CHUNK = 128  # bytes of a file in one request: a configuration takes more than one
ANSWER_S = 10.0
BOOT_S = 3.0
TRIES = 4


class SmpConsole:
    """One unit's serial port, as `host_tools.unit_talk.Link` wants it."""

    def __init__(self, bench: Bench, board: VirtualBoard) -> None:
        self._bench = bench
        self._board = board
        self.port = board.port
        self._sequence = 0
        self._line = b""
        self._decoder = smp.LineDecoder()
        self._answer: dict[str, Any] | None = None
        board.on_output(self._read)

    def wait(self) -> None:
        """Wait until the unit answers."""
        for _ in range(5):
            if self._ask(smp.WRITE, GROUP_OS, OS_ECHO, {"d": "?"}):
                return
        raise BenchError("the unit does not answer on its console: see board.output")

    def echo(self, text: str) -> str:
        """Return what comes back."""
        return self._os(smp.WRITE, OS_ECHO, {"d": text}).get("r", "")

    def information(self) -> str:
        """Return what program runs there."""
        return self._os(smp.READ, OS_APPLICATION_INFO, {"format": "a"}).get("output", "")

    def read_setting(self, name: str) -> bytes | None:
        """Return a setting, None if it is not set."""
        return self._settings(smp.READ, SETTINGS_READ_WRITE, {"name": name}).get("val")

    def write_setting(self, name: str, value: bytes) -> None:
        """Set a setting."""
        body = {"name": name, "val": value}
        self._settings(smp.WRITE, SETTINGS_READ_WRITE, body)

    def commit_settings(self) -> None:
        """Let the uploaded configuration count."""
        self._settings(smp.WRITE, SETTINGS_COMMIT, {})

    def upload(self, path: str, data: bytes) -> None:
        """Write a file."""
        for at in range(0, len(data), CHUNK):
            body: dict[str, Any] = {"name": path, "off": at, "data": data[at : at + CHUNK]}
            if not at:
                body["len"] = len(data)
            self._request(smp.WRITE, GROUP_FS, FS_FILE, body)

    def download(self, path: str) -> bytes | None:
        """Return a file, None if there is none."""
        data, size = b"", 1
        while len(data) < size:
            body = {"name": path, "off": len(data)}
            answer = self._request(smp.READ, GROUP_FS, FS_FILE, body)
            if not answer.get("data"):
                return None
            size = answer.get("len", size)
            data += answer["data"]
        return data

    def status(self) -> dict[str, str]:
        """Return what the shell's `status` shows, by its names."""
        rows = (line.partition("  ") for line in self.run(["status"])[0].splitlines())
        return {name.strip(): value.strip() for name, _, value in rows}

    def run(self, argv: list[str]) -> tuple[str, int]:
        """Run a verb of the shell and return its output and its exit code."""
        answer = self._request(smp.WRITE, GROUP_SHELL, SHELL_EXECUTE, {"argv": argv})
        return answer.get("o", ""), answer.get("ret", 1)

    def reset(self) -> None:
        """Restart the unit and wait until it answers again."""
        self._os(smp.WRITE, OS_RESET, {})
        self._bench.run_for(BOOT_S)
        self.wait()

    def _os(self, op: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        return self._request(op, GROUP_OS, command, body)

    def _settings(self, op: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        return self._request(op, GROUP_SETTINGS, command, body)

    def _request(self, op: int, group: int, command: int, body: dict[str, Any]) -> dict[str, Any]:
        for _ in range(TRIES):
            answer = self._ask(op, group, command, body)
            if answer is not None and answer.get("rc") != smp.ENOMEM:
                return answer
            self._bench.run_for(ANSWER_S)  # a wake takes the heap that an answer needs
        raise BenchError(f"SMP group {group} command {command} is not answered: {answer}")

    def _ask(
        self, op: int, group: int, command: int, body: dict[str, Any]
    ) -> dict[str, Any] | None:
        self._answer = None
        self._sequence = self._sequence + 1 & 255
        for line in smp.encode_lines(smp.pack(op, group, self._sequence, command, body)):
            self._board.console_write(line)
        self._bench.run_until(lambda: self._answer is not None, ANSWER_S)
        return self._answer

    def _read(self, data: bytes) -> None:
        *lines, self._line = (self._line + data).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            at = max(line.find(smp.FIRST), line.find(smp.NEXT))
            frame = self._decoder.feed(line[at:]) if at >= 0 else None
            if frame:
                _, _, sequence, _, body = smp.unpack(frame)
                if sequence == self._sequence:
                    self._answer = body
