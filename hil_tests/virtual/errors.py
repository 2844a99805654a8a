"""Exceptions of the virtual bench; one root, `BenchError`."""


class BenchError(Exception):
    """The bench could not do its work. The text says what to do next."""


class BoardStuck(BenchError):
    """A program computes without end: it neither waits nor touches hardware, unwatched."""


class PowerCut(Exception):
    """Raised by a `Flash.before_op` hook: the supply fails before this flash operation."""
