"""Exceptions of the virtual bench: what a person reads has one root, `BenchError`.

What the modelled hardware does is none of it: `PowerCut` here and `NvsError` in nvs.py end up in
the board, as a reset and as an OSError.
"""


class BenchError(Exception):
    """The bench could not do its work. The text says what to do next."""


class BoardStuck(BenchError):
    """A program computes without end: it neither waits nor touches hardware, unwatched."""


class PowerCut(Exception):
    """Raised by a `Flash.before_op` hook: the supply fails before this flash operation."""
