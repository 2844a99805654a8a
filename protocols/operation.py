# What somebody has done to plants: the fields of an OPERATION event and of a RECORD command.
# SPDX-License-Identifier: Apache-2.0
#
#   kind     1 to 24 of a-z, 0-9 and "-": irrigated, fertilised, sprayed, harvested ...
#   batch    1 to 32 of A-Z, a-z, 0-9, ".", "_" and "-", or None
#   amount   thousandths of the unit, 0 to 2147483647, or None as the unit is
#   unit     1 to 16 characters
#   note     up to 60 bytes, or None
#
# "batch-begin" and "batch-end" are kinds as others; they need a batch.
from .cbor import is_uint
from .compat import const

_LOWER = const("abcdefghijklmnopqrstuvwxyz0123456789-")
_BATCH = const("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
_MOST = const(0x7FFFFFFF)
_NOTE_BYTES = const(60)
THOUSANDTHS = const(1000)


# -> the same as a tuple; ValueError says what to give instead
def check(kind, batch=None, amount=None, unit=None, note=None):
    if not _is_text(kind, 24, _LOWER):
        raise ValueError("kind: give 1 to 24 of a-z, 0-9 and -")
    if batch is None and kind[:6] == "batch-":
        raise ValueError("batch: %s needs the name of one" % kind)
    if batch is not None and not _is_text(batch, 32, _BATCH):
        raise ValueError("batch: give 1 to 32 letters, digits, . _ and -")
    if (amount is None) != (unit is None):
        raise ValueError("amount: give a number with its unit, or none of both")
    if amount is not None and not is_uint(amount, _MOST):
        raise ValueError("amount: give 0 to 2147483.647")
    if unit is not None and not _is_text(unit, 16):
        raise ValueError("unit: give 1 to 16 characters")
    if note is not None and not (isinstance(note, str) and 1 <= len(note.encode()) <= _NOTE_BYTES):
        raise ValueError("note: give 1 to 60 bytes")
    return kind, batch, amount, unit, note


# "2.5" -> 2500 thousandths; ValueError where it is no such number
def thousandths(text):
    whole, _, rest = text.partition(".")
    if not whole or len(rest) > 3 or not all([c in "0123456789" for c in whole + rest]):
        raise ValueError("amount: give a number with at most 3 decimals")
    return int(whole) * THOUSANDTHS + int((rest + "000")[:3])


def _is_text(value, most, chars=None):
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        return False
    return all([(c in chars if chars else c >= " ") for c in value])
