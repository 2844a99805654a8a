"""What can go wrong on a pole: it is reported, and something sounds if anything can."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.flood import KINDS, Flood
from fieldbeat.host_tools.signed_commands import Signer
from fieldbeat.host_tools.sounds import speech
from fieldbeat.protocols import receipt
from fieldbeat.protocols.command import DAILY, EMERGENCY
from fieldbeat.protocols.reason_codes import CODES

from .listening import TONE, loudest_ms


def test_a_text_is_spoken(district):
    pole = district.add_pole()
    begin_us = district.world.now_us
    done = district.until(district.order(speech("洪水来了，请马上离开。")), receipt.DONE)
    assert "".join(text for _, text in pole.fitted.parts["tts"].spoken) == "洪水来了，请马上离开。"
    assert loudest_ms(pole, begin_us, district.world.now_us) > 1500
    assert done.source == 2 and done.proof[2] > 100


@pytest.mark.parametrize(
    ("fault", "reason"), [("silent", "tts_silent"), ("busy", "tts_busy"), ("refuse", "tts_busy")]
)
def test_a_chip_that_does_not_speak(district, fault, reason):
    pole = district.add_pole()
    setattr(pole.fitted.parts["tts"].faults, fault, True)
    begin_us = district.world.now_us
    told = district.until(district.order(speech("Leave.")), receipt.INTERRUPTED, 120)
    assert told.reason == CODES[reason]
    assert loudest_ms(pole, begin_us, district.world.now_us) > 9_000  # the attention tone instead
    assert pole.fitted.parts["tts"].faults.fired[fault]


def test_speech_is_cut_short_by_what_is_more_urgent(district):
    pole = district.add_pole()
    daily = district.order(speech("a long story " * 20), DAILY, 4)
    district.until(daily, receipt.STARTED)
    district.run_for(4)
    assert pole.fitted.parts["tts"].speaks
    district.until(district.order([TONE]), receipt.STARTED)
    district.run_for(1)
    assert not pole.fitted.parts["tts"].speaks


def test_a_torn_line_is_no_sound(district):
    pole = district.add_pole()
    pole.fitted.parts["line"].faults.open = True
    told = district.until(district.order([TONE]), receipt.INTERRUPTED)
    assert told.reason == CODES["no_sound"] and told.proof[2] == 0
    assert pole.fitted.parts["line"].faults.fired["open"]


def test_an_amplifier_that_is_dead(district):
    pole = district.add_pole()
    pole.fitted.parts["amplifier"].faults.deaf = True
    told = district.until(district.order([TONE]), receipt.INTERRUPTED)
    assert told.reason == CODES["no_sound"]
    assert pole.fitted.parts["amplifier"].faults.fired["deaf"]


def test_the_highest_level_needs_two(district):
    second = district.new_issuer("governor")
    pole = district.add_pole(two_issuers_level=1)
    begin_us = district.world.now_us
    told = district.until(district.order([TONE]), receipt.REFUSED)
    assert told.reason == CODES["cmd_second_issuer"]
    assert loudest_ms(pole, begin_us, district.world.now_us) == 0
    both = district.order([TONE], signers=[district.signer, second])
    assert district.until(both, receipt.DONE).reason is None


def test_an_issuer_of_daily_alerts_calls_no_emergency(district):
    baker = district.new_issuer("baker", DAILY, 4)
    pole = district.add_pole()
    rights = baker.issuer.__class__(**{**vars(baker.issuer), "highest_class": EMERGENCY})
    more = Signer(rights.__class__(**{**vars(rights), "highest_level": 1}), baker.key)
    told = district.until(district.order([TONE], signers=[more]), receipt.REFUSED)
    assert told.reason == CODES["cmd_rights"]
    done = district.until(district.order([TONE], DAILY, 4, signers=[baker]), receipt.DONE)
    assert done.reason is None and pole.output.count(b"Traceback") == 0


def ordered_in_a_flood(district, pole, flood):
    """From an order until something sounds, in ms, while forged frames come."""
    runs = pole.fitted.sinks["i2s0"].runs
    flood.start()
    district.run_for(0.3)
    before, ordered_us = len(runs), district.world.now_us
    order = district.order([TONE])
    assert district.run_until(lambda: len(runs) > before, 60)
    flood.stop()
    assert district.until(order, receipt.DONE).reason is None
    return (runs[before].begin_us - ordered_us) / 1000


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.long
def test_a_flood_of_forged_frames_does_not_delay_a_true_one(district, kind):
    """10,000 a second, at a pole that computes in no time at all, as those of the bench do."""
    pole = district.add_pole()
    flood = Flood(district, pole, "speaker-01", 10_000, kind)
    assert ordered_in_a_flood(district, pole, flood) < 1000
    assert flood.fates["delivered"] > 3000


@pytest.mark.long
def test_a_flood_beyond_what_a_chip_can_read_is_got_over(district):
    """Most of what comes is forgotten by the socket, the true frame too: it comes again."""
    pole = district.add_pole()
    flood = Flood(district, pole, "speaker-01", 10_000, "stranger", cost_us=400)
    assert ordered_in_a_flood(district, pole, flood) < 10_000
    assert flood.fates["overrun"] > flood.fates["delivered"] > 500


def test_a_flood_leaves_no_gap_in_the_sound(district):
    """Each forged frame takes a chip 3 ms, so that it does nothing else; but it takes turns."""
    pole = district.add_pole()
    order = district.order([[0, 0, 4000]])
    district.until(order, receipt.STARTED)
    flood = Flood(district, pole, "speaker-01", 10_000, cost_us=3000)
    flood.start()
    district.run_for(2)
    flood.stop()
    assert flood.fates["overrun"] > 10 * flood.fates["delivered"] > 3000
    assert district.until(order, receipt.DONE).reason is None
    last = pole.fitted.sinks["i2s0"].runs[-1]
    assert len(last.samples) >= 4 * 16000  # in one piece


@pytest.mark.long
def test_a_server_that_was_away_for_hours(district):
    pole = district.add_pole()
    resets = len(pole.resets)
    district.network.away(True)
    district.run_for(3 * 3600)
    assert district.network.counts["up_outage"] >= 280  # a question in 35 s, a look-up after 3
    district.network.away(False)
    district.run_for(60)
    assert district.until(district.order([TONE]), receipt.DONE).reason is None
    assert len(pole.resets) == resets and b"Traceback" not in pole.output
