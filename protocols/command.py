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
#   5 ISSUERS   {0: [[algorithm, key, {0: highest class, 1: highest level, 2: floor}], ...] to be
#                added, 1: [kid, ...] to be revoked}; floor: counters up to it are refused (none)
#   6 STATUS    {}
#   7 PICTURE   {0: 0 thumbnail, 1 gauge or 2 full, 1: bytes (the unit's)}
#   8 OPERATE   {0: name of an actuator, 1: value 0 to 100, 2: s it holds}; {0: name}: as the rules
#               have it, from now on
#   9 RECORD    {0: kind, 1: batch, 2: amount, 3: unit, 4: note} of an operation, see operation.py
#
# Steps: [0, pattern, ms] a tone; [1, name] a stored clip; [2, encoding, bytes] text to be spoken;
# [3, payload type, port, multicast group or empty, s] a live RTP stream.
from collections import namedtuple

from . import cbor
from .cbor import is_uint
from .compat import const, sha256

ALERT = const(1)
CANCEL = const(2)
SELFTEST = const(3)
ALARM_RULES = const(4)
ISSUERS = const(5)
STATUS = const(6)
PICTURE = const(7)
OPERATE = const(8)
RECORD = const(9)

DAILY = const(0)
DRILL = const(1)
EMERGENCY = const(2)
TEST = const(-1)  # the class of a self-test on a unit, below all others; never on the wire

TONE = const(0)
CLIP = const(1)
SPEECH = const(2)
STREAM = const(3)

_ELSEWHERE = const(("Alert", "parse_alert", "parse_issuer"))
_ID_SIZE = const(8)
NAME_CHARS = const("abcdefghijklmnopqrstuvwxyz0123456789_-")

# args: what its command has: Alert, id, silent, rules, (issuers, kids), None,
# (kind, bytes or None), (actuator, value, s) with None for the last two,
# (kind, batch, amount, unit, note) with None for what is absent
Command = namedtuple(
    "Command",
    ("command", "id", "target", "not_before", "expires", "counter", "args", "sent"),
)


class CommandError(ValueError):
    # reason: of reasons.py
    def __init__(self, what, reason="cmd_form"):
        super().__init__("command refused: " + what)
        self.reason = reason


def decode(data):
    try:
        body = cbor.decode(data)
    except ValueError as error:
        raise CommandError(str(error))
    return parse(body)


def parse(body):
    known_keys(body, 7)
    command = body.get(0)
    read = _READERS.get(command) if is_uint(command) else None
    if read is None:
        raise CommandError("command", "cmd_unknown")
    not_before = body.get(3, 0)
    expires = body.get(4)
    sent = body.get(7)
    need(is_bytes(body.get(1), _ID_SIZE, _ID_SIZE), "id")
    need(_is_target(body.get(2)), "target")
    need(is_uint(not_before) and is_uint(expires) and not_before < expires, "window")
    need(5 not in body or is_uint(body[5]), "counter")
    if 7 in body:
        need(is_list(sent, 2, 2) and is_uint(sent[0]) and is_uint(sent[1], 999), "sent")
    args = read(body.get(6, {}))
    return Command(command, body[1], body[2], not_before, expires, body.get(5), args, sent)


def issuer_kid(algorithm, key):
    return sha256(cbor.encode(algorithm) + key).digest()[:8]


def need(true, what):
    if not true:
        raise CommandError(what)


def known_keys(body, last):
    need(isinstance(body, dict), "map")
    for key in body:
        need(is_uint(key, last), "key")


def is_within(value, low, high):
    return is_uint(value, high) and value >= low


def is_bytes(value, low, high):
    return isinstance(value, bytes) and low <= len(value) <= high


def is_list(value, low, high):
    return isinstance(value, list) and low <= len(value) <= high


def _is_unit_or_group(value):
    return is_uint(value, 0xFFFF) or (isinstance(value, bytes) and len(value) in (2, 4))


def _is_target(value):
    if isinstance(value, list):
        return 1 <= len(value) <= 16 and all([_is_unit_or_group(item) for item in value])
    return value is True or _is_unit_or_group(value)


def _cancel(args):
    known_keys(args, 0)
    need(is_bytes(args.get(0), _ID_SIZE, _ID_SIZE), "cancelled id")
    return args[0]


def _selftest(args):
    known_keys(args, 6)
    need(not args or (len(args) == 1 and isinstance(args.get(6), bool)), "silent")
    return args.get(6, False)


def _rules(args):
    known_keys(args, 0)
    from .alarm_rules import parse  # late: few commands have any

    parse(args.get(0))
    return args[0]


def _status(args):
    need(args == {}, "args")


def _picture(args):
    known_keys(args, 1)
    need(is_uint(args.get(0), 2), "kind of picture")
    need(1 not in args or is_within(args[1], 1000, 1000000), "bytes of a picture")
    return args[0], args.get(1)


def _operate(args):
    known_keys(args, 2)
    name = args.get(0)
    need(isinstance(name, str) and 1 <= len(name) <= 32, "actuator")
    need(all([c in NAME_CHARS for c in name]), "actuator")
    if len(args) > 1:
        need(is_uint(args.get(1), 100), "value of an actuator")
        need(is_within(args.get(2), 1, 86400), "how long an actuator holds it")
    return name, args.get(1), args.get(2)


def _record(args):
    known_keys(args, 4)
    from .operation import check  # late: few commands have any

    try:
        return check(*[args.get(key) for key in range(5)])
    except ValueError as error:
        raise CommandError(str(error))


def _alert(args):
    from .command_alert import parse_alert

    return parse_alert(args)


def _issuers(args):
    from .command_alert import issuers

    return issuers(args)


# What few units are told: loaded for who asks for it here.
def __getattr__(name):
    if name not in _ELSEWHERE:
        raise AttributeError(name)
    from . import command_alert

    return getattr(command_alert, name)


_READERS = {
    ALERT: _alert,
    CANCEL: _cancel,
    SELFTEST: _selftest,
    ALARM_RULES: _rules,
    ISSUERS: _issuers,
    STATUS: _status,
    PICTURE: _picture,
    OPERATE: _operate,
    RECORD: _record,
}
