"""One pull: the batch up to it, a look, a wrong unit in the slot, and the batch again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fieldbeat.host_tools.batch_work import BROKEN, FINISHED, WAS_DONE

from ..virtual.bench import temporary_folder
from ..virtual.errors import BenchError
from . import clock, oracle
from .cable import Cable, Operation, Pull
from .hub import Hub
from .stories import NEIGHBOUR, UNIT, Start

SLOT, NEXT_SLOT = "1-1.1", "1-1.2"


@dataclass
class Verdict:
    """What became of a pull; `broken` are promises, `invalid` why it was none."""

    pull: str
    operation: str = ""
    left: str = ""  # how the pull left the unit
    broken: list[str] = field(default_factory=list)
    invalid: str = ""
    seconds: float = 0.0


class Trial:
    """A hub with the unit of a story and its neighbour, and a bare board in a drawer."""

    def __init__(self, start: Start, folder: Path) -> None:
        self.start = start
        self.hub = Hub(folder, (*start.flashes, None), start.board)
        self.unit, self.neighbour, self.stranger = self.hub.cables
        if start.known:
            start.known.put(self.hub)
        self.flash_before = bytes(self.unit.board.flash.data)
        self.before = self.sight(self.unit)

    def sight(self, cable: Cable) -> oracle.Sight:
        """Look at a unit of the plan; its image is the one that the journal says it has got."""
        number = self.hub.cables.index(cable)
        digest = self.host().steps.get((UNIT, NEIGHBOUR)[number], {}).get("digest", "")
        which = self.start.job_of(number, digest)
        jobs = self.start.jobs + self.start.was
        return oracle.look(bytes(cable.board.flash.data), jobs[which], self.start.images[which])

    def host(self) -> oracle.Host:
        """Look at registry and journal."""
        return oracle.read(self.hub.registry, self.hub.key_file, self.hub.journal)

    def batch(self, **sockets: Cable) -> None:
        """Run the batch with these cables in `slot` and `next_slot`."""
        places = {"slot": SLOT, "next_slot": NEXT_SLOT}
        self.hub.sockets = {places[name]: cable for name, cable in sockets.items()}
        start = self.start
        self.hub.batch(list(start.jobs), start.again, start.password)

    def ends(self, unit: str) -> list[tuple[str, str]]:
        """How often and how the batch has ended with a unit: state and words."""
        ends = (BROKEN, FINISHED, WAS_DONE)
        seen = [event for event in self.hub.seen if event.unit == unit and event.state in ends]
        return [(event.state, f"{event.detail}; {event.next_step}") for event in seen]


def golden(start: Start) -> list[Operation]:
    """Return what crosses the unit's cable when nobody pulls it.

    Raises:
        BenchError: a promise is broken already.
    """
    verdict, operations = _run(start, None)
    if verdict.broken:
        raise BenchError(f"the golden run failed: {'; '.join(verdict.broken)}")
    return operations


def judge(start: Start, pull: Pull) -> Verdict:
    """Pull there, and say what is broken."""
    return _run(start, pull)[0]


def _run(start: Start, pull: Pull | None) -> tuple[Verdict, list[Operation]]:
    began_s = time.perf_counter()
    verdict = Verdict(str(pull))
    with temporary_folder() as name, clock.virtual():
        trial = Trial(start, Path(name))
        with trial.hub:
            trial.unit.pull = pull
            trial.batch(slot=trial.unit, next_slot=trial.neighbour)
            first = list(trial.unit.operations)
            if pull and trial.unit.fired is None:
                verdict.invalid = f"it did not fire: the batch has {len(first)} operations"
            else:
                if trial.unit.fired:
                    verdict.operation = " ".join(trial.unit.fired[2:])
                verdict.broken = list(_promises(trial, verdict))
    verdict.seconds = round(time.perf_counter() - began_s, 2)
    return verdict, first


def _promises(trial: Trial, verdict: Verdict) -> Iterator[str]:
    """Look, plug wrong units in, plug the right one in, run again; yield what is broken."""
    unit, neighbour = trial.unit, trial.neighbour
    host, sight = trial.host(), trial.sight(unit)
    verdict.left = _left(trial, sight)
    yield from oracle.after_pull(UNIT, sight, trial.before, host)
    yield from _told(trial, unit.is_in)
    yield from _neighbour(trial, host)
    if not unit.is_in:
        yield from _refused(trial, neighbour, f"{NEIGHBOUR} is in slot {SLOT}")
        if host.units.get(UNIT, {}).get("mac"):
            yield from _refused(trial, trial.stranger, "")
    changed = neighbour.loads
    unit.plug_in()
    trial.batch(slot=unit, next_slot=neighbour)
    host, last = trial.host(), trial.sight(unit)
    if [state for state, _ in trial.ends(UNIT)] not in ([FINISHED], [WAS_DONE]):
        yield f"the second batch ends with {trial.ends(UNIT)}"
    if host.steps[UNIT]["step"] != "done" or host.steps[UNIT]["mac"] != unit.board.mac.hex(":"):
        yield f"the journal ends with {host.steps[UNIT]}"
    yield from oracle.finished(UNIT, last, host)
    yield from oracle.after_pull(UNIT, last, sight, host)
    yield from oracle.no_key_twice(unit.settings)
    yield from _neighbour(trial, host)
    if neighbour.loads != changed:
        yield f"{NEIGHBOUR} was written again"
    macs = {name: entry["mac"] for name, entry in host.units.items()}
    if macs != {UNIT: unit.board.mac.hex(":"), NEIGHBOUR: neighbour.board.mac.hex(":")}:
        yield f"the registry has {macs}"


def _left(trial: Trial, sight: oracle.Sight) -> str:
    old = bytes(trial.unit.board.flash.data) == trial.flash_before
    image = "complete" if sight.complete else "old" if old else "incomplete"
    return f"{image}, {'a key' if sight.has_key else 'no key'}"


def _told(trial: Trial, whole: bool) -> Iterator[str]:
    """The batch has to end with the unit once, in words that help."""
    ends = trial.ends(UNIT)
    if len(ends) != 1:
        yield f"the batch ends with the unit as {ends}"
        return
    (state, words) = ends[0]
    if whole != (state in (FINISHED, WAS_DONE)) and trial.host().steps[UNIT]["step"] != "done":
        yield f"the batch says {state}: {words}"
    if "unexpected" in words or (state == BROKEN and words.endswith("; ")):
        yield f"the batch says {words}"


def _neighbour(trial: Trial, host: oracle.Host) -> Iterator[str]:
    """The neighbour is done, with its own identity."""
    if [state for state, _ in trial.ends(NEIGHBOUR)] not in ([FINISHED], [WAS_DONE]):
        yield f"{NEIGHBOUR} ends with {trial.ends(NEIGHBOUR)}"
    yield from oracle.finished(NEIGHBOUR, trial.sight(trial.neighbour), host)


def _refused(trial: Trial, wrong: Cable, words: str) -> Iterator[str]:
    """Another board in the unit's slot is not touched, and changes nothing that is known."""
    host, loads, before = trial.host(), wrong.loads, bytes(wrong.board.flash.data)
    trial.batch(slot=wrong)
    told = [end for unit in (UNIT, NEIGHBOUR, "") for end in trial.ends(unit)]
    (end,) = told or [("", "nobody spoke")]  # headed by who is there
    if end[0] != BROKEN or words not in end[1]:
        yield f"a wrong unit in the slot: {end}"
    if wrong.loads != loads or bytes(wrong.board.flash.data) != before:
        yield "a wrong unit in the slot was written"
    if trial.host() != host:
        yield "a wrong unit in the slot has changed what is known"
