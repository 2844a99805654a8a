"""From a signed order to sound and receipts: the whole firmware and real signatures."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fieldbeat.hil_tests.district import District
from fieldbeat.hil_tests.held_line import HeldLine
from fieldbeat.hil_tests.listening import SECOND_US, TONE, heard, level_of, loudest_ms, sink
from fieldbeat.host_tools import issuer_keys, upkeep
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.alert_request import Request
from fieldbeat.host_tools.signed_commands import Maker, Signer, Window
from fieldbeat.host_tools.sounds import Sound
from fieldbeat.protocols import cose, receipt
from fieldbeat.protocols.command import CANCEL, DAILY, DRILL, EMERGENCY
from fieldbeat.protocols.reason_codes import CODES


def test_an_emergency_sounds_and_tells_that_it_did(district, tmp_path):
    pole = district.add_pole()
    ordered_us = district.world.now_us
    order = district.order([TONE])
    done = district.until(order, receipt.DONE)
    run = sink(pole).runs[-1]
    begin_us = next(r.begin_us for r in sink(pole).runs if r.begin_us > ordered_us)
    # 80 ms of it are the amplifier's; a block of flash takes 45, and none is erased before.
    assert begin_us - ordered_us < 140_000
    middle = heard(pole, begin_us + SECOND_US, begin_us + 2 * SECOND_US)
    assert level_of(middle, 1000) == pytest.approx(
        0.8 * 32767, rel=0.05
    )  # the floor of the config
    assert level_of(middle, 900) < 200
    assert abs(loudest_ms(pole, ordered_us, run.end_us) - 3000) <= 20
    assert done.reason is None and done.proof[0] == 1 and done.proof[2] > 200
    assert done.ended_s - done.started_s in (3, 4)
    assert len(done.hops_ms) == 4 and done.hops_ms == sorted(done.hops_ms)
    sink(pole).wav(tmp_path / "heard.wav")
    assert (tmp_path / "heard.wav").stat().st_size > 90_000


def test_ctrl_c_in_a_terminal_does_not_silence_it_for_long(district):
    pole = district.add_pole()
    pole.console_write(b"\x03")
    district.run_for(5)
    assert b"the watchdog does so in 10 minutes" in pole.output
    order = district.order([TONE])
    district.run_for(500)
    assert district.told(order).stage is None  # nobody is at home
    assert district.until(order, receipt.DONE, 120).reason is None


def test_nobody_but_the_issuer(district):
    """Not who has the collector with all its keys, and not an issuer beyond his rights."""
    pole = district.add_pole()
    silent_from_us = district.world.now_us
    stranger_key = issuer_keys.generate(cose.ES256)
    stranger = Signer(
        district.issuers.add("stranger", cose.ES256, stranger_key.public, EMERGENCY, 1),
        stranger_key,
    )  # after the pole was told whom to obey
    for signers, reason in (
        ([stranger], "cmd_issuer"),
        ([Signer(district.signer.issuer, stranger_key)], "cmd_signature"),
    ):
        order = district.order([TONE], signers=signers)
        refused = district.until(order, receipt.REFUSED)
        assert refused.reason == CODES[reason]
    assert loudest_ms(pole, silent_from_us, district.world.now_us) == 0
    assert not sink(pole).clocked.is_open


def test_an_emergency_interrupts_a_daily_alert_which_begins_again(district):
    pole = district.add_pole()
    daily = district.order([[0, 0, 20000]], DAILY, 4)
    district.until(daily, receipt.STARTED)
    district.run_for(5)
    begin_us = district.world.now_us
    flood = district.order([[0, 1, 4000]])
    district.until(flood, receipt.DONE)
    during = heard(pole, begin_us + SECOND_US, begin_us + 3 * SECOND_US)
    assert (
        level_of(during, 1000) < 300 and max(level_of(during, 700), level_of(during, 900)) > 5000
    )
    assert district.until(daily, receipt.DONE).reason is None


def test_a_cancelled_alert_is_silent_within_a_second(district):
    pole = district.add_pole()
    order = district.order([[0, 0, 60000]])
    district.until(order, receipt.STARTED)
    district.run_for(3)
    district.cancel(order)
    district.run_for(1)
    now_us = district.world.now_us
    district.run_for(5)
    assert loudest_ms(pole, now_us, district.world.now_us) == 0
    told = district.until(order, receipt.INTERRUPTED)
    assert told.reason == CODES["cancelled"]


def test_what_its_issuer_has_cancelled_is_silent_if_it_comes_after_its_cancel(district):
    """He may order nothing of the highest level, and the pole does not know of which it is."""
    small = district.new_issuer("small", EMERGENCY, 2)
    pole = district.add_pole()
    silent_from_us = district.world.now_us
    line = HeldLine(district)
    order = district.order([TONE], EMERGENCY, 2, signers=[small])
    line.closed = False
    cancelled = district.desk.cancel(order, [small.issuer], lambda _: [small])
    district.dispatch()
    assert district.until(cancelled, receipt.DONE).reason is None
    line.commands[0]()
    assert district.until(order, receipt.CANCELLED).reason is None
    assert loudest_ms(pole, silent_from_us, district.world.now_us) == 0


def test_who_may_order_less_cancels_nothing_of_a_higher_level(district):
    small = district.new_issuer("small", EMERGENCY, 2)
    district.add_pole()
    line = HeldLine(district)
    order = district.order([TONE])
    line.closed = False
    parts = choose(district.registry, everyone=True)
    window = Window(0, order.expires_s)
    maker = Maker(district.issuers, [small], district.now_s)
    made = maker.make(CANCEL, (EMERGENCY, 2), window, [(parts[0], order.id)])
    cancel = replace(order, id=made[0].id, kind=CANCEL)
    district.desk.orders.add(cancel, made)
    district.dispatch()
    district.until(cancel, receipt.DONE)
    line.commands[0]()
    assert district.until(order, receipt.DONE).reason is None


def test_a_window_that_ends_before_it_was_said_is_told(district):
    district.add_pole()
    order = district.order([TONE, [0, 1, 9000]], minutes=0.1)
    told = district.until(order, receipt.INTERRUPTED)
    assert told.reason == CODES["cmd_expired"] and told.proof[2] > 200
    order = district.order([TONE], minutes=0.1, repeat=9)
    assert district.until(order, receipt.DONE).reason is None


def test_who_is_on_the_line_cannot_sound_what_is_over(district):
    """He keeps an answer and an alert, and gives both when the alert is over."""
    pole = district.add_pole()
    silent_from_us = district.world.now_us
    line = HeldLine(district)
    district.run_for(40)
    order = district.order([TONE], minutes=5)
    district.run_for(900)
    line.give_as_answer(line.answers[0])
    district.run_for(40)
    line.commands[0]()
    district.run_for(20)
    assert loudest_ms(pole, silent_from_us, district.world.now_us) == 0
    line.closed = False
    district.run_for(60)
    assert district.told(order).stage == receipt.REFUSED


@pytest.mark.long
def test_who_has_the_collector_cannot_sound_what_was_cancelled(district):
    """He holds the alert back, lets the cancel through, and asks what nobody has to sign."""
    pole = district.add_pole()
    silent_from_us = district.world.now_us
    window = Window(0, district.now_s + 3600)
    parts = choose(district.registry, everyone=True)
    issuers = [district.signer.issuer]
    sound = Sound(EMERGENCY, 1, [TONE])
    plan = district.desk.plan_sound(sound, window, parts, issuers)
    held = district.desk.send(plan, lambda _: [district.signer])
    cancelled = district.cancel(held)
    district.until(cancelled, receipt.DONE)
    plan = upkeep.ask(district.desk, Request(everyone=True))
    asked = [district.desk.send(plan, lambda _: []) for _ in range(64)]
    district.dispatch()
    for each in asked:
        district.until(each, receipt.DONE)
    district.desk_store.database.write("UPDATE orders SET cancelled_s = NULL")
    district.kill_collector()
    district.start_collector()
    district.dispatch()
    district.until(held, receipt.CANCELLED)
    assert loudest_ms(pole, silent_from_us, district.world.now_us) == 0


def test_who_has_the_collector_cannot_repeat_what_was_over_when_a_pole_was_new(district):
    """He has kept an alert, puts the clock back, and gives both to a pole that saw neither."""
    district.registry.allocate("speaker-01")
    district.registry.describe("speaker-01", "planned", role="speaker")
    old = district.order([TONE])
    district.run_for(60)
    begun_s = district.now_s
    district.run_for(2 * 86_400)
    armed = district.order([TONE], DRILL, minutes=30)
    pole = district.begin_pole("speaker-01")
    silent_from_us = district.world.now_us
    district.faults.server_clock_off_s = begun_s - district.now_s
    district.desk_store.database.write(
        "UPDATE orders SET expires_s = expires_s + 1e7 WHERE id = ?", old.id
    )  # so that the collector sends it
    district.kill_collector()
    district.start_collector()
    district.run_for(30)
    district.dispatch()
    assert district.until(old, receipt.REFUSED).reason == CODES["cmd_counter"]
    assert loudest_ms(pole, silent_from_us, district.world.now_us) == 0
    district.faults.server_clock_off_s = 0
    assert district.until(armed, receipt.DONE, 300).reason is None


def test_a_silent_drill_tells_how_soon_and_makes_no_sound(district):
    pole = district.add_pole()
    begin_us = district.world.now_us
    told = district.until(district.order([TONE], DRILL, 1, silent=True), receipt.SILENT)
    assert len(told.hops_ms) == 4 and told.hops_ms[-1] < 2000
    assert loudest_ms(pole, begin_us, district.world.now_us) == 0


def test_an_armed_alert_survives_a_power_cut(district):
    pole = district.add_pole()
    order = district.order([TONE], start_s=district.now_s + 120)
    district.until(order, receipt.ACCEPTED)
    pole.power_off()
    district.run_for(20)
    pole.power_on()
    assert district.told(order).stage == receipt.ACCEPTED
    told = district.until(order, receipt.DONE, 180)
    assert told.started_s is not None


def test_a_power_cut_while_it_sounds(district):
    pole = district.add_pole()
    order = district.order([[0, 0, 20000]])
    district.until(order, receipt.STARTED)
    district.run_for(5)
    pole.power_off()
    district.run_for(10)
    pole.power_on()
    begin_us = district.world.now_us
    district.until(order, receipt.DONE, 60)
    assert loudest_ms(pole, begin_us, district.world.now_us) > 19_900  # from its beginning


def test_a_clip_that_is_not_there_is_reported_and_something_sounds(district):
    pole = district.add_pole()
    begin_us = district.world.now_us
    told = district.until(district.order([[1, "flood"]]), receipt.INTERRUPTED)
    assert told.reason == CODES["clip_missing"]
    assert loudest_ms(pole, begin_us, district.world.now_us) > 9_000


def test_a_lossy_network_is_asked_again(tmp_path):
    with District(tmp_path) as district:
        district.add_pole()
        district.network.loss = 0.3
        order = district.order([TONE], minutes=30)
        district.until(order, receipt.DONE, 600)
        district.run_for(600)
        assert district.network.counts["down_lost"] and district.network.counts["up_lost"]
