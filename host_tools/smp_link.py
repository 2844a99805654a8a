"""Talks SMP to a unit over its serial port: settings, files, shell verbs, reset.

A synchronous wrapper over `smpclient` for commands that do one thing after the other. A garbled or
missing answer is asked for again; what goes wrong at the port becomes an error that a person can
act on.
Importing this module takes 0.3 s: import it inside functions.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import logging
import struct
import termios
import time
from collections.abc import Callable, Coroutine
from typing import Any, Self

from smp.exceptions import SMPException
from smpclient import SMPClient
from smpclient.exceptions import SMPClientException, SMPUploadError
from smpclient.requests import file_management as files
from smpclient.requests import os_management as system
from smpclient.requests import settings_management as settings
from smpclient.requests import shell_management as shell
from smpclient.transport import SMPTransportDisconnected
from smpclient.transport.serial import SMPSerialTransport

from . import serial_port
from .errors import CannotTry, FieldbeatError

ANSWER_S = 2.5  # flash writes on the device take up to about 1 s
VERB_S = 180.0  # a wake of the modem, asked for on the shell, takes minutes in bad coverage
ATTEMPTS = 3
BOOT_S = 15.0  # opening the port may reset a board; MicroPython and the app need a few seconds
ROOM_S = 5.0  # a unit that is on the air has no heap for some requests
SETTLE_S = 1.5  # from the answer to a reset until the chip is surely gone: the unit waits 0.5 s

# What a noisy line makes the layers below raise. A late answer has an old sequence number.
_GARBLED = (SMPException, SMPClientException, ValueError, struct.error)

# What MicroPython shows when the program was stopped: its prompt, or that of an unfinished line.
_PROMPTS = (b">>> ", b"... ")

# smpclient logs what it then raises; without a handler that would reach the user's terminal twice.
for _name in ("smp", "smpclient"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def _say_nothing(text: str) -> None:
    pass


class LinkError(FieldbeatError):
    """The connection failed while it was in use."""


class Refused(LinkError):
    """The unit answered with an error; `code` is its name, for instance KEY_NOT_FOUND."""

    def __init__(self, what: str, answer: Any) -> None:
        err = getattr(answer, "err", None)
        rc = getattr(err or answer, "rc", answer)
        self.code = getattr(rc, "name", str(rc))
        step = getattr(answer, "rsn", None) or "see that the unit runs firmware of this version"
        super().__init__(f"the unit refused {what}: {self.code}", step)


class _Transport(SMPSerialTransport):
    """The serial transport, opened once: why that fails is worth more than trying again."""

    _conn: Any  # pyserial's port

    async def connect(self, address: str, timeout_s: float) -> None:
        self._reset_state()
        self._conn = serial_port.open_port(address, self._conn.baudrate)

    async def _drain_tx(self) -> None:
        if hasattr(type(self._conn), "out_waiting"):  # a port elsewhere has no such count
            await super()._drain_tx()

    heard = b""  # what came last that was no SMP

    def forget(self) -> None:
        """Drop what came late or garbled."""
        self.heard = bytes(self._serial_buffer)
        self._reset_state()
        try:
            self._conn.reset_input_buffer()
        except termios.error:
            pass  # the port is gone, the next request says so


class SmpLink:
    """A unit on a serial port; a context manager that opens and closes the port.

    Args:
        port: serial device, PTY or pyserial URL.
        baud: bits per second.
        remark: is told, in words, when the unit makes the user wait.

    Raises:
        CannotTry: the port is absent, busy or not allowed, when the link is opened.
    """

    def __init__(
        self,
        port: str,
        baud: int = serial_port.CONSOLE_BAUD,
        remark: Callable[[str], None] = _say_nothing,
    ) -> None:
        self.port = port
        self._remark = remark
        self._transport = _Transport(baudrate=baud)
        self._client = SMPClient(self._transport, port, ANSWER_S)
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        try:
            self._runner.run(self._transport.connect(self.port, 0.0))
        except serial_port.PortError:
            self._runner.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._runner.run(self._transport.disconnect())
        except OSError:
            pass  # the cable was pulled
        self._runner.close()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the unit answers, BOOT_S if nothing else is said.

        Raises:
            CannotTry: it stays silent, or its program was stopped.
        """
        seconds = BOOT_S if seconds is None else seconds
        give_up_s = time.monotonic() + seconds
        remark = self._remark
        while True:
            try:
                answer = self._ask(system.MCUMgrParametersRead(), timeout_s=1.0)
            except TimeoutError:
                if self._transport.heard.endswith(_PROMPTS):
                    raise CannotTry(
                        f"{self.port}: the program was stopped, the unit stands at the"
                        " MicroPython prompt",
                        "press Ctrl-D in 'fieldbeat console', that starts it",
                    ) from None
                if time.monotonic() >= give_up_s:
                    raise CannotTry(
                        f"{self.port} is silent: nothing answered in {seconds:.0f} s",
                        "see that the board has power and runs fieldbeat ('fieldbeat flash')",
                    ) from None
                remark(f"waiting for the unit at {self.port}, at most {seconds:.0f} s ...")
                remark = _say_nothing
                continue
            if hasattr(answer, "buf_size"):
                self._transport.initialize(answer.buf_size)
            return

    def echo(self, text: str) -> str:
        """Return what the unit sends back for a text."""
        return self._request("an echo", system.EchoWrite(d=text)).r

    def information(self) -> str:
        """Return the unit's line about itself: firmware, name, version, board, interpreter."""
        return self._request("information", system.OSApplicationInfoRead(format="a")).output

    def read_setting(self, name: str) -> bytes | None:
        """Return a setting, or None if the unit has none of that name or no value."""
        try:
            return self._request(f"reading {name}", settings.ReadSetting(name=name)).val
        except Refused as refused:
            if refused.code in ("KEY_NOT_FOUND", "ROOT_KEY_NOT_FOUND"):
                return None
            raise

    def write_setting(self, name: str, value: bytes) -> None:
        """Write a setting; the value is never part of an error."""
        self._request(f"writing {name}", settings.WriteSetting(name=name, val=value))

    def commit_settings(self) -> None:
        """Let the unit check and take over an uploaded configuration."""
        self._request("the configuration", settings.CommitSettings())

    def upload(self, path: str, data: bytes) -> None:
        """Write a file on the unit."""

        async def send() -> None:
            async for _ in self._client.upload_file(data, path):
                pass

        self._transfer(f"writing {path}", send)

    def download(self, path: str) -> bytes | None:
        """Return a file of the unit, or None if it has no such file."""
        try:
            self._request(f"reading {path}", files.FileStatus(name=path))
        except Refused as refused:
            if refused.code == "FILE_NOT_FOUND":
                return None
            raise
        return self._transfer(f"reading {path}", lambda: self._client.download_file(path))

    def status(self) -> dict[str, str]:
        """Return what the verb `status` of the unit's shell shows, by its names."""
        answer = self._request("its status", shell.Execute(argv=["status"]))
        rows = (line.partition("  ") for line in answer.o.splitlines())
        return {name.strip(): value.strip() for name, _, value in rows}

    def run(self, argv: list[str]) -> tuple[str, int]:
        """Run a verb of the unit's shell, once, and return its output and its exit code."""
        what = f"'{' '.join(argv)}'"
        answer = self._request(what, shell.Execute(argv=argv), attempts=1, timeout_s=VERB_S)
        return answer.o, answer.ret

    def reset(self) -> None:
        """Reset the unit and wait until it answers again.

        Raises:
            CannotTry: it stays silent.
        """
        self._request("a reset", system.ResetWrite())
        time.sleep(SETTLE_S)
        self.wait()

    def _request(
        self, what: str, request: Any, attempts: int = ATTEMPTS, timeout_s: float = ANSWER_S
    ) -> Any:
        """Ask until an answer comes; always the same request, so that a late answer counts."""
        refused: Refused | None = None
        for attempt in range(attempts):
            try:
                answer = self._ask(request, timeout_s)
            except TimeoutError:
                continue
            if not (hasattr(answer, "rc") or hasattr(answer, "err")):
                return answer
            refused = Refused(what, answer)
            if refused.code != "ENOMEM":
                break
            if attempt + 1 < attempts:
                time.sleep(ROOM_S)
        raise refused or self._no_answer(what)

    def _ask(self, request: Any, timeout_s: float) -> Any:
        return self._run(self._client.request(request, timeout_s=timeout_s))

    def _transfer(self, what: str, start: Any) -> Any:
        for _ in range(ATTEMPTS):
            try:
                return self._run(start())
            except SMPUploadError as error:
                raise Refused(what, error.args[0]) from error
            except TimeoutError:
                continue
        raise self._no_answer(what)

    def _run(self, work: Coroutine) -> Any:
        """Run a coroutine.

        Raises:
            TimeoutError: no answer, or none that can be read.
            LinkError: the port is gone.
        """
        try:
            return self._runner.run(work)
        except (SMPUploadError, TimeoutError):
            self._transport.forget()
            raise
        except (SMPTransportDisconnected, OSError) as error:
            raise LinkError(
                f"{self.port} was lost", "plug the cable in and run the same command again"
            ) from error
        except _GARBLED as error:
            self._transport.forget()
            raise TimeoutError(str(error)) from error

    def _no_answer(self, what: str) -> LinkError:
        return LinkError(
            f"{self.port}: no answer to {what}", "see cable and power, and run it again"
        )
