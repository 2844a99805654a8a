"""What a station told of its actuators, as `rules why` and `show` tell it."""

from __future__ import annotations

import json

import pytest
from fieldbeat.host_tools import control_spoken, decision_log, decisions, node_config
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.record_words import describe_event
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import actuator, control_rules, event, schema
from fieldbeat.protocols.reason_codes import CODES

from .sender import NOW_S, T0, Sender, boot_record, report_record, schema_record
from .test_control_simulation import EXAMPLE

AIR = schema.Schema(1, 1, 300, [schema.Column("air_temperature", "Cel", 100, -4000, 8500, 0)])
IDLE, RULE, BLIND, ORDER = range(4)


class Station:
    def __init__(self) -> None:
        self.registry, self.store = Registry(), Store()
        self.collector = Collector(self.store, self.registry)
        self.unit = Sender(self.registry, "gh-07")
        self.registry.describe("gh-07", "x", state="provisioned", role="station")
        self.rn, self.now_s = 0, NOW_S
        self.send(boot_record(1, (AIR,), T0 - 60), schema_record(2, AIR))
        self.send(report_record(3, [(2710,), (2710,)], AIR))
        self.rn = 3

    def send(self, *records: bytes) -> None:
        self.collector.handle(self.unit.seal(list(records)), ("192.0.2.7", 4000), self.now_s)
        self.collector.flush()

    def tell(self, type_: int, t: int, body: dict) -> None:
        self.rn += 1
        self.send(event.encode(self.rn, type_, t, body))

    def decide(self, t, name, value, cause=RULE, rule=3, why=0, inputs=None, synced=True):
        body = {2: name, 3: value, 4: cause, 5: rule, 6: why, 7: inputs or {}, 8: synced}
        self.tell(event.DECISION, t, body)

    def fail(self, t, name, reason, value=100):
        self.tell(event.ACTUATOR_FAULT, t, {2: name, 3: CODES[reason], 4: value, 6: True})


@pytest.fixture
def station(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    made = Station()
    yield made
    made.store.close()
    made.registry.close()


def why(capsys, *words: str) -> list[str]:
    assert main(["rules", "why", *words]) == 0
    return capsys.readouterr().out.splitlines()


def test_why_in_plain_words(station, capsys):
    station.decide(T0, "roof", 0, IDLE, 0)
    station.decide(T0 + 600, "roof", 40, inputs={"air_temperature": 2710, "derived 1": 1650})
    lines = why(capsys, "gh-07", "roof", "--config", str(EXAMPLE))
    assert lines[0].startswith("roof of gh-07: told 40 % since 2024-06-01T06:10:00Z, for ")
    assert lines[1:5] == [
        "stands at about 40 %; end to end takes 2 min",
        "decided by rule 3, 'vent when it is hot'",
        "it says: 0 % at 21.00 Cel to 100 % at 26.00 Cel of air_temperature, in steps of 20 %, "
        "when: sunrise-1:00 to sunset",
        "it looked at vpd 1650 Pa, air_temperature 27.10 °C",
    ]
    lines = why(capsys, "gh-07", "roof")
    assert lines[1:] == [
        "decided by rule 3",
        "it looked at derived 1 1650 counts, air_temperature 27.10 °C",
    ]
    lines = why(capsys, "gh-07", "roof", "--at", "2024-06-01T06:05:00Z")
    assert lines == [
        "roof of gh-07: off since 2024-06-01T06:00:00Z",
        "decided by no rule: none applies, it is idle",
    ]


def test_why_it_is_held_back_blind_ordered_or_at_fault(station, capsys):
    station.decide(T0, "pump", 0, RULE, 16, actuator.MAX_DAY)
    assert why(capsys, "gh-07", "pump")[-1] == (
        "held back: it has run as long as it may in a day (max_day)"
    )
    station.decide(T0, "mist", 0, BLIND, 11, inputs={"air_temperature": None}, synced=False)
    assert why(capsys, "gh-07", "mist") == [
        "mist of gh-07: off since before its clock was set",
        "decided by rule 11, which is blind: it does not see air_temperature",
        "it looked at air_temperature without a value",
    ]
    station.decide(T0, "fan", 100, ORDER, 0)
    assert why(capsys, "gh-07", "fan")[1] == "decided by a person's order"
    station.fail(T0, "fan", "actuator_no_effect")
    assert why(capsys, "gh-07", "fan")[-1].startswith("AT FAULT: it was told to run, and what")


def test_why_as_json(station, capsys):
    station.decide(T0, "roof", 40, inputs={"air_temperature": 2710})
    assert main(["rules", "why", "gh-07", "roof", "--config", str(EXAMPLE), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {
        "unit": "gh-07",
        "actuator": "roof",
        "value": 40,
        "position": 40,
        "since_s": NOW_S - 6 * 3600,
        "cause": "rule",
        "rule": 3,
        "rule_name": "vent when it is hot",
        "inputs": {"air_temperature": 2710},
        "limited": None,
        "fault": None,
    }


def test_why_of_what_nobody_knows(station, capsys):
    assert main(["rules", "why", "gh-07", "roof"]) == 2
    assert "gh-07 has told nothing of an actuator 'roof'" in capsys.readouterr().err
    station.decide(T0, "fan", 0)
    assert main(["rules", "why", "gh-07", "roof"]) == 2
    assert "known: fan" in capsys.readouterr().err
    assert main(["rules", "why", "gh-07", "fan", "--at", "2020-01-01"]) == 2
    assert "until then" in capsys.readouterr().err


def test_why_of_an_actuator_that_has_not_moved(station, capsys):
    config = node_config.load(EXAMPLE)
    station.registry.keep_control("gh-07", control_spoken.of_node(config))
    station.decide(T0, "fan", 0)
    assert main(["rules", "why", "gh-07", "lamp"]) == 2
    said = capsys.readouterr().err
    assert "gh-07 has told nothing of lamp yet: it has not moved since" in said
    assert main(["rules", "why", "gh-07", "lampe"]) == 2
    said = capsys.readouterr().err
    assert "gh-07 has no actuator 'lampe'" in said and "did you mean 'lamp'?" in said
    station.fail(T0, "lamp", "actuator_stuck", 0)
    assert main(["rules", "why", "gh-07", "lamp"]) == 2
    assert "gh-07 has told a fault of lamp, and no decision" in capsys.readouterr().err
    for more in ([], ["--config", str(EXAMPLE)]):
        assert main(["rules", "why", "gh-99", "lamp", *more]) == 2
        said = capsys.readouterr().err
        assert "no unit is called 'gh-99'" in said and "known: gh-07" in said


def test_names_are_kept_in_the_registry(station, capsys):
    config = node_config.load(EXAMPLE)
    station.registry.keep_control("gh-07", control_spoken.of_node(config))
    station.decide(T0, "mist", 100, rule=11, inputs={"derived 1": 1650, "derived 2": None})
    lines = why(capsys, "gh-07", "mist")
    assert lines[1] == "decided by rule 11, 'mist'"
    assert lines[3] == "it looked at vpd 1650 Pa, light_sum without a value"
    station.registry.keep_control("gh-07", "")
    assert why(capsys, "gh-07", "mist")[1] == "decided by rule 11"
    greenhouse = node_config.load(EXAMPLE.with_name("greenhouse.toml"))
    assert control_spoken.of_node(greenhouse) == ""


def test_a_channel_of_which_nothing_was_reported_is_scaled_as_its_profile_has_it(station, capsys):
    config = node_config.load(EXAMPLE)
    station.registry.keep_control("gh-07", control_spoken.of_node(config))
    station.decide(T0, "mist", 0, BLIND, 11, inputs={"illuminance": 800, "derived 1": None})
    assert (
        why(capsys, "gh-07", "mist")[-1] == "it looked at vpd without a value, illuminance 800 lx"
    )
    assert "which is blind: it does not see vpd" in why(capsys, "gh-07", "mist")[1]
    station.decide(T0, "lamp", 0, BLIND, 12, inputs={"soil_moisture": 281}, synced=False)
    lines = why(capsys, "gh-07", "lamp")
    assert lines[1].endswith("which is blind: it does not know the time, its clock was never set")
    assert lines[-1] == "it looked at soil_moisture 28.1 %"


def test_a_file_that_the_unit_does_not_have_is_told(station, capsys):
    station.decide(T0, "roof", 40, rule=77)
    station.registry.describe("gh-07", "x", config_sha256="00" * 32)
    lines = why(capsys, "gh-07", "roof", "--config", str(EXAMPLE))
    assert "the file has no rule 77 of roof: it is another one" in lines
    assert lines[-1].startswith(f"note: {EXAMPLE} is not what gh-07 was provisioned with")


def test_show_has_them_and_a_fault_is_seen_first(station, capsys):
    station.decide(T0, "roof", 40)
    station.decide(T0 + 60, "fan", 0, IDLE, 0)
    assert main(["show"]) == 0
    said = capsys.readouterr().out
    assert "gh-07: roof 40 % for " in said and ": rule 3" in said and "fan off" in said
    station.fail(T0 + 120, "fan", "actuator_stuck", 0)
    station.decide(T0 + 121, "fan", 0, IDLE, 0, actuator.FAULT)
    assert main(["show"]) == 0
    said = capsys.readouterr().out
    assert "actuator fault" in said
    assert "gh-07: fan is at fault since 2024-06-01T06:02:00Z: it was told to stop, and" in said
    assert main(["show", "--json"]) == 0
    (unit,) = json.loads(capsys.readouterr().out)["units"]
    assert len(unit["actuators"]) == 2 and len(unit["actuator_faults"]) == 1
    station.decide(T0 + 3800, "fan", 100)  # it was tried again, and runs
    assert main(["show", "--json"]) == 0
    (unit,) = json.loads(capsys.readouterr().out)["units"]
    assert unit["actuator_faults"] == []


def test_a_motor_is_not_at_once_where_it_is_told_to_be(station, capsys):
    station.registry.keep_control("gh-07", control_spoken.of_node(node_config.load(EXAMPLE)))
    station.decide(T0, "roof", 0)
    station.decide(T0 + 600, "roof", 40)

    def at(clock: str) -> list[str]:
        return why(capsys, "gh-07", "roof", "--at", f"2024-06-01T{clock}Z")

    assert at("06:00:30")[1].startswith("where it stands is not known; end to end takes 2 min")
    assert at("06:05:00")[1].startswith("stands closed;")
    assert at("06:10:24")[0] == "roof of gh-07: told 40 % since 2024-06-01T06:10:00Z"
    assert at("06:10:24")[1].startswith("stands at about 20 %;")
    station.decide(T0 + 630, "roof", 0, why=actuator.SWITCH)
    assert main(["show"]) == 0
    said = capsys.readouterr().out
    assert "gh-07: roof stopped for " in said and "; where it stands is not known" in said
    station.decide(T0 + 700, "roof", 0)
    assert main(["show", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["units"][0]["actuators"]
    assert told.startswith("roof told closed for ") and told.endswith(": rule 3; stands closed")


def test_a_unit_that_begins_anew_has_all_at_rest_and_tells_no_more_of_it(station, capsys):
    station.decide(T0, "fan", 100, rule=6)
    station.fail(T0 + 1, "lamp", "actuator_stuck")
    station.rn += 1
    station.send(boot_record(station.rn, (AIR,), T0 + 60))
    assert main(["show"]) == 0
    said = capsys.readouterr().out
    assert "gh-07: fan off: idle" in said and "at fault" not in said
    assert why(capsys, "gh-07", "fan")[1] == "decided by nobody: the unit has begun anew"
    station.decide(T0 + 90, "fan", 100, rule=6)
    assert why(capsys, "gh-07", "fan")[1] == "decided by rule 6"


T1 = T0 + 3600  # after the first report


def power_cut(station) -> None:
    """The roof is told 60 % at 07:10:00, the unit loses its power, and is heard of at 07:20:00."""
    station.registry.keep_control("gh-07", control_spoken.of_node(node_config.load(EXAMPLE)))
    station.now_s = NOW_S - 5 * 3600 + 600
    station.decide(T1, "roof", 0, IDLE, 0)
    station.decide(T1 + 600, "roof", 60, ORDER, 0)
    station.rn += 2
    station.now_s += 600
    boot = boot_record(station.rn - 1, (AIR,), 3)  # uptime: its clock is not set
    station.send(boot, report_record(station.rn, [(2710,), (2710,)], AIR, 40, synced=False))


def test_a_restart_without_a_clock_carries_nothing_on(station, capsys):
    power_cut(station)

    def at(clock: str) -> list[str]:
        return why(capsys, "gh-07", "roof", "--at", f"2024-06-01T{clock}Z")

    assert at("07:05:00")[1].startswith("stands closed;")
    assert main(["rules", "why", "gh-07", "roof", "--at", "2024-06-01T07:15:00Z"]) == 2
    said = capsys.readouterr().err
    assert (
        "nobody knows what roof of gh-07 did from 2024-06-01T07:10:00Z to 2024-06-01T07:20:00Z: "
        "it began anew then, and its clock was not set" in said
    )
    assert at("07:20:01") == [
        "roof of gh-07: told closed since before its clock was set",
        "where it stands is not known; end to end takes 2 min",
        "decided by nobody: the unit has begun anew",
    ]
    assert at("07:24:12")[1].startswith("stands closed;")  # over an end, from wherever it was
    assert why(capsys, "gh-07", "roof")[0].startswith("roof of gh-07: told closed since before")


def test_a_decision_before_the_clock_is_set_counts_from_the_first_word_after_it(station):
    power_cut(station)
    station.decide(90, "roof", 40, synced=False)
    station.decide(T1 + 1205, "fan", 100)
    found = decision_log.of_unit(station.store, "gh-07")
    steps = decision_log.steps(found, "roof")
    known = [(each.begin_s, each.decision and each.decision.value) for each in steps]
    begin_s = NOW_S - 5 * 3600
    assert known[-2:] == [(begin_s + 1200, 0), (begin_s + 1200, 40)]
    assert known[-3] == (begin_s + 600, None)


def test_across_missing_records_nobody_knows_it(station, capsys):
    station.registry.keep_control("gh-07", control_spoken.of_node(node_config.load(EXAMPLE)))
    station.decide(T1, "roof", 0, IDLE, 0)
    station.decide(T1, "heater", 0, IDLE, 0)
    station.rn += 2  # of which one may have opened it
    station.decide(T1 + 1200, "heater", 100)
    assert main(["rules", "why", "gh-07", "roof"]) == 2
    said = capsys.readouterr().err
    assert "nobody knows what roof of gh-07 did from 2024-06-01T07:00:00Z to now" in said
    assert "records of it are missing" in said and "show gh-07 --gaps" in said
    assert main(["show"]) == 0
    assert "roof not known: records of it are missing" in capsys.readouterr().out
    assert why(capsys, "gh-07", "heater")[0].startswith(
        "heater of gh-07: on since 2024-06-01T07:2"
    )
    station.decide(T1 + 1500, "roof", 20)
    assert why(capsys, "gh-07", "roof")[0].startswith("roof of gh-07: told 20 % since")


def test_in_a_log_line():
    body = {2: "roof", 3: 40, 4: 1, 5: 3, 6: 0}
    assert describe_event(event.DECISION, body) == "decision: roof 40 % by rule 3"
    body = {2: "mist", 3: 0, 4: 2, 5: 9, 6: 5}
    assert describe_event(event.DECISION, body) == (
        "decision: mist off by rule 9, which is blind, it has run as long as it may at once "
        "(max_run)"
    )
    body = {2: "roof", 3: 0, 4: 1, 5: 3, 6: 0}
    assert describe_event(event.DECISION, body, "roof".__eq__) == (
        "decision: roof told closed by rule 3"
    )
    body = {2: "roof", 3: CODES["travel_lost"], 4: 100}
    assert describe_event(event.ACTUATOR_FAULT, body) == (
        "actuator fault: roof did not reach its end stop in time, and nobody knows where it stands"
    )
    assert describe_event(event.DECISION, {2: "roof"}) == "decision that cannot be read"
    assert decisions.parse_fault({3: "x"}) is None


def test_every_code_has_words():
    whys = [v for k, v in vars(actuator).items() if k.isupper() and k not in ("NEVER_S",)]
    assert set(decisions.WHY_NAMES) == {each for each in whys if not str(each).startswith("_")}
    causes = (control_rules.IDLE, control_rules.RULE, control_rules.BLIND, control_rules.ORDER)
    assert set(decisions.CAUSE_NAMES) == set(causes)
    assert decisions.why_name(99) == "reason 99" and decisions.cause_name(9) == "cause 9"
    assert set(decisions.FAULTS) <= set(CODES)


def test_the_order_is_that_of_the_unit(station):
    station.decide(T0 + 900, "roof", 40)
    station.decide(5, "roof", 60, synced=False)  # after a reset, without a clock
    found = decision_log.last(decision_log.of_unit(station.store, "gh-07"))
    decision = found["roof"].decision
    assert decision and (decision.value, found["roof"].at_s) == (60, None)
