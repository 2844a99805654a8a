"""What a batch shows: lines for people, some of them moving, or JSON for machines."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from .batch import Summary
from .batch_work import (
    BOOTING,
    BROKEN,
    ENDS,
    FINISHED,
    FLASHING,
    LOOKING,
    PROVISIONING,
    STOPPED,
    STRANGER,
    TESTING,
    WAS_DONE,
    Event,
)
from .language import tr
from .output import console, print_json_line, say
from .styles import BAD, GOOD
from .wording import counted

if TYPE_CHECKING:
    from rich.console import RenderableType

BAR = 20  # characters


def word(state: str) -> str:
    """Return what a state is called."""
    return {
        LOOKING: tr("looking"),
        FLASHING: tr("flashing"),
        BOOTING: tr("booting"),
        PROVISIONING: tr("provisioning"),
        TESTING: tr("testing"),
        FINISHED: tr("done"),
        WAS_DONE: tr("was done"),
        BROKEN: tr("FAILED"),
        STRANGER: tr("NOT OURS"),
        STOPPED: tr("stopped"),
    }[state]


def line(event: Event, width: int) -> str:
    """Return an event as one line; the name of the unit takes `width` characters."""
    unit = event.unit or "-"
    text = f"{unit:<{width}}  {event.place.told}  {word(event.state)}"
    if event.detail:
        text += tr(": ") + event.detail
    if event.next_step:
        text += tr("; next: {step}").format(step=event.next_step)
    return text


def total(summary: Summary) -> str:
    """Return how far a batch is, in one line."""
    to_come = [*summary.missing, *summary.stopped]
    waiting = len(to_come) - sum(event.unit in to_come for event in summary.at_work.values())
    minutes, seconds = divmod(int(summary.seconds), 60)
    text = tr(
        "{done} of {units} done, {at_work} at work, {failed} failed, {waiting} to come;"
        " {minutes}:{seconds:02}"
    )
    return text.format(
        done=len(summary.done),
        units=len(summary.units),
        at_work=len(summary.at_work),
        failed=len(summary.failed),
        waiting=waiting,
        minutes=minutes,
        seconds=seconds,
    )


def ended(summary: Summary, sheet: Path | None) -> list[str]:
    """Return what is left to say when a batch is over; `sheet`: the labels, if there are any."""
    told = [total(summary)]
    told += [line(summary.ends[name], len(name)) for name in summary.failed]
    if summary.unusable:
        text = tr("{ports} could not be used: {names}")
        names = ", ".join(event.place.told for event in summary.unusable)
        told.append(text.format(ports=counted(len(summary.unusable), "port"), names=names))
    if summary.missing and not summary.interrupted:
        slots = {name: f" ({slot})" for name, slot in summary.slots.items() if slot}
        missing = ", ".join(name + slots.get(name, "") for name in summary.missing)
        told.append(tr("not plugged in: {units}").format(units=missing))
    if sheet:
        told.append(tr("labels: {file}").format(file=sheet))
    return told


def moving(event: Event, width: int) -> str:
    """Return the line of a unit at work, with a bar where it is known how far it is."""
    bar = f"  {_bar(event.share)}" if event.share is not None else ""
    return line(event, width) + bar


class Lines:
    """A line for each step of each unit, for a file or a pipe."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._told: dict[Any, tuple[str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: Event) -> None:
        if self._told.get(event.place) != (event.unit, event.state):
            self._told[event.place] = event.unit, event.state
            quiet = event.state in (LOOKING, PROVISIONING)
            say(line(event if not quiet else _bare(event), self._width))

    def progress(self, summary: Summary) -> None:
        pass


class Screen:
    """On a terminal: what has ended stays as a line, what is at work moves below it."""

    def __init__(self, width: int) -> None:
        from rich.live import Live

        self._width = width
        self._console = console()
        self._live = Live(console=self._console, refresh_per_second=4, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, event: Event) -> None:
        if event.state in ENDS:
            from rich.text import Text

            style = {BROKEN: BAD, STRANGER: BAD, STOPPED: ""}.get(event.state, GOOD)
            self._console.print(Text(line(event, self._width), style=style))

    def progress(self, summary: Summary) -> None:
        self._live.update(self.drawn(summary))

    def drawn(self, summary: Summary) -> RenderableType:
        """Return what moves: a line for each unit at work, and the total."""
        from rich.console import Group
        from rich.text import Text

        rows = []
        for event in sorted(summary.at_work.values(), key=lambda each: each.unit):
            text = moving(event, self._width)
            rows.append(Text(text, no_wrap=True, overflow="ellipsis"))
        return Group(*rows, Text(total(summary), style="bold"))


class Machine:
    """A line of JSON for each step of each unit, as docs/batch.md says."""

    def __init__(self) -> None:
        self._told: dict[Any, tuple[str, str, str]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(self, event: Event) -> None:
        now = event.unit, event.state, event.detail
        if self._told.get(event.place) != now:
            self._told[event.place] = now
            print_json_line({"event": "unit", **as_json(event)})

    def progress(self, summary: Summary) -> None:
        pass


def as_json(event: Event) -> dict[str, Any]:
    """Return an event for a machine; what is not known is null."""
    return {
        "unit": event.unit or None,
        "port": event.place.port,
        "slot": event.place.slot or None,
        "mac": event.mac or None,
        "state": event.state,
        "detail": event.detail or None,
        "next": event.next_step or None,
    }


def summary_as_json(summary: Summary) -> dict[str, Any]:
    """Return the document that ends a batch."""
    return {
        "event": "summary",
        "exit_code": summary.exit_code,
        "done": summary.done,
        "done_before": summary.before,
        "failed": [as_json(summary.ends[name]) for name in summary.failed],
        "stopped": summary.stopped,
        "missing": summary.missing,
        "others": [as_json(event) for event in summary.others],
        "unusable": [as_json(event) for event in summary.unusable],
        "seconds": summary.seconds,
    }


def view(names: list[str], machine: bool) -> Lines | Screen | Machine:
    """Return the view that fits where the output goes."""
    if machine:
        return Machine()
    width = max(map(len, names), default=1)
    return Screen(width) if sys.stdout.isatty() else Lines(width)


def _bare(event: Event) -> Event:
    return Event(event.place, event.state, event.unit, event.mac)


def _bar(share: float) -> str:
    full = round(min(1.0, share) * BAR)
    return f"[{'#' * full}{'.' * (BAR - full)}] {share:4.0%}"
