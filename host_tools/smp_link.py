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

from . import serial_port, unit_words
from .errors import CannotTry, FieldbeatError
from .language import tr
from .smp_transport import SerialTransport

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

# smpclient logs requests as they are, with the key that one writes; at ERROR those that nobody has
# answered. Whatever it has to say it raises, too, so nobody gets any of it, whoever collects logs.
for _name in ("smp", "smpclient"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


def _say_nothing(text: str) -> None:
    pass


def shown(argv: list[str]) -> str:
    """Return a verb of a unit's shell as it may be shown: without the code that unlocks it."""
    has_code = len(argv) > 1 and argv[0].lower() == "unlock"
    return f"{argv[0]} ***" if has_code else " ".join(argv)


class LinkError(FieldbeatError):
    """The connection failed while it was in use."""


class Silent(CannotTry):
    """Nothing answered at a port."""


class AtPrompt(CannotTry):
    """The program of the unit was stopped: it stands at the MicroPython prompt."""


class Refused(LinkError):
    """The unit answered with an error; `code` is its name, for instance KEY_NOT_FOUND."""

    def __init__(self, what: str, answer: Any) -> None:
        err = getattr(answer, "err", None)
        rc = getattr(err or answer, "rc", answer)
        self.code = getattr(rc, "name", str(rc))
        step = unit_words.in_words(getattr(answer, "rsn", None) or "") or tr(
            "see that the unit runs firmware of this version"
        )
        super().__init__(
            tr("the unit refused {what}: {code}").format(what=what, code=self.code), step
        )


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
        self._transport = SerialTransport(baudrate=baud)
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
                    raise AtPrompt(
                        tr(
                            "{port}: the program was stopped, the unit stands at the MicroPython "
                            "prompt"
                        ).format(port=self.port),
                        tr(
                            "press Ctrl-D in 'fieldbeat console', that starts it; or 'mpremote "
                            "connect {port} reset'"
                        ).format(port=self.port),
                    ) from None
                if time.monotonic() >= give_up_s:
                    raise Silent(
                        tr("{port} is silent: nothing answered in {seconds:.0f} s").format(
                            port=self.port, seconds=seconds
                        ),
                        tr("see that the board has power and runs fieldbeat ('fieldbeat flash')"),
                    ) from None
                remark(
                    tr("waiting for the unit at {port}, at most {seconds:.0f} s ...").format(
                        port=self.port, seconds=seconds
                    )
                )
                remark = _say_nothing
                self._transport.leave_raw_repl()
                continue
            if hasattr(answer, "buf_size"):
                self._transport.initialize(answer.buf_size)
            return

    def echo(self, text: str) -> str:
        """Return what the unit sends back for a text."""
        return self._request(tr("an echo"), system.EchoWrite(d=text)).r

    def information(self) -> str:
        """Return the unit's line about itself: firmware, name, version, board, interpreter."""
        return self._request(tr("information"), system.OSApplicationInfoRead(format="a")).output

    def read_setting(self, name: str) -> bytes | None:
        """Return a setting, or None if the unit has none of that name or no value."""
        try:
            return self._request(
                tr("reading {name}").format(name=name), settings.ReadSetting(name=name)
            ).val
        except Refused as refused:
            if refused.code in ("KEY_NOT_FOUND", "ROOT_KEY_NOT_FOUND"):
                return None
            raise

    def write_setting(self, name: str, value: bytes) -> None:
        """Write a setting; the value is never part of an error."""
        self._request(
            tr("writing {name}").format(name=name), settings.WriteSetting(name=name, val=value)
        )

    def commit_settings(self) -> None:
        """Let the unit check and take over an uploaded configuration."""
        self._request(tr("the configuration"), settings.CommitSettings())

    def upload(self, path: str, data: bytes) -> None:
        """Write a file on the unit."""

        async def send() -> None:
            async for _ in self._client.upload_file(data, path):
                pass

        self._transfer(tr("writing {path}").format(path=path), send)

    def download(self, path: str) -> bytes | None:
        """Return a file of the unit, or None if it has no such file."""
        try:
            self._request(tr("reading {path}").format(path=path), files.FileStatus(name=path))
        except Refused as refused:
            if refused.code == "FILE_NOT_FOUND":
                return None
            raise
        return self._transfer(
            tr("reading {path}").format(path=path), lambda: self._client.download_file(path)
        )

    def status(self) -> dict[str, str]:
        """Return what the verb `status` of the unit's shell shows, by its names."""
        answer = self._request(tr("its status"), shell.Execute(argv=["status"]))
        rows = (line.partition("  ") for line in answer.o.splitlines())
        return {name.strip(): value.strip() for name, _, value in rows}

    def run(
        self, argv: list[str], attempts: int = 1, timeout_s: float = VERB_S
    ) -> tuple[str, int]:
        """Run a verb of the unit's shell and return its output and its exit code.

        With more `attempts` than one it may run more than once.
        """
        answer = self._request(f"'{shown(argv)}'", shell.Execute(argv=argv), attempts, timeout_s)
        return answer.o, answer.ret

    def reset(self) -> None:
        """Reset the unit and wait until it answers again.

        Raises:
            CannotTry: it stays silent.
        """
        self._request(tr("a reset"), system.ResetWrite())
        self._pause(SETTLE_S)
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
                self._pause(ROOM_S)
        raise refused or self._no_answer(what)

    def _ask(self, request: Any, timeout_s: float) -> Any:
        return self._run(self._client.request(request, timeout_s=timeout_s))

    def _transfer(self, what: str, start: Any) -> Any:
        refused: Refused | None = None
        for _ in range(ATTEMPTS):
            try:
                return self._run(start())
            except SMPUploadError as error:
                refused = Refused(what, error.args[0])
                if refused.code != "ENOMEM":
                    raise refused from error
                self._pause(ROOM_S)
            except TimeoutError:
                continue
        raise refused or self._no_answer(what)

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)

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
                tr("{port} was lost").format(port=self.port),
                tr("{step}, then run the same command again").format(
                    step=serial_port.lost_step(self.port)
                ),
            ) from error
        except _GARBLED as error:
            self._transport.forget()
            raise TimeoutError(str(error)) from error

    def _no_answer(self, what: str) -> LinkError:
        return LinkError(
            tr("{port}: no answer to {what}").format(port=self.port, what=what),
            tr("{step}, then run the same command again").format(
                step=serial_port.lost_step(self.port)
            ),
        )
