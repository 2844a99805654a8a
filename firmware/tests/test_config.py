# The data files of a unit: whole, missing, damaged, out of range; and a commit that is cut.
# SPDX-License-Identifier: Apache-2.0
import os

import firmware.config as config_module
from firmware import config, config_check, settings
from firmware.counters import Counters
from firmware.tests.support import remove_tree, temp_dir
from protocols import cbor
from protocols.compat import sha256
from protocols.tests.support import raises

BOARD = {"id": "b", "buses": {}, "fitted": {}}
PROFILE = {"id": "p", "schema": {}, "interval_s": 300, "report_samples": 12, "channels": []}


def a_config(name="gh-1"):
    return {
        "node": {"name": name, "site": "s", "board": "b", "profile": "p"},
        "uplink": {"host": "192.0.2.1", "port": 5683, "interval_s": 3600},
        "sampling": {"interval_s": 300, "report_samples": 12},
    }


def write(root, name, value):
    with open(root + "/" + name, "wb") as file:
        file.write(value if isinstance(value, bytes) else cbor.encode(value))


class Unit:
    def __enter__(self):
        self.root = temp_dir()
        write(self.root, "board.cbor", BOARD)
        write(self.root, "profile.cbor", PROFILE)
        write(self.root, "config.cbor", a_config())
        write(self.root, "app.cbor", {"version": "1.2", "build_id": "x"})
        return self

    def __exit__(self, *args):
        remove_tree(self.root)

    def load(self):
        self.counters = Counters()
        return settings.load(self.root, self.counters)


def test_a_whole_unit():
    with Unit() as unit:
        settings = unit.load()
        assert settings.problem is None and unit.counters.snapshot() == {}
        assert settings.config["node"]["name"] == "gh-1"
        assert settings.config["uplink"]["datagram_bytes"] == 480
        assert settings.config["fitted"] == {}
        assert (settings.board, settings.profile) == (BOARD, PROFILE)
        assert settings.app["version"] == "1.2"
        assert settings.config_hash == sha256(cbor.encode(a_config())).digest()[:8]


def test_each_file_missing_or_damaged_is_named_and_counted():
    for name in ("board", "profile", "config"):
        for damage in (None, b"", b"\xff", b"\x01", cbor.encode({"id": 1})[:-1], cbor.encode({})):
            with Unit() as unit:
                path = "%s/%s.cbor" % (unit.root, name)
                if damage is None:
                    os.remove(path)
                else:
                    write(unit.root, name + ".cbor", damage)
                settings = unit.load()
                assert name in settings.problem, settings.problem
                assert unit.counters.snapshot() == {"config_bad": 1}
                assert settings.config["node"]["name"] in ("gh-1", "unknown")


def test_an_empty_file_system_is_no_crash():
    root = temp_dir()
    found = settings.load(root, Counters())
    assert "board.cbor cannot be read" in found.problem
    remove_tree(root)
    assert settings.load(root + "/none", Counters()).problem


def test_every_key_is_checked_and_named():
    for table, key, bad in (
        ("node", "name", ""),
        ("node", "name", 5),
        ("node", "site", "x" * 65),
        ("uplink", "host", None),
        ("uplink", "port", 0),
        ("uplink", "port", 65536),
        ("uplink", "port", "5683"),
        ("uplink", "port", True),
        ("uplink", "interval_s", 29),
        ("uplink", "datagram_bytes", 127),
        ("uplink", "budget_bytes_day", 999),
        ("uplink", "ack_timeout_s", 0),
        ("sampling", "interval_s", 0),
        ("sampling", "report_samples", 256),
    ):
        value = a_config()
        value[table][key] = bad
        error = raises(ValueError, config_check.check, value)
        assert "%s.%s" % (table, key) in str(error) and "allowed" in str(error)
    for table in ("node", "uplink", "sampling"):
        value = a_config()
        del value[table]
        error = raises(ValueError, config_check.check, value)
        assert "[%s] is missing" % table in str(error)


def save(root, data):
    write(root, "config.new", data)
    config.commit(root, "")


def test_commit_keeps_the_old_one_and_revert_brings_it_back():
    with Unit() as unit:
        save(unit.root, cbor.encode(a_config("gh-2")))
        assert unit.load().config["node"]["name"] == "gh-2"
        assert "config.new" not in os.listdir(unit.root)
        config.revert(unit, None)
        assert unit.load().config["node"]["name"] == "gh-1"
        error = str(raises(ValueError, config.revert, unit, None))
        assert error == "there is none before this one"


def test_a_bad_config_is_never_committed():
    with Unit() as unit:
        for data in (b"\xff", cbor.encode({}), cbor.encode([1])):
            write(unit.root, "config.new", data)
            error = raises(ValueError, config.commit, unit.root, "gh-1")
            assert "provision" not in str(error)  # it was a tool
            assert unit.load().config["node"]["name"] == "gh-1"


def test_a_unit_has_one_name():
    with Unit() as unit:
        write(unit.root, "config.new", a_config("gh-2"))
        error = str(raises(ValueError, config.commit, unit.root, "gh-1"))
        assert "node.name is gh-2 and id/unit gh-1" in error
        assert unit.load().config["node"]["name"] == "gh-1"
        config.commit(unit.root, "gh-2")
        assert unit.load().config["node"]["name"] == "gh-2"


class Cut(OSError):
    pass


class Files:
    # os without power after some renames; writes in between happen whole or not at all.
    def __init__(self, renames):
        self._left = renames
        self.listdir, self.remove = os.listdir, os.remove

    def rename(self, path, target):
        if self._left == 0:
            raise Cut
        self._left -= 1
        os.rename(path, target)


def test_a_cut_between_the_renames_leaves_a_whole_config():
    for renames in range(3):
        with Unit() as unit:
            config_module.os = Files(renames)
            try:
                save(unit.root, cbor.encode(a_config("gh-2")))
            except Cut:
                pass
            finally:
                config_module.os = os
            found = unit.load()
            assert found.problem is None
            assert found.config["node"]["name"] == ("gh-1" if renames == 0 else "gh-2")


def test_the_old_config_is_better_than_none():
    with Unit() as unit:
        os.rename(unit.root + "/config.cbor", unit.root + "/config.old")
        write(unit.root, "config.new", b"\xff")
        settings = unit.load()
        assert settings.config["node"]["name"] == "gh-1"
        assert unit.counters.snapshot() == {"config_bad": 1}


def test_a_trim_is_an_offset_and_a_factor_of_each_channel():
    value = a_config()
    value["sampling"]["trim"] = {"level": [-30, 10000]}
    assert config_check.check(value) is value
    for bad in ([], {"level": 5}, {"level": [1]}, {"level": [1, "2"]}, {"level": [True, 1]}):
        value["sampling"]["trim"] = bad
        assert "sampling.trim" in str(raises(ValueError, config_check.check, value))
