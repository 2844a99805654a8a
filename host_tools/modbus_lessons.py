"""Lessons for a register map: a person moves a quantity, and chooses which register followed."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable

import typer

from .language import tr
from .modbus_learning import QUANTITIES, Guess, Sample, guesses
from .modbus_line import ModbusLine, NoAnswer, Refused, blocks
from .output import remark
from .validation import did_you_mean


def watch(
    line: ModbusLine, address: int, function: int, there: list[int], seconds: float
) -> list[Sample]:
    """Return the values of registers over a time, three times at least."""
    found: list[Sample] = []
    end_s = time.monotonic() + seconds
    while len(found) < 3 or time.monotonic() < end_s:
        sample: Sample = {}
        for start, size in blocks(there):
            values = line.read(address, function, start, size)
            sample.update(zip(range(start, start + size), values, strict=True))
        found.append(sample)
        time.sleep(min(0.2, seconds / 10))
    return found


def lessons(look: Callable[[], list[Sample]], keep: Callable[[list[Guess]], None]) -> None:
    """Ask for quantities until nothing is typed; `keep` gets all that was chosen, each time.

    Whoever puts a sensor into water may pull its cable: what fails is told, and it goes on.

    Raises:
        NoAnswer, Refused: the first look failed.
    """
    chosen: list[Guess] = []
    rest = _at_rest(look)
    while name := _quantity():
        try:
            guess = _lesson(name, rest, look, {each.register for each in chosen})
            if guess:
                chosen.append(guess)
                keep(chosen)
            rest = _at_rest(look)
        except (NoAnswer, Refused) as error:
            remark(str(error))


def _at_rest(look: Callable[[], list[Sample]]) -> list[Sample]:
    remark(tr("leave the sensor alone ..."))
    return look()


def _quantity() -> str:
    """Return the name of a quantity; '' if nothing is typed."""
    listed = ", ".join(QUANTITIES)
    while name := _asked(tr("Which quantity now? ({listed}; empty ends)").format(listed=listed)):
        if name in QUANTITIES:
            return name
        remark(
            tr("'{name}' is none of them, {did_you_mean}").format(
                name=name, did_you_mean=did_you_mean(name, QUANTITIES)
            )
        )
    return ""


def _lesson(
    name: str, rest: list[Sample], look: Callable[[], list[Sample]], taken: set[int]
) -> Guess | None:
    """Have a quantity moved; return what a person says has followed, None if nothing has."""
    stimulus = QUANTITIES[name].stimulus
    _asked(tr("Now {stimulus}, and press Enter while you go on").format(stimulus=stimulus))
    found = [guess for guess in guesses(name, rest, look()) if guess.register not in taken]
    if not found:
        remark(tr("no register followed: more of it, for longer (--seconds), or other registers"))
        return None
    shown = {str(n): guess for n, guess in enumerate(found[:5], 1)}
    for number, guess in shown.items():
        remark(f"  {number}: {described(guess)}")
    while answer := _asked(tr("Which one? (number; empty for none)")):
        if answer in shown:
            return shown[answer]
        remark(tr("'{answer}' is none of these numbers").format(answer=answer))
    return None


def _asked(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False, err=True)).strip()


def described(guess: Guess) -> str:
    """Return a guess as a person reads it."""
    entry = guess.entry
    words = (
        ""
        if guess.words == 1
        else tr(", two registers, ")
        + (tr("the low one first") if guess.low_first else tr("the high one first"))
    )
    sign = tr(", signed") if guess.signed else ""
    way = tr("rose") if guess.moved > 0 else tr("fell")
    return tr(
        "register {register} (0x{register:04X}): {value:.4g} {entry} at rest, "
        "scale {scale}{sign}{words}; it {way}, {moved:.0f} times its noise"
    ).format(
        register=guess.register,
        value=guess.value,
        entry=entry["unit"],
        scale=guess.scale,
        sign=sign,
        words=words,
        way=way,
        moved=abs(guess.moved),
    )
