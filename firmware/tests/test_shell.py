# The verbs, as a person types them.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware.shell import decimal, flatten, table
from firmware.tests.support import run
from firmware.tests.support_console import MASTER, Node, config_bytes


def _with_node(test):
    node = Node()
    try:
        test(node)
    finally:
        node.close()


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
        for verb in "help status id config sensors read modem counters log uplink reboot".split():
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
        assert "2 records, 164 bytes" in text and "safe mode" not in text
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
        for verb, _, _, _ in node.shell.verbs:
            if verb != "reboot":
                text, _ = node.execute(verb)
                assert MASTER.hex() not in text and str(MASTER) not in text

    _with_node(test)


def test_config():
    def test(node):
        text, ret = node.execute("config show")
        assert ret == 0 and "uplink.host              collector.example" in text.split("\n")
        assert node.execute("config") == (text, 0)
        text, ret = node.execute("config set x")
        assert ret == 1 and "fieldbeat provision" in text

    _with_node(test)


def test_config_revert():
    def test(node):
        text, ret = node.execute("config revert")
        assert ret == 1 and text.startswith("nothing was changed: ") and "config.old" in text
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
        assert node.execute("read air") == ("temperature  -0.05 Cel\nhumidity     no value", 0)
        text, ret = node.execute("read co2")
        assert ret == 1 and text.startswith("co2: i2c_nack: no answer at 0x44; check")
        assert node.execute("read light") == ("light is switched off in the configuration", 1)
        for line in ("read", "read x", "read air co2"):
            assert node.execute(line) == ("type read NAME with one of air, co2, light", 1)

    _with_node(test)


def test_modem_counters_and_log():
    def test(node):
        assert node.execute("modem") == ("rsrp_dbm  -97", 0)
        assert node.execute("counters") == ("nothing went wrong", 0)
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
        assert ret == 1 and text.startswith("no_ack: 2 records waited, 2 wait now")
        node.uplink.acks = True
        assert node.execute("uplink") == ("acked: 2 records waited, 0 wait now", 0)
        assert node.execute("uplink") == ("nothing was waiting", 0)

    _with_node(test)


def test_a_verb_that_fails_says_so():
    def test(node):
        del node.log_lines
        text, ret = node.execute("log")
        assert ret == 1 and text.startswith("log failed: ")
        node.log_lines = []

    _with_node(test)
