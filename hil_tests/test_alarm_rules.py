"""Alarm rules from `fieldbeat rule set` to the horn: the whole firmware, with the uplink dead."""

from __future__ import annotations

from pathlib import Path

import pytest
from fieldbeat.hil_tests.district import EXAMPLES, District
from fieldbeat.hil_tests.virtual.errors import PowerCut
from fieldbeat.host_tools import alarm_rules, image, issuer_keys, partition_table, rule_orders
from fieldbeat.host_tools.alert_request import Request
from fieldbeat.host_tools.signed_commands import Signer
from fieldbeat.protocols import cose, event, receipt
from fieldbeat.protocols.command import EMERGENCY
from fieldbeat.protocols.reason_codes import CODES

from .listening import SECOND_US, level_of, loudest_ms, sink
from .test_level_sensor import RIVER

FLOOD = """
profile = "speaker_river"
[[rule]]
channel = "level"
above = "3.20 m"
hold = "2 min"
back = "0.10 m"
pause = "10 min"
level = 1
tone = "steady"
repeat = 2
for = "5 min"
"""
QUICK = FLOOD.replace("2 min", "20 s").replace("10 min", "1 min")
DATUM_MM = 5200


class Bank(District):
    """A district with a pole over a river."""

    def put_up(self, **options):
        self.pole = self.add_pole(profile='"speaker_river"', more=RIVER, **options)
        self.river(2.0)
        return self.pole

    def river(self, level_m: float) -> None:
        """Lets the water stand so high from now on."""
        self.pole.fitted.parts["river"].hang(DATUM_MM - 1000 * level_m)

    def rise(self, low_m: float, high_m: float, mm_s: float) -> None:
        """Lets the water rise from now on."""
        begin_us = self.world.now_us

        def distance_mm() -> float:
            rise_mm = (self.world.now_us - begin_us) / SECOND_US * mm_s
            return DATUM_MM - min(1000 * low_m + rise_mm, 1000 * high_m)

        self.pole.fitted.parts["river"].hang(distance_mm)

    def set_rules(self, text: str | None = FLOOD, *signers: Signer):
        """Orders rules for everybody, as `fieldbeat rule set` does; None takes them away."""
        rules = alarm_rules.parse(text, "x.toml", Path(".")) if text else None
        names = [signer.issuer.name for signer in signers] or ["district"]
        request = Request(everyone=True, issuers=names)
        return self.send(rule_orders.plan_rules(self.desk, rules, request), *signers)

    def heard_ms(self, since_us: int) -> int:
        return loudest_ms(self.pole, since_us, self.world.now_us)

    def soundings(self):
        return rule_orders.soundings(self.desk_store)


@pytest.fixture
def bank(tmp_path):
    with Bank(tmp_path) as bank:
        yield bank


def test_the_example_of_the_docs_sounds_with_the_uplink_dead(bank, tmp_path):
    pole = bank.put_up()
    assert bank.until(bank.set_rules(), receipt.DONE).reason is None
    bank.network.away(True)
    bank.rise(2.0, 3.3, 10)
    bank.run_for(120)
    begin_us = bank.world.now_us  # it stands at 3.20 m
    bank.run_for(110)
    assert bank.heard_ms(begin_us) == 0  # not yet for two minutes
    bank.run_for(60)
    runs = [run for run in sink(pole).runs if run.begin_us > begin_us]
    after_s = (runs[0].begin_us - begin_us) / SECOND_US
    assert 120 <= after_s < 135
    assert abs(bank.heard_ms(begin_us) - 6000) <= 20  # three seconds, twice
    middle = sink(pole).samples(runs[0].begin_us + SECOND_US, runs[0].begin_us + 2 * SECOND_US)
    assert level_of(middle, 1000) == pytest.approx(0.8 * 32767, rel=0.05)  # no quieter
    sink(pole).wav(tmp_path / "heard.wav")
    assert (tmp_path / "heard.wav").stat().st_size > 150_000
    assert bank.soundings() == []
    bank.network.away(False)
    assert bank.run_until(lambda: bank.soundings() and bank.soundings()[0].stage == "done", 120)
    [told] = bank.soundings()
    assert (told.unit, told.rule, told.channel, told.why) == ("speaker-01", 1, "level", "")
    assert float(told.value.removesuffix(" m")) == pytest.approx(3.3, abs=0.005)
    assert told.proof[0] == 1 and told.proof[2] > 200
    assert abs(told.at_s - (bank.now_s - (bank.world.now_us - runs[0].begin_us) / 1e6)) <= 2
    assert b"Traceback" not in pole.output


def test_it_needs_no_clock_after_a_power_cut(bank):
    pole = bank.put_up()
    bank.until(bank.set_rules(QUICK), receipt.DONE)
    bank.network.away(True)
    pole.power_off()
    bank.run_for(60)
    bank.river(3.3)
    pole.power_on()
    begin_us = bank.world.now_us
    bank.run_for(60)
    assert abs(bank.heard_ms(begin_us) - 6000) <= 20
    bank.network.away(False)
    assert bank.run_until(lambda: bank.soundings() and bank.soundings()[0].stage == "done", 120)
    assert bank.soundings()[0].at_s is None  # nobody knew the time


def test_a_wave_is_no_flood_and_after_one_it_is_armed_again(bank):
    pole = bank.put_up()
    bank.until(bank.set_rules(QUICK), receipt.DONE)
    begin_us = bank.world.now_us
    for _ in range(4):
        bank.river(3.25)
        bank.run_for(15)
        bank.river(3.15)
        bank.run_for(10)
    assert bank.heard_ms(begin_us) == 0
    bank.river(3.25)
    bank.run_for(40)
    assert abs(bank.heard_ms(begin_us) - 6000) <= 20
    for level_m, more_ms in ((3.15, 0), (3.25, 0), (3.05, 0), (3.25, 6000)):
        before_us = bank.world.now_us
        bank.river(level_m)
        bank.run_for(40)
        assert abs(bank.heard_ms(before_us) - more_ms) <= 20, level_m
    assert len(bank.soundings()) == 2 and b"Traceback" not in pole.output


@pytest.mark.parametrize("fault", ["silent", "bad_sum", "no_echo", "spike"])
def test_a_broken_sensor_sounds_nothing(bank, fault):
    pole = bank.put_up()
    bank.until(bank.set_rules(QUICK.replace("20 s", "10 s")), receipt.DONE)
    bank.run_for(20)
    faults = pole.fitted.parts["river"].faults
    begin_us = bank.world.now_us
    setattr(faults, fault, 800 if fault == "spike" else True)  # a boat at 4.4 m, for 20 s
    bank.river(2.0 if fault == "spike" else 4.0)
    bank.run_for(20 if fault == "spike" else 60)
    assert faults.unfired() == [] and bank.heard_ms(begin_us) == 0
    setattr(faults, fault, 0)
    bank.run_for(90)  # the flood that nobody saw is one; the boat was none
    assert (bank.heard_ms(begin_us) > 5900) == (fault != "spike")
    assert b"Traceback" not in pole.output


def test_a_rule_that_sees_nothing_is_told(bank):
    pole = bank.put_up()
    bank.until(bank.set_rules(QUICK), receipt.DONE)
    bank.run_for(20)
    pole.fitted.parts["river"].faults.silent = True
    bank.run_for(650)
    counts = bank.views.unit("speaker-01", bank.now_s).counters
    assert counts["rule_blind"] == 1 and pole.fitted.parts["river"].faults.fired["silent"]


def test_who_may_not_sets_no_rules(bank):
    baker = bank.new_issuer("baker", 1, 1)
    pole = bank.put_up()
    stranger_key = issuer_keys.generate(cose.ES256)
    known = bank.signer.issuer
    forged = Signer(known, stranger_key)
    told = bank.until(bank.set_rules(FLOOD, forged), receipt.REFUSED)
    assert told.reason == CODES["cmd_signature"]
    beyond = vars(baker.issuer) | {"highest_class": EMERGENCY, "highest_level": 1}
    bank.desk.chosen = lambda names, class_, level: [type(baker.issuer)(**beyond)]
    told = bank.until(
        bank.set_rules(FLOOD, Signer(type(baker.issuer)(**beyond), baker.key)), receipt.REFUSED
    )
    assert told.reason == CODES["cmd_rights"]
    begin_us = bank.world.now_us
    bank.river(3.3)
    bank.run_for(150)
    assert bank.heard_ms(begin_us) == 0 and not bank.soundings()
    assert b"Traceback" not in pole.output


def test_where_two_must_sign_two_must_sign_rules(bank):
    second = bank.new_issuer("governor")
    bank.put_up(two_issuers_level=1)
    told = bank.until(bank.set_rules(FLOOD, bank.signer), receipt.REFUSED)
    assert told.reason == CODES["cmd_second_issuer"]
    assert bank.until(bank.set_rules(FLOOD, bank.signer, second), receipt.DONE).reason is None


def test_a_pole_that_cannot_do_it_says_so(bank):
    bank.pole = bank.add_pole()  # without a river
    told = bank.until(bank.set_rules(), receipt.REFUSED)
    assert told.reason == CODES["rule_channel"]
    battery = (EXAMPLES / "river_rules.toml").read_text().replace("speaker_river", "speaker", 1)
    only = 'profile = "speaker"\n' + battery[battery.rindex("[[rule]]") :]
    assert bank.until(bank.set_rules(only), receipt.DONE).reason is None
    siren = only.replace("text =", 'clip = ["siren"]\ntext =')
    told = bank.until(bank.set_rules(siren), receipt.REFUSED)
    assert told.reason == CODES["clip_missing"]
    [standing] = rule_orders.standings(bank.desk_store, bank.now_s)
    assert standing.state == "refused" and standing.why == "clip is not there"
    assert [rule.channel for rule in standing.rules] == ["battery"]


def test_without_rules_it_is_silent_and_what_sounds_ends(bank):
    bank.put_up()
    bank.until(bank.set_rules(QUICK.replace("repeat = 2", "repeat = 20")), receipt.DONE)
    bank.river(3.3)
    assert bank.run_until(lambda: len(bank.soundings()) == 1, 200)
    bank.run_for(5)
    bank.until(bank.set_rules(None), receipt.DONE)
    bank.run_for(1)
    begin_us = bank.world.now_us
    bank.run_for(100)
    assert bank.heard_ms(begin_us) == 0
    [told] = bank.soundings()
    assert (told.stage, told.why) == ("interrupted", "cancelled")


def test_an_order_goes_before_a_rule_of_lower_rank(bank):
    bank.put_up()
    low = QUICK.replace("level = 1", 'level = 4\nclass = "drill"')
    bank.until(bank.set_rules(low), receipt.DONE)
    bank.river(3.3)
    assert bank.run_until(lambda: len(bank.soundings()) == 1, 200)
    bank.run_for(3)
    begin_us = bank.world.now_us
    bank.until(bank.order([[0, 2, 4000]]), receipt.DONE)
    assert bank.heard_ms(begin_us) > 4000
    assert bank.run_until(lambda: bank.soundings()[0].stage == "done", 120)  # and begins again


def test_a_power_cut_at_every_flash_operation_of_storing_them(bank):
    """The old rules or the new ones, and the pole is told again until it has the new ones."""
    pole = bank.put_up()
    bank.until(bank.set_rules(), receipt.DONE)
    bank.run_for(60)
    ops = []
    pole.flash.before_op = lambda op: ops.append(op.number)
    bank.until(bank.set_rules(FLOOD.replace("3.20 m", "4.00 m")), receipt.DONE)
    pole.flash.before_op = None
    count = len(ops)
    assert count > 10
    for nth in range(0, count, max(1, count // 5)):
        order = _cut_while_storing(bank, nth, f"{2.6 + nth / 1000:.3f} m")
        done = bank.until(order, receipt.DONE, 180)
        assert done.reason is None
    assert b"Traceback" not in pole.output
    assert "rules_corrupt" not in bank.views.unit("speaker-01", bank.now_s).counters
    assert len(bank.events("speaker-01", event.BOOT)) > 5
    begin_us = bank.world.now_us
    bank.river(2.9)  # above what came last, below what was there before
    bank.run_for(90)
    assert bank.heard_ms(begin_us) > 5900


def _cut_while_storing(bank, nth, above):
    """Orders rules and cuts the power before the nth flash operation from then on."""
    left = [nth]
    cut = []

    def before_op(op):
        if not cut and left[0] == 0:
            cut.append(op.number)
            raise PowerCut
        left[0] -= 1

    pole = bank.pole
    pole.flash.before_op = before_op
    order = bank.set_rules(QUICK.replace("3.20 m", above))
    bank.run_until(lambda: cut, 60)
    pole.flash.before_op = None
    assert cut
    pole.power_off()
    bank.run_for(5)
    pole.power_on()
    bank.run_for(20)
    return order


def update(bank, pole):
    """Gives it its file system anew, as `fieldbeat flash` does; NVS stays."""
    pole.power_off()
    node = bank.nodes["speaker-01"]
    vfs = partition_table.find(node.board.partition_table(), "vfs")
    pole.flash.load(vfs.offset, image.build(node)[vfs.offset : vfs.end])
    pole.power_on()


def test_rules_that_an_update_has_taken_away_are_told(bank):
    pole = bank.put_up()
    bank.until(bank.set_rules(), receipt.DONE)
    bank.run_for(60)
    (before,) = rule_orders.standings(bank.desk_store, bank.now_s)
    assert (before.state, len(before.rules)) == (rule_orders.STORED, 1)
    update(bank, pole)
    bank.run_for(120)
    (after,) = rule_orders.standings(bank.desk_store, bank.now_s)
    assert (after.state, after.rules) == (rule_orders.GONE, ())
    bank.until(bank.set_rules(), receipt.DONE)
    (again,) = rule_orders.standings(bank.desk_store, bank.now_s)
    assert (again.state, len(again.rules)) == (rule_orders.STORED, 1)
