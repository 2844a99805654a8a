# Alerts and issuers in a command, which only some units are told: command.py loads this for them.
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple

from .cbor import is_uint
from .command import (
    CLIP,
    DRILL,
    EMERGENCY,
    NAME_CHARS,
    SPEECH,
    STREAM,
    TONE,
    is_bytes,
    is_list,
    is_within,
    known_keys,
    need,
)
from .compat import const

_KEY_SIZE = const(64)
_ALGORITHMS = const((-7, -65537))  # ES256, SM2_SM3 of cose.py
_PAYLOAD_TYPES = const((0, 8, 10, 11))  # PCMU, PCMA, L16

Alert = namedtuple("Alert", ("cls", "level", "content", "repeat", "volume", "event", "silent"))


def parse_alert(args):
    # Also of a rule that is kept on the unit.
    known_keys(args, 6)
    cls = args.get(0)
    silent = args.get(6, False)
    event = args.get(5, "")
    content = args.get(2)
    repeat = args.get(3, 1)
    need(is_uint(cls, EMERGENCY), "class")
    need(is_within(args.get(1), 1, 4), "level")
    need(is_list(content, 1, 8), "content")
    for step in content:
        need(is_list(step, 2, 5) and _is_step(step), "step")
    need(is_within(repeat, 1, 100), "repeat")
    need(4 not in args or is_uint(args[4], 100), "volume")
    need(isinstance(event, str) and len(event.encode()) <= 16, "event")
    need(silent is False or (silent is True and cls == DRILL), "silent")
    return Alert(cls, args[1], content, repeat, args.get(4), event, silent)


def parse_issuer(item):
    # -> [algorithm, key, rights], as it came
    need(is_list(item, 3, 3), "issuer")
    algorithm, key, rights = item
    need(isinstance(algorithm, int) and algorithm in _ALGORITHMS, "algorithm")
    need(is_bytes(key, _KEY_SIZE, _KEY_SIZE), "key")
    known_keys(rights, 2)
    need(is_uint(rights.get(0), EMERGENCY) and is_within(rights.get(1), 1, 4), "rights")
    need(is_uint(rights.get(2, 0)), "floor")
    return item


def _is_step(step):
    kind = step[0]
    one = step[1]
    if not is_within(kind, TONE, STREAM) or len(step) != (3, 2, 3, 5)[kind]:
        return False
    if kind == TONE:
        return is_uint(one, 2) and is_within(step[2], 100, 60000)
    if kind == CLIP:
        return isinstance(one, str) and 1 <= len(one) <= 24 and all([c in NAME_CHARS for c in one])
    if kind == SPEECH:
        return is_uint(one, 3) and is_bytes(step[2], 1, 400)
    group = step[3]
    return (
        is_uint(one)
        and one in _PAYLOAD_TYPES
        and is_within(step[2], 1, 0xFFFF)
        and isinstance(group, bytes)
        and (not group or (len(group) == 4 and group[0] >> 4 == 0xE))
        and is_within(step[4], 1, 86400)
    )


# -> (added, revoked) of an ISSUERS command
def issuers(args):
    known_keys(args, 1)
    add = args.get(0, [])
    revoke = args.get(1, [])
    need(args and all([is_list(args[key], 1, 8) for key in args]), "issuers")
    for item in add:
        parse_issuer(item)
    for kid in revoke:
        need(is_bytes(kid, 8, 8), "kid")
    return add, revoke
