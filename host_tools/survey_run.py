"""A survey from its port to its log: for whoever shows it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from . import smp_link, survey_line, survey_unit, unit_lock
from .errors import CannotTry, FieldbeatError, Interrupted
from .language import tr
from .survey import Lines, Source, Survey
from .survey_line import Clock, PortLine
from .survey_modem import MODEMS, Modem
from .survey_sample import Log, Sample
from .times import iso

Tell = Callable[[str], None]
_AGAIN = tr("run the same command again")


def default_name() -> str:
    """Return the name of the log of a survey that begins now."""
    return f"survey-{iso(survey_line.WALL.now_s()).replace(':', '')}.csv"


@contextmanager
def source(
    port: str | None,
    part: str | None,
    registry: Path | None,
    tell: Tell,
    clock: Clock | None = None,
) -> Iterator[Source]:
    """Open what is looked at.

    Args:
        port: of the unit, or of the modem.
        part: of the modem that is alone at the port; None: a unit is there.
        registry: has the code of a unit that is locked.
        tell: is told what goes on.
        clock: default: the wall clock.

    Raises:
        FieldbeatError: it cannot be opened, or does not answer.
    """
    clock = clock or survey_line.WALL
    if port is None:
        step = tr("name it with --port; with --modem too if it is that of a modem alone")
        raise CannotTry(tr("no port is named"), step)
    if part is not None and part not in MODEMS:
        message = tr("'{part}' is no modem that is known here").format(part=part)
        raise CannotTry(message, tr("name one of: {all}").format(all=", ".join(MODEMS)))
    if part is None:
        with _unit_at(port, registry, tell, clock) as found:
            yield found
        return
    with PortLine(port, MODEMS[part].bauds, clock) as line:
        yield Modem(line, part, clock.now_s)


@contextmanager
def _unit_at(port: str, registry: Path | None, tell: Tell, clock: Clock) -> Iterator[Source]:
    with smp_link.SmpLink(port, remark=tell) as link:
        try:
            link.wait()
        except CannotTry as error:
            step = tr("{step}; a modem without a unit is named: --modem bc26")
            raise CannotTry(error.message, step.format(step=error.next_step)) from None
        with unit_lock.opened(link, registry, tell):
            yield survey_unit.modem_of(link, clock)


def look(
    source: Source,
    path: Path,
    reattach: bool,
    for_s: float | None,
    tell: Tell,
    typed: Lines | None = None,
    seen: Callable[[list[Sample], tuple[int, ...]], object] | None = None,
    clock: Clock | None = None,
) -> tuple[list[Sample], tuple[int, ...], Exception | None]:
    """Look until the end; a log without a look is deleted.

    Args:
        source: what is looked at.
        path: the log to be made.
        reattach, for_s: as `Survey` has them.
        tell: is told what goes on.
        typed: names of places; default: what is typed at the terminal.
        seen: is given all samples after each look, and the bands that are searched.
        clock: default: the wall clock; it may raise KeyboardInterrupt to end it.

    Returns:
        The samples, the bands that are searched, and what ended it if it failed.

    Raises:
        FieldbeatError: it failed before the first look.
    """
    clock = clock or survey_line.WALL
    failure: Exception | None = None
    bands: tuple[int, ...] = ()
    session: Survey | None = None
    with Log(path) as kept:

        def keep(sample: Sample) -> None:
            kept.add(sample)
            if seen and session:
                seen(session.samples, bands)

        try:
            source.prepare(clock.sleep)
            bands = source.bands
            tell(tr("type the name of a place and Enter when the antenna is there, q to end"))
            session = Survey(source, keep, tell, reattach, for_s, clock=clock, typed=typed)
            session.run()
        except KeyboardInterrupt:
            if session is None or not session.samples:
                path.unlink()
                raise Interrupted(tr("interrupted before the first look"), _AGAIN) from None
        except FieldbeatError as error:
            if session is None or not session.samples:
                path.unlink()
                raise
            failure = error
    assert session is not None
    return session.samples, bands, failure
