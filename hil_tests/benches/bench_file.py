"""A bench is data: one TOML file says what stands on it, checked here.

[board.gh-01]
manifest = "greenhouse_esp32"
port = "/dev/ttyUSB0"
id = "mac:a4:cf:12:00:00:01"

[board.gh-01.power]
kind = "tasmota"
host = "192.0.2.7"

`benches/` has examples with every key.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from fieldbeat.host_tools import boards, node_config
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.flasher import LOCALLY_ADMINISTERED
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.host_tools.node_tables import HOST, NAME, NAME_RULE
from fieldbeat.host_tools.validation import InvalidData, Strict, check, did_you_mean
from pydantic import Field

from .stimulus_table import StimulusTable

VIRTUAL = "virtual"
LABGRID = "labgrid:"
PORT = r"^(virtual|labgrid:[A-Za-z0-9._/-]+|/\S+|COM[0-9]+|[a-z0-9+]+://\S+)$"
PORT_RULE = "a device (/dev/ttyUSB0), a URL (rfc2217://host:port), virtual, or labgrid:PLACE"
ID = r"^(mac:([0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}|usb:\S+)$"
ID_RULE = "mac:aa:bb:cc:dd:ee:ff ('esptool read-mac' shows it) or usb:SERIAL"
FEATURE = r"^[a-z][a-z0-9_]{0,31}$"
HOST_AND_PORT = HOST[:-1] + r"(:[0-9]{1,5})?$"
HOST_RULE = "a host name or an IPv4 address, with :PORT if it is not 80"
# What follows from the rest of the file, and so cannot be claimed in it.
DERIVED = (
    "virtual",
    "virtual_time",
    "faults",
    "lines",
    "power",
    "modem",
    "modem_model",
    "stimulus",
)
COLLECTOR = "collector"  # acknowledges what the units send: ours, or one that the file promises


class Switch(Strict):
    """What every kind of power has: the state after the bench, and how long `cycle` stays off."""

    after: Literal["on", "off"] = "on"
    off_s: float = Field(default=2.0, ge=0, le=600)


class VirtualPower(Switch):
    kind: Literal["virtual"]


class Uhubctl(Switch):
    kind: Literal["uhubctl"]
    location: str = Field(pattern=r"^[0-9]+(-[0-9.]+)?$", description="a hub such as 1-1.4")
    port: int = Field(ge=1, le=31)


class Tasmota(Switch):
    kind: Literal["tasmota"]
    host: str = Field(pattern=HOST_AND_PORT, description=HOST_RULE)
    relay: int = Field(default=1, ge=1, le=32)
    user: str = "admin"
    password_env: str | None = None


class Shelly(Switch):
    kind: Literal["shelly"]
    host: str = Field(pattern=HOST_AND_PORT, description=HOST_RULE)
    generation: Literal[1, 2] = 2
    relay: int = Field(default=0, ge=0, le=31)
    user: str = "admin"
    password_env: str | None = None


class Gpio(Switch):
    kind: Literal["gpio"]
    chip: str = Field(pattern=r"^(gpiochip[0-9]+|/dev/\S+)$", description="gpiochip0 or a path")
    line: int = Field(ge=0, le=1023)
    active: Literal["high", "low"] = "high"


class Manual(Switch):
    kind: Literal["manual"] = "manual"
    what: str = "its supply"


PowerTable = Annotated[
    VirtualPower | Uhubctl | Tasmota | Shelly | Gpio | Manual, Field(discriminator="kind")
]


class BoardTable(Strict):
    manifest: str
    port: str = Field(pattern=PORT, description=PORT_RULE)
    id: str | None = Field(default=None, pattern=ID, description=ID_RULE)
    lines: bool = True
    unit: str | None = None
    may_overwrite: bool = False
    power: PowerTable | None = None
    stimulus: StimulusTable | None = None

    @property
    def is_virtual(self) -> bool:
        return self.port == VIRTUAL

    @property
    def mac(self) -> str | None:
        """The MAC that the board must have, in lower case."""
        return self.id[4:].lower() if self.id and self.id.startswith("mac:") else None

    @property
    def usb_serial(self) -> str | None:
        """The serial number that the board's USB chip must have."""
        return self.id[4:] if self.id and self.id.startswith("usb:") else None


class Modem(Strict):
    kind: Literal["model", "real"]


class Tables(Strict):
    """The file as it is written."""

    features: list[str] = []
    board: dict[str, BoardTable]
    power: PowerTable | None = None
    modem: Modem | None = None
    wires: dict[str, str] = {}


@dataclass(frozen=True)
class BenchFile:
    """A checked bench; `source` is its name for messages."""

    source: str
    tables: Tables

    @property
    def boards(self) -> dict[str, BoardTable]:
        return self.tables.board

    @property
    def is_virtual(self) -> bool:
        """Whether every board is virtual, so that time can be virtual too."""
        return all(board.is_virtual for board in self.boards.values())

    def unit(self, name: str) -> NodeConfig | None:
        """The unit that a board was provisioned as; its file stands beside the bench file.

        Raises:
            CannotTry: its file cannot be read, or has mistakes.
        """
        file = self.boards[name].unit
        return None if file is None else node_config.load(self.folder / file)

    @property
    def folder(self) -> Path:
        """Where the files stand that it names."""
        return Path(self.source).parent

    def only(self, name: str) -> BenchFile:
        """The same bench with one board, whose supply nobody may switch, and nothing beside it."""
        board = self.boards[name].model_copy(update={"power": None, "stimulus": None})
        tables = self.tables.model_copy(update={"board": {name: board}, "power": None})
        return BenchFile(self.source, tables)

    @property
    def modem(self) -> str:
        default = "model" if self.is_virtual else "real"
        return self.tables.modem.kind if self.tables.modem else default

    def power(self, name: str) -> Switch | None:
        """How a board is switched; None: nobody said, so only a person can."""
        board = self.boards[name]
        chosen = board.power or self.tables.power
        return VirtualPower(kind="virtual") if board.is_virtual and not chosen else chosen

    @property
    def features(self) -> frozenset[str]:
        """What tests may ask for: what the file lists, and what follows from it."""
        found = set(self.tables.features)
        if self.is_virtual:
            found |= {"virtual", "virtual_time", "faults", COLLECTOR}
        if all(board.lines for board in self.boards.values()):
            found.add("lines")
        if all(self.power(name) for name in self.boards):
            found.add("power")
        if all(board.is_virtual or board.stimulus for board in self.boards.values()):
            found.add("stimulus")
        if any(boards.load(board.manifest).modem for board in self.boards.values()):
            found |= {"modem", "modem_model"} if self.modem == "model" else {"modem"}
        return frozenset(found)


ONE_VIRTUAL_BOARD = '[board.gh-01]\nmanifest = "greenhouse_esp32"\nport = "virtual"\n'


def ours() -> list[str]:
    """The names of the bench files of this project."""
    folder = resources.files("fieldbeat.hil_tests.benches")
    return sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load(path: Path | None) -> BenchFile:
    """Reads and checks a bench: a file, the name of one of ours, or None for one virtual board.

    Raises:
        CannotTry: the file cannot be read.
        InvalidData: it has mistakes; `problems` has them all.
    """
    if path is None:
        return parse(ONE_VIRTUAL_BOARD, "the bench of one virtual board")
    file: Any = path
    if str(path) in ours() and not path.exists():
        file = resources.files("fieldbeat.hil_tests.benches").joinpath(f"{path}.toml")
    try:
        return parse(file.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise InvalidData(str(path), ["the file is not UTF-8 text"]) from None
    except OSError as error:
        step = f"name a TOML file, or one of ours: {', '.join(ours())}"
        raise CannotTry(f"{path}: {error.strerror}", step) from None


def parse(text: str, source: str) -> BenchFile:
    """Checks the TOML text of a bench; `source` names it in messages."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InvalidData(source, [f"this is no TOML: {error}"]) from None
    tables = check(Tables, data, source)
    problems = [*_board_problems(tables), *_shared_problems(tables), *_feature_problems(tables)]
    problems += _modem_problems(tables)
    if problems:
        raise InvalidData(source, problems)
    return BenchFile(source, tables)


def _board_problems(tables: Tables) -> Iterator[str]:
    if not tables.board:
        yield "[board]: missing, must be at least one table [board.NAME]"
    for name, board in tables.board.items():
        place = f"[board.{name}]"
        if not re.match(NAME, name):
            yield f"{place}: '{name}' must be {NAME_RULE}"
        if board.manifest not in boards.names():
            hint = did_you_mean(board.manifest, boards.names())
            yield f"{place} manifest = '{board.manifest}': unknown board, {hint}"
        yield from _identity_problems(place, board)
        if board.is_virtual and board.stimulus:
            yield f"[board.{name}.stimulus]: a virtual board has its own models, take it out"
        power = board.power or tables.power
        kind = getattr(power, "kind", None)
        if kind and board.is_virtual != (kind == VIRTUAL):
            where = f"[board.{name}.power]" if board.power else "[power]"
            allowed = "virtual" if board.is_virtual else "uhubctl, tasmota, shelly, gpio or manual"
            yield f"{where} kind = '{kind}': must be {allowed} for port = '{board.port}'"


def _modem_problems(tables: Tables) -> Iterator[str]:
    real = [name for name, board in tables.board.items() if not board.is_virtual]
    if real and tables.modem and tables.modem.kind == "model":
        yield f"[modem] kind = 'model': must be 'real', since [board.{real[0]}] is not virtual"


def _identity_problems(place: str, board: BoardTable) -> Iterator[str]:
    if board.id is None:
        if not board.is_virtual:
            yield f"{place} id: missing, must be {ID_RULE}"
    elif board.usb_serial and not _is_device(board.port):
        yield f"{place} id = '{board.id}': only a local device shows it, give mac:..."
    elif board.is_virtual and board.mac and not int(board.mac[:2], 16) & LOCALLY_ADMINISTERED:
        yield f"{place} id = '{board.id}': a virtual board has a MAC like 02:..., not a chip's"


def _is_device(port: str) -> bool:
    return "://" not in port and not port.startswith(LABGRID) and port != VIRTUAL


def _shared_problems(tables: Tables) -> Iterator[str]:
    """Two boards with one identity, at one port or behind one switch."""
    seen: dict[tuple[str, object], str] = {}
    steps = {
        "id": "write what each board is: 'esptool read-mac' shows it",
        "port": "write where each board is plugged in",
        "power": "give each board a [board.NAME.power] of its own",
    }
    for name, board in tables.board.items():
        for key, value in _claims(board, board.power or tables.power):
            other = seen.setdefault((key, value), name)
            if other != name:
                given = "" if key == "power" else f" = '{getattr(board, key)}'"
                yield f"[board.{name}] {key}{given}: is that of [board.{other}]; {steps[key]}"


def _claims(board: BoardTable, power: Switch | None) -> Iterator[tuple[str, object]]:
    if board.id:
        yield "id", board.mac or board.usb_serial
    ports = [] if board.is_virtual else [board.port]
    if board.stimulus:
        ports.append(board.stimulus.port)
    for port in ports:
        yield "port", os.path.realpath(port) if _is_device(port) else port
    if isinstance(power, Uhubctl | Tasmota | Shelly | Gpio):
        relay = power.model_dump(include={"kind", "location", "port", "host", "relay"})
        yield "power", str(relay | power.model_dump(include={"chip", "line"}))


def _feature_problems(tables: Tables) -> Iterator[str]:
    for word in tables.features:
        if word in DERIVED:
            yield f"features = '{word}': follows from the rest of the file, take it out"
        elif not re.match(FEATURE, word):
            yield f"features = '{word}': must be lower-case letters, digits and '_'"
    for name, board in tables.board.items():
        if COLLECTOR in tables.features and not board.is_virtual and board.unit is None:
            yield (
                f"[board.{name}] unit: missing, and features has '{COLLECTOR}'; "
                "name the TOML file that the unit was provisioned with"
            )
