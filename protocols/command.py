# What a unit is told to do: the plaintext of a frame of class 1, or what is signed in it.
# SPDX-License-Identifier: Apache-2.0
#
#   deterministic CBOR {0: command, 1: id, 2: target, 3: not before, 4: expires, 5: counter,
#                       6: args, 7: [sent, ms]}
#
# id: 8 bytes, by which a repetition is known. target: the kid of one unit, the number of a group,
# true for every unit, or an array of 1 to 16 kids and groups. Times in s since
# 2024-01-01T00:00:00Z. counter: of the issuer, in all that is signed.
# What is absent: not before 0, no counter, args {}, not told when it was sent.
#
#   1 ALERT     {0: class, 1: level, 2: content, 3: repeat, 4: volume, 5: event, 6: silent}
#               class 0 daily, 1 drill, 2 emergency; level 1, the highest, to 4; content: 1 to 8
#               steps, played one after the other, repeat times (1); volume 0 to 100, absent: the
#               unit's; event: text up to 16 bytes; silent: all but the sound, for a drill (false)
#   2 CANCEL    {0: id of the command that is cancelled}
#   3 SELFTEST  {6: silent (false)}
#   4 ALARM_RULES {0: rules, see alarm_rules.py}, which replace all others
#   5 ISSUERS   {0: [[algorithm, key, {0: highest class, 1: highest level}], ...] to be added,
#                1: [kid, ...] to be revoked}
#   6 STATUS    {}
#   7 PICTURE   {0: 0 thumbnail, 1 gauge or 2 full, 1: bytes (the unit's)}
#
# Steps: [0, pattern, ms] a tone; [1, name] a stored clip; [2, encoding, bytes] text to be spoken;
# [3, payload type, port, multicast group or empty, s] a live RTP stream.
from collections import namedtuple

from . import cbor
from .bits import is_uint
from .compat import const, sha256

ALERT = const(1)
CANCEL = const(2)
SELFTEST = const(3)
ALARM_RULES = const(4)
ISSUERS = const(5)
STATUS = const(6)
PICTURE = const(7)

DAILY = const(0)
DRILL = const(1)
EMERGENCY = const(2)
TEST = const(-1)  # the class of a self-test on a unit, below all others; never on the wire

TONE = const(0)
CLIP = const(1)
SPEECH = const(2)
STREAM = const(3)

_ID_SIZE = const(8)
_KEY_SIZE = const(64)
_ALGORITHMS = const((-7, -65537))  # ES256, SM2_SM3 of cose.py
_PAYLOAD_TYPES = const((0, 8, 10, 11))  # PCMU, PCMA, L16
_NAME_CHARS = const("abcdefghijklmnopqrstuvwxyz0123456789_-")

# args: what its command has: Alert, id, silent, rules, (issuers, kids), None,
# (kind, bytes or None)
Command = namedtuple(
    "Command",
    ("command", "id", "target", "not_before", "expires", "counter", "args", "sent"),
)
Alert = namedtuple("Alert", ("cls", "level", "content", "repeat", "volume", "event", "silent"))


class CommandError(ValueError):
    # reason: of reasons.py
    def __init__(self, what, reason="cmd_form"):
        super().__init__("command refused: " + what)
        self.reason = reason


def decode(data):
    try:
        return parse(cbor.decode(data))
    except cbor.CBORError as error:
        raise CommandError(str(error))


def parse(body):
    _keys(body, 7)
    command = body.get(0)
    read = _READERS.get(command) if is_uint(command) else None
    if read is None:
        raise CommandError("command", "cmd_unknown")
    not_before = body.get(3, 0)
    expires = body.get(4)
    sent = body.get(7)
    _need(_is_bytes(body.get(1), _ID_SIZE, _ID_SIZE), "id")
    _need(_is_target(body.get(2)), "target")
    _need(is_uint(not_before) and is_uint(expires) and not_before < expires, "window")
    _need(5 not in body or is_uint(body[5]), "counter")
    if 7 in body:
        _need(_is_list(sent, 2, 2) and is_uint(sent[0]) and is_uint(sent[1], 999), "sent")
    args = read(body.get(6, {}))
    return Command(command, body[1], body[2], not_before, expires, body.get(5), args, sent)


def parse_alert(args):
    # Also of a rule that is kept on the unit.
    _keys(args, 6)
    cls = args.get(0)
    silent = args.get(6, False)
    event = args.get(5, "")
    content = args.get(2)
    repeat = args.get(3, 1)
    _need(is_uint(cls, EMERGENCY), "class")
    _need(_in(args.get(1), 1, 4), "level")
    _need(_is_list(content, 1, 8), "content")
    for step in content:
        _need(_is_list(step, 2, 5) and _is_step(step), "step")
    _need(_in(repeat, 1, 100), "repeat")
    _need(4 not in args or is_uint(args[4], 100), "volume")
    _need(isinstance(event, str) and len(event.encode()) <= 16, "event")
    _need(silent is False or (silent is True and cls == DRILL), "silent")
    return Alert(cls, args[1], content, repeat, args.get(4), event, silent)


def parse_issuer(item):
    # -> [algorithm, key, rights], as it came
    _need(_is_list(item, 3, 3), "issuer")
    algorithm, key, rights = item
    _need(isinstance(algorithm, int) and algorithm in _ALGORITHMS, "algorithm")
    _need(_is_bytes(key, _KEY_SIZE, _KEY_SIZE), "key")
    _keys(rights, 1)
    _need(is_uint(rights.get(0), EMERGENCY) and _in(rights.get(1), 1, 4), "rights")
    return item


def issuer_kid(algorithm, key):
    return sha256(cbor.encode(algorithm) + key).digest()[:8]


def _need(true, what):
    if not true:
        raise CommandError(what)


def _keys(body, last):
    _need(isinstance(body, dict), "map")
    for key in body:
        _need(is_uint(key, last), "key")


def _in(value, low, high):
    return is_uint(value, high) and value >= low


def _is_bytes(value, low, high):
    return isinstance(value, bytes) and low <= len(value) <= high


def _is_list(value, low, high):
    return isinstance(value, list) and low <= len(value) <= high


def _is_unit_or_group(value):
    return is_uint(value, 0xFFFF) or (isinstance(value, bytes) and len(value) in (2, 4))


def _is_target(value):
    if isinstance(value, list):
        return 1 <= len(value) <= 16 and all([_is_unit_or_group(item) for item in value])
    return value is True or _is_unit_or_group(value)


def _is_step(step):
    kind = step[0]
    one = step[1]
    if not _in(kind, TONE, STREAM) or len(step) != (3, 2, 3, 5)[kind]:
        return False
    if kind == TONE:
        return is_uint(one, 2) and _in(step[2], 100, 60000)
    if kind == CLIP:
        return (
            isinstance(one, str) and 1 <= len(one) <= 24 and all([c in _NAME_CHARS for c in one])
        )
    if kind == SPEECH:
        return is_uint(one, 3) and _is_bytes(step[2], 1, 400)
    group = step[3]
    return (
        is_uint(one)
        and one in _PAYLOAD_TYPES
        and _in(step[2], 1, 0xFFFF)
        and isinstance(group, bytes)
        and (not group or (len(group) == 4 and group[0] >> 4 == 0xE))
        and _in(step[4], 1, 86400)
    )


def _cancel(args):
    _keys(args, 0)
    _need(_is_bytes(args.get(0), _ID_SIZE, _ID_SIZE), "cancelled id")
    return args[0]


def _selftest(args):
    _keys(args, 6)
    _need(not args or (len(args) == 1 and isinstance(args.get(6), bool)), "silent")
    return args.get(6, False)


def _rules(args):
    _keys(args, 0)
    from .alarm_rules import parse  # late: few commands have any

    parse(args.get(0))
    return args[0]


def _issuers(args):
    _keys(args, 1)
    add = args.get(0, [])
    revoke = args.get(1, [])
    _need(args and all([_is_list(args[key], 1, 8) for key in args]), "issuers")
    for item in add:
        parse_issuer(item)
    for kid in revoke:
        _need(_is_bytes(kid, 8, 8), "kid")
    return add, revoke


def _status(args):
    _need(args == {}, "args")


def _picture(args):
    _keys(args, 1)
    _need(is_uint(args.get(0), 2), "kind of picture")
    _need(1 not in args or _in(args[1], 1000, 1000000), "bytes of a picture")
    return args[0], args.get(1)


_READERS = {
    ALERT: parse_alert,
    CANCEL: _cancel,
    SELFTEST: _selftest,
    ALARM_RULES: _rules,
    ISSUERS: _issuers,
    STATUS: _status,
    PICTURE: _picture,
}
