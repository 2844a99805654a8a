"""What a configuration costs: the model's directions, the budgets, the verb."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fieldbeat.host_tools import node_config, power_chip, power_forecast, power_model
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.currents import BAD, GOOD, Coverage
from fieldbeat.host_tools.validation import InvalidData

STATION = """
[node]
name = "r-1"
site = "mill"
board = "river_cam_esp32s3"
profile = "river"

[uplink]
host = "collector.example.org"
port = 5690
apn = "iot.example"
interval_s = 3600

[fitted.river]
datum_mm = 4200
"""
LIGHT = '[power]\nsleep = "light"\n'


def node(more=LIGHT, within_budget=True):
    return node_config.parse(STATION + more, "r-1.toml", within_budget)


def cost(more=LIGHT, coverage=GOOD, fast_h=0.0):
    return power_forecast.forecast(node(more), coverage, fast_h)


# --- the processor, against what can be added up by hand


@pytest.mark.parametrize(
    "busy, mode, awake_s, sleeps",
    [
        # Awake 1.5 s before its time; a look each second finds it idle, and says so for 50 ms.
        ([(1000, 0.4)], "deep", 2.05, 1),
        ([(1000, 0.6)], "deep", 3.05, 1),
        # Nearer than 15 s: it stays awake. A little later: it sleeps in between.
        ([(1000, 0.4), (1015, 0.4)], "deep", 17.05, 1),
        ([(1000, 0.4), (1020, 0.4)], "deep", 4.1, 2),
        ([(1000, 0.4)], "never", 86_400, 0),
        # A light sleep is no longer than 50 s; what comes at such a time costs nothing more.
        ([], "light", 1728 * 1.05, 1728),
        ([(1000, 0.4)], "light", 1728 * 1.05, 1728),
        ([(1010, 1.4)], "light", 1728 * 1.05 + 2.05, 1729),
    ],
)
def test_a_rehearsed_day(busy, mode, awake_s, sleeps):
    found = power_chip.rehearse(busy, mode, 0.0)
    assert found == (pytest.approx(awake_s), sleeps)


def test_a_boot_is_awake_too():
    assert power_chip.rehearse([(1000, 0.4)], "deep", 2.0)[0] == pytest.approx(4.05)


# --- directions


def test_deeper_sleep_costs_less():
    never, light, deep = (cost(f'[power]\nsleep = "{s}"\n') for s in ("never", "light", "deep"))
    assert never.mah["CPU"] > 10 * light.mah["CPU"] > 10 * deep.mah["CPU"] / 2
    assert never.ledger.awake_s == 86_400 and deep.ledger.sleeps > 250


def test_bad_coverage_costs_time_on_the_air_and_repetitions():
    good, bad = cost(), cost(coverage=BAD)
    assert bad.mah["radio"] > 5 * good.mah["radio"]
    assert bad.bytes_month > good.bytes_month
    assert bad.mah["rails"] == good.mah["rails"]


def test_losses_alone_cost_bytes_and_waits():
    lossy = Coverage("lossy", GOOD.uplink_bits_s, GOOD.setup_s, GOOD.answer_s, 0.2)
    good, bad = cost(), cost(coverage=lossy)
    assert bad.ledger.bytes_sent > 1.15 * good.ledger.bytes_sent
    assert bad.ledger.radio["active"] > good.ledger.radio["active"] + 24 * 0.36 * 20


@pytest.mark.parametrize(
    "more",
    [
        LIGHT + "[pictures]\nevery_s = 0\n",
        LIGHT + "[pictures]\nevery_s = 14400\n",
        LIGHT + "[pictures]\nthumbnail_bytes = 1000\n",
        LIGHT + "[modem]\npsm_active_s = 0\n",
    ],
)
def test_less_costs_less(more):
    assert cost(more).mah["radio"] < cost().mah["radio"]


def test_a_modem_without_power_saving_never_sleeps():
    ledger = cost(LIGHT + "[modem]\npsm_periodic_s = 0\n").ledger
    assert ledger.radio["psm"] == pytest.approx(0, abs=1)


def test_a_flood_costs_rounds_looks_and_pictures():
    calm, flood = cost(), cost(fast_h=6)
    assert flood.day.rounds == calm.day.rounds + 6 * (60 - 12)
    assert flood.day.looks == 6 * (1200 - 60)
    assert flood.ledger.rails["sensors"] > 10 * calm.ledger.rails["sensors"]
    assert flood.day.pictures == calm.day.pictures + 2


def test_the_schedule_of_pictures_keeps_its_budget():
    scheduled = cost(LIGHT + "[pictures]\nevery_s = 60\n").day
    assert scheduled.scheduled * scheduled.picture_bytes <= 300_000 - 40_000


def test_the_queue_and_the_flash_last_longer_with_fewer_records():
    often, seldom = cost(), cost(LIGHT + "[pictures]\nevery_s = 43200\n")
    assert seldom.queue_h > often.queue_h and seldom.wear_years > often.wear_years
    assert seldom.pictures_queue_h == pytest.approx(12 * often.pictures_queue_h)
    assert cost(LIGHT + "[pictures]\nevery_s = 0\n").pictures_queue_h is None


def test_every_consumer_is_counted_once():
    config = node()
    ledger = power_model.predict(config, GOOD).ledger
    assert sum(ledger.radio.values()) == pytest.approx(86_400)
    assert ledger.awake_s + ledger.light_s == pytest.approx(86_400)
    assert ledger.camera_s == pytest.approx(ledger.rails["camera"])


# --- budgets


@pytest.mark.parametrize(
    "limit, says",
    [
        ("budget_mah_day = 50", "a day in bad coverage takes"),
        ("budget_bytes_month = 100000", "a month takes"),
        ("battery_mah = 5000\ndays = 100", "the battery lasts"),
        ("solar_wh_day = 0.1", "Wh of it are stored"),
    ],
)
def test_whatever_is_declared_is_refused_when_it_does_not_hold(limit, says):
    with pytest.raises(InvalidData) as error:
        node(LIGHT + limit + "\n")
    assert says in str(error.value)
    node(LIGHT + limit + "\n", within_budget=False)


def test_a_budget_that_holds_is_no_problem():
    node(LIGHT + "budget_mah_day = 500\nbattery_mah = 20000\ndays = 30\nsolar_wh_day = 20\n")


def test_each_way_out_that_is_named_is_one():
    over = node(LIGHT + "budget_mah_day = 100\n", within_budget=False)
    ways = power_forecast.ways_out(over)
    assert [way.partition(" = ")[0] for way in ways] == ["[pictures] every_s"]
    every_s = ways[0].partition(" = ")[2]
    node(LIGHT + f"budget_mah_day = 100\n[pictures]\nevery_s = {every_s}\n")


def test_where_no_key_is_enough_it_says_where_to_begin():
    over = node('[power]\nsleep = "never"\nbudget_mah_day = 5\n', within_budget=False)
    assert not power_forecast.ways_out(over)
    assert "[power] sleep" in power_forecast.advice(over)


# --- the verb


@pytest.fixture
def file(tmp_path):
    def write(more=LIGHT):
        path = tmp_path / "r-1.toml"
        path.write_text(STATION + more)
        return str(path)

    return write


def test_the_verb_prints_and_draws(file, tmp_path, capsys):
    drawing = tmp_path / "power.svg"
    assert main(["power", file(LIGHT + "budget_mah_day = 500\n"), "--svg", str(drawing)]) == 0
    assert main(["power", file(LIGHT), "--svg", str(tmp_path / "power.png")]) == 2
    assert not (tmp_path / "power.png").exists()
    said = capsys.readouterr().out
    assert "bad coverage" in said and "bytes a month" in said and "years" in said
    texts = [each.text for each in ElementTree.parse(drawing).iter() if each.text]
    assert "budget 500 mAh a day" in texts and "radio" in texts


def test_over_its_budget_it_prints_and_refuses(file, capsys):
    assert main(["power", file(LIGHT + "budget_mah_day = 100\n"), "--json"]) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["bad"]["mah_day"] > 100 > told["good"]["mah_day"]
    assert "every_s" in json.loads(err)["next"]


@pytest.mark.parametrize("verb", [["config", "check"], ["build"]])
def test_other_verbs_refuse_it_too(file, tmp_path, capsys, verb):
    more = ["-o", str(tmp_path / "r-1.img")] if verb == ["build"] else []
    assert main([*verb, file(LIGHT + "budget_mah_day = 100\n"), *more]) in (1, 2)
    assert "budget_mah_day = 100" in capsys.readouterr().err


def test_a_loudspeaker_is_not_predicted(capsys):
    example = Path(__file__).parents[2] / "docs/examples/speaker.toml"
    assert main(["power", str(example)]) == 2
    assert "supplied from the mains" in capsys.readouterr().err


def test_who_never_sleeps_is_told_of_it(tmp_path, capsys):
    awake, asleep = tmp_path / "awake.toml", tmp_path / "asleep.toml"
    awake.write_text(STATION)
    asleep.write_text(STATION + LIGHT)
    for verb in (["power"], ["config", "check"]):
        assert main([*verb, str(awake)]) == 0
        assert "this unit never sleeps, and takes some 9" in capsys.readouterr().out
        assert main([*verb, str(asleep)]) == 0
        assert "never sleeps" not in capsys.readouterr().out


def test_actuators_are_named_as_not_counted(capsys):
    climate = str(Path(__file__).parents[2] / "docs/examples/climate.toml")
    assert main(["power", climate]) == 0
    told = capsys.readouterr().out
    assert "not counted: roof, heater, fan, mist, lamp, valve, pump; add what coils" in told
    assert told.count("not counted") == 3  # and in both columns of the table
    assert main(["power", climate, "--json"]) == 0
    assert "pump" in json.loads(capsys.readouterr().out)["good"]["not_counted"]
