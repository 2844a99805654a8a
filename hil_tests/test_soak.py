"""Weeks under seeded faults, byte for byte again, and several stations in one world."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from fieldbeat.hil_tests import soak
from fieldbeat.hil_tests.faults import kinds
from fieldbeat.hil_tests.replay import replay
from fieldbeat.hil_tests.trace import Trace
from fieldbeat.hil_tests.virtual.site import Site, config
from fieldbeat.host_tools.errors import CannotTry

HOUR_S = 3600


def test_two_days_under_faults():
    results, _ = soak.run(soak.Options(days=2, seed=3))
    assert (results.broken, results.invalid) == ([], [])
    assert sum(results.faults.values()) >= 5
    assert results.samples > 400 and results.exit_code == 0


def test_a_fault_that_does_not_fire_makes_the_run_invalid(monkeypatch):
    def never(slot: kinds.Slot) -> None:
        slot.modem.faults.urc_at(10**9, "+CSCON: 1")
        slot.hours(0.1, 0.2)

    monkeypatch.setattr(soak, "KINDS", {"never": never})
    results, _ = soak.run(soak.Options(days=0.7))
    assert results.exit_code == 2
    assert "never: modem.urc_at" in results.invalid[0]
    assert "INVALID" in soak.text_of(results)


def test_a_record_that_the_collector_loses_is_found(monkeypatch):
    def forgets(slot: kinds.Slot) -> None:
        slot.panel.expect("forgotten", lambda: len(slot.site.outcomes))
        slot.hours(2, 3)
        with slot.site.store.transaction():
            slot.site.store.database.write("DELETE FROM records WHERE rn = 4")

    monkeypatch.setattr(soak, "KINDS", {"forgets": forgets})
    results, _ = soak.run(soak.Options(days=0.7))
    assert results.exit_code == 1
    assert results.broken[0] == "gh-01: records [4] were acknowledged and are not stored"
    assert "again: fieldbeat bench soak --days 0.7 --seed 1" in soak.text_of(results)


def test_a_run_again_is_the_same_and_a_difference_is_told(tmp_path, capsys):
    options = soak.Options(days=0.7, seed=5, report=tmp_path)
    results, _ = soak.run(options)
    kept = tmp_path / "soak.json"
    assert json.loads(kept.read_text())["digest"] == results.digest
    assert replay(soak.Options(seed=5), str(kept), as_json=False) == 0
    assert "the same, byte for byte" in capsys.readouterr().out

    other = soak.Options(days=0.7, seed=6, report=tmp_path / "other")
    soak.run(other)
    told = (tmp_path / "other" / "soak.json").read_text().replace('"seed": 6', '"seed": 5')
    (tmp_path / "other" / "soak.json").write_text(told)
    assert replay(soak.Options(seed=5), str(tmp_path / "other" / "soak.json"), as_json=False) == 1
    said = capsys.readouterr().out
    assert "the first difference is in line 1:" in said or "in line" in said
    assert "gh-01" in said
    with pytest.raises(CannotTry, match="neither a digest"):
        replay(options, "no-such-file", as_json=False)


def five_stations(seed: int) -> str:
    """What five stations put on the air and on flash in three hours."""
    with Site(seed=seed, loss=0.05) as site:
        trace = Trace(site)
        for number in range(1, 6):
            node = config(f"gh-{number:02d}")
            trace.follow(node.tables.node.name, site.add_station(node))
        site.run_for(3 * HOUR_S)
        for unit in site.boards:
            view = site.views.unit(unit, site.now_s)
            assert (view.missing, view.waiting) == (0, 0) and view.records >= 4
        return trace.digest()


def test_five_stations_in_one_world_are_the_same_in_every_run():
    """Alone in this process, and beside another world in others."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same, other = pool.map(five_stations, (11, 12))
    assert five_stations(11) == same != other


def test_the_verbs():
    fieldbeat = Path(sys.executable).parent / "fieldbeat"
    run = subprocess.run(
        [fieldbeat, "bench", "soak", "--days", "0.7", "--seed", "2", "--json"],
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    digest = json.loads(run.stdout)["digest"]
    again = subprocess.run(
        [fieldbeat, "bench", "replay", "2", "--days", "0.7", "--expect", digest],
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0 and "the same" in again.stdout, again.stdout + again.stderr
