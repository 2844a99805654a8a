"""Lessons for a register map: a person moves a quantity, and chooses which register followed."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable

import typer

from .language import tr
from .modbus_learning import QUANTITIES, Guess, Sample, guesses
from .modbus_line import ModbusLine, blocks
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


def lessons(look: Callable[[], list[Sample]]) -> list[Guess]:
    """Ask for quantities until nothing is typed; return what was chosen."""
    remark(tr("leave the sensor alone ..."))
    rest = look()
    chosen: list[Guess] = []
    while True:
        name = _asked(
            tr("Which quantity now? ({listed}; empty ends)").format(listed=", ".join(QUANTITIES))
        )
        if not name:
            return chosen
        if name not in QUANTITIES:
            remark(
                tr("'{name}' is none of them, {did_you_mean}").format(
                    name=name, did_you_mean=did_you_mean(name, QUANTITIES)
                )
            )
            continue
        _asked(
            tr("Now {stimulus}, and press Enter while you go on").format(
                stimulus=QUANTITIES[name].stimulus
            )
        )
        found = guesses(name, rest, look())
        taken = {guess.register for guess in chosen}
        found = [guess for guess in found if guess.register not in taken]
        if not found:
            remark(
                tr("no register followed: more of it, for longer (--seconds), or other registers")
            )
            continue
        for n, guess in enumerate(found[:5], 1):
            remark(f"  {n}: {described(guess)}")
        answer = _asked(tr("Which one? (number; empty for none)"))
        if answer.isdigit() and 1 <= int(answer) <= len(found[:5]):
            chosen.append(found[int(answer) - 1])
        remark(tr("leave the sensor alone ..."))
        rest = look()


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
        "register {register} (0x{register:04X}): {value:.10g} {entry} at rest, "
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
