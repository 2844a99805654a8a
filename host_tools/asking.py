"""What commands ask a person: a confirmation, a passphrase. Nobody is asked where nobody is."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from pathlib import Path

import typer

from .errors import CannotTry, FieldbeatError


def is_anybody_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty()


def is_asked(yes: bool) -> bool:
    """Whether `confirm` is going to ask a person, who then has to read what he is asked."""
    return not yes and is_anybody_there()


def confirm(question: str, yes: bool) -> None:
    """Go on only if a person says yes.

    Args:
        question: what is about to be done.
        yes: it was said in advance (`--yes`).

    Raises:
        CannotTry: nobody is there to ask.
        FieldbeatError: the answer was no.
    """
    if yes:
        return
    if not is_anybody_there():
        raise CannotTry("nobody is there to confirm it", "add --yes if it is meant")
    if not typer.confirm(question, err=True):
        raise FieldbeatError("not confirmed, nothing was done", "run it again when it is meant")


def passphrase(whose: str, file: Path | None, new: bool = False) -> str:
    """Return a passphrase: the first line of a file, or what a person types unseen.

    Args:
        whose: the name of the key.
        file: holds it; None asks the person.
        new: it is chosen now, so it is asked for twice and must be long enough.

    Raises:
        CannotTry: it cannot be asked for, or read, or is too short.
    """
    from .issuer_keys import checked_passphrase, read_passphrase

    if file:
        return read_passphrase(file)
    if not is_anybody_there():
        message = f"there is no terminal to ask for the passphrase of {whose}"
        raise CannotTry(
            message, "name a file that holds it: --key-file FILE, once for each issuer"
        )
    asked = typer.prompt(
        f"Passphrase of {whose}", hide_input=True, confirmation_prompt=new, err=True
    )
    return checked_passphrase(asked) if new else asked
