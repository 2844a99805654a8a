"""Errors that a person reads: what went wrong, and what to do next.

Every failure that `fieldbeat` foresees is a `FieldbeatError`; `cli.main` turns it into one line on
stderr and an exit code. Anything else is a bug and says so.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .language import tr


class FieldbeatError(Exception):
    """The work failed (exit code 1).

    Args:
        message: what happened, naming the file, port or unit concerned.
        next_step: what the user can do about it, as an imperative.
    """

    exit_code = 1

    def __init__(self, message: str, next_step: str) -> None:
        super().__init__(message, next_step)
        self.message = message
        self.next_step = next_step

    def __str__(self) -> str:
        return tr("{message}; next: {step}").format(message=self.message, step=self.next_step)


class CannotTry(FieldbeatError):
    """The work could not be tried: no port, no file, no network, wrong arguments (exit code 2)."""

    exit_code = 2


class Interrupted(FieldbeatError):
    """The user ended it by Ctrl-C (exit code 130, as a shell has it)."""

    exit_code = 130
