"""What a unit's actuators did, by what it told, as the plot has it."""

from __future__ import annotations

from fieldbeat.host_tools import (
    control_history,
    control_plan,
    control_plot,
    decision_log,
    node_config,
)
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.control_data import Column, Data

from .sender import NOW_S, T0, Sender, boot_record
from .test_control_simulation import EXAMPLE
from .test_decision_log import Station, station  # noqa: F401

UNIX_0 = 1_704_067_200  # of a record's times
DATA = Data("gh-07", {"air_temperature": Column([NOW_S - 600, NOW_S + 600], [20.0, 24.0])})


def test_actuators_are_as_they_were_told(station: Station) -> None:  # noqa: F811
    at_s = int(NOW_S) - UNIX_0
    station.decide(at_s - 900, "roof", 20)
    station.decide(at_s, "roof", 60)
    station.now_s += 90
    station.decide(60, "roof", 0, synced=False)
    station.decide(at_s + 120, "heater", 100)
    station.decide(at_s + 9000, "roof", 80)
    plan = control_plan.read(node_config.load(EXAMPLE))
    assert plan
    made = control_history.read(plan, DATA, decision_log.of_unit(station.store, "gh-07"))
    values = {run.name: run.values for run in made.runs}
    known = [(made.begin_s, 20), (NOW_S, 60), (NOW_S, None), (NOW_S + 90, 0)]
    assert values["roof"] == known
    assert {run.name: run.blind for run in made.runs}["roof"] == [(NOW_S, NOW_S + 90)]
    assert values["heater"] == [(UNIX_0 + at_s + 120, 100)]
    assert values["fan"] == []
    assert made.suns and len(made.derived["vpd"]) > 1


def test_the_plot_of_a_unit(station: Station, tmp_path, capsys) -> None:  # noqa: F811
    station.decide(T0, "roof", 40)
    out = tmp_path / "gh-07.svg"
    assert main(["rules", "plot", "gh-07", str(EXAMPLE), "--out", str(out)]) == 0
    assert f"drawn in {out}" in capsys.readouterr().out
    assert b"<svg" in out.read_bytes()
    station.registry.describe("gh-07", "x", config_sha256="00" * 32)
    assert main(["rules", "plot", "gh-07", str(EXAMPLE), "--out", str(out)]) == 0
    assert "is not what gh-07 was provisioned with" in capsys.readouterr().err
    assert main(["rules", "plot", "gh-99", str(EXAMPLE), "--out", str(out)]) == 2
    assert "gh-99" in capsys.readouterr().err


def test_a_file_of_another_unit_is_refused(station: Station, tmp_path, capsys) -> None:  # noqa: F811
    station.decide(T0, "sluice", 40)
    out = tmp_path / "gh-07.svg"
    assert main(["rules", "plot", "gh-07", str(EXAMPLE), "--out", str(out)]) == 2
    assert "has no actuator 'sluice', which gh-07 has: it is another" in capsys.readouterr().err
    assert not out.exists()


def test_a_unit_without_samples_says_when_they_come(station: Station, tmp_path, capsys) -> None:  # noqa: F811
    unit = Sender(station.registry, "gh-08")
    station.registry.describe("gh-08", "x", role="station", report_interval_s=2400)
    station.collector.handle(unit.seal([boot_record(1, ())]), ("192.0.2.8", 4000), NOW_S)
    station.collector.flush()
    plot = ["rules", "plot", "gh-08", str(EXAMPLE), "--out", str(tmp_path / "x.svg")]
    for words in (plot, ["show", "gh-08", "--history", "air_temperature"]):
        assert main(words) == 2
        said = capsys.readouterr().err
        assert "there are no samples of gh-08 yet" in said
        assert "its first report comes at about 2024-06-01T12:40:00Z" in said


def test_derived_values_and_marks_of_a_short_time_are_seen() -> None:
    times = [NOW_S + 10 * n for n in range(60)]
    data = Data(
        "gh-07",
        {
            "air_temperature": Column(times, [4.8] * 60),
            "air_humidity": Column(times, [60.0] * 60),
        },
    )
    plan = control_plan.read(node_config.load(EXAMPLE))
    assert plan
    made = control_history.read(plan, data, [])
    assert len([n for _, n in made.derived["vpd"] if n is not None]) >= 19  # at each look
    figure = control_plot._draw(plan, data, made)
    low, high = figure.axes[0].get_ylim()
    marks = control_plot._thresholds(plan, plan.inputs.names.index("air_temperature"))
    assert low < min(4.8, *marks) and max(4.8, *marks) < high


def test_what_ran_until_nobody_knew_is_drawn_until_then() -> None:
    values = [(10, 100), (20, None), (30, 0)]
    assert control_plot._drawn(values, 40) == [
        *((10, 100), (20, 100), (20, None), (30, None), (30, 0), (40, 0))
    ]
    assert control_plot._drawn([], 40) == []
