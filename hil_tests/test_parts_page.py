"""docs/parts.md is what the code says, and no driver lacks a model or a test."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def maker():
    spec = importlib.util.spec_from_file_location("make_parts", ROOT / "docs" / "make_parts.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_parts"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["make_parts"]


@pytest.fixture(scope="module")
def parts(maker):
    return maker.parts()


def test_the_page_is_up_to_date(maker):
    assert maker.page() == maker.PAGE.read_text(), "next: python docs/make_parts.py"


def test_every_part_has_a_model_and_tests(parts):
    assert len(parts) >= 25
    for part in parts.values():
        assert part.models, f"{part.driver} has no model"
        assert part.bench_tests, f"nothing on the bench tests {part.driver}"
        assert all((ROOT / path).is_file() for path in part.models), part.models
        assert part.buses and part.title, part.name


# Modems are all dialogue: bc95 and sim7020 have their tests against their models.
TESTED_BY_THEIR_MODEL = {"bc95", "sim7020"}


def test_every_part_has_a_test_of_its_driver_alone(parts):
    lacking = {name for name, part in parts.items() if not part.tests}
    assert lacking <= TESTED_BY_THEIR_MODEL


def test_every_driver_is_a_part_or_belongs_to_one(parts):
    used = set()
    for room in ("drivers", "firmware"):
        for path in (ROOT / room).rglob("*.py"):
            if "tests" not in path.parts:
                text = path.read_text()
                used |= set(re.findall(r"from \.(\w+) import|from drivers\.(\w+) import", text))
                used |= {(name, "") for name in re.findall(r"from \. import (\w+)", text)}
                used |= {(name, "") for name in re.findall(r"drivers\.(\w+)", text)}
    names = {name for pair in used for name in pair if name}
    for path in sorted((ROOT / "drivers").glob("[a-z]*.py")):
        assert path.stem in parts or path.stem in names, f"who uses {path.name}?"


def test_every_part_that_has_a_model_can_be_made_by_the_firmware(maker, parts):
    for name in maker.models.PARTS:
        assert name in parts, f"the bench has a model of {name}, and no driver is made for it"


def test_every_map_is_listed(maker):
    names = {path.stem for path in (ROOT / "drivers" / "maps").glob("*.json")}
    assert {re.findall(r"\[(\w+)\]", row[0])[0] for row in maker.maps()} == names
