# The verbs, as a person types them.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os

from drivers.errors import SensorError
from firmware import unit_checks
from firmware.config import commit
from firmware.rows import decimal, flatten, table
from firmware.shell import names
from firmware.tests.support import run
from firmware.tests.support_console import CONFIG, MASTER, Air, Node, Sampler, config_bytes
from protocols import cbor
from protocols.schema import MAINTENANCE


def _with_node(test):
    node = Node()
    try:
        test(node)
    finally:
        node.close()


def _no_road(uplink):
    async def wake():
        uplink.outcome = "no_link"
        return False

    return wake


def _rows(text):
    return dict([line.split("  ", 1) for line in text.replace("   ", "  ").split("\n")])


def test_scaled_integers_without_a_float():
    for value, scale, text in (
        (0, 1, "0"),
        (2345, 100, "23.45"),
        (-305, 100, "-3.05"),
        (5, 1000, "0.005"),
        (-5, 10, "-0.5"),
        (-97, 1, "-97"),
        (16777217, 10, "1677721.7"),
    ):
        assert decimal(value, scale) == text


def test_tables():
    assert table([]) == "" and table([("a", 1), ("long", "x")]) == "a     1\nlong  x"
    assert flatten({"b": 2, "a": {"d": 1, "c": {}}}) == [("a.d", 1), ("b", 2)]


def test_help_names_every_verb():
    def test(node):
        text, ret = node.execute("help")
        assert ret == 0
        for verb in (
            "help status id config sensors read modem counters log selftest uplink reboot".split()
        ):
            assert [line for line in text.split("\n") if line.split()[0] == verb], verb

    _with_node(test)


def test_an_unknown_verb_says_what_to_type():
    def test(node):
        assert node.execute("satus now") == ("unknown verb satus; type help", 1)

    _with_node(test)


def test_status():
    def test(node):
        text, ret = node.execute("status")
        assert ret == 0 and "gh-01" in text and "not known yet (none)" in text
        assert "2 records, 164 bytes, from #31" in text and "safe mode" not in text
        node.clock.set(86400, "server")
        node.safe_mode_reason = "three boots failed"
        text, _ = node.execute("status")
        assert "2024-01-02T00:00:00Z (server)" in text and "three boots failed" in text

    _with_node(test)


def test_a_unit_without_data_still_answers():
    def test(node):
        node.config, node.parts = {}, dict
        node.uplink = node.sampler = node.outbox = None
        node.safe_mode_reason = "/config.cbor cannot be read"
        for verb in "help status id config sensors counters log".split():
            text, ret = node.execute(verb)
            assert ret == 0, text
        for verb in ("modem", "uplink"):
            assert node.execute(verb) == ("there is no uplink: /config.cbor cannot be read", 1)
        assert node.execute("read air")[1] == 1

    _with_node(test)


def test_id_shows_the_check_value_and_no_verb_the_key():
    def test(node):
        assert node.execute("id")[0].startswith("not provisioned; run fieldbeat provision")
        node.provision()
        text, _ = node.execute("id")
        assert "0007" in text and node.secrets.check_value().hex() in text
        lines = node.execute("help")[0].split("\n")
        assert len(lines) == len(names(node)) and max([len(line) for line in lines]) <= 80
        assert node.execute("help list") == (" ".join(names(node)), 0)
        for verb in names(node):
            if verb != "reboot":
                text, _ = node.execute(verb)
                assert MASTER.hex() not in text and str(MASTER) not in text

    _with_node(test)


def test_the_help_of_each_role_fits_an_answer_by_smp():
    def test(node):
        node.role, config = True, node.config
        for tables in ("trace control", "speaker", "trace pictures"):
            node.config = dict(config, power={}, **{table: {} for table in tables.split()})
            text, _ = node.execute("help")
            assert tables.split()[-1][:4] in text and len(text) <= 1024

    _with_node(test)


def test_config():
    def test(node):
        text, ret = node.execute("config show")
        assert ret == 0 and "uplink.host              collector.example" in text.split("\n")
        assert node.execute("config") == (text, 0)
        text, ret = node.execute("config show sampling")
        assert (text, ret) == ("sampling.interval_s      300\nsampling.report_samples  12", 0)
        for line, hint in (
            ("set x", "set PATH VALUE: "),
            ("set node.site a b c", "a value no space"),
            ("show node.name", "config show and one of fitted, node, "),
            ("sav", "one of show, set, check, save, discard, revert"),
        ):
            text, ret = node.execute("config " + line)
            assert ret == 1 and hint in text and len(text) < 90, text
        assert "fitted.light.enabled     false" in node.execute("config show")[0]

    _with_node(test)


def test_config_revert():
    def test(node):
        text, ret = node.execute("config revert")
        assert ret == 1 and text.startswith("nothing was changed: ") and "none before" in text
        node.write("/config.old", config_bytes())
        node.write("/config.cbor", b"new")

        async def scenario():
            text, ret = await node.shell.execute(["config", "revert"])
            assert ret == 0 and text.endswith("rebooting")
            await asyncio.sleep_ms(1000)

        run(scenario())
        assert node.read("/config.cbor") == config_bytes() and node.reboots == 1

    _with_node(test)


def test_sensors_and_read():
    def test(node):
        text, _ = node.execute("sensors")
        assert text == "air_temperature  -3.05 Cel\nsoil_ph          no value (%s)" % (
            "communication fault"
        )
        node.sampler.last = dict(Sampler.last, soil_ph=(None, MAINTENANCE, 1000))
        assert node.execute("sensors")[0].endswith("soil_ph          switched off")
        assert node.execute("read air") == ("temperature  -0.05 Cel\nhumidity     no value", 0)
        text, ret = node.execute("read co2")
        assert ret == 1 and text.startswith("co2: i2c_nack: no answer at 0x44; check")
        assert node.execute("read camera") == ("ok: it answers, and has no value to read", 0)
        assert node.execute("read light") == ("light is switched off in the configuration", 1)
        for line in ("read", "read x", "read air co2"):
            assert node.execute(line) == ("type read NAME with one of air, camera, co2, light", 1)

    _with_node(test)


def test_modem_counters_and_log():
    def test(node):
        assert node.execute("modem") == ("rsrp_dbm  -97", 0)
        assert node.execute("counters") == ("nothing went wrong", 0)
        assert node.execute("log")[0].endswith("type counters")
        node.counters.count("no_ack", 3)
        assert node.execute("counters") == ("no_ack  3", 0)
        node.log("one")
        node.log("two")
        assert node.execute("log") == ("one\ntwo", 0)

    _with_node(test)


def test_uplink():
    def test(node):
        node.uplink.acks = False
        text, ret = node.execute("uplink")
        assert ret == 1 and text.startswith("no_ack: 2 records waited, 2 wait now; it was sent")
        assert len(node.told) == 1 and node.told[0].startswith("it reports now; ")
        node.uplink.acks = True
        assert node.execute("uplink") == ("acked: 2 records waited, 0 wait now", 0)
        assert node.execute("uplink") == ("nothing was waiting", 0)
        assert len(node.told) == 2

    _with_node(test)


def test_a_unit_without_a_modem_says_so():
    def test(node):
        carrier = node.uplink.carrier
        carrier.status = dict
        assert node.execute("modem") == ("this unit has no modem", 0)
        assert node.execute("selftest modem") == ("skip modem.uplink none", 0)
        node.uplink.wake = _no_road(node.uplink)
        assert node.execute("uplink")[0].endswith("wait now; type counters for the reason")
        carrier.modem = True
        assert node.execute("modem") == ("the modem was not on yet", 0)
        assert node.execute("uplink")[0].endswith("; type modem and counters for the reason")

    _with_node(test)


def test_a_verb_that_fails_says_so():
    def test(node):
        del node.log_lines
        text, ret = node.execute("log")
        assert ret == 1 and text.startswith("log failed: ")
        node.log_lines = []

    _with_node(test)


def test_selftest():
    def test(node):
        known = "heap flash clock outbox modem air camera co2".split()
        assert node.execute("selftest list") == ("\n".join(known), 0)
        text, ret = node.execute("selftest air")
        assert ret == 1  # a humidity without a value
        assert text == "ok air.temperature -0.05 Cel\nFAIL air.humidity none"
        assert node.execute("selftest camera") == ("ok camera answers", 0)
        text, ret = node.execute("selftest co2")
        assert ret == 1 and text == "FAIL co2 i2c_nack: no answer at 0x44"
        text, ret = node.execute("selftest flash")
        assert ret == 0 and text.startswith("ok flash.free ")
        assert text.endswith(" KiB (64..)\nok flash.write 1024 B")
        text, ret = node.execute("selftest modem")
        assert text == "skip modem.uplink none\nok modem.rsrp -97 dBm (-130..-20)"
        text, ret = node.execute("selftest outbox")
        assert text == "ok outbox.records 2\nok outbox.size 0 KiB (0..448)" and ret == 0
        text, ret = node.execute("selftest clock")
        assert ret == 0 and "\nskip clock.time not set yet" in text
        text, ret = node.execute("selftest")
        assert ret == 1 and "FAIL co2" in text
        text, ret = node.execute("selftest light")
        assert ret == 1 and text.startswith("type selftest, selftest list, or selftest NAME of")

    _with_node(test)


# Fails some times, then answers again.
class Disturbed(Air):
    failures = ()

    async def read(self):
        if self.failures:
            raise self.failures.pop(0)
        return 2000, 5000


def test_selftest_tries_a_part_as_often_as_the_sampler_does():
    def test(node):
        part = Disturbed()
        node.parts = lambda: {"air": part}
        part.failures = [SensorError("sensor_crc"), OSError(110)]
        text, ret = node.execute("selftest air")
        assert ret == 0 and text == "ok air.temperature 20.00 Cel\nok air.humidity 50.00 %RH"
        part.failures = [SensorError("sensor_crc") for _ in range(3)] + [OSError(5)]
        text, ret = node.execute("selftest air")
        assert ret == 1 and text.startswith("FAIL air sensor_crc") and len(part.failures) == 1

    _with_node(test)


# The flash is full when half of a file is written.
class Full:
    def __init__(self, path, mode):
        self._file = open(path, mode)

    def __enter__(self):
        return self

    def write(self, data):
        self._file.write(data[: len(data) // 2])
        raise OSError(28)

    def __exit__(self, *args):
        self._file.close()


def test_selftest_leaves_no_file_where_the_flash_is_full():
    def test(node):
        unit_checks.open = Full
        try:
            _, (name, good, error) = run(unit_checks.check(1, node))
        finally:
            del unit_checks.open
        assert (name, good) == ("flash.write", False) and "28" in error
        assert not [name for name in os.listdir(node.root) if name == "selftest.tmp"]

    _with_node(test)


def test_config_set_check_save():
    def test(node):
        node.write("/config.cbor", config_bytes())
        assert node.execute("config check") == ("nothing is changed", 0)
        text, ret = node.execute("config set uplink.port 5691")
        assert ret == 0 and text.startswith("uplink.port") and "5685 -> 5691" in text
        text, ret = node.execute("config set fitted.air.enabled off")
        assert "fitted.air.enabled" in text and "not set -> false" in text
        text, ret = node.execute("config check")
        assert ret == 0 and "5685 -> 5691" in text and "fitted.air.enabled" in text
        before = node.read("/config.edit")
        for line, why in (
            ("set uplink.port 70000", "uplink.port = 70000, allowed is 1 to 65535"),
            ("set uplink.port x", "uplink.port is a whole number"),
            ("set uplink.ack_timeout_s 999", "allowed is 1 to 300"),
            ("set node.name thief", "run fieldbeat provision"),
            ("set node.board other", "run fieldbeat provision"),
            ("set uplink.nonsense 1", "there is no uplink.nonsense; config show lists all names"),
            ("set nosuch.x 1", "and fitted.NAME.enabled is one"),
            ("set light.enabled on", "there is no light.enabled; here it is fitted.light.enabled"),
            ("set key.master 00", "there is no key.master"),
            ("set fitted.air.enabled maybe", "true or false"),
            ("set fitted.nothing.enabled on", "there is no fitted.nothing.enabled"),
            ("set node.language fr", "en or zh"),
            ("set fitted x", "is not typed here"),
        ):
            text, ret = node.execute("config " + line)
            assert ret == 1 and text.startswith("nothing was changed: ") and why in text, text
        assert node.read("/config.edit") == before and node.read("/config.cbor") == config_bytes()

        async def scenario():
            text, ret = await node.shell.execute(["config", "save"])
            assert ret == 0 and "saved, rebooting" in text
            assert "5685 -> 5691\n" in text and "fitted.air.enabled" in text
            await asyncio.sleep_ms(1000)

        run(scenario())
        assert node.reboots == 1
        saved = cbor.decode(node.read("/config.cbor"))
        assert saved["uplink"]["port"] == 5691 and saved["fitted"]["air"] == {"enabled": False}
        assert saved["node"] == CONFIG["node"] and saved["fitted"]["light"] == {"enabled": False}
        assert node.read("/config.old") == config_bytes()
        assert node.execute("config save")[1] == 1  # there is none to save
        node.execute("config set uplink.port 5692")
        assert node.execute("config discard") == ("the changes are forgotten", 0)
        assert node.execute("config check") == ("nothing is changed", 0)

    _with_node(test)


def test_a_pace_and_a_datum_that_cannot_be_are_refused():
    def test(node):
        pace = {"interval_s": 15, "look_s": 5, "hold_s": 60, "marks": []}
        node.config["watch"] = {"pace": pace}
        node.config["fitted"]["air"] = {"datum_mm": 4200}
        assert node.execute("config set fitted.air.datum_mm 4300")[1] == 0
        for line, why in (
            ("fitted.air.datum_mm 99999999", "allowed is -100000 to 100000"),
            ("watch.pace.look_s 1000", "at most its interval_s, 15"),
        ):
            text, ret = node.execute("config set " + line)
            assert ret == 1 and text.startswith("nothing was changed: ") and why in text, text

    _with_node(test)


def test_quotes_of_a_text_are_no_part_of_it():
    def test(node):
        node.write("/config.cbor", config_bytes())
        for quote in ('"', "'"):
            text, ret = node.execute("config set uplink.apn %sweb%s" % (quote, quote))
            assert ret == 0 and text.endswith(" -> web"), text
            text, ret = node.execute("config set uplink.host %s%s" % (quote, quote))
            assert ret == 1 and "uplink.host = ''" in text, text

    _with_node(test)


def test_what_was_uploaded_is_not_taken_over():
    def test(node):
        node.write("/config.cbor", config_bytes())
        other = dict(CONFIG)
        other["node"] = dict(CONFIG["node"])
        other["node"]["name"] = "thief"
        node.write("/config.new", cbor.encode(other))
        assert node.execute("config check") == ("nothing is changed", 0)
        assert node.execute("config save")[1] == 1  # there is none of a person
        text, ret = node.execute("config set uplink.port 5691")
        assert ret == 0 and "5691" in text and "thief" not in text
        assert node.read("/config.new") == cbor.encode(other)
        run(node.shell.execute(["config", "save"]))
        saved = cbor.decode(node.read("/config.cbor"))
        assert saved["node"] == CONFIG["node"] and saved["uplink"]["port"] == 5691

    _with_node(test)


def test_changes_that_nobody_typed_make_no_other_unit():
    def test(node):
        node.write("/config.cbor", config_bytes())
        for name in ("name", "board", "profile"):
            node.write("/config.edit", b"uplink.port 5691\nnode.%s other\n" % name.encode())
            for line in ("check", "save", "set uplink.apn web"):
                text, ret = node.execute("config " + line)
                assert ret == 1 and "node.%s is not changed here" % name in text, text
            assert node.read("/config.cbor") == config_bytes()
        node.write("/config.edit", b"\xa4\xff\n")  # of an older app, or damaged
        for line in ("check", "save", "set uplink.apn web"):
            text, ret = node.execute("config " + line)
            assert ret == 1 and text.startswith("nothing was changed: "), text
        assert node.execute("config discard") == ("the changes are forgotten", 0)
        assert node.execute("config check") == ("nothing is changed", 0)

    _with_node(test)


def test_a_value_that_is_typed_again_is_one_change():
    def test(node):
        node.write("/config.cbor", config_bytes())
        for port in (5691, 5692):
            node.execute("config set uplink.port %d" % port)
        assert node.execute("config set node.language zh") == (
            "uplink.port    5685 -> 5692\nnode.language  not set -> zh",
            0,
        )
        assert node.execute("config set node.language en") == ("uplink.port  5685 -> 5692", 0)
        assert node.execute("config set uplink.port 5685") == ("nothing is changed", 0)
        words = ["config", "set", "uplink.apn", "web\nnode.name thief"]  # of a tool
        text, ret = run(node.shell.execute(words))
        assert ret == 1 and "node.name is not changed here" in text

    _with_node(test)


def test_rules_that_are_running_stay_in_what_is_saved():
    def test(node):
        rules = {"control": {"rules": [b"1"], "actuators": []}}
        node.write("/config.cbor", config_bytes(**rules))
        node.config["control"] = {}  # control_start.py has taken them
        assert node.execute("config set uplink.port 5691") == ("uplink.port  5685 -> 5691", 0)
        text, ret = node.execute("config save")  # all of it is checked
        assert ret == 1 and text.startswith("nothing was changed: config: control")
        assert node.read("/config.cbor") == config_bytes(**rules)

    _with_node(test)


def test_a_copy_is_forgotten_when_a_tool_commits_another():
    def test(node):
        node.write("/config.cbor", config_bytes())
        node.execute("config set uplink.port 5691")
        node.write("/config.new", config_bytes())
        commit(node.root, "gh-01")
        assert node.execute("config check") == ("nothing is changed", 0)
        assert node.execute("config save")[1] == 1

    _with_node(test)


def test_bench_and_update():
    def test(node):
        line = "unit=gh-01 mac=020000000001 board=greenhouse_esp32 app=0.1.0"
        assert node.execute("bench") == (line + " config=0001020304050607 slot=-", 0)
        assert node.execute("bench 3") == (line + " config=0001020304050607 slot=3", 0)
        assert node.prompt == b"fieldbeat[slot 3]> "
        assert "slot      3" in node.execute("status")[0].split("\n")
        assert node.execute("bench a-1")[1] == 0
        for line in ("bench 123456789", "bench 1 2", "bench a]"):
            assert node.execute(line)[0].startswith("type bench, or bench SLOT")
        text, ret = node.execute("update")
        assert ret == 0 and "fieldbeat flash" in text and "build           not known" in text
        node.write("/app.cbor", cbor.encode({"version": "0.1.0", "build_id": "e5a10f2ffeefa7eb"}))
        assert "build           e5a10f2ffeefa7eb" in node.execute("update")[0].split("\n")
        for line in ("update now", "reboot the board", "lock it"):  # as of a page that is pasted
            assert node.execute(line) == ("type it without what is behind it", 1)

    _with_node(test)
