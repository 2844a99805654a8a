"""A station with a table [modem]: what its modem does, when it tries, what it says of silence."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.river_site import UNIT, river_config
from fieldbeat.hil_tests.virtual.site import QUARTER_HOURLY, Site, config
from fieldbeat.host_tools.record_words import EVENT_NAMES
from fieldbeat.protocols import cbor, event

HOUR_S = 3600
SEARCHING, DENIED = 2, 3


@pytest.fixture
def make(bench):
    def make(table: str):
        station = bench.add_station(config(more=QUARTER_HOURLY + "[modem]\n" + table))
        bench.run_for(1200)
        return station

    return make


def events(bench, kind: int) -> list:
    rows = bench.store.database.all(
        "SELECT t, body FROM events WHERE type = ? ORDER BY rowid", kind
    )
    return [(row["t"], row["body"]) for row in rows]


def searches(bench, modem) -> list[float]:
    """A list that grows by the time of each command that a registration begins with."""
    found: list[float] = []
    execute = modem.execute

    def counted(line: str) -> list[str]:
        if line.startswith("AT+CPIN"):
            found.append(bench.world.now_us / 1e6)
        return execute(line)

    modem.execute = counted
    return found


def silences(bench, unit: str = "gh-01") -> list[tuple[str, float | None, float | None]]:
    found = bench.views.gaps(unit)
    return [(gap.reason, gap.first_s, gap.last_s) for gap in found if gap.what == "silent"]


def test_the_modem_is_told_its_policy(make):
    station = make(
        "psm_active_s = 30\npsm_periodic_s = 86400\nedrx_s = 20.48\nrelease = 'none'\nbands = [5]"
    )
    settings = station.fitted.modem.settings
    assert settings["+CPSMS"] == '1,,,"00111000","00001111"'
    assert settings["+CEDRXS"] == '1,5,"0010"'
    assert settings["+QNBIOTRAI"] == "0" and settings["+QBAND"] == "1,5"


def test_an_empty_table_changes_no_byte_on_the_modems_line():
    """What the station with a table says is what the one without says, word for word."""

    def lines(more: str) -> list[bytes]:
        with Site(seed=3) as site:
            station = site.add_station(config(more=QUARTER_HOURLY + more))
            said: list[bytes] = []
            receive = station.fitted.modem.receive
            station.fitted.modem.receive = lambda data: (said.append(bytes(data)), receive(data))
            site.run_for(2 * HOUR_S)
        return [line for line in b"".join(said).split(b"\r\n") if not line.startswith(b"AT+QISE")]

    assert lines("[modem]\n") == lines("") != []


@pytest.mark.long
def test_a_unit_that_is_refused_tries_less_and_less_and_a_reset_changes_nothing(bench, make):
    station = make("backoff_s = 3600\nbackoff_max_s = 28800")
    modem = station.fitted.modem
    modem.faults.cereg = DENIED
    tried = searches(bench, modem)
    bench.run_for(24 * HOUR_S)
    first = len(tried)
    assert 4 <= first <= 6  # after 1, 2, 4 and 8 hours, each at the next wake
    assert tried[2] - tried[1] < tried[3] - tried[2] < tried[4] - tried[3]
    station.reset()
    bench.run_for(2 * HOUR_S)
    assert len(tried) - first <= 1 and modem.faults.fired["cereg"]
    modem.faults.cereg = 0
    bench.run_for(10 * HOUR_S)
    tried.clear()
    bench.run_for(4 * HOUR_S)
    assert len(tried) == 4  # as if nothing had been
    assert bench.views.unit("gh-01", bench.now_s).missing == 0


def test_somebody_at_the_console_does_not_wait_for_a_pause(bench, make):
    station = make("backoff_s = 28800\nbackoff_max_s = 28800")
    modem = station.fitted.modem
    modem.faults.cereg = SEARCHING
    bench.run_for(3 * HOUR_S)
    tried = searches(bench, modem)
    bench.run_for(2 * HOUR_S)
    assert tried == []
    modem.faults.cereg = 0
    station.console_write(b"uplink\r")
    bench.run_for(120)
    assert len(tried) == 1 and b"acked" in station.output


def test_silence_is_told_with_its_reason_over_a_reset(bench, board):
    """A station without a table does so, too."""
    bench.run_for(2 * HOUR_S + 1200)
    contact_s = bench.views.unit("gh-01", bench.now_s).last_s
    board.fitted.modem.faults.cereg = DENIED
    bench.run_for(3 * HOUR_S)
    board.reset()
    bench.run_for(HOUR_S)
    board.fitted.modem.faults.cereg = 0
    bench.run_for(3 * HOUR_S)
    ((reason, since_s, until_s),) = silences(bench)
    assert reason == "the network refused it"
    assert since_s == pytest.approx(contact_s, abs=5)
    assert 3 * HOUR_S < until_s - since_s < 6 * HOUR_S
    assert EVENT_NAMES[event.SILENCE] == "silence"


def test_a_station_with_a_camera_tells_of_its_silence_too(bench):
    station = bench.add_station(river_config(more="[pictures]\nevery_s = 0\n"))
    bench.run_for(HOUR_S + 1200)
    station.fitted.modem.faults.cereg = DENIED
    bench.run_for(3 * HOUR_S)
    station.fitted.modem.faults.cereg = 0
    bench.run_for(3 * HOUR_S)
    assert [reason for reason, *_ in silences(bench, UNIT)] == ["the network refused it"]


def test_one_reason_of_many_is_told(bench, board):
    bench.run_for(1200)
    modem = board.fitted.modem
    modem.faults.silent = True
    bench.run_for(HOUR_S)
    modem.faults.silent = False
    bench.network.away(True)
    bench.run_for(4 * HOUR_S)
    bench.network.away(False)
    bench.run_for(3 * HOUR_S)
    assert [reason for reason, *_ in silences(bench)] == ["nobody answered"]


@pytest.mark.long
def test_a_quiet_day_tells_nothing(bench, board):
    bench.run_for(24 * HOUR_S)
    assert events(bench, event.SILENCE) == []


def test_a_low_battery_is_told_once_and_then_only_alarms_are_sent(bench, make):
    station = make("last_gasp_mv = 3500")
    battery = station.fitted.parts["battery"]
    battery.faults.forced = {"battery": 3.9}
    bench.run_for(2 * HOUR_S)
    contact_s = bench.views.unit("gh-01", bench.now_s).last_s
    battery.faults.forced = {"battery": 3.45}
    bench.run_for(1000)  # a sample, and the wake at once
    gasp_s = bench.views.unit("gh-01", bench.now_s).last_s
    assert gasp_s > contact_s
    bench.run_for(6 * HOUR_S)
    assert bench.views.unit("gh-01", bench.now_s).last_s - gasp_s < 1800
    battery.faults.forced = {"battery": 3.55}  # within the hysteresis
    bench.run_for(2 * HOUR_S)
    assert bench.views.unit("gh-01", bench.now_s).last_s - gasp_s < 1800
    battery.faults.forced = {"battery": 3.7}
    bench.run_for(3 * HOUR_S)
    ((reason, *_),) = silences(bench)
    assert reason == "its battery was low"
    assert bench.views.unit("gh-01", bench.now_s).missing == 0


@pytest.mark.long
def test_what_may_be_sent_again_has_a_budget():
    sent = {}
    for table in ("", "retry_bytes_day = 0"):
        with Site(seed=5) as site:
            station = site.add_station(config(more=QUARTER_HOURLY + "[modem]\n" + table))
            site.run_for(2 * HOUR_S)
            site.network.loss = 1.0
            before = station.fitted.modem.faults.sent
            site.run_for(4 * HOUR_S)
            assert station.fitted.modem.faults.sent > before
            sent[table] = site.network.counts["up_lost"]
    assert sent["retry_bytes_day = 0"] < sent[""]


@pytest.mark.parametrize("datagram", ["lost", "sent"])
def test_a_brown_out_is_told_apart_from_a_loss_of_power(bench, board, datagram):
    bench.run_for(1200)
    board.fitted.modem.faults.limit("brownout", 1, datagram)
    bench.run_for(3 * HOUR_S)
    board.power_off()
    board.power_on()
    bench.run_for(HOUR_S)
    causes = [cbor.decode(body)[event.BOOT_CAUSE] for _, body in events(bench, event.BOOT)]
    assert causes == ["power", "brown-out", "power"]
    assert board.fitted.modem.faults.unfired() == []
