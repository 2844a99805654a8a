"""`fieldbeat operate`: from the command line through a collector to a station and back."""

from __future__ import annotations

import json
import time

import pytest
from fieldbeat.host_tools import control_spoken, node_config, operation_orders
from fieldbeat.host_tools.alert_desk import Desk
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.coverage import CROWDED
from fieldbeat.host_tools.orders import Orders
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.host_tools.unit_orders import Answer
from fieldbeat.protocols import command, event, receipt
from fieldbeat.protocols.control_rules import ORDER, RULE
from fieldbeat.protocols.reason_codes import CODES

from .test_control_simulation import EXAMPLE


def station(county, name="gh-07"):
    made = county.add(name)
    county.registry.describe(name, "x", role="station", report_interval_s=3600)
    return made


def report(county, unit) -> list[str]:
    """A station hears of an order after it has said something."""
    county.now_s = time.time()
    county.out()
    county.say(unit, unit.hello())
    return county.out()


def operate(county, capsys, *words: str) -> tuple[int, dict]:
    secret = ["--yes", "--key-file", str(county.folder / "pass"), "--json"]
    code = main(["operate", *words, *secret])
    out = capsys.readouterr()
    return code, json.loads(out.out or out.err)


def test_an_actuator_is_held_and_left_to_the_rules(county, capsys):
    unit = station(county)
    code, found = operate(county, capsys, "gh-07", "roof", "40", "--for", "20 min")
    assert (code, found["state"], found["value"]) == (0, "waiting", 40)
    assert county.out() == []
    assert report(county, unit) == ["gh-07"]
    told = unit.got[0]
    assert (told.command, told.args) == (command.OPERATE, ("roof", 40, 1200))
    # Two reports long: it hears of it when it tells one.
    assert abs(told.expires + DEVICE_EPOCH_S - time.time() - 7200) < 60
    county.now_s = time.time()
    county.say(unit, unit.tell(bytes.fromhex(found["id"]), receipt.DONE, county.now_s))
    (order,) = Orders(county.store).all(command.OPERATE)
    assert operation_orders.answer(county.store, order).state == "obeyed"
    code, found = operate(county, capsys, "gh-07", "roof", "auto")
    assert report(county, unit) == ["gh-07"] and unit.got[1].args == ("roof", None, None)


def test_a_refusal_is_told(county, capsys):
    unit = station(county)
    _, found = operate(county, capsys, "gh-07", "rof", "on", "--for", "1 h")
    report(county, unit)
    assert unit.got[0].args == ("rof", 100, 3600)
    id_ = bytes.fromhex(found["id"])
    county.now_s = time.time()
    county.say(unit, unit.tell(id_, receipt.REFUSED, county.now_s, "actuator_unknown"))
    (order,) = Orders(county.store).all(command.OPERATE)
    found = operation_orders.answer(county.store, order)
    assert (found.state, found.why) == ("refused", "it has no actuator of this name")
    assert main(["alert", "status", order.id.hex()[:6]]) == 1
    assert "it has no actuator of this name" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gh-07", "roof", "40"), "roof cannot be held for ever"),
        (("gh-07", "roof", "40", "--for", "2 d"), "say how long, at most a day"),
        (("gh-07", "roof", "40", "--for", "2 d"), "roof cannot be held for 2 d"),
        (("gh-07", "roof", "101", "--for", "1 h"), "'101' is no value of an actuator"),
        (("gh-07", "roof", "up", "--for", "1 h"), "give on, off, open, closed, auto, or a"),
        (("gh-08", "roof", "on", "--for", "1 h"), "no station is called 'gh-08'"),
        (("sp-1", "roof", "on", "--for", "1 h"), "known: gh-07"),
        (("gh-07", "ROOF", "on", "--for", "1 h"), "actuator"),
    ],
)
def test_what_cannot_be_ordered(county, capsys, words, said):
    station(county)
    county.add("sp-1")
    code, found = operate(county, capsys, *words)
    assert code != 0 and said in f"{found['error']} {found['next']}", found
    assert Orders(county.store).all(command.OPERATE) == []


def test_a_unit_without_memory_for_an_order_is_told_as_such(county, capsys, monkeypatch):
    unit = station(county)
    _, found = operate(county, capsys, "gh-07", "fan", "on", "--for", "1 h")
    county.now_s = time.time()
    county.out()
    county.say(unit, unit.hello())
    assert county.out(lost=lambda: True) == ["gh-07"]
    county.collector.flush()
    short, later_s = found["id"][:6], time.time() + 60
    monkeypatch.setattr(time, "time", lambda: later_s)
    assert main(["alert", "status", short, "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["units"]
    assert (told["state"], told["why"]) == ("silent", "does not answer")
    health = {event.HEALTH_COUNTERS: {CODES["order_no_room"]: 2}}
    county.now_s = later_s
    county.say(unit, unit.seal([unit.event(event.HEALTH, health, later_s)]))
    assert main(["alert", "status", short, "--json"]) == 1
    (told,) = json.loads(capsys.readouterr().out)["units"]
    assert (told["state"], told["why"]) == ("silent", CROWDED)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gh-07", "lampe", "50"), "gh-07 has no actuator 'lampe' did you mean 'lamp'?"),
        (("gh-07", "lampe", "auto"), "did you mean 'lamp'?"),
        (("gh-07", "heater", "50"), "heater of gh-07 is a "),
        (("gh-07", "heater", "50"), "cannot be at 50 % give on, off or auto"),
    ],
)
def test_what_the_registry_knows_of_actuators_is_not_ordered_wrongly(county, capsys, words, said):
    station(county)
    kept = control_spoken.of_node(node_config.load(EXAMPLE))
    county.registry.keep_control("gh-07", kept)
    code, found = operate(county, capsys, *words, "--for", "1 h")
    assert code != 0 and said in f"{found['error']} {found['next']}", found
    assert Orders(county.store).all(command.OPERATE) == []


def test_what_they_can_have_is_ordered(county, capsys):
    station(county)
    kept = control_spoken.of_node(node_config.load(EXAMPLE))
    county.registry.keep_control("gh-07", kept)
    for words in (("roof", "40"), ("heater", "on"), ("heater", "0"), ("heater", "auto")):
        assert operate(county, capsys, "gh-07", *words, "--for", "1 h")[0] == 0
    # A registry from before it kept them knows no better.
    old = json.loads(kept)
    del old["actuators"]
    county.registry.keep_control("gh-07", json.dumps(old))
    assert operate(county, capsys, "gh-07", "lampe", "50", "--for", "1 h")[0] == 0


def test_without_an_answer_the_exit_code_says_so(county, capsys):
    station(county)
    code, found = operate(county, capsys, "gh-07", "fan", "off", "--for", "5 min", "--wait", "0.1")
    assert (code, found["state"]) == (1, "waiting")


def test_orders_to_actuators_are_found_among_all_orders(county, capsys):
    unit = station(county)
    _, found = operate(county, capsys, "gh-07", "roof", "40", "--for", "20 min")
    report(county, unit)
    county.say(unit, unit.tell(bytes.fromhex(found["id"]), receipt.DONE, county.now_s))
    assert main(["alert", "list"]) == 0
    assert "other orders were (1): fieldbeat alert list --orders" in capsys.readouterr().out
    assert main(["alert", "list", "--orders"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("Orders") and "roof 40 % for 20 min" in said and " answered " in said
    assert main(["alert", "status"]) == 0  # the last one, since there is no alert
    said = capsys.readouterr().out
    assert "roof 40 % for 20 min" in said and "over everywhere" not in said


def test_a_roof_is_opened_and_closed(county, capsys):
    station(county)
    county.registry.keep_control("gh-07", control_spoken.of_node(node_config.load(EXAMPLE)))
    for word, value in (("open", 100), ("closed", 0)):
        code, found = operate(county, capsys, "gh-07", "roof", word, "--for", "20 min")
        assert (code, found["value"]) == (0, value)
        assert found["summary"][0] == f"roof {word} for 20 min"


def obeyed(county, capsys, unit, ago_s: float) -> None:
    """An order to the roof, of 60 % for 3 min, is obeyed some time ago."""
    _, found = operate(county, capsys, "gh-07", "roof", "60", "--for", "3 min")
    report(county, unit)
    county.now_s = time.time() - ago_s
    county.say(unit, unit.tell(bytes.fromhex(found["id"]), receipt.DONE, county.now_s))


def decide(county, unit, ago_s, value, cause, synced=True, rule=3) -> None:
    body = {2: "roof", 3: value, 4: cause, 5: rule if cause == RULE else 0, 6: 0, 7: {}, 8: synced}
    at_s = county.now_s = time.time() - ago_s
    county.say(unit, unit.seal([unit.event(event.DECISION, body, at_s)]))


def test_why_knows_of_an_order_whose_decision_has_not_come(county, capsys):
    unit = station(county)
    county.registry.keep_control("gh-07", control_spoken.of_node(node_config.load(EXAMPLE)))
    obeyed(county, capsys, unit, 10)
    assert main(["rules", "why", "gh-07", "roof"]) == 2
    said = capsys.readouterr().err
    assert "gh-07 obeyed an order at " in said
    assert "'roof 60 % for 3 min', and its decision has not come yet" in said
    decide(county, unit, 900, 0, RULE, synced=False)
    assert main(["rules", "why", "gh-07", "roof"]) == 0
    assert "no decision of it has come yet" in capsys.readouterr().out
    decide(county, unit, 600, 0, RULE)
    assert main(["rules", "why", "gh-07", "roof"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("roof of gh-07: told closed since")
    assert "'roof 60 % for 3 min': no decision of it has come yet" in said
    decide(county, unit, 9, 60, ORDER)
    assert main(["rules", "why", "gh-07", "roof"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("roof of gh-07: told 60 %") and "has come yet" not in said


def test_an_order_that_a_rule_goes_before_is_not_told_as_done(county, capsys):
    unit = station(county)
    county.registry.keep_control("gh-07", control_spoken.of_node(node_config.load(EXAMPLE)))
    decide(county, unit, 900, 0, RULE, rule=17)
    obeyed(county, capsys, unit, 10)
    assert main(["rules", "why", "gh-07", "roof"]) == 0
    told = "rule 17, 'shut, storm' goes before it"
    assert f"'roof 60 % for 3 min': {told}" in capsys.readouterr().out
    desk = Desk(county.registry, county.store, time.time)
    done = operation_orders.overruled(desk, "gh-07", "roof", Answer("obeyed"))
    assert done.why == f"but {told}"
    decide(county, unit, 5, 60, ORDER)
    done = operation_orders.overruled(desk, "gh-07", "roof", Answer("obeyed"))
    assert done.why == ""


def test_after_the_end_of_an_order_nobody_knows_until_more_is_told(county, capsys):
    unit = station(county)
    county.registry.keep_control("gh-07", control_spoken.of_node(node_config.load(EXAMPLE)))
    obeyed(county, capsys, unit, 300)
    decide(county, unit, 299, 60, ORDER)
    assert main(["rules", "why", "gh-07", "roof"]) == 2
    assert "to now: the order has ended, and what was decided then" in capsys.readouterr().err
    assert main(["show"]) == 0
    assert "gh-07: roof not known: the order has ended" in capsys.readouterr().out
    decide(county, unit, 119, 0, RULE)
    assert main(["rules", "why", "gh-07", "roof"]) == 0
    assert capsys.readouterr().out.startswith("roof of gh-07: told closed since")
