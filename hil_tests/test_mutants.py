"""The mutants fit the code as it is, and their runner tells a caught one from a missed one."""

from __future__ import annotations

from queue import SimpleQueue

import pytest
from fieldbeat.hil_tests.mutants.__main__ import run
from fieldbeat.hil_tests.mutants.mutant import Mutant, StaleMutant, load
from fieldbeat.hil_tests.mutants.tree import ROOT, Tree

CRC_TESTS = ("protocols/tests/test_crc.py",)


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.name)
def test_a_mutant_changes_code_that_is_there(mutant):
    source = (ROOT / mutant.file).read_text(encoding="utf-8")
    assert mutant.apply(source) != source
    assert mutant.why.endswith(".")
    assert all((ROOT / test).is_file() for test in mutant.tests)


def test_there_are_enough():
    assert len(load()) >= 20


def test_code_that_is_gone_is_said_so():
    mutant = Mutant("gone", "", "protocols/crc.py", "no such line", "", CRC_TESTS)
    with pytest.raises(StaleMutant, match="0 times, not once"):
        mutant.apply((ROOT / mutant.file).read_text(encoding="utf-8"))


@pytest.mark.long
def test_one_is_caught_and_one_that_changes_nothing_is_missed(tmp_path, capsys):
    source = "protocols/crc.py"
    title = (ROOT / source).read_text(encoding="utf-8").splitlines()[0]
    trees: SimpleQueue[Tree] = SimpleQueue()
    trees.put(Tree(tmp_path))
    mutants = [
        Mutant("other polynomial", "", source, "0xA001", "0xA003", CRC_TESTS),
        Mutant("other words", "", source, title, "# CRC", CRC_TESTS),
    ]
    assert run(mutants, trees) == (1, [])
    assert "MISSED  other words" in capsys.readouterr().out
