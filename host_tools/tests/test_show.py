"""What `fieldbeat show` says of a store that is made here."""

import hashlib
import io
import json

import pytest
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.gaps import missing
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Forgeries, Store
from fieldbeat.host_tools.tables import gaps, history, latest, screen
from fieldbeat.host_tools.times import DEVICE_EPOCH_S, iso, span
from fieldbeat.host_tools.views import Reading, Views
from fieldbeat.protocols import cbor, event, report, schema
from fieldbeat.protocols.reason_codes import CODES
from rich.console import Console

from .sender import NOW_S, Sender, boot_record, health_record, schema_record

COLUMNS = [
    ("air_temperature", "Cel", 100),
    ("air_humidity", "%RH", 10),
    ("co2", "ppm", 1),
    ("soil_ec", "uS/cm", 1),
    ("battery", "V", 1000),
    ("rsrp", "dBm", 1),
]
FULL = schema.Schema(1, 1, 300, [schema.Column(*column, -9999, 9999, 0) for column in COLUMNS])
T0 = int(NOW_S) - DEVICE_EPOCH_S - 3 * 3600


def hour(rn, start, faulty=False, synced=True):
    """Return a report of the twelve samples of an hour; the last one may have a dead sensor."""
    batch = report.Batch(FULL, 12)
    for i in range(12):
        values: list[int | None] = [2000 + i, 655, 412, 1250, 3912, -97]
        qualities = [0] * 6
        if faulty and i == 11:
            values[2], qualities[2], qualities[1] = None, schema.SENSOR_FAULT, schema.OUT_OF_RANGE
        batch.add(start + 300 * i, values, qualities)
    return batch.encode(rn, synced=synced)


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    registry, store = Registry(), Store()
    collector = Collector(store, registry)
    sender = Sender(registry, "gh-1")
    registry.allocate("gh-2")
    registry.describe("gh-1", "x", state="provisioned", site="riverside", report_interval_s=3600)

    def send(*records, at_s=NOW_S):
        collector.handle(sender.seal(list(records)), ("192.0.2.7", 4000), at_s)

    send(boot_record(1, (FULL,), T0 - 60), schema_record(2, FULL), hour(3, T0))
    send(hour(5, T0 + 7200, faulty=True))
    health = {3: {CODES["no_ack"]: 3}, 4: 98_000, 5: {"rsrp_dbm": -99}, 6: 3900, 7: 4}
    send(health_record(6, **{f"_{key}": value for key, value in health.items()}))
    collector.handle(b"\0 noise", "192.0.2.9:1", NOW_S)
    good = sender.seal([])
    collector.handle(good[:-1] + bytes((good[-1] ^ 1,)), "192.0.2.9:1", NOW_S)
    collector.flush()
    views = Views(store, registry)
    yield views, send
    store.close()
    registry.close()


def drawn(renderable):
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(renderable)
    return [line.rstrip() for line in console.export_text().splitlines() if line.strip()]


def test_the_screen(made):
    views, _ = made
    now_s = NOW_S + 5
    lines = drawn(screen(views.units(now_s), views.refusals(), now_s, detailed=True))
    assert lines[1].split() == ["Missing"]
    assert " ".join(lines[2].split()) == "Unit Site State Heard RSRP Battery Queue records"
    assert " ".join(lines[4].split()) == "gh-1 riverside provisioned 5 s -97 dBm 3.91 V 4 1"
    assert all(len(line) <= 80 for line in lines[:6])
    assert "never" in lines[5]
    table = lines[6:15]
    assert table[1].split() == ["Channel", "Value", "Unit", "Quality", "Age"]
    assert [" ".join(line.split()) for line in table[3:6]] == [
        "air_temperature 20.11 °C normal 5 min 5 s",
        "air_humidity 65.5 %RH out of range 5 min 5 s",
        "co2 - ppm sensor fault 5 min 5 s",
    ]
    assert "1250  µS/cm" in table[6] and "3.912  V " in table[7]
    assert {line.index("5 min") for line in table[3:]} == {table[3].index("5 min")}
    text = " ".join(lines[15:])
    assert "gh-2: never heard, reports every " in text
    up = "up 1 d 3 h at 2024-06-01T06:01:00Z"
    assert f"gh-1: app 0.1, last restart: power_on; {up}; last contact 2024-06-01T12:" in text
    assert f"5 records, {views.unit('gh-1', now_s).bytes:,} bytes received" in text
    assert "gh-1 counted: no_ack 3" in lines
    assert "Refused in its name: 1 x forged, damaged, or sealed with another key" in lines
    assert lines[-1] == "Refused from strangers: 1 x no frame of ours"


def test_a_configuration_that_the_registry_does_not_know_is_said(made):
    views, send = made
    given_s, given, other = NOW_S + 100, b"\xa1\x01\x02", b"\xa1\x01\x03"

    def is_said(rn, config, synced, started_s, at_s):
        hash_ = hashlib.sha256(config).digest()[:8]
        started = int(started_s) - DEVICE_EPOCH_S if synced else 5
        record = boot_record(rn, (FULL,), started, "console", _4=hash_, _5=synced)
        send(record, at_s=at_s)
        lines = drawn(screen(views.units(at_s), [], at_s, detailed=False))
        found = [line for line in lines if "registry does not know" in line]
        assert views.unit("gh-1", at_s).config_unknown == bool(found)
        return found

    assert not is_said(7, other, True, NOW_S, NOW_S)  # nobody has kept what it was given
    views._registry._now = lambda: given_s
    views._registry.keep_config("gh-1", given)
    assert not is_said(8, other, True, given_s - 9, given_s + 10)  # of a start before
    assert not is_said(9, given, True, given_s + 20, given_s + 30)
    (told,) = is_said(10, other, True, given_s + 40, given_s + 50)
    assert told.startswith("gh-1: runs a configuration that the registry does not know, changed")
    assert not is_said(11, given, False, 0, given_s + 60)
    assert is_said(12, other, False, 0, given_s + 70)  # without a clock: when it was heard
    views._registry._now = lambda: given_s + 80
    views._registry.keep_config("gh-1", given)  # provisioned, and not heard since
    assert not views.unit("gh-1", given_s + 90).config_unknown


def test_strangers_are_told(made):
    views, _ = made
    lines = drawn(screen(views.units(NOW_S), views.refusals(), NOW_S, detailed=False))
    assert lines[-1] == "Refused from strangers: 1 x no frame of ours"


def test_a_flood_of_bad_tags_is_a_state_for_an_hour(made):
    views, _ = made
    flood = Forgeries(b"\0\1", "gh-1", NOW_S - 90, NOW_S, 312, "192.0.2.9:1")
    views._store.save_forgeries(flood)
    told = (
        "312 bad tags under key id 0001 in 1 min 30 s until 2024-06-01T12:00:00Z, "
        "the last from 192.0.2.9:1"
    )
    assert views.unit("gh-1", NOW_S + 3599).forged == [told]
    lines = drawn(screen(views.units(NOW_S + 5), views.refusals(), NOW_S, detailed=False))
    assert "frames forged" in lines[4] and len(lines[4]) <= 80
    assert f"gh-1: {told}" in lines
    assert views.unit("gh-1", NOW_S + 3600).forged == [] == views.unit("gh-2", NOW_S).forged


def test_silence_begins_after_two_reports(made):
    views, _ = made
    assert not views.unit("gh-1", NOW_S + 7200).silent
    assert views.unit("gh-1", NOW_S + 7201).silent
    assert views.unit("gh-2", NOW_S).silent  # never heard


def test_gaps_and_their_reasons(made):
    views, send = made
    assert [(gap.what, gap.reason) for gap in views.gaps("gh-1")] == [
        ("record 4", "not received yet"),
        ("12 samples", "records are missing, see there"),
    ]
    lines = drawn(gaps("gh-1", views.gaps("gh-1")))
    assert "2024-06-01T09:55:00Z  2024-06-01T11:00:00Z" in lines[4]
    send(hour(4, T0 + 3600))
    assert views.gaps("gh-1") == []


def test_a_restart_explains_a_gap(made):
    views, send = made
    send(boot_record(7, (FULL,), T0 + 6 * 3600, cause="brown-out"), hour(8, T0 + 6 * 3600 + 60))
    found = {gap.what: gap.reason for gap in views.gaps("gh-1")}
    assert found["36 samples"] == "the unit restarted: brown-out"


@pytest.mark.parametrize(
    "code, since, reason",
    [
        (CODES["reg_denied"], T0, "the network refused it"),
        (CODES["watchdog"], T0, "watchdog"),
        (0, None, "unknown"),
        (9999, None, "reason_9999"),
    ],
)
def test_silence_is_told_with_its_reason(made, code, since, reason):
    views, send = made
    body = {event.SILENCE_REASON: code} | ({event.SILENCE_SINCE: since} if since else {})
    send(event.encode(7, event.SILENCE, T0 + 7200, body))
    (gap,) = [gap for gap in views.gaps("gh-1") if gap.what == "silent"]
    assert gap.reason == reason and gap.last_s == DEVICE_EPOCH_S + T0 + 7200
    assert gap.first_s == (since and DEVICE_EPOCH_S + since)
    assert any(reason in line for line in drawn(gaps("gh-1", views.gaps("gh-1"))))


def test_records_that_were_given_up_are_named(made):
    views, send = made
    send(health_record(7, _8=5))
    assert ("record 4", "lost: the unit no longer had it when this store could take it") in [
        (gap.what, gap.reason) for gap in views.gaps("gh-1")
    ]
    assert views.unit("gh-1", NOW_S).missing == 1


def test_records_that_came_after_they_were_given_up_are_not_lost(made):
    views, send = made
    send(health_record(20, _8=18))  # 4 and 7 to 17 were given up
    assert views.unit("gh-1", NOW_S).missing == 12 + 2  # 18 and 19 may come
    send(hour(12, T0 + 9 * 3600), at_s=NOW_S + 60)
    told = [gap.what for gap in views.gaps("gh-1") if "record" in gap.what]
    assert told == ["record 4", "records 7 to 11", "records 13 to 17", "records 18 to 19"]
    assert views.unit("gh-1", NOW_S).missing == 11 + 2
    send(hour(4, T0 + 3600), at_s=NOW_S + 60)
    assert views.unit("gh-1", NOW_S).missing == 10 + 2


def test_a_clock_that_was_not_set_is_told(made):
    views, send = made
    send(hour(7, T0 + 3 * 3600, synced=False))
    lines = drawn(latest("x", views.unit("gh-1", NOW_S + 3600).readings, NOW_S))
    assert "clock not set" in lines[3]


def test_where_the_energy_went_is_told(made):
    views, send = made
    body = {2: 86_400, 3: 812_345, 4: [0, 85_587_655], 5: 311, 7: {"sensors": 216_000}, 10: 24}
    send(event.encode(7, event.ENERGY, T0, body))
    lines = drawn(screen(views.units(NOW_S), [], NOW_S, detailed=True))
    assert any(line.startswith("gh-1: awake 14 min of 24.0 h, 311 deep sl") for line in lines)


def test_json_for_machines(made, capsys):
    assert main(["show", "gh-1", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)["units"][0]
    assert value["readings"][0]["value"] == 20.11 and value["readings"][0]["symbol"] == "°C"
    assert value["readings"][2]["value"] is None
    assert value["readings"][2]["quality"] == "sensor fault"
    assert value["counters"] == {"no_ack": 3} and value["refused"] == {"tag": 1}
    assert main(["show", "gh-1", "--history", "co2", "--last", "2", "--json"]) == 0
    assert [row["value"] for row in json.loads(capsys.readouterr().out)] == [412, None]
    assert main(["show", "--gaps", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["gh-1"][0]["what"] == "record 4"


def test_json_of_what_changes_is_a_line_each(made, capsys, monkeypatch):
    views, send = made
    reports = iter([lambda: None, lambda: send(hour(4, T0 + 3600))])

    def sleep(seconds):
        try:
            next(reports)()
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("time.sleep", sleep)
    assert main(["show", "gh-1", "--follow", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["units"][0]["missing"] for line in lines] == [1, 0]


def test_a_history_is_a_table(made, capsys):
    assert main(["show", "gh-1", "--history", "air_temperature", "--last", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines if "°C" in line] == [
        ["2024-06-01T11:45:00Z", "20.09"],
        ["2024-06-01T11:50:00Z", "20.10"],
        ["2024-06-01T11:55:00Z", "20.11"],
    ]


def test_a_communication_fault_fits_into_80_columns(made):
    long = [
        Reading(
            "soil_conductivity",
            int(NOW_S) - 712_345,
            None,
            "",
            "µS/cm",
            "communication fault",
            True,
        ),
        Reading("air_temperature", int(NOW_S) - 712_345, -23.45, "-23.45", "°C", "normal", True),
    ]
    for table in (latest("x", long, NOW_S), history("x", long)):
        console = Console(width=80, record=True, file=io.StringIO())
        console.print(table)
        text = console.export_text()
        assert "communication fault" in text and "-23.45" in text and "…" not in text


def test_what_cannot_be_shown(made, capsys, tmp_path):
    cases = {
        ("show", "gh-9"): "no unit 'gh-9'",
        ("show", "gh-1", "--history", "ph"): "gh-1 has no channel 'ph'; next: known: air_temp",
        ("show", "--history", "co2"): "a history is of one unit",
        ("show", "--db", str(tmp_path / "none")): "start 'fieldbeat collect'",
    }
    for arguments, text in cases.items():
        assert main(list(arguments)) == 2
        assert text in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_times_for_people():
    assert iso(NOW_S) == "2024-06-01T12:00:00Z" and iso(None) == ""
    assert iso(2**62) == "4611686018427387904 s"
    spans = {0: "0 s", 59: "59 s", 60: "1 min", 3661: "1 h 1 min", 90000: "1 d 1 h", -5: "in 5 s"}
    assert {seconds: span(seconds) for seconds in spans} == spans


def row_record(rn, *times):
    batch = report.Batch(FULL, len(times))
    for t in times:
        batch.add(t, [2000, 655, 412, 1250, 3912, -97])
    return batch.encode(rn)


def samples_missing(made, *times):
    """Rows of an hour each 300 s, and then those at `times`, in s from its end."""
    views, send = made
    end = T0 + 3 * 3600
    send(hour(4, T0 + 3600), row_record(7, *(end + t for t in times)))
    return [
        (gap.what, gap.first_s - DEVICE_EPOCH_S - end)
        for gap in views.gaps("gh-1")
        if "sample" in gap.what
    ]


FAST = tuple(range(60, 7200, 60))  # of a flood: more rows than before it


@pytest.mark.parametrize(
    ("times", "missing"),
    [
        ((0, *FAST), []),  # the slow rows before miss nothing
        ((0, *FAST[:60], *range(3900, 7200, 300)), []),
        ((0, *FAST[:60], *FAST[63:]), [("3 samples", 3600)]),
        ((0, *FAST[:62], 3900, *FAST[65:]), []),  # slow again for a moment, perhaps
        ((0, *FAST[:60], 5400, *FAST[90:]), [("29 samples", 3600)]),
        ((900, 960, 1020, 1080), [("3 samples", -300)]),  # by the slower one: it is at least so
        ((0, 300, 600, 1500, *FAST[25:]), [("2 samples", 600)]),
    ],
)
def test_samples_are_missing_by_the_pace_of_their_time(made, times, missing):
    assert samples_missing(made, *times) == missing


def test_the_first_step_of_a_unit_may_be_its_slow_one():
    assert missing([0, 30, 36, 42, 48]) == [0, 0, 0, 0]
    assert missing([0, 60, 120, 180, 480]) == [0, 0, 0, 0]  # or its last one
    assert missing([0, 60, 120, 300, 360, 420]) == [0, 0, 2, 0, 0]
    assert missing([]) == missing([0]) == []


def test_between_two_floods_the_pace_that_the_unit_was_given_counts():
    floods = [*range(0, 660, 15), 900, 1200, *range(1215, 1800, 15), 1800, 2100, 2115, 2130]
    times = [DEVICE_EPOCH_S + t for t in floods]
    assert sum(missing(times)) > 0 == sum(missing(times, 300))
    lost = [DEVICE_EPOCH_S + t for t in floods if not 100 < t < 300]
    assert sum(missing(lost, 300)) == 0  # may be one of the slower pace
    lost = [DEVICE_EPOCH_S + t for t in floods if not 100 < t < 310]
    assert sum(missing(lost, 300)) == 14
    odd = [DEVICE_EPOCH_S + t for t in (0, 15, 30, 420, 435, 450)]  # 420 s count from 2024
    assert missing(odd, 420) == [0] * 5


def test_the_interval_of_a_units_configuration_counts(made):
    views, send = made
    end = T0 + 3 * 3600
    slow = end + -end % 900 + 1800
    times = (*range(end, slow - 600, 300), *range(slow, slow + 1800, 300))
    send(hour(4, T0 + 3600), row_record(7, *times))

    def told():
        return [gap.what for gap in views.gaps("gh-1") if "sample" in gap.what]

    def with_config(**tables):
        config = {"sampling": {"interval_s": 900}} | tables
        views._registry.keep_config("gh-1", cbor.encode(config))
        return told()

    # One without a pace that got a longer interval since has lost them all the same.
    for found in (told(), with_config(), with_config(watch={"pace": None})):
        assert found == ["2 samples"]
    assert with_config(watch={"pace": {"interval_s": 300}}) == []


def test_numbers_that_a_unit_has_skipped_are_no_lost_records(made):
    views, send = made
    send(boot_record(592, (FULL,), T0 + 4 * 3600), health_record(593, _8=592))
    told = {gap.what: gap.reason for gap in views.gaps("gh-1") if "record" in gap.what}
    assert told["record 4"].startswith("lost: ")
    assert told["records 7 to 591"].startswith("skipped: the unit began a new log behind them")
    assert views.unit("gh-1", NOW_S).missing == 1


def alarm(rn, number, begins, t=T0, value=2512, channel="level"):
    body = {2: number, 3: channel, 4: "m", 5: 1000, 6: value, 7: True, 8: begins}
    return event.encode(rn, event.ALARM, t, body)


def test_an_alarm_that_stands_is_seen_first(made, capsys):
    views, send = made
    send(alarm(7, 1, True), alarm(8, 2, True), alarm(9, 2, False, T0 + 60))
    told = f"ALARM 1 since {iso(T0 + DEVICE_EPOCH_S)}, level was 2.512 m"
    lines = drawn(screen(views.units(NOW_S), [], NOW_S, detailed=True))
    assert "ALARM 1" in lines[4] and lines[6] == f"gh-1: {told}"
    assert main(["show", "gh-1", "--json"]) == 0
    (standing,) = json.loads(capsys.readouterr().out)["units"][0]["alarms"]
    assert (standing["number"], standing["since_s"]) == (1, T0 + DEVICE_EPOCH_S)


def test_an_alarm_stands_over_a_restart_until_its_channel_is_measured_again(made):
    views, send = made
    send(alarm(7, 1, True, channel="co2"), boot_record(8, (FULL,), T0 + 3 * 3600))
    (standing,) = views.unit("gh-1", NOW_S).alarms
    assert standing.told.endswith(", and after a restart the unit could not measure it")
    dead = report.Batch(FULL, 1)
    dead.add(T0 + 3 * 3600 + 300, [None] * 6, [schema.SENSOR_FAULT] * 6)
    send(boot_record(9, (FULL,), T0 + 3 * 3600 + 200), dead.encode(10, synced=True))
    assert views.unit("gh-1", NOW_S).alarms == [standing]
    send(hour(11, T0 + 3 * 3600 + 600))  # it is told anew if it still holds
    assert views.unit("gh-1", NOW_S).alarms == []
    send(alarm(12, 1, True, channel="co2"), alarm(13, 1, False, channel="co2"))
    assert views.unit("gh-1", NOW_S).alarms == []
