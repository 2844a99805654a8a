"""A survey: looks at the network each second while somebody carries the antenna around.

What he types is the name of the place where the antenna is from then on; the modem looks for a
cell anew there, and how long that takes is measured.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from .language import tr
from .survey_line import WALL, Clock
from .survey_sample import DENIED, SEARCHING, Sample

END = "q"
EVERY_S = 1.0


class Source(Protocol):
    """What is looked at: a modem, or a unit that has one.

    `bands`: in which it searches, as far as it is known. `wait` lets seconds pass.
    """

    bands: tuple[int, ...]

    def prepare(self, wait: Callable[[float], object]) -> None: ...

    def detach(self) -> None: ...

    def look(self) -> Sample: ...


class Lines(Protocol):
    """What is typed while something else goes on."""

    def lines(self) -> list[str]: ...


class Typed:
    """Lines that are typed while something else goes on; none where stdin has nothing."""

    def __init__(self) -> None:
        try:
            self._fd: int | None = sys.stdin.fileno()
        except (AttributeError, OSError, ValueError):  # none, or not a file
            self._fd = None
        self._text = b""

    def lines(self) -> list[str]:
        """Return those that were ended by Enter since the last call."""
        while self._fd is not None and select.select([self._fd], [], [], 0)[0]:
            came = os.read(self._fd, 4096)
            if not came:
                self._fd = None
            self._text += came
        *whole, self._text = self._text.split(b"\n")
        return [text for line in whole if (text := line.decode("utf-8", "replace").strip())]


class Survey:
    """Looks at a source again and again.

    Args:
        source: what is looked at.
        keep: is given each sample at once.
        say: is told what goes on.
        reattach: look for a cell anew at each place.
        for_s: so long; None: until somebody types `q`, or Ctrl-C.
        clock: default: the wall clock.
        typed: names of places, and `q`; default: what comes in at stdin.
    """

    def __init__(
        self,
        source: Source,
        keep: Callable[[Sample], object],
        say: Callable[[str], object],
        reattach: bool = True,
        for_s: float | None = None,
        every_s: float = EVERY_S,
        clock: Clock | None = None,
        typed: Lines | None = None,
    ) -> None:
        self._typed = typed
        self._source, self._keep, self._say = source, keep, say
        self._reattach, self._for_s, self._every_s = reattach, for_s, every_s
        self._clock = clock or WALL
        self.samples: list[Sample] = []
        self._spot = ""
        self._since_s: float | None = None  # since when it looks for a cell

    def run(self) -> None:
        """Look until the end; what Ctrl-C interrupts has its samples in `samples`.

        Raises:
            FieldbeatError: the modem or its port failed; the samples hold.
        """
        typed = self._typed or Typed()
        begin_s = self._clock.now_s()
        self._begin_spot("")
        while self._for_s is None or self._clock.now_s() - begin_s < self._for_s:
            for text in typed.lines():
                if text.lower() == END:
                    return
                self._begin_spot(text)
            began_s = self._clock.now_s()
            self._look()
            self._clock.sleep(max(0.0, began_s + self._every_s - self._clock.now_s()))

    def _begin_spot(self, name: str) -> None:
        self._spot = name
        if name:
            self._say(tr("-- {spot}").format(spot=name))
        if self._reattach:
            self._since_s = self._clock.now_s()
            self._source.detach()

    def _look(self) -> None:
        sample = replace(self._source.look(), spot=self._spot)
        if sample.registered and self._since_s is not None:
            sample = replace(sample, attach_s=round(sample.at_s - self._since_s, 1))
            self._since_s = None
        self.samples.append(sample)
        self._keep(sample)
        self._say(in_words(sample))


def in_words(sample: Sample) -> str:
    """Return a look as a line for the person who holds the antenna."""
    return "  ".join(_words(sample))


def _words(sample: Sample) -> Iterator[str]:
    if not sample.registered:
        yield _state(sample)
    if sample.rsrp_dbm is None:
        yield tr("no signal (CSQ 99)")
    else:
        yield tr("{dbm:4.0f} dBm").format(dbm=sample.rsrp_dbm)
    if sample.snr_db is not None:
        yield tr("SNR {db:3.0f} dB").format(db=sample.snr_db)
    if sample.ecl is not None:
        yield tr("level {ecl}").format(ecl=sample.ecl)
    if sample.band is not None:
        yield tr("band {band}").format(band=sample.band)
    if sample.cell:
        yield tr("cell {cell}").format(cell=sample.cell)
    if sample.attach_s is not None:
        yield tr("attached in {s:.0f} s").format(s=sample.attach_s)


def _state(sample: Sample) -> str:
    if sample.stat == DENIED:
        return tr("refused (CEREG 0,3)")
    if sample.stat == SEARCHING:
        return tr("searching (CEREG 0,2)")
    return tr("not registered (CEREG 0,{stat})").format(
        stat="?" if sample.stat is None else sample.stat
    )
