# What a unit does without its data, its file system or a good record: it answers, and tries again.
# SPDX-License-Identifier: Apache-2.0
import os

from firmware.tests.support import ResetNow
from firmware.tests.support_node import PROFILE, Unit, channel, provision
from protocols import cbor, event
from protocols.tests.support import raises

HOUR = 3600


def safe_mode(unit, words):
    node = unit.boot()
    assert words in node.safe_mode_reason, node.safe_mode_reason
    assert node.counters.snapshot()["safe_mode"] == 1
    fed = unit.world.fed
    assert words in unit.type("status", 300)
    assert unit.world.fed > fed and sorted(node.tasks) == ["console", "house"]
    assert unit.collector.wakes == []
    return node


def test_without_a_config_it_still_answers():
    for name in ("board", "profile", "config"):
        with Unit() as unit:
            os.remove("%s/%s.cbor" % (unit.root, name))
            node = safe_mode(unit, name + ".cbor cannot be read")
            assert node.counters.snapshot()["config_bad"] == 1
            for line in ("help", "config show", "id", "sensors", "counters", "log", "modem"):
                shown = unit.type(line)
                assert "failed" not in shown, shown


def test_a_manifest_that_makes_no_sense_is_no_crash_loop():
    with Unit() as unit:
        unit.write("board.cbor", cbor.encode({"id": "b", "buses": {}, "fitted": {}}))
        safe_mode(unit, "cannot start")
        assert "KeyError" in open(unit.root + "/crash.txt").read()


def test_a_schema_that_no_record_holds_is_no_crash_loop():
    with Unit() as unit:
        channels = [
            channel("c%d" % n + "x" * 90, "battery.voltage", "V", 1000, 0, 20000)
            for n in range(32)
        ]
        profile = dict(PROFILE)
        profile["channels"] = channels
        unit.write("profile.cbor", cbor.encode(profile))
        node = unit.boot()
        unit.run(60)
        assert node.safe_mode_reason is None and node.counters.snapshot()["config_bad"] == 1
        assert len(unit.collector.events(event.BOOT)) == 1


def test_a_broken_file_system_is_no_crash_loop():
    with Unit() as unit:
        unit.write("outbox", b"not a directory")
        os.mkdir(unit.root + "/outbox.bad")  # so that it cannot be put aside
        node = safe_mode(unit, "cannot start")
        assert node.counters.snapshot()["fs_corrupt"] == 1
        assert "failed" not in unit.type("status")


def test_boots_that_prove_nothing_end_in_safe_mode_for_an_hour():
    with Unit() as unit:
        unit.world.nvs["fieldbeat"]["tries"] = 4
        safe_mode(unit, "3 boots failed; reboot tries again")
        raises(ResetNow, unit.run, HOUR)
        assert unit.world.nvs["fieldbeat"]["tries"] == 0


def test_a_unit_without_config_waits_for_it_and_is_not_to_blame():
    with Unit(provisioned=False) as unit:
        os.remove(unit.root + "/config.cbor")
        unit.boot()
        unit.world.nvs["fieldbeat"]["tries"] = 9
        unit.run(3 * HOUR)
        assert unit.world.nvs["fieldbeat"]["tries"] == 0


def test_proof_of_health_is_an_answer_or_ten_minutes():
    for silent, seconds, tries in ((False, 60, 0), (True, 540, 2), (True, 700, 0)):
        with Unit() as unit:
            unit.collector.silent = silent
            unit.world.nvs["fieldbeat"]["tries"] = 2
            unit.boot()
            unit.run(seconds)
            assert unit.world.nvs["fieldbeat"]["tries"] == tries


def test_without_keys_it_waits_for_them_and_makes_no_records():
    with Unit(provisioned=False) as unit:
        unit.world.nvs["fieldbeat"] = {"tries": 2}
        node = unit.boot()
        unit.run(2 * HOUR)
        assert node.safe_mode_reason is None and node.outbox.next_rn == 1
        assert unit.world.nvs["fieldbeat"]["tries"] == 0
        assert "no keys yet" in unit.type("log") and "unit" in unit.type("status")
        provision()
        unit.run(20)  # the time to finish what belongs together
        raises(ResetNow, unit.run, 200)
        unit.boot()
        unit.run(60)
        assert unit.collector.wakes
