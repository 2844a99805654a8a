"""`fieldbeat rule`: from a file through the collector to loudspeakers, and what they tell."""

import json
import time

from fieldbeat.host_tools import (
    alarm_rules,
    issuer_keys,
    node_config,
    profiles,
    rule_orders,
    rule_reach,
)
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.orders import Order, Orders
from fieldbeat.host_tools.signed_commands import Made
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import cbor, command, command_writer, event, receipt

from .test_alarm_rules import EXAMPLE


def order(county, *arguments):
    return main(["rule", *arguments, "--yes", "--key-file", str(county.folder / "pass")])


def test_rules_that_nobody_was_sent_and_ctrl_c(county, capsys, monkeypatch):
    county.add("sp-1")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    assert order(county, "set", str(EXAMPLE), "--all", "--json") == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["sent"] is False
    assert "NOBODY has been sent it" in json.loads(said.err)["error"]

    def sleep(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)
    assert order(county, "clear", "--all") == 130
    assert "is ordered and goes on; next: see 'fieldbeat rule list'" in capsys.readouterr().err


def listed(capsys):
    capsys.readouterr()
    code = main(["rule", "list", "--json"])
    return code, json.loads(capsys.readouterr().out)


def answer(county, speaker, stage, reason=""):
    county.now_s = time.time() + 1
    county.out()
    county.say(speaker, speaker.tell(speaker.got[-1].id, stage, county.now_s, reason))


def test_rules_are_confirmed_signed_and_stored(county, capsys):
    one = county.add("sp-1")
    assert order(county, "set", str(EXAMPLE), "--all") == 0
    told = capsys.readouterr()
    assert "rule 1: level above 3.200 m for 2 min" in told.err
    assert "in place of all rules at 1 loudspeaker: riverside (1)" in told.err
    assert (
        "signed by county" in told.err and "see who has stored it: fieldbeat rule list" in told.out
    )
    code, found = listed(capsys)
    [unit] = found["units"]
    assert code == 0 and (unit["state"], unit["rules"]) == ("waiting", None)
    answer(county, one, receipt.DONE)
    got = one.got[-1]
    assert got.command == command.ALARM_RULES and [rule[4] for rule in got.args] == [3200, 10500]
    assert got.sent is not None
    code, found = listed(capsys)
    [unit] = found["units"]
    assert code == 0 and (unit["unit"], unit["state"], unit["why"]) == ("sp-1", "stored", None)
    conditions = [rule["told"] for rule in unit["rules"]]
    assert conditions == ["level above 3.200 m for 2 min", "battery below 10.500 V for 1 h"]
    assert main(["rule", "list"]) == 0
    shown = capsys.readouterr().out
    assert "level above 3.200 m for 2 min" in shown and "stored" in shown


def test_an_emergency_that_may_sound_after_the_flood_is_noted(county, capsys, tmp_path):
    county.add("sp-1")
    file = tmp_path / "rules.toml"
    file.write_text(EXAMPLE.read_text().replace('hold = "2 min"', 'hold = "3 h"'))
    late = "rule 1 sounds only when every reading of 3 h was beyond its mark"
    assert order(county, "set", str(file), "--all") == 0
    assert late in capsys.readouterr().err
    assert order(county, "set", str(file), "--all", "--json") == 0
    (note,) = json.loads(capsys.readouterr().out)["notes"]
    assert note.startswith(late)  # the battery's rule waits an hour, and is no emergency
    assert order(county, "set", str(EXAMPLE), "--all") == 0
    assert "sounds only" not in capsys.readouterr().err


def test_a_refusal_has_its_reason_and_the_old_rules_stay_listed(county, capsys):
    one, other = county.add("sp-1"), county.add("sp-2", "hilltop")
    order(county, "set", str(EXAMPLE), "--area", "riverside")
    answer(county, one, receipt.DONE)
    assert order(county, "clear", "--unit", "sp-1", "--unit", "sp-2") == 0
    told = capsys.readouterr()
    assert "takes away all rules at 2 loudspeakers" in told.err
    assert "no alarm rules any more; ordered" in told.out
    county.now_s = time.time() + 1
    county.out()
    assert one.got[-1].args == other.got[-1].args == []
    answer(county, one, receipt.REFUSED, "rules_older")
    answer(county, other, receipt.DONE)
    code, found = listed(capsys)
    assert code == 1
    hill, river = found["units"]
    assert (hill["unit"], hill["state"], hill["rules"]) == ("sp-2", "stored", [])
    assert (river["state"], river["why"]) == ("refused", "newer rules are there already")
    assert len(river["rules"]) == 2  # what it had before
    assert main(["rule", "list"]) == 1
    assert "none" in capsys.readouterr().out


def test_rules_of_a_clock_that_was_ahead_can_be_changed(county, monkeypatch):
    """A loudspeaker refuses rules that say they are older than those that it has."""
    one = county.add("sp-1")
    right = time.time
    monkeypatch.setattr(time, "time", lambda: right() + 366 * 86400)
    assert order(county, "set", str(EXAMPLE), "--all", "--for", "400 d") == 0
    monkeypatch.setattr(time, "time", right)
    answer(county, one, receipt.DONE)
    for words in (("clear", "--all"), ("set", str(EXAMPLE), "--all")):
        assert order(county, *words) == 0
        answer(county, one, receipt.DONE)
    ahead, gone, again = one.got
    assert ahead.sent[0] > right() - DEVICE_EPOCH_S + 365 * 86400
    assert not gone.args and again.args and ahead.sent < gone.sent < again.sent


def test_rules_that_do_not_say_when_they_were_sent_are_the_oldest(county):
    draft = command_writer.command(command.ALARM_RULES, bytes(8), True, 1, args=[])
    made = [Made(draft.id, command_writer.encode(draft), ())]
    told = (draft.id, command.ALARM_RULES, command.EMERGENCY, 1, False, 0, 0, 1, "county", "")
    Orders(county.store).add(Order(*told), made)
    assert rule_orders._last_sent_s(Orders(county.store)) == DEVICE_EPOCH_S


def test_what_sounded_and_how_it_went(county, capsys):
    one = county.add("sp-1")
    now = int(county.now_s) - DEVICE_EPOCH_S

    def alarm(rn, value, synced):
        body = {2: 1, 3: "level", 4: "m", 5: 1000, 6: value, 7: synced}
        one.rn = rn
        county.say(one, one.seal([event.encode(rn, event.ALARM, now if synced else 40, body)]))
        return b"rule" + rn.to_bytes(4, "big")

    first = alarm(7, 3214, False)
    county.say(one, one.tell(first, receipt.STARTED, county.now_s))
    county.say(one, one.tell(first, receipt.INTERRUPTED, county.now_s, "no_sound"))
    second = alarm(20, 3300, True)
    county.say(one, one.tell(second, receipt.DONE, county.now_s, proof=b"\1\x80\xff"))
    third = alarm(30, 3400, True)
    assert third and [line.records for line in county.outcomes][-1] == [
        "alarm: rule 1 sounds, level is 3.400 m"
    ]
    code, found = listed(capsys)
    assert code == 0 and found["units"] == []
    waits, done, torn = found["sounded"]
    assert (waits["value"], waits["stage"], waits["at_s"]) == (
        "3.400 m",
        None,
        now + DEVICE_EPOCH_S,
    )
    assert (done["value"], done["stage"], done["proof"]) == ("3.300 m", "done", "0180ff")
    assert (torn["stage"], torn["why"], torn["at_s"]) == ("interrupted", "no sound measured", None)
    assert main(["rule", "list"]) == 0
    assert "level 3.214 m" in capsys.readouterr().out
    order(county, "set", str(EXAMPLE), "--all")
    capsys.readouterr()
    main(
        [
            "alert",
            "send",
            "--clip",
            "x",
            "--drill",
            "--all",
            "--yes",
            "--key-file",
            str(county.folder / "pass"),
        ]
    )
    capsys.readouterr()
    main(["alert", "status"])
    assert "3 soundings by alarm rules in the last day: see 'fieldbeat rule list'" in (
        capsys.readouterr().err
    )


def test_what_cannot_be_sent_costs_nothing(county, capsys, tmp_path):
    county.add("sp-1")
    county.registry.describe("sp-1", "test", profile="speaker")
    assert order(county, "set", str(EXAMPLE), "--all") == 2
    said = capsys.readouterr().err
    assert "sp-1 has the profile 'speaker', not 'speaker_river'; next: name others" in said
    assert order(county, "set", str(EXAMPLE)) == 2
    assert "nobody said which loudspeakers are meant; next: add --area" in capsys.readouterr().err
    assert order(county, "clear") == 2
    assert "nobody said which loudspeakers are meant" in capsys.readouterr().err
    typo = tmp_path / "typo.toml"
    typo.write_text(EXAMPLE.read_text().replace("level =", "levl =", 1))
    assert order(county, "set", str(typo), "--all") == 2
    assert "levl: unknown key, did you mean 'level'? (and 1 more)" in capsys.readouterr().err
    many = tmp_path / "many.toml"
    text = EXAMPLE.read_text().replace("speaker_river", "speaker", 1)
    low = text[text.rindex("[[rule]]") :]
    many.write_text('profile = "speaker"\n' + low.replace("low.", "low. " * 20) * 12)
    assert order(county, "set", str(many), "--all") == 2
    assert "fit into a datagram" in capsys.readouterr().err
    assert main(["rule", "set", str(EXAMPLE), "--all"]) == 2  # nobody confirms
    assert county.desk.all() == [] and county.issuers.get("county").counter == 0


def test_who_may_not_call_an_emergency_sets_no_rules(county, capsys):
    county.add("sp-1")
    key = issuer_keys.generate(county.signer.key.algorithm)
    county.issuers.add("baker", key.algorithm, key.public, 0, 4)
    assert order(county, "clear", "--all", "--issuer", "baker") == 2
    assert "may order daily, level 4, not an emergency of level 1" in capsys.readouterr().err


def test_nothing_was_sent_yet(county, capsys):
    assert main(["rule", "list"]) == 0
    assert "no rules were sent yet" in capsys.readouterr().out


def test_rules_that_outlive_who_has_signed_them_are_named(county, capsys):
    one = county.add("sp-1")
    order(county, "set", str(EXAMPLE), "--all")
    answer(county, one, receipt.DONE)
    assert main(["issuer", "revoke", "county", "--yes"]) == 0
    assert "GO ON: alarm rules that county has signed, at sp-1;" in capsys.readouterr().err


POLE = """
[node]
name = "sp-1"
site = "riverside"
board = "speaker_esp32_eth"
profile = "speaker_river"
[uplink]
host = "h"
port = 1
apn = ""
[fitted.river]
enabled = true
datum_mm = 5200
"""
LOWER = '[calibration.level]\noffset = "-1.5 m"\nby = "Li"\non = 2026-11-26\nagainst = "staff"\n'


def test_who_never_sounds_by_a_rule_is_told_before_it_is_signed(county, tmp_path, capsys):
    for name, more in {"sp-1": "", "sp-2": LOWER}.items():
        county.add(name)
        described = {"board": "speaker_esp32_eth", "profile": "speaker_river"}
        county.registry.describe(name, "test", **described)
        config = node_config.parse(POLE + more, name).to_device_map()
        county.registry.keep_config(name, cbor.encode(config))
    file = tmp_path / "rules.toml"
    for above, never in {"3.2 m": [], "4 m": ["sp-2"], "5.3 m": ["sp-1", "sp-2"]}.items():
        file.write_text(EXAMPLE.read_text().replace('"3.20 m"', f'"{above}"'))
        assert order(county, "set", str(file), "--all") == 0
        told = capsys.readouterr().err
        said = [line for line in told.splitlines() if "WILL NEVER SOUND" in line]
        assert [line.partition(" at ")[2].partition(":")[0] for line in said] == never, told
    assert "only measured from 0.700 m to 5.170 m" in said[0]
    assert "only measured from -0.800 m to 3.670 m" in said[1]
    file.write_text(EXAMPLE.read_text().replace('back = "0.10 m"', 'back = "3 m"'))
    assert order(county, "set", str(file), "--all") == 0
    assert "WILL SOUND ONCE and not again at sp-1: rule 1" in capsys.readouterr().err


def test_many_loudspeakers_of_a_kind_cost_one_look_into_its_data(county, monkeypatch):
    described = {"board": "speaker_esp32_eth", "profile": "speaker_river"}
    config = cbor.encode(node_config.parse(POLE, "sp-1").to_device_map())
    for n in range(20):
        name = f"sp-{n}"
        county.add(name)
        county.registry.describe(name, "test", **described)
        county.registry.keep_config(name, config)
    made = alarm_rules.load(EXAMPLE).rules
    loaded = []
    load = profiles.load
    monkeypatch.setattr(profiles, "load", lambda name: (loaded.append(name), load(name))[1])
    assert list(rule_reach.notes(county.registry, county.registry.units(), made)) == []
    assert loaded == ["speaker_river"]
