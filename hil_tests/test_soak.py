"""Weeks under seeded faults, byte for byte again, and several stations in one world."""

from __future__ import annotations

import gzip
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


@pytest.fixture
def short(monkeypatch):
    """Days of a run that is about one fault, or about being the same again."""
    monkeypatch.setattr(soak, "QUIET_S", 2 * HOUR_S)
    monkeypatch.setattr(kinds, "PATIENCE_S", 4 * HOUR_S)
    return 0.25


def test_two_days_under_faults():
    results, _ = soak.run(soak.Options(days=2, seed=3))
    assert (results.broken, results.invalid) == ([], [])
    assert sum(results.faults.values()) >= 5
    assert results.samples > 400 and results.exit_code == 0


def test_a_fault_that_does_not_fire_makes_the_run_invalid(short, monkeypatch):
    def never(slot: kinds.Slot) -> None:
        slot.modem.faults.urc_at(10**9, "+CSCON: 1")
        slot.hours(0.1, 0.2)

    monkeypatch.setattr(soak, "KINDS", {"never": never})
    results, _ = soak.run(soak.Options(days=short))
    assert results.exit_code == 2
    assert "never: modem.urc_at" in results.invalid[0]
    assert "INVALID" in soak.text_of(results)


def test_a_run_that_proves_nothing_is_tidied_up_and_not_judged(monkeypatch):
    def never(slot: kinds.Slot) -> None:
        slot.panel.network.away = True
        slot.site.kill_collector()
        slot.station.power_off()
        raise kinds.NotFired("its occasion did not come")

    monkeypatch.setattr(soak, "KINDS", {"never": never})
    results, _ = soak.run(soak.Options(days=0.7))
    assert results.broken == [] and len(results.invalid) == 1
    assert results.samples > 100  # it lived on, and was heard


@pytest.mark.long
def test_a_flash_that_never_filled_up_is_emptied_again(short, monkeypatch):
    emptied = []
    monkeypatch.setattr(kinds.FullFlash, "was_full", lambda full: False)
    monkeypatch.setattr(kinds.FullFlash, "empty", lambda full: emptied.append(full))
    monkeypatch.setattr(soak, "KINDS", {"flash_full": kinds.flash_full})
    results, _ = soak.run(soak.Options(days=short))
    assert "flash_full: its occasion did not come" in results.invalid[0]
    assert len(emptied) == 1


def test_a_folder_that_cannot_be_made_is_told_before_the_run(monkeypatch, tmp_path):
    monkeypatch.setattr(soak.Soak, "live", lambda *_: pytest.fail("it lived"))
    (tmp_path / "file").touch()
    with pytest.raises(CannotTry, match="file/x cannot be made .Not a directory.; next: "):
        soak.soak(soak.Options(days=0.7, report=tmp_path / "file" / "x"), as_json=False)


def test_a_record_that_the_collector_loses_is_found(short, monkeypatch):
    def forgets(slot: kinds.Slot) -> None:
        slot.panel.expect("forgotten", lambda: len(slot.site.outcomes))
        slot.hours(2, 3)
        with slot.site.store.transaction():
            slot.site.store.database.write("DELETE FROM records WHERE rn = 4")

    monkeypatch.setattr(soak, "KINDS", {"forgets": forgets})
    results, _ = soak.run(soak.Options(days=short))
    assert results.exit_code == 1
    assert results.broken[0] == "gh-01: records [4] were acknowledged and are not stored"
    said = soak.text_of(results)
    assert "1 forgets\n" in said and f"again      fieldbeat bench replay 1 --days {short}" in said


@pytest.mark.long
def test_a_run_again_that_differs_is_told_the_first_line(short, tmp_path, capsys):
    results, _ = soak.run(soak.Options(days=short, seed=5, report=tmp_path))
    kept, trace = tmp_path / "soak.json", tmp_path / "soak.trace.gz"
    assert json.loads(kept.read_text())["digest"] == results.digest
    lines = gzip.decompress(trace.read_bytes()).splitlines(keepends=True)
    assert b"gh-01" in lines[100]
    trace.write_bytes(gzip.compress(b"".join([*lines[:100], b"7 " + lines[100], *lines[101:]])))
    kept.write_text(kept.read_text().replace(results.digest, "0" * 64))
    assert replay(soak.Options(seed=5), str(kept), as_json=False) == 1
    said = capsys.readouterr().out
    assert f"{results.digest}\nexpected {'0' * 64}\n" in said  # the run itself was the same
    assert "the first difference is in line 101:\n  expected 7 " in said
    trace.write_bytes(gzip.compress(b"".join(lines)))
    assert replay(soak.Options(seed=5), str(kept), as_json=False) == 1
    assert "all lines are equal; the flash at the end differs\n" in capsys.readouterr().out
    trace.unlink()
    assert replay(soak.Options(seed=5), str(kept), as_json=False) == 1
    assert "no trace to compare with" in capsys.readouterr().out
    assert replay(soak.Options(days=0.2, seed=5), None, as_json=True) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["same"] is None and found["expected"] is None
    with pytest.raises(CannotTry, match="neither a digest"):
        replay(soak.Options(seed=5), "no-such-file", as_json=False)


def two_hours(seed: int, stations: int = 5) -> str:
    """What some stations put on the air and on flash."""
    with Site(seed=seed, loss=0.05) as site:
        trace = Trace(site)
        for number in range(1, stations + 1):
            node = config(f"gh-{number:02d}")
            trace.follow(node.tables.node.name, site.add_station(node))
        site.run_for(2 * HOUR_S)
        for unit in site.boards:
            view = site.views.unit(unit, site.now_s)
            assert (view.missing, view.waiting) == (0, 0) and view.records >= 4
        return trace.digest()


@pytest.mark.long
def test_five_stations_in_one_world_are_the_same_in_every_run():
    """Alone in this process, and beside another world in others."""
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        same, other = pool.map(two_hours, (11, 12), (5, 1))
    assert two_hours(11) == same != other


@pytest.mark.long
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
