"""`fieldbeat batch` after a loss at the host: a registry that is gone, a disk that is full.

Boards, batch and links as in the pulled-cable campaign: in this process and in virtual time.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fieldbeat.hil_tests.pulls import clock
from fieldbeat.hil_tests.pulls.hub import Hub
from fieldbeat.hil_tests.pulls.stories import NEIGHBOUR, UNIT, bare
from fieldbeat.host_tools import batch_journal, succession, unit_code
from fieldbeat.host_tools.batch_work import BROKEN, FINISHED, WAS_DONE
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.smp_link import SmpLink

pytestmark = pytest.mark.long


@pytest.fixture
def hub(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path / "home"))
    with clock.virtual(), Hub(tmp_path, (None, None)) as made:
        yield made


@pytest.fixture(scope="module")
def jobs():
    return list(bare().jobs)


def ends(hub: Hub) -> dict[str, tuple[str, str]]:
    """The last word on each unit: its state, and what is said of it."""
    return {
        event.unit: (event.state, f"{event.detail}; next: {event.next_step}")
        for event in hub.seen
        if event.unit
    }


def test_a_lost_registry_is_noticed_and_rebuilt_from_the_units(hub, jobs):
    assert hub.batch(jobs).exit_code == 0
    before = Registry(hub.registry)
    old = {unit.name: dict(before.keys(unit.kid)) for unit in before.units()}
    on_paper = {unit.name: unit_code.of_unit(before, unit.name) or "" for unit in before.units()}
    before.close()
    hub.registry.unlink()

    summary = hub.batch(jobs)
    assert (summary.exit_code, summary.done) == (1, [])
    for unit, slot in ((UNIT, "1-1.1"), (NEIGHBOUR, "1-1.2")):
        state, said = ends(hub)[unit]
        assert state == BROKEN and "the registry does not know it" in said
        assert f"'fieldbeat registry rebuild --port hub://{slot}' enters it" in said

    registry = Registry(hub.registry, locked=False)
    for slot, code in zip(hub.sockets, on_paper.values(), strict=True):
        with hub.ports(), SmpLink(f"hub://{slot}") as link:
            succession.rebuild(registry, link, lambda step, text: None, code.__str__)
    units = {unit.name: unit for unit in registry.units()}
    assert [units[name].mac for name in (UNIT, NEIGHBOUR)] == [
        cable.board.mac.hex(":") for cable in hub.cables
    ]
    for name, unit in units.items():  # under the next epoch, so that none comes twice
        assert unit.epoch == max(old[name]) + 1
        assert dict(registry.keys(unit.kid))[unit.epoch] not in old[name].values()
    registry.close()
    written = [cable.loads for cable in hub.cables]
    assert hub.batch(jobs).exit_code == 0
    assert {state for state, _ in ends(hub).values()} == {WAS_DONE}
    assert [cable.loads for cable in hub.cables] == written


def test_who_has_no_registry_and_no_unit_there_has_none_done(hub, jobs):
    assert hub.batch(jobs).exit_code == 0
    hub.registry.unlink()
    hub.sockets = {}
    summary = hub.batch(jobs)
    assert (summary.done, summary.missing, summary.exit_code) == ([], [UNIT, NEIGHBOUR], 2)


@pytest.mark.parametrize("plan", ["its own", "another"])
def test_a_unit_that_the_registry_does_not_know_keeps_every_byte(hub, jobs, plan):
    """It is rebuilt, or erased: no plan makes another unit of it, and `--again` not itself."""
    assert hub.batch(jobs).exit_code == 0
    written, flash = len(hub.cables[0].settings), hub.cables[0].loads
    hub.registry.unlink()
    hub.journal.unlink()
    planned = jobs if plan == "its own" else list(reversed(jobs))
    rows = [job.unit.row.model_copy(update={"slot": None}) for job in planned]
    planned = [
        replace(job, unit=replace(job.unit, row=row))
        for job, row in zip(planned, rows, strict=True)
    ]
    assert hub.batch(planned, again=[UNIT]).exit_code == 1
    for state, said in ends(hub).values():
        assert state == BROKEN and "and the registry does not know it; next: 'fieldbeat" in said
    assert len(hub.cables[0].settings) == written and hub.cables[0].loads == flash


@pytest.mark.parametrize("lines", range(4))
def test_a_journal_without_room_fails_its_unit_with_words(hub, jobs, monkeypatch, lines):
    """At each of its four lines; one unit is enough, the disk is that of all."""
    write, left = batch_journal._write, [lines]
    full = os.open("/dev/full", os.O_RDWR)

    def fills_up(descriptor: int, line: bytes) -> None:
        left[0] -= 1
        write(descriptor if left[0] >= 0 else full, line)

    monkeypatch.setattr(batch_journal, "_write", fills_up)
    hub.sockets = {"1-1.1": hub.cables[0]}
    assert hub.batch(jobs).exit_code == 1
    state, said = ends(hub)[UNIT]
    assert state == BROKEN and "No space left on device" in said
    assert "next: free space on that disk, then run the same command again" in said
    noted = [json.loads(line)["step"] for line in Path(hub.journal).read_text().splitlines()]
    assert noted == ["bound", "flashed", "provisioned", "done"][:lines]

    monkeypatch.undo()
    os.close(full)
    assert hub.batch(jobs).done == [UNIT]
    masters = [value for _, name, value in hub.cables[0].settings if name == "key/master"]
    assert len(masters) == 1 and ends(hub)[UNIT][0] == FINISHED
