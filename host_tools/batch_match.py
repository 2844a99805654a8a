"""Which unit of a plan a board is: by its MAC address, its slot, or as the next one that is free.

What contradicts itself is refused, for the wrong image in the wrong unit is what a person on a
ladder finds out last: a board that is another unit, sits in another's slot, or is there twice.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading

from . import retired_boards
from .batch_journal import DONE, FAILED, Journal
from .batch_ports import Place
from .errors import CannotTry
from .language import tr
from .registry import Registry
from .unit_job import Job

_SAME = ("role", "board")  # what a unit that is known stays


class NotThis(CannotTry):
    """A board that must not get what is planned; `unit` is the row that waits for it, or ''."""

    def __init__(self, unit: str, message: str, next_step: str) -> None:
        super().__init__(message, next_step)
        self.unit = unit


class Matcher:
    """Gives each board a row of the plan; any thread may ask.

    Args:
        jobs: the rows, in their order.
        journal: what was begun before.
        registry: what is known of units and boards.
        again: rows that are to be done anew, on any board.
    """

    def __init__(
        self,
        jobs: list[Job],
        journal: Journal,
        registry: Registry,
        again: set[str] | None = None,
    ) -> None:
        self._jobs = {job.name: job for job in jobs}
        self._journal = journal
        self._registry = registry
        self._again = again if again is not None else set()
        self._lock = threading.Condition()
        self._waiting: list[Place] = []  # where nobody knows yet who is there, in their order
        self._there: dict[str, tuple[Place, str]] = {}  # MAC -> where it is, and its row

    def expect(self, place: Place) -> None:
        """Announce a place: next free rows are given in the order of these calls."""
        with self._lock:
            self._waiting.append(place)

    def looked(self, place: Place) -> None:
        """Say that a place needs no row any more, or never will."""
        with self._lock:
            if place in self._waiting:
                self._waiting.remove(place)
                self._lock.notify_all()

    def take(self, mac: str, chip: str, place: Place) -> Job:
        """Return the row of a board; nobody else gets it until `leave`.

        It waits until the boards before it have theirs.

        Raises:
            NotThis: it must not become a unit of this plan; nothing was written.
        """
        with self._lock:
            self._lock.wait_for(lambda: place not in self._waiting or self._waiting[0] == place)
            if mac in self._there:
                there = self._there[mac][0].told
                message = tr("the board with MAC {mac} is at {there} already")
                step = tr("one cable is enough, unplug the other one")
                raise NotThis("", message.format(mac=mac, there=there), step)
            self._not_replaced(mac)
            job = self._job(mac, chip, place)
            if job.board.chip != chip:
                raise self._wrong_board(job, place, chip)
            self._there[mac] = place, job.name
            return job

    def seat(self, place: Place) -> str:
        """Return the unit that the plan has at a place, '' if it does not say."""
        seated = (job.name for job in self._jobs.values() if place.is_in(job.unit.slot))
        return next(seated, "")

    def leave(self, mac: str) -> None:
        """Forget that a board is there."""
        with self._lock:
            self._there.pop(mac, None)

    def _job(self, mac: str, chip: str, place: Place) -> Job:
        mine = self._of_mac(mac, place)
        seat = self._jobs.get(self.seat(place))
        if mine:
            if mine.unit.slot and place.slot and not place.is_in(mine.unit.slot):
                raise self._elsewhere(mine, seat, place)
            if seat and mine is not seat:
                raise self._wrong_in_slot(seat, place, tr("{unit} (MAC {mac})"), mine.name, mac)
            return self._fitting(mine, mac)
        if seat:
            entry = self._journal.entry(seat.name)
            done = entry and entry.step == DONE and seat.name not in self._again
            if seat.unit.mac or done:
                raise self._wrong_in_slot(seat, place, tr("the board with MAC {mac}"), "", mac)
            return self._fitting(seat, mac)
        return self._next_free(mac, chip)

    def _wrong_board(self, job: Job, place: Place, chip: str) -> NotThis:
        message = tr(
            "the wrong board is at {place}: {unit} is a {board} ({chip}), this one has a {found}"
        )
        message = message.format(
            place=place.told,
            unit=job.name,
            board=job.board.id,
            chip=job.board.chip,
            found=chip,
        )
        step = tr("plug a {board} in there; if two cables were exchanged, change them back")
        return NotThis(job.name, message, step.format(board=job.board.id))

    def _of_mac(self, mac: str, place: Place) -> Job | None:
        """Return the row that a chip has: by the plan, the registry, or the journal."""
        for each in self._jobs.values():
            if each.unit.mac == mac:
                return each
        entry = self._registry.unit_of_mac(mac)
        if entry and entry.name not in self._jobs:
            message = tr("this board is {unit} (MAC {mac}), which is not in the plan")
            step = tr("unplug it; 'fieldbeat provision --rekey' makes another unit of it")
            if seat := self.seat(place):
                step = tr("plug {seat} in there").format(seat=seat)
            raise NotThis("", message.format(unit=entry.name, mac=mac), step)
        name = entry.name if entry else self._journal.unit_of_mac(mac)
        job = self._jobs.get(name)
        return None if job and job.unit.mac else job  # the plan has another board for it now

    def _elsewhere(self, unit: Job, seat: Job | None, place: Place) -> NotThis:
        names = {"unit": unit.name, "there": place.slot, "slot": unit.unit.slot}
        message = tr("{unit} is in slot {there}, the plan has it in {slot}").format(**names)
        step = tr("plug it in there, or correct the plan")
        if seat:
            step = tr("plug {unit} into {slot}, and {seat} into {there}; or correct the plan")
            step = step.format(**names, seat=seat.name)
            if seat.board.id != unit.board.id and seat.board.chip == unit.board.chip:
                back = tr(
                    "if they were exchanged before they were written, 'Which unit is it?' in"
                    " docs/batch.md has the way back"
                )
                step = f"{step}; {back}"
        return NotThis(unit.name, message, step)

    def _wrong_in_slot(self, seat: Job, place: Place, what: str, unit: str, mac: str) -> NotThis:
        entry = self._journal.entry(seat.name)
        known = seat.unit.mac or (entry.mac if entry else "")
        who = what.format(unit=unit, mac=mac)
        message = tr("wrong unit in slot {slot}: {who} is there, the plan has {seat} there")
        message = message.format(slot=place.slot, who=who, seat=seat.name)
        seated = f"{seat.name} ({known})" if known else seat.name
        return NotThis(seat.name, message, tr("plug {seat} in there").format(seat=seated))

    def _fitting(self, job: Job, mac: str) -> Job:
        """Refuse to make another kind of unit of one that is known, or one of two boards."""
        here, named = self._registry.unit_of_mac(mac), self._registry.unit(job.name)
        if here and here.name != job.name:
            message = tr("this board is {unit} (MAC {mac}), the plan makes it {planned}")
            message = message.format(unit=here.name, mac=mac, planned=job.name)
            raise NotThis(job.name, message, tr("correct the plan, or plug the right one in"))
        if named and named.mac and named.mac != mac:
            message = tr("{unit} is the board with MAC {known}, this one has {mac}")
            step = tr("plug that board in; or 'fieldbeat swap' puts this one in its place")
            message = message.format(unit=job.name, known=named.mac, mac=mac)
            raise NotThis(job.name, message, step)
        self._not_retired(mac, job.name)
        if named and not named.in_use:
            message = tr("{unit} is {state}").format(unit=job.name, state=named.state)
            step = tr("give another name; 'fieldbeat provision --rekey' takes it into use again")
            raise NotThis(job.name, message, step)
        for what in _SAME if here else ():
            known, planned = getattr(here, what), getattr(job.goal, what)
            if known and known != planned:
                message = tr("{unit} is known as {known}, the plan makes it {planned}")
                message = message.format(unit=job.name, known=known, planned=planned)
                raise NotThis(job.name, message, tr("correct the plan, or plug the right one in"))
        return job

    def _not_replaced(self, mac: str) -> None:
        if now := retired_boards.successor(self._registry, mac):
            text = retired_boards.trouble(self._registry, mac, now.name)
            raise NotThis("", text, tr("put it aside"))

    def _not_retired(self, mac: str, unit: str) -> None:
        retired = self._registry.retired(mac)
        if retired and retired[0] != unit:
            message = tr("this board (MAC {mac}) was {unit}, which is {why}")
            message = message.format(mac=mac, unit=retired[0], why=retired[1])
            step = tr("put it aside; 'fieldbeat provision --rekey' takes it into use again")
            raise NotThis(unit, message, step)

    def _next_free(self, mac: str, chip: str) -> Job:
        """Return the first row that waits for any board with this chip.

        Rows that nobody began come first; then those whose board failed before it got a key, and
        was put aside.
        """
        self._not_retired(mac, "")
        taken = {name for _, name in self._there.values()}
        waiting = [
            job
            for job in self._jobs.values()
            if not (job.unit.slot or job.unit.mac or job.name in taken)
            and not self._has_key(job.name)
        ]
        fresh = [job for job in waiting if self._journal.entry(job.name) is None]
        failed = [job for job in waiting if self._failed(job.name)]
        for job in fresh + failed:
            if job.board.chip == chip:
                return self._fitting(job, mac)
        if fresh:
            message = tr("no row of the plan is left for a {chip} (MAC {mac})")
            step = tr("unplug it, or add a row with a board that has this chip")
        else:
            message = tr("no row of the plan is left for the board with MAC {mac}")
            step = tr("unplug it, or add a row")
        raise NotThis("", message.format(chip=chip, mac=mac), step)

    def _has_key(self, name: str) -> bool:
        entry = self._registry.unit(name)
        return bool(entry and entry.mac)

    def _failed(self, name: str) -> bool:
        entry = self._journal.entry(name)
        return bool(entry and entry.step == FAILED)
