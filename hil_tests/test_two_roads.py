"""A pole with Wi-Fi and NB-IoT: alerts come over whichever is there, whatever dies when."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools.sounds import speech
from fieldbeat.protocols import event, receipt
from fieldbeat.protocols.command import DRILL

from .listening import TONE, heard, level_of, loudest_ms, sink
from .two_roads import PASSWORD, TwoRoads

CHANGE_S = 12  # from the death of the access point until the server hears it over NB-IoT
SILENT_S = 40  # the same where the access point lives and nothing beyond it answers
BACK_S = 60  # from when the access point is there again, after a short absence


@pytest.fixture
def village(tmp_path):
    with TwoRoads(tmp_path) as village:
        yield village


def over(village, pole, road, within_s):
    """Until the server has heard it over that road; how long that took."""
    begin_us = village.world.now_us
    assert village.run_until(lambda: village.road(pole) == road, within_s), pole.output
    return (village.world.now_us - begin_us) / 1e6


def told(village):
    """The counters and the signal of the newest HEALTH."""
    body = village.views._last_event("speaker-01", event.HEALTH)
    return village.views.unit("speaker-01", village.now_s).counters, body[event.HEALTH_SIGNAL]


def says(village, pole, line):
    """What the console answers to a line."""
    before = len(pole.output)
    pole.console_write(line.encode() + b"\r")
    village.run_for(2)
    return " ".join(pole.output[before:].decode().split())


def test_an_alert_sounds_over_wifi_while_the_modem_stands_by(village):
    told = []
    village.world.listeners.append(lambda _us, who, what, _more: told.append((who, what)))
    pole = village.put_up()
    assert village.road(pole) == "wifi"
    done = village.until(village.order([TONE]), receipt.DONE)
    assert done.reason is None and done.hops_ms[-1] < 300
    modem = pole.fitted.modem
    assert modem.radio.registered and modem.radio.sockets and modem.radio.active_s() is None
    assert [modem.settings[name] for name in ("+CPSMS", "+QSCLK")] == ["0", "0"]
    assert modem.settings["+CEDRXS"].startswith("0")
    assert (modem, "search") in told and (modem, "send") not in told
    assert village.network.counts["up_lost"] == 0


def test_nbiot_takes_over_when_the_access_point_dies_and_gives_back(village):
    pole = village.put_up()
    village.wifi.faults.away = True
    assert over(village, pole, "nbiot", CHANGE_S) < CHANGE_S
    done = village.until(village.order([TONE]), receipt.DONE)
    assert done.reason is None
    village.run_for(60)
    counters, signal = told(village)
    assert counters["wifi_link_lost"] == 1 and signal["road"] == "nbiot" and signal["rsrp_dbm"] < 0
    assert "road nbiot" in says(village, pole, "status")
    village.wifi.faults.away = False
    assert over(village, pole, "wifi", 2 * BACK_S) < 2 * BACK_S
    assert village.until(village.order([TONE]), receipt.DONE).hops_ms[0] < 300
    village.run_for(60)
    counters, signal = told(village)
    assert counters["wifi_link_back"] == 1 and signal["road"] == "wifi"
    assert signal["rssi_dbm"] == -55
    assert "road wifi" in says(village, pole, "status")
    assert village.wifi.faults.fired["away"]


@pytest.mark.parametrize("after_s", [0, 0.2, 5.9, 6.3, 6.8, 8])
def test_an_alert_in_the_moment_of_the_change_over_is_not_lost(village, after_s):
    pole = village.put_up()
    begin_us = village.world.now_us
    village.wifi.faults.away = True
    village.run_for(after_s)
    order = village.order([TONE])
    village.until(order, receipt.STARTED, CHANGE_S + 5)
    assert (village.world.now_us - begin_us) / 1e6 < CHANGE_S + 5
    village.until(order, receipt.DONE)
    assert abs(loudest_ms(pole, begin_us, village.world.now_us) - 3000) <= 20  # once
    assert village.wifi.faults.fired["away"]


def test_a_way_that_is_silent_behind_the_access_point(village):
    pole = village.put_up()
    village.wifi.faults.no_way_out = True
    order = village.order([TONE])
    assert over(village, pole, "nbiot", SILENT_S) < SILENT_S
    village.until(order, receipt.DONE)
    village.run_for(300)
    counters, _ = told(village)
    assert counters["wifi_no_answer"] >= 1 and village.wifi.faults.fired["no_way_out"]
    village.wifi.faults.no_way_out = False
    over(village, pole, "wifi", 700)


def test_both_roads_are_heard_whichever_is_used(village):
    """A command that still comes over NB-IoT when the pole has gone back to Wi-Fi."""
    pole = village.put_up()
    village.wifi.faults.away = True
    over(village, pole, "nbiot", CHANGE_S)
    nbiot = village.ways[village.source()]
    village.wifi.faults.away = False
    over(village, pole, "wifi", 2 * BACK_S)
    wifi, source = village.ways[village.source()], village.source()
    village.ways[source] = nbiot  # a collector that sends to where it heard the pole before
    order = village.order([TONE])
    village.until(order, receipt.STARTED)
    village.ways[source] = wifi
    assert pole.fitted.modem.radio.missed == 0
    village.until(order, receipt.DONE)


def test_an_idle_modem_is_paged_at_any_time(village):
    """Neither power saving nor extended idle times, also where the modem remembers them."""
    village.wifi.faults.away = True
    pole = village.put_up(run_s=0)
    modem = pole.fitted.modem
    modem.settings["+CPSMS"] = '1,,,"00100001","00100001"'
    modem.settings["+CEDRXS"] = '1,5,"0010"'
    village.run_for(90)
    assert village.road(pole) == "nbiot"
    for wait_s in (13, 29, 47):
        village.run_for(wait_s)
        village.run_until(lambda: not modem.radio.connected, 60)
        begin_us = village.world.now_us
        village.until(village.order([TONE]), receipt.STARTED, 20)
        assert (village.world.now_us - begin_us) / 1e6 < 6
    assert modem.radio.missed == 0 and modem.boots == 1


def test_the_longest_command_comes_over_nbiot(village):
    """More than twice of what the modem takes the other way."""
    village.wifi.faults.away = True
    pole = village.put_up(run_s=90)
    order = village.order(speech("The dam has broken, leave the valley at once. " * 21))
    assert village.run_until(lambda: village.told(order).started_s, 20)
    assert max(len(data) for _, way, data in village.network.capture if way == "down") > 1100
    assert b"Traceback" not in pole.output


@pytest.mark.long
def test_with_both_roads_dead_it_tries_for_ever_and_goes_on_with_what_it_has(village):
    pole = village.put_up()
    order = village.order([TONE], start_s=village.now_s + 900, minutes=120)
    village.until(order, receipt.ACCEPTED)
    village.wifi.faults.away = True
    pole.fitted.modem.faults.cereg = 2  # searching
    pole.fitted.modem.radio.lose()
    begin_us = village.world.now_us
    village.run_for(1000)
    assert abs(loudest_ms(pole, begin_us, village.world.now_us) - 3000) <= 20
    resets = len(pole.resets)
    village.run_for(1800)
    assert len(pole.resets) == resets and b"safe mode" not in pole.output
    assert b"Traceback" not in pole.output
    assert pole.fitted.modem.faults.fired["cereg"] > 50 and village.wifi.faults.fired["away"]
    pole.fitted.modem.faults.cereg = 0
    pole.fitted.modem.radio.search()
    over(village, pole, "nbiot", 240)
    assert village.until(order, receipt.DONE, 120).reason is None
    village.wifi.faults.away = False
    over(village, pole, "wifi", 700)


def test_a_wrong_password_is_told_and_never_shown(village):
    wrong = "wrong battery"
    pole = village.put_up(run_s=120, wifi_password=wrong)
    assert village.road(pole) == "nbiot"
    village.until(village.order([TONE]), receipt.DONE)
    village.run_for(60)
    status = says(village, pole, "status")
    assert "wifi wifi_password" in status
    assert "wifi_password" in says(village, pole, "counters")
    for line in ("config show", "modem", "id", "log", "help", "uplink"):
        says(village, pole, line)
    assert b"riverside-poles" in pole.output
    assert wrong.encode() not in pole.output and PASSWORD.encode() not in pole.output


def test_an_open_network_must_be_called_so(village):
    village.wifi.password = ""
    pole = village.put_up(run_s=90, wifi_password=PASSWORD)
    assert village.road(pole) == "nbiot"  # a password where none is wanted
    text = "ssid = 'riverside-poles'\nopen = true"
    pole = village.put_up("speaker-02", run_s=90, wifi=text, wifi_password=PASSWORD)
    assert village.road(pole, "speaker-02") == "wifi"


def test_a_modem_that_hangs_is_mended_before_it_is_needed(village):
    pole = village.put_up()
    modem = pole.fitted.modem
    modem.faults.hung = True
    village.run_until(lambda: modem.boots == 2, 300)
    assert modem.faults.fired["hung"]
    village.run_for(60)
    modem.reset_now()
    village.run_for(60)
    assert modem.radio.sockets
    village.wifi.faults.away = True
    over(village, pole, "nbiot", CHANGE_S)
    modem.reset_now()  # and while it is needed
    order = village.order([TONE])
    village.until(order, receipt.DONE, 90)


@pytest.mark.long
def test_weak_wifi_changes_roads_and_loses_nothing(village):
    pole = village.put_up()
    village.wifi.faults.weak = True
    for _ in range(6):
        village.until(village.order([TONE], minutes=30), receipt.DONE, 120)
        village.run_for(200)
    assert village.wifi.faults.fired["weak"] > 10
    assert len(pole.resets) == 1 and b"Traceback" not in pole.output


def test_what_plays_goes_on_while_the_roads_change(village):
    """Tone, while the Wi-Fi dies, is tried again, and comes back."""
    pole = village.put_up()
    village.until(village.order([[0, 0, 60_000], [0, 0, 60_000]]), receipt.STARTED)
    village.run_for(1)
    begin_us = village.world.now_us
    gaps = len(sink(pole).gaps)
    village.wifi.faults.away = True
    over(village, pole, "nbiot", CHANGE_S)
    village.wifi.faults.away = False
    over(village, pole, "wifi", 2 * BACK_S)
    end_us = village.world.now_us
    assert len(sink(pole).gaps) == gaps
    assert loudest_ms(pole, begin_us, end_us) == pytest.approx((end_us - begin_us) / 1000, abs=20)
    assert level_of(heard(pole, end_us - 1_000_000, end_us), 1000) > 10_000


@pytest.mark.long
def test_a_day_over_nbiot_has_its_price(village):
    """An hour of it, times 24: questions, answers, reports, and the rest."""
    village.wifi.faults.away = True
    pole = village.put_up()
    over(village, pole, "nbiot", 60)
    village.run_for(120)
    before = len(village.network.capture)
    village.run_for(3600)
    frames = village.network.capture[before:]
    up = [len(data) for _, direction, data in frames if direction == "up"]
    down = [len(data) for _, direction, data in frames if direction == "down"]
    on_the_air = sum(up) + sum(down) + 28 * (len(up) + len(down))
    assert 24 * sum(up) < 100_000 / 2  # of its budget
    assert 24 * on_the_air < 250_000
    village.until(village.order([TONE], DRILL), receipt.DONE)
    assert "no_ack" not in says(village, pole, "counters")
