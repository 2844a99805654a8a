"""The import rule: protocols <- drivers <- firmware and protocols <- host_tools, never back."""

from __future__ import annotations

import ast
import re
from importlib.util import resolve_name
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("protocols", "drivers", "firmware", "boards", "host_tools", "hil_tests")
MAY_IMPORT = {
    "protocols": {"protocols"},
    "drivers": {"protocols", "drivers"},
    "firmware": {"protocols", "drivers", "firmware"},
    "boards": {"boards"},
    "host_tools": {"protocols", "boards", "host_tools"},
}
FOR_PLATFORMIO = ("host_tools/platformio", "hil_tests/platformio")


def rooms_imported(path: Path, root: Path = ROOT) -> set[str]:
    """The rooms that a file names: `drivers.x` (device), `fieldbeat.drivers.x` or `..drivers`."""
    names = set()
    package = ".".join(["fieldbeat", *path.relative_to(root).parts[:-1]])
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            names |= {f"{module}.{alias.name}" for alias in node.names}
    parts = (name.removeprefix("fieldbeat.").split(".")[0] for name in names)
    return {part for part in parts if part in ROOMS}


def test_arrows_point_one_way():
    wrong = [
        f"{path.relative_to(ROOT)} imports {room}"
        for room_name, allowed in MAY_IMPORT.items()
        for path in sorted((ROOT / room_name).rglob("*.py"))
        if "tests" not in path.parts
        for room in sorted(rooms_imported(path) - allowed)
    ]
    assert not wrong, "\n".join(wrong)


def test_what_platformio_loads_needs_nothing_of_ours():
    """Its own Python runs these files, and has only PlatformIO and SCons."""
    files = [path for room in FOR_PLATFORMIO for path in sorted((ROOT / room).rglob("*.py"))]
    assert len(files) == 4
    for path in files:
        text = path.read_text()
        assert not rooms_imported(path) and not re.search(r"import fieldbeat|from \.", text), path


def test_the_rule_sees_what_it_should(tmp_path):
    (tmp_path / "host_tools").mkdir()
    bad = tmp_path / "host_tools" / "bad.py"
    bad.write_text(
        "from fieldbeat.firmware import node\nimport drivers.at\n"
        "from ..hil_tests import soak\nfrom .. import boards\nfrom . import files\n"
    )
    rooms = {"firmware", "drivers", "hil_tests", "boards", "host_tools"}
    assert rooms_imported(bad, tmp_path) == rooms
