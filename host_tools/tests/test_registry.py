"""The registry: who has which key, and that keys stay inside."""

import sqlite3
import stat

import pytest
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registered_unit import PROVISIONING
from fieldbeat.host_tools.registry import Registry, RegistryError


@pytest.fixture
def registry(tmp_path):
    made = Registry(tmp_path / "folder" / "registry.sqlite", now=lambda: 1_717_243_200.0)
    yield made
    made.close()


def test_allocation_counts_key_ids_and_epochs(registry):
    first, second = registry.allocate("gh-1"), registry.allocate("gh-2")
    assert (first.kid, first.epoch, first.state) == (b"\0\1", 1, PROVISIONING)
    assert (second.kid, second.epoch) == (b"\0\2", 1)
    again = registry.allocate("gh-1")
    assert (again.kid, again.epoch) == (b"\0\1", 2)
    keys = registry.keys(first.kid)
    assert [epoch for epoch, _ in keys] == [2, 1]
    assert len({key for _, key in keys}) == 2
    assert all(len(key) == 16 for _, key in keys)


def test_the_file_and_its_log_are_private(registry):
    registry.allocate("gh-1")
    for file in registry.path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_an_existing_readable_file_becomes_private(tmp_path):
    file = tmp_path / "registry.sqlite"
    file.touch(0o644)
    Registry(file).close()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_keys_are_in_no_text(registry):
    unit = registry.allocate("gh-1", "why")
    registry.describe("gh-1", "provisioned", state="provisioned")
    key = registry.keys(unit.kid)[0][1]
    told = repr(unit) + repr(vars(unit)) + repr(registry.history("gh-1")) + repr(registry.units())
    assert key.hex() not in told and repr(key) not in told


def test_what_was_done_is_remembered(registry):
    registry.allocate("gh-1", "new unit")
    unit = registry.describe("gh-1", "provisioned", "by hand", state="provisioned", mac="02:00")
    assert (unit.state, unit.mac) == ("provisioned", "02:00")
    assert registry.unit_of_mac("02:00") == registry.unit_of_kid(unit.kid) == unit
    assert registry.unit_of_mac("") is None
    assert [row[1:] for row in registry.history("gh-1")] == [
        ("key allocated", "epoch 1; new unit"),
        ("provisioned", "by hand"),
    ]


def test_a_key_is_claimed_once(registry):
    unit = registry.allocate("gh-1")
    other = Registry(registry.path)
    assert not registry.was_sent(unit.kid, unit.epoch)
    assert not registry.claim(unit.kid, unit.epoch + 1)
    assert [each.claim(unit.kid, unit.epoch) for each in (other, registry, other)] == [
        *(True, False, False)
    ]
    assert registry.was_sent(unit.kid, unit.epoch)


def test_a_chip_is_the_unit_that_it_became_last(tmp_path):
    times = iter(range(100))
    registry = Registry(tmp_path / "r.sqlite", now=lambda: next(times))
    for name in ("gh-1", "gh-2", "gh-1"):
        registry.allocate(name)
        registry.describe(name, "provisioned", mac="02:00")
        assert registry.unit_of_mac("02:00").name == name


def test_key_ids_run_out(tmp_path):
    registry = Registry(tmp_path / "r.sqlite")
    connection = sqlite3.connect(registry.path)
    connection.execute(
        "INSERT INTO keys (kid, epoch, master, created_s) VALUES (x'ffff', 1, x'', 0)"
    )
    connection.commit()
    with pytest.raises(RegistryError, match="all 65535 key ids"):
        registry.allocate("gh-1")
    assert registry.units() == []


def test_a_registry_keeps_its_size_of_key_ids(tmp_path):
    Registry(tmp_path / "r.sqlite", kid_size=4).close()
    registry = Registry(tmp_path / "r.sqlite")
    assert registry.kid_size == 4 and registry.allocate("gh-1").kid == b"\0\0\0\1"


def test_a_change_is_seen_here_and_in_another_process(registry):
    before = registry.version()
    registry.allocate("gh-1")
    assert registry.version() != before
    before = registry.version()
    other = Registry(registry.path)
    other.allocate("gh-2")
    assert registry.version() != before


def test_unknown_facts_are_refused(registry):
    registry.allocate("gh-1")
    with pytest.raises(TypeError, match="colour"):
        registry.describe("gh-1", "painted", colour="red")
    with pytest.raises(RegistryError, match="gh-9"):
        registry.describe("gh-9", "painted", site="x")


@pytest.mark.parametrize("content", [b"not a database, only text" * 50])
def test_a_foreign_file_is_refused(tmp_path, content):
    file = tmp_path / "r.sqlite"
    file.write_bytes(content)
    with pytest.raises(CannotTry, match="no SQLite database"):
        Registry(file)
    assert file.read_bytes() == content


def test_a_file_of_a_later_version_is_refused(registry):
    connection = sqlite3.connect(registry.path)
    connection.execute("PRAGMA user_version=99")
    connection.commit()
    with pytest.raises(CannotTry, match="version 99, not 12"):
        Registry(registry.path)
