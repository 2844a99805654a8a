"""Runs what a page of docs/ shows: lines to paste, and transcripts with their answers.

The first line of a fenced block says what becomes of it; others are only read:

    ```sh run           lines to paste; each has to end with exit code 0
    ```sh run any       the same, where the exit code tells something
    ```sh run apart     lines that run in a terminal of their own, until the page ends
    ```console run      a transcript: `$ command`, `fieldbeat> verb`, and below each its answer
    ```toml file=NAME   a file that the reader saves under this name
    ```diff in=FILE     what the reader changes in a file of the project

In an answer `...` stands for any text; alone on a line for any lines, or none. /dev/pts/7 and TCP
port 4001 are the first board that `bench up` of the page has started, /dev/pts/8 and 4002 the
second: the real ones take their place, and so does the code of a unit once it has been shown.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pexpect
from pexpect.popen_spawn import PopenSpawn

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("boards", "drivers", "firmware", "hil_tests", "host_tools", "protocols")
SHELL, CONSOLE = "$ ", "fieldbeat> "
TIMEOUT_S = 120
FIRST_PTY, FIRST_TCP, BOARDS = 7, 4001, 9
_MARK = "-- transcript ended with"
_LEAVE = "\x1d"  # Ctrl-]
# Lines of the unit's log, which may come at any time: they end with "clear to the end of line".
_CODE = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b")  # of `fieldbeat code`
_LOGGED = re.compile(r"\r[^\r\n]*\x1b\[K\r\n")


class Differs(AssertionError):
    """A page shows something else than what happens."""


@dataclass
class Block:
    """A fenced block of a page; `line` is where its text begins."""

    language: str
    words: list[str]
    text: str
    line: int

    def named(self, what: str) -> str:
        """The word behind `what=` in its first line, or nothing."""
        return next((word[len(what) + 1 :] for word in self.words if word.startswith(what)), "")


@dataclass
class Step:
    """What is typed at a prompt, and what the page shows as its answer."""

    prompt: str
    typed: str
    answer: list[str] = field(default_factory=list)


def blocks(page: str) -> list[Block]:
    """Return the fenced blocks of a Markdown text, in their order."""
    found = []
    for match in re.finditer(r"^```(.*)\n((?:(?!```).*\n)*?)```$", page, re.MULTILINE):
        language, *words = match[1].split() or [""]
        found.append(Block(language, words, match[2], page.count("\n", 0, match.start()) + 2))
    return found


def steps(text: str) -> list[Step]:
    """Return what a transcript's text asks for."""
    found: list[Step] = []
    for line in text.splitlines():
        prompt = next((each for each in (SHELL, CONSOLE) if line.startswith(each)), "")
        if prompt:
            found.append(Step(prompt, line.removeprefix(prompt)))
        elif found:
            found[-1].answer.append(line)
        else:
            raise Differs(f"a transcript begins with {SHELL!r} or {CONSOLE!r}, not with: {line}")
    return found


def changed(text: str, diff: str) -> str:
    """Return a file's text after a change that a page shows: lines with ' ', '-' and '+'.

    Raises:
        Differs: what is there before stands nowhere in it, or several times.
    """
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if not line.startswith("+"))
    after = "".join(line[1:] for line in lines if not line.startswith("-"))
    if text.count(before) != 1:
        raise Differs(f"this stands {text.count(before)} times in it:\n{before}")
    return text.replace(before, after)


def matches(shown: list[str], said: str) -> bool:
    """Tell whether an answer is what the page shows, with `...` for what varies.

    How wide a column is varies, too: what else is in it changes.
    """

    def narrow(line: str) -> str:
        return re.sub(r"(?<=\S) +", " ", line.rstrip())

    pattern = ""
    for line in shown:
        if line.strip() == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*?".join(map(re.escape, narrow(line).split("..."))) + "\n"
    text = "".join(f"{narrow(line)}\n" for line in lines_of(said))
    return re.fullmatch(pattern, text) is not None


def lines_of(said: str) -> list[str]:
    """Return lines without trailing blanks; carriage returns and colours are gone."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said.replace("\r\n", "\n"))
    found = [line.rpartition("\r")[2].rstrip() for line in plain.split("\n")]
    while found and not found[-1]:
        found.pop()
    return found


class Terminal:
    """A shell in a folder that looks like the project's, with what runs beside it.

    Args:
        folder: an empty folder; it gets links to what pages name, or
        own: a copy of the project, which the page may change.
    """

    def __init__(self, folder: Path, own: bool = False) -> None:
        search = _copy_project(folder) if own else _link_project(folder)
        self._apart: list[subprocess.Popen[str]] = []
        self._ports: dict[str, str] = {}
        self._codes: dict[str, str] = {}
        first = _free_ports()
        self._tcp = {str(FIRST_TCP + n): str(first + n) for n in range(BOARDS)}
        home = {"FIELDBEAT_HOME": str(folder / "home"), "FIELDBEAT_LANG": "en"}
        home |= {"COLUMNS": "120", "TERM": "dumb", "PYTHONUNBUFFERED": "1"}
        path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
        self._environment = os.environ | home | {"PATH": path} | search
        self._shell = PopenSpawn(
            ["bash"], TIMEOUT_S, cwd=folder, env=self._environment, encoding="utf-8"
        )
        # What is set is for programs, too; the first command that fails is remembered.
        self._shell.sendline("set -a -o pipefail; trap 'failed=${failed:-$BASH_COMMAND}' ERR")

    def close(self) -> None:
        """End all that was started."""
        for process in self._apart:
            os.killpg(process.pid, signal.SIGTERM)
        for process in self._apart:
            process.wait(30)
            if process.stdout:
                process.stdout.close()
        self._shell.sendeof()
        self._shell.wait()

    def real(self, text: str) -> str:
        """Return a page's text with the ports of this run."""
        text = re.sub(r"/dev/pts/\d+", lambda m: self._ports.get(m[0], m[0]), text)
        text = _CODE.sub(lambda m: self._codes.get(m[0], m[0]), text)
        return re.sub(r"\b400\d\b", lambda m: self._tcp.get(m[0], m[0]), text)

    def shown(self, text: str) -> str:
        """Return a run's text with the ports of a page."""
        names = self._ports | self._codes | self._tcp
        back = {real: name for name, real in names.items()}
        for pattern in (r"/dev/pts/\d+", _CODE, r"\b\d{5}\b"):
            text = re.sub(pattern, lambda m: back.get(m[0], m[0]), text)
        return text

    def learn(self, shown: str, said: str) -> None:
        """Take the code that a unit has here for the one that the page shows."""
        names, codes = _CODE.findall(shown), _CODE.findall(said)
        if len(names) == len(codes) == 1:
            self._codes.setdefault(names[0], codes[0])

    def paste(self, text: str) -> tuple[str, str]:
        """Run lines; return what they said, and the first one that failed or nothing."""
        lines = self.real(text)
        self._shell.sendline(f"failed=\n{{\n{lines}\n}} </dev/null")
        self._shell.sendline(f"echo; echo '{_MARK}' \"$failed\"")
        self._shell.expect(rf"\n{_MARK} (.*)\n")
        assert isinstance(self._shell.before, str) and isinstance(self._shell.match, re.Match)
        return self.shown(self._shell.before), self._shell.match[1]

    def beside(self, text: str) -> str:
        """Start what runs in a terminal of its own; return what it says first."""
        process = subprocess.Popen(
            ["bash", "-ec", self.real(text)],
            cwd=self.paste("pwd")[0].strip(),
            env=self._own_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._apart.append(process)
        assert process.stdout
        said = []

        def give_up() -> None:
            said.append(f"(not begun in {TIMEOUT_S} s)\n")
            os.killpg(process.pid, signal.SIGKILL)

        late = threading.Timer(TIMEOUT_S, give_up)
        late.start()
        try:
            for line in process.stdout:
                said.append(line)
                if "Ctrl-C ends" in line or line.startswith("listening on"):
                    break
            else:
                raise Differs(f"it has ended: {text}\n{''.join(said)}")
        finally:
            late.cancel()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        ports = re.findall(r"^\S+ +(/dev/pts/\d+) ", "".join(said), re.MULTILINE)
        self._ports |= {f"/dev/pts/{FIRST_PTY + n}": port for n, port in enumerate(ports)}
        return self.shown("".join(said))

    def console(self, command: str) -> Console:
        """Run `fieldbeat console` as a person does, at a terminal."""
        folder = self.paste("pwd")[0].strip()
        return Console(self.real(command), folder, self._own_environment())

    def _own_environment(self) -> dict[str, str]:
        said, _ = self.paste("env -0 | tr '\\n\\0' ' \\n'")
        return self._environment | dict(
            line.split("=", 1) for line in self.real(said).splitlines() if "=" in line
        )


class Console:
    """A console in which a person types verbs."""

    def __init__(self, command: str, folder: str, environment: dict[str, str]) -> None:
        self._child = pexpect.spawn(
            "bash", ["-c", f"exec {command}"], TIMEOUT_S, cwd=folder, env=environment
        )
        self._child.expect_exact(b"Ctrl-]")
        self._child.send("\r")
        self._child.expect_exact(CONSOLE.encode())

    def ask(self, verb: str) -> str:
        """Type a verb; return all that stands between it and the next prompt."""
        self._child.send(f"{verb}\r")
        echo = re.escape(verb.split()[0]) + r"[^\r\n]*\r\n"  # of a code there are only stars
        self._child.expect(echo.encode())
        self._child.expect_exact(CONSOLE.encode())
        assert isinstance(self._child.before, bytes)
        return _LOGGED.sub("", self._child.before.decode())

    def close(self) -> None:
        """Leave it."""
        self._child.send(_LEAVE)
        self._child.expect(pexpect.EOF)
        self._child.close()


class Page:
    """A page that is run from its first block to its last.

    Args:
        path: the page, Markdown.
        folder: an empty folder to work in.
        own: it changes the project, so it gets a copy of it.
    """

    def __init__(self, path: Path, folder: Path, own: bool = False) -> None:
        self.said: list[tuple[str, str]] = []  # what was typed, and what was answered
        self._path = path
        self._terminal = Terminal(folder, own)

    def run(self) -> None:
        """Run all blocks.

        Raises:
            Differs: a command failed, or said something else than the page shows.
        """
        for block in blocks(self._path.read_text("utf-8")):
            try:
                self._run(block)
            except (Differs, pexpect.TIMEOUT, pexpect.EOF) as error:
                raise Differs(f"{self._path.name}:{block.line}: {error}") from None

    def close(self) -> None:
        """End all that the page has started."""
        self._terminal.close()

    def _run(self, block: Block) -> None:
        folder = Path(self._terminal.paste("pwd")[0].strip())
        if name := block.named("file"):
            (folder / name).write_text(block.text, "utf-8")
        if name := block.named("in"):
            text = (folder / name).read_text("utf-8")
            (folder / name).write_text(changed(text, block.text), "utf-8")
        if "run" not in block.words:
            return
        if block.language == "console":
            self._transcript(steps(block.text))
        elif "apart" in block.words:
            self.said.append((block.text, self._terminal.beside(block.text)))
        else:
            said, failed = self._terminal.paste(block.text)
            self.said.append((block.text, said))
            if failed and "any" not in block.words:
                raise Differs(f"'{failed}' has failed:\n{said}")

    def _transcript(self, asked: list[Step]) -> None:
        console: Console | None = None
        for step in asked:
            if step.prompt == CONSOLE:
                if console is None:
                    raise Differs("a verb is typed before 'fieldbeat console'")
                said = self._terminal.shown(console.ask(self._terminal.real(step.typed)))
            elif step.typed.startswith("fieldbeat console") and "--exec" not in step.typed:
                console = self._terminal.console(step.typed)
                continue
            else:
                said, _ = self._terminal.paste(step.typed)
                self._terminal.learn("\n".join(step.answer), said)
                said = self._terminal.shown(said)
            self.said.append((step.prompt + step.typed, said))
            if not matches(step.answer, said):
                shown = "\n".join(step.answer)
                raise Differs(f"{step.typed}\n--- shown\n{shown}\n--- said\n{said}")
        if console:
            console.close()


def _link_project(folder: Path) -> dict[str, str]:
    for name in (".venv", "docs"):
        (folder / name).symlink_to(ROOT / name)
    return {}


def _copy_project(folder: Path) -> dict[str, str]:
    """Return the environment in which the copy is what Python imports."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / ".venv").symlink_to(ROOT / ".venv")
    package = folder / ".copy" / "fieldbeat"
    package.mkdir(parents=True)
    for room in ROOMS:
        (package / room).symlink_to(folder / room)
    return {"PYTHONPATH": str(package.parent)}


def _free_ports() -> int:
    """Return the first of some TCP ports of five digits in a row that nobody uses."""
    for first in _candidates():
        try:
            for n in range(BOARDS):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", first + n))
        except OSError:
            continue
        return first
    raise RuntimeError("no TCP ports are free")


def _candidates() -> Iterator[int]:
    begin = 20_000 + (os.getpid() * 10 + time.monotonic_ns()) % 10_000 // 10 * 10
    yield from range(begin, begin + 1000, 10)
