# The chain over all that a unit tells; what is signed of it is in trace_signed.py.
# SPDX-License-Identifier: Apache-2.0
#
#   value(rn) = SHA-256(value(rn - 1) | u32 rn | record)      big-endian; 32 zero bytes before the
#                                                             first record of a chain
#
# A ROOT event tells the value before itself and signs it, and so every record before it. Records
# that the unit had to give up, or that it cannot vouch for, are gaps: the root after them tells
# the value before and after each, so that all others are proven as if they were there. A chain
# begins with a gap that ends before its first record.
from .compat import sha256

START = bytes(32)


def link(value, rn, record):
    chain = sha256(value)
    chain.update(rn.to_bytes(4, "big"))
    chain.update(record)
    return chain.digest()
