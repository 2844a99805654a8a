"""The code of a unit: how it is made, kept, shown, and that a unit takes it."""

from __future__ import annotations

import hashlib
import json

import pytest
from fieldbeat.host_tools import unit_code
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.registry import Registry


@pytest.fixture
def registry(tmp_path):
    registry = Registry(tmp_path / "registry.sqlite")
    registry.allocate("gh-1")
    return registry


def test_it_is_made_once_and_kept_sealed(registry):
    code = unit_code.make(registry, "gh-1")
    assert len(code) == 8 and set(code) <= set(unit_code.ALPHABET)
    assert unit_code.make(registry, "gh-1") == code == unit_code.of_unit(registry, "gh-1")
    registry.checkpoint()
    assert code.encode() not in registry.path.read_bytes()
    registry.allocate("gh-2")
    assert unit_code.make(registry, "gh-2") != code


def test_what_a_unit_keeps_of_it():
    """Computed by hand: salt, rounds, and SHA-256 of salt, rounds and code, twice."""
    once = hashlib.sha256(b"saltsalt\0\x027ZK40M1X").digest()
    kept = unit_code.for_unit("7ZK40M1X", b"saltsalt", 2)
    assert kept == b"saltsalt\0\x02" + hashlib.sha256(once).digest()
    assert unit_code.check_value(kept) == hashlib.sha256(kept).digest()[:4]
    assert unit_code.for_unit("7ZK40M1X") != unit_code.for_unit("7ZK40M1X")  # another salt


def test_a_unit_is_known_by_what_it_keeps(registry):
    registry.allocate("gh-2")
    kept = unit_code.kept(registry, "gh-1")
    assert unit_code.kept(registry, "gh-1") == kept != unit_code.kept(registry, "gh-2")
    held = unit_code.check_value(kept)
    assert unit_code.of_holder(registry, held) == unit_code.of_unit(registry, "gh-1")
    assert unit_code.of_holder(registry, b"else") is unit_code.of_holder(registry, None) is None
    registry.keep_secret("gh-1", unit_code.NAME, b"7ZK40M1X")
    anew = unit_code.kept(registry, "gh-1", anew=True)
    assert anew == unit_code.for_unit("7ZK40M1X", anew[:8]) == unit_code.kept(registry, "gh-1")
    assert unit_code.of_holder(registry, held) is None


class Locked:
    """A unit with one code; it says whether one is right, and what was tried."""

    def __init__(self, code):
        self.code, self.tried = code, []

    def run(self, argv):
        self.tried.append(argv)
        return ("unlocked", 0) if argv == ["unlock", self.code] else ("a wrong code", 1)


def test_a_unit_is_unlocked_by_the_registry_or_by_who_is_asked(registry):
    held = unit_code.check_value(unit_code.kept(registry, "gh-1"))
    unit = Locked(unit_code.of_unit(registry, "gh-1"))
    asked = []
    ask = lambda: asked.append(1) or "7ZK40M1X"  # noqa: E731
    assert unit_code.unlock(unit, held, registry, ask) == (True, "unlocked") and not asked
    for nothing in (None, registry):  # which does not know this one
        assert unit_code.unlock(unit, b"else", nothing, ask) == (False, "a wrong code")
        assert unit.tried.pop() == ["unlock", "7ZK40M1X"]
        assert unit_code.unlock(unit, b"else", nothing) == (False, "") and len(unit.tried) == 1


def test_people_write_it_as_they_like():
    assert unit_code.pretty("7ZK40M1X") == "7ZK4-0M1X"
    assert unit_code.normal("7zk4-omlx") == unit_code.normal("7ZK40M1X") == "7ZK40M1X"


def test_it_is_shown_to_who_asks(registry, capsys):
    where = ["--registry", str(registry.path)]
    assert main(["code", "gh-1", *where]) != 0
    assert "its serial port is open; next: 'fieldbeat provision'" in capsys.readouterr().err
    code = unit_code.make(registry, "gh-1")
    assert main(["code", "gh-1", *where]) == 0
    assert capsys.readouterr().out == unit_code.pretty(code) + "\n"
    assert main(["code", "gh-1", *where, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"unit": "gh-1", "code": code}
    assert main(["code", "gh-9", *where]) != 0


def test_all_are_written_down_for_the_day_when_the_registry_is_lost(registry, tmp_path, capsys):
    where, file = ["--registry", str(registry.path)], tmp_path / "codes.txt"
    assert main(["code", *where]) == 2 and "--all FILE" in capsys.readouterr().err
    assert main(["code", "--all", str(file), *where]) == 2 and not file.exists()
    registry.allocate("greenhouse-2")
    codes = [unit_code.pretty(unit_code.make(registry, name)) for name in ("gh-1", "greenhouse-2")]
    registry.allocate("gh-3")  # has none yet
    file.write_text("of yesterday")
    file.chmod(0o644)
    for more in ([], ["--json"]):
        assert main(["code", "--all", str(file), *where, *more]) == 0
        told = capsys.readouterr()
        assert not any(code in told.out + told.err for code in codes)
        assert file.read_text() == f"gh-1          {codes[0]}\ngreenhouse-2  {codes[1]}\n"
        assert file.stat().st_mode & 0o777 == 0o600
