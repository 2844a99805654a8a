"""One results dictionary, and the same numbers in JSON, JUnit, HTML and Markdown."""

from __future__ import annotations

import json
import re
import subprocess
from xml.etree import ElementTree as ET

import pytest
from fieldbeat.hil_tests.results import (
    Case,
    Measurement,
    Results,
    html,
    junit,
    markdown,
    svg,
    write_reports,
)
from fieldbeat.hil_tests.results import results as results_module

LANES = ("power", "resets", "radio", "sends", "frames", "faults", "typed", "outages", "serial")


def board(**lanes):
    empty = {lane: [] for lane in LANES} | {"heap": []}
    facts = {"board": "gh-01", "start_s": 1717200000.0, "to_us": 3_600_000_000}
    return facts | {"serial_left_out": 0} | empty | lanes


@pytest.fixture
def results():
    results = Results(
        "night", bench={"name": "lab", "boards": ["gh-01", "gh-02"]}, notes=["currents"]
    )
    boot = Measurement("boot", 1.5, "s", 0, 3)
    late = Measurement("ack", 9.0, "s", None, 5)
    results.add(Case("a.py::ok", "passed", 0.25, measurements=[boot]))
    timeline = board(power=[[0, "boot"], [300_000, "running"]], serial=[[1, "<b>&\x00 Traceback"]])
    results.add(
        Case(
            "a.py::bad[<x>]", "failed", 1.5, "9 > 5 | <late>", "", "story \x1b[31m", "pytest 'a b'"
        )
    ).timelines = [timeline]
    results.cases[-1].measurements = [late]
    for n in range(3):
        results.add(Case(f"b.py::b{n}", "blocked", 0, "no port", "plug it in"))
    results.add(Case("b.py::f", "flaky", 0, "now and then"))
    results.add(Case("b.py::s", "skipped", 0, "needs 'camera'"))
    return results


COUNTS = {"failed": 1, "error": 0, "blocked": 3, "flaky": 1, "passed": 1, "skipped": 1}


def test_the_same_numbers_in_all_reports(results, tmp_path):
    files = {path.name: path for path in write_reports(results, tmp_path / "new" / "report")}
    data = json.loads(files["results.json"].read_text())
    assert data["counts"] == COUNTS and data["exit_code"] == 1
    root = ET.fromstring(files["junit.xml"].read_text())
    outcomes = [p.get("value") for p in root.iter("property") if p.get("name") == "outcome"]
    assert {name: outcomes.count(name) for name in COUNTS} == COUNTS
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("7", "1", "3")
    page = files["report.html"].read_text()
    rows = re.findall(r'<tr data-outcome="(\w+)">', page)
    assert {name: rows.count(name) for name in COUNTS} == COUNTS
    told = "1 failed, 3 blocked, 1 flaky, 1 passed, 1 skipped in 0 s"
    assert told in page and told in files["summary.md"].read_text()


def test_junit_tells_blocked_apart_and_has_values_as_properties(results):
    root = ET.fromstring(junit.render(results.to_dict()))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert cases["b0"].find("error").get("type") == "blocked"
    assert "plug it in" in cases["b0"].find("error").text
    assert cases["bad[<x>]"].find("failure").get("message") == "9 > 5 | <late>"
    facts = {p.get("name"): p.get("value") for p in cases["ok"].iter("property")}
    assert facts["boot"] == "1.5" and facts["boot.unit"] == "s"
    assert facts["boot.limits"] == "0 to 3 s"
    suite = root.find("testsuite")
    assert {p.get("name") for p in suite.find("properties")} >= {"bench.name", "count.blocked"}


def test_the_page_needs_nothing_else_and_escapes_what_boards_say(results):
    page = html.render(results.to_dict())
    assert not re.search(r'(src|href)="(?!#)', page) and "@import" not in page
    assert "<b>&amp;" not in page and "&lt;b&gt;&amp;" in page
    assert "pytest &#39;a b&#39;" in page
    assert page.count("no port") == 1 + 3  # one card for the reason, and a row for each test


def test_markdown_is_cut_where_a_comment_would_be(results):
    for n in range(2000):
        results.add(Case(f"c.py::{n}", "failed", message="m" * 100))
    text = markdown.render(results.to_dict())
    assert len(text) < 65_000 and "more: see the report" in text
    assert "9 > 5 \\| &lt;late>" in text


@pytest.mark.parametrize(
    "counts, code",
    [
        ({"passed": 5, "skipped": 1, "flaky": 1}, 0),
        ({"passed": 5, "failed": 1, "blocked": 9}, 1),
        ({"error": 1}, 1),
        ({"passed": 5, "blocked": 1}, 2),
        ({}, 0),
    ],
)
def test_exit_codes(counts, code):
    assert results_module.exit_code(counts) == code


def test_a_measurement_knows_its_limits():
    assert Measurement("x", 3, "s").ok
    assert Measurement("x", 3, "s", 3, 3).ok
    assert not Measurement("x", 3.1, "s", None, 3).ok
    assert not Measurement("x", 2.9, "s", 3, None).ok
    assert not Measurement("x", float("nan"), "s", 0, 3).ok
    assert Measurement("x", 1, "s", 0, None).allowed() == "at least 0 s"


def test_an_outcome_that_is_none_is_refused(results):
    with pytest.raises(ValueError, match="allowed are failed"):
        results.add(Case("x", "broken"))


def test_a_month_of_marks_is_no_bigger_than_a_minute():
    frames = [[at_us * 1000, "up", "carried", 50] for at_us in range(0, 3_600_000, 100)]
    lines = [[row[0], "a line"] for row in frames]
    picture = svg.draw(board(frames=frames, serial=lines))
    assert len(picture) < 900_000 and picture.count('class="tick') <= 2 * svg.WIDTH
    ET.fromstring(picture)


def test_a_power_cycle_of_two_seconds_is_seen_in_an_hour():
    power = [[0, "boot"], [300_000, "running"], [1_800_000_000, "off"], [1_802_000_000, "boot"]]
    picture = svg.draw(board(power=[*power, [1_802_300_000, "running"]]))
    (wide,) = re.findall(r'<rect class="off"[^>]* width="([0-9.]+)"', picture)
    assert float(wide) >= 4


@pytest.mark.parametrize("least, steep", [(99_968, False), (50_000, True)])
def test_a_few_bytes_of_heap_are_no_cliff(least, steep):
    picture = svg.draw(board(heap=[[1_000_000, 100_000], [2_000_000, least]]))
    (points,) = re.findall(r'<polyline class="heap" points="([^"]+)"', picture)
    ys = [float(point.split(",")[1]) for point in points.split()]
    assert (max(ys) - min(ys) > 20) == steep


def test_a_known_flaky_failure_is_not_all_green():
    results = Results("night")
    results.add(Case("a.py::ok", "passed"))
    results.add(Case("b.py::f", "flaky", 0, "tails", "known until 2031-05-31: a coin"))
    page, text = html.render(results.to_dict()), markdown.render(results.to_dict())
    assert "<h1>1 known flaky failed" in page and '<header class="exit0 odd">' in page
    assert '<p class="next">known until 2031-05-31: a coin</p>' in page
    assert "\N{WARNING SIGN}" in text and "  known until 2031-05-31: a coin" in text
    assert "next:" not in page.split("<script>")[0] and "All passed" not in page + text


def test_a_commit_is_dirty_also_by_a_new_file(tmp_path):
    assert results_module.commit(tmp_path) == ""
    git = ["git", "-C", str(tmp_path), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    clean = results_module.commit(tmp_path)
    tmp_path.joinpath("test_new.py").write_text("")
    assert clean and results_module.commit(tmp_path) == f"{clean}-dirty"


def test_the_legend_stands_before_the_pictures(results):
    page = html.render(results.to_dict())
    assert page.index('<div class="key">') < page.index("<svg")


def test_a_lane_that_holds_nothing_draws_nothing_wrong():
    """The whole time is an unpowered bar; there is no mark, and all stands within the picture."""
    for to_us in (0, 1, 3_600_000_000):
        picture = ET.fromstring(svg.draw(board() | {"to_us": to_us}))
        drawn = [(each.get("class") or "").split()[0] for each in picture.iter() if each.get("d")]
        assert set(drawn) == {"grid", "line"} and not picture.findall(".//circle")
        words = [text.text for text in picture.iter("text") if text.get("class") == "quiet"]
        assert words == ["the unit did not report it in this time"]
        (bar,) = picture.iter("rect")
        begin, wide = float(bar.get("x")), float(bar.get("width"))
        assert bar.get("class") == "off"
        assert (begin, wide) == (svg.LEFT, svg.WIDTH - svg.RIGHT - svg.LEFT)
        for each in picture.iter("text"):
            assert 0 <= float(each.get("x")) <= svg.WIDTH
