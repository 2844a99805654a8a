"""Writes docs/parts.md out of the code: every part that a board can have, driver, model, tests.

    python docs/make_parts.py          # writes the page
    python docs/make_parts.py --check  # exit code 1 if the page is stale

The data are the drivers' comments, PARTS of the firmware and of the bench, boards and maps.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ast
import importlib
import inspect
import json
import re
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from fieldbeat.hil_tests.virtual import models
from fieldbeat.hil_tests.virtual.network import Network
from fieldbeat.hil_tests.virtual.scene import Scene
from fieldbeat.hil_tests.virtual.world import World
from fieldbeat.host_tools.wording import counted

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "parts.md"
TEMPLATE = ROOT / "docs" / "parts.in.md"
MODELS = "hil_tests/virtual/models"
PINS = {"i2c": "I2C", "uart": "UART", "rs485": "RS485", "i2s": "I2S", "dvp": "DVP"}
PINS["onewire"] = "1-Wire"
# What a maker in firmware/ asks its board for, where no board has the part.
ASKED = {"'address'": "I2C", "board.adc": "ADC", "input_pin": "pin", "output": "pin", "PWM": "pin"}
REFERENCE = re.compile(
    r"[Dd]atasheet, ([a-z][a-z -]+)(?=[:;.])|"
    r"((?:[Tt]ables?|[Ff]igures?|[Ss]ections?|application note) \d+(?:\.\d+)*(?: and \d+)?)|"
    r"(?:\w+80 |^|\()(\d\.\d+(?:\.\d+)*)(?=[:,)])"
)


@dataclass
class Part:
    """One line of the table; paths are those of the tree."""

    name: str
    title: str
    source: str
    references: list[str]
    hypotheses: int
    fitted: set[str] = field(default_factory=set)  # what boards call it
    buses: set[str] = field(default_factory=set)
    boards: list[str] = field(default_factory=list)
    models: set[str] = field(default_factory=set)
    tests: list[str] = field(default_factory=list)
    bench_tests: list[str] = field(default_factory=list)

    @property
    def driver(self) -> str:
        return f"drivers/{self.name}.py"


def makers() -> dict[str, ast.FunctionDef | None]:
    """Return what the firmware can make (its PARTS and MODEMS) and has a driver: name -> maker."""
    found: dict[str, ast.FunctionDef | None] = {}
    for path in sorted((ROOT / "firmware").glob("*.py")):
        tree = ast.parse(path.read_text())
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Dict):
                continue
            if ast.unparse(node.targets[0]) not in ("PARTS", "MODEMS"):
                continue
            for key, value in zip(node.value.keys, node.value.values, strict=True):
                name = str(ast.literal_eval(key)) if key else ""
                if (ROOT / "drivers" / f"{name}.py").exists():
                    found[name] = functions.get(ast.unparse(value))
    return dict(sorted(found.items()))


def comments(path: Path) -> tuple[str, str]:
    """Return the first comment of a file, and all of its comments, each as one line of text."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    head: list[str] = []
    for line in lines:
        if "SPDX" in line or not line.startswith("#"):
            break
        head.append(line[1:].strip())
    marked = [line for line in lines if "#" in line and "SPDX" not in line]
    every = [line.partition("#")[2].strip() for line in marked]
    return " ".join(head), " ".join(every)


def described(name: str) -> Part:
    """Return a part with what its driver says of itself."""
    title, every = comments(ROOT / "drivers" / f"{name}.py")
    found = re.search(r" ?\(([^()]*(?:datasheet|manual|SEN0|TS 2)[^()]*)\)", title)
    title = title.replace(found[0], "") if found else title
    references: list[str] = []
    for match in REFERENCE.finditer(every):
        reference = next(group for group in match.groups() if group).lower()
        if reference not in references:
            references.append(reference)
    return Part(
        name,
        title.split(". ")[0].rstrip("."),
        found[1] if found else "",
        references,
        len(re.findall("hypothes", every, re.IGNORECASE)),
    )


def on_boards(parts: dict[str, Part]) -> None:
    """Add the boards that have each part, its buses there and the models that the bench makes."""
    for path in sorted((ROOT / "boards").glob("*.json")):
        manifest = json.loads(path.read_text())
        spec = manifest["fieldbeat"]
        fitted = dict(spec["fitted"])
        if spec.get("modem"):
            fitted["modem"] = spec["modem"]
        world = World(1)
        built = models.build(world, manifest, Scene(world.start), Network(world))
        for name, entry in fitted.items():
            part = parts[entry["part"]]
            if path.stem not in part.boards:
                part.boards.append(path.stem)
            part.fitted.add(name)
            part.buses.add(bus_of(spec, entry))
            model = built.modem if name == "modem" else built.parts[name]
            part.models.add(model_file(type(model).__module__))
        world.close()


def bus_of(spec: dict[str, Any], entry: dict[str, Any]) -> str:
    """Return how a part of a board is connected."""
    if "bus" in entry:
        return PINS[spec["buses"][entry["bus"]]["kind"]]
    analog = entry["part"] in ("battery", "current_loop", "line_monitor", "analog_probe")
    return "ADC" if analog else "pin"


def model_file(module: str) -> str:
    """Return a module of the bench as a path of the tree."""
    return f"{MODELS}/{module.rpartition('.')[2]}.py"


def off_boards(part: Part, maker: ast.FunctionDef | None) -> None:
    """Fill in what no board shows: the bus by the firmware's maker, the model by the bench's."""
    if not part.buses and maker is not None:
        text = ast.unparse(maker)
        part.buses.add(next((bus for asked, bus in ASKED.items() if asked in text), "UART"))
    if part.models:
        return
    if (ROOT / MODELS / f"{part.name}.py").exists():
        part.models.add(f"{MODELS}/{part.name}.py")
        return
    make = models.PARTS.get(part.name)
    if make is None:
        return
    room = inspect.getclosurevars(make).nonlocals.get("maker")
    for module in inspect_modules(make) if room else ():
        made = inspect.signature(getattr(module, room)).return_annotation
        part.models.add(model_file(getattr(module, made).__module__))


def inspect_modules(make: Any) -> list[Any]:
    """Return the modules of the bench that a maker imports when it is called."""
    names = [name for name in make.__code__.co_names if (ROOT / MODELS / f"{name}.py").exists()]
    return [importlib.import_module(f"{models.__name__}.{name}") for name in names]


@cache
def test_files(folder: str) -> dict[str, str]:
    """Return the test files of a folder: path -> text."""
    files = sorted((ROOT / folder).glob("test_*.py"))
    return {f"{folder}/{path.name}": path.read_text() for path in files}


def tested(part: Part) -> None:
    """Add the tests that import the driver, in its room and on the bench."""
    imports = re.compile(rf"(?:from|import) drivers\.{part.name}\b")
    for folder, found in (("drivers/tests", part.tests), ("hil_tests", part.bench_tests)):
        found += [path for path, text in test_files(folder).items() if imports.search(text)]
    # Else where its model, or it, or a board that has it is spoken of most, on the bench.
    by_model = [rf"models\.{Path(path).stem}\b" for path in part.models]
    fitted = [rf'parts\["{name}"\]' for name in part.fitted]
    boards = [rf"{name}\b" for name in part.boards]
    for names in (by_model, fitted, [rf"{part.name}\b"], boards):
        if names and not part.bench_tests:
            named = re.compile("|".join(rf"\b{name}" for name in names))
            files = test_files("hil_tests")
            counts = {path: len(named.findall(text)) for path, text in files.items()}
            most = max(counts, key=lambda path: counts[path])
            part.bench_tests += [most] if counts[most] else []


@cache
def parts() -> dict[str, Part]:
    """Return all parts by name."""
    found = {name: described(name) for name in makers()}
    on_boards(found)
    for name, maker in makers().items():
        off_boards(found[name], maker)
        tested(found[name])
    return found


def maps() -> list[tuple[str, str, str, str]]:
    """Return the files of drivers/maps: name, what it is of, how much is in it, its source."""
    rows = []
    for path in sorted((ROOT / "drivers" / "maps").glob("*.json")):
        data = json.loads(path.read_text())
        if "registers" in data:
            values = counted(len(data["registers"]), "value")
            of = f"{values}, function {data['function']}"
        else:
            rest = sorted(set(data) - {"part", "source"})
            of = ", ".join(rest)
        rows.append((linked(f"drivers/maps/{path.name}"), data["part"], of, data["source"]))
    return rows


def linked(path: str) -> str:
    """Return a link from docs/ to a file of the tree."""
    return f"[{Path(path).stem.removeprefix('test_')}](../{path})"


def table(head: tuple[str, ...], rows: list[tuple]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) or "–" for cell in line) + " |" for line in lines)


def row(part: Part) -> tuple[str, ...]:
    """Return the line of a part."""
    facts = part.source
    if part.references:
        facts += ("; " if facts else "") + ", ".join(part.references[:6])
    if part.hypotheses:
        s = "is" if part.hypotheses == 1 else "es"
        facts += ("; " if facts else "") + f"{part.hypotheses} hypothes{s}"
    tests = [linked(path) for path in part.tests]
    bench = [linked(path) for path in part.bench_tests[:1]]
    return (
        linked(part.driver),
        part.title,
        ", ".join(sorted(part.buses)),
        ", ".join(part.boards),
        facts,
        ", ".join(linked(path) for path in sorted(part.models)),
        ", ".join(tests),
        ", ".join(bench),
    )


def page() -> str:
    """Return the whole page."""
    head = ("driver", "what it is", "bus", "boards", "facts, from", "model", "driver's tests")
    rows = [row(part) for part in parts().values()]
    return TEMPLATE.read_text().format(
        parts=table((*head, "on the bench, e.g."), rows),
        maps=table(("map", "of", "holds", "source"), maps()),
    )


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    text = page()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print("docs/parts.md is stale; next: python docs/make_parts.py")
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
