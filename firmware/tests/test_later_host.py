"""What is loaded for a use is forgotten as a whole."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

FIRMWARE = Path(__file__).parents[1]
LISTS = [
    (path.relative_to(FIRMWARE), node.value.split())
    for path in sorted(FIRMWARE.rglob("*.py"))
    if "tests" not in path.parts
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Constant) and isinstance(node.value, str)
    if "protocols.cbor" in node.value.split()
]


@pytest.mark.parametrize("path, modules", LISTS, ids=lambda value: str(value)[:40])
def test_who_forgets_the_writer_of_cbor_forgets_its_reader(path, modules):
    """One that stayed would hold the old writer, and raise errors that the next one is not."""
    assert "protocols.cbor_reader" in modules


def test_there_are_such_lists():
    assert len(LISTS) > 5
