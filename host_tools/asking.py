"""What commands ask a person: a confirmation, a passphrase. Nobody is asked where nobody is."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any

import typer

from .errors import CannotTry, FieldbeatError
from .language import tr

PassphraseFileOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        help="File whose first line is the passphrase; default: it is asked for.",
    ),
]

Ask = Callable[[str], str]
_ASK: ContextVar[Ask | None] = ContextVar("ask", default=None)


@contextmanager
def asked_by(ask: Ask) -> Iterator[None]:
    """Have this thread ask for secrets by `ask`, which is given the question, within."""
    token = _ASK.set(ask)
    try:
        yield
    finally:
        _ASK.reset(token)


def may_ask_secret() -> bool:
    """Whether a person can be asked for a secret."""
    return _ASK.get() is not None or is_anybody_there()


def secret(question: str, twice: bool = False) -> str:
    """Return what a person types unseen; see first that `may_ask_secret`."""
    ask = _ASK.get()
    if ask:
        return ask(question)
    colon = tr(": ")
    look: dict[str, Any] = {"hide_input": True, "err": True, "prompt_suffix": colon}
    return typer.prompt(question, confirmation_prompt=twice, **look)


def is_anybody_there() -> bool:
    """Whether a person can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def forget_typed() -> None:
    """Throw away what a person has typed ahead: it was no answer to what is asked next."""
    import termios

    if is_anybody_there():
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def must_be_there(what_for: str, instead: str) -> None:
    """Raise where no person can be asked, before anything is done.

    Args:
        what_for: what a person is needed for, 'to touch the sensors'.
        instead: what else can be done, 'or add --yes'.

    Raises:
        CannotTry: there is no terminal.
    """
    if not is_anybody_there():
        message = tr("there is no terminal, and somebody is needed {what_for}")
        step = tr("run it in a terminal, {instead}").format(instead=instead)
        raise CannotTry(message.format(what_for=what_for), step)


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
        raise CannotTry(tr("nobody is there to confirm it"), tr("add --yes if it is meant"))
    if not typer.confirm(question, err=True):
        raise FieldbeatError(
            tr("not confirmed, nothing was done"), tr("run it again when it is meant")
        )


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
    if not may_ask_secret():
        message = tr("there is no terminal to ask for the passphrase of {whose}").format(
            whose=whose
        )
        raise CannotTry(
            message, tr("name a file that holds it: --key-file FILE, once for each issuer")
        )
    asked = secret(tr("Passphrase of {whose}").format(whose=whose), twice=new)
    return checked_passphrase(asked) if new else asked
