# Alarm rules: what a unit sounds by itself, connected or not, when one of its channels says so.
# SPDX-License-Identifier: Apache-2.0
#
# Signed and sent as a whole (ALARM_RULES of command.py), and kept on the unit:
#
#   [rule, ...], up to 16; a rule is
#   {0: number, 1: channel, 2: unit, 3: scale, 4: threshold, 5: below, 6: hysteresis, 7: hold,
#    8: pause, 9: window, 10: alert}
#
# number: 1 to 255, once in a list: by it the rule is told. channel: of the unit's profile, which
# must give it this unit and this scale (counts per unit), so that what was signed means the same
# on every unit. threshold: in counts; the rule counts above it, or below it (5: true). hysteresis:
# in counts; once it has fired it is armed again when the value is so far back. hold: s for which
# the value has to be beyond. pause: s, at least, between two soundings. window: s for which the
# alert may sound. alert: as ALERT has it, without a live stream.
# What is absent: above, hysteresis 0, hold 0.
from collections import namedtuple

from . import command
from .cbor import is_uint
from .command import CommandError, parse_alert
from .compat import const

RULES_MAX = const(16)
HOLD_MAX_S = const(86400)
PAUSE_MIN_S = const(60)
PAUSE_MAX_S = const(604800)
WINDOW_MIN_S = const(10)
WINDOW_MAX_S = const(86400)
SCALE_MAX = const(1000000)

_INT32 = const(0x7FFFFFFF)
_LAST = const(10)
_NAME_CHARS = const("abcdefghijklmnopqrstuvwxyz0123456789_")

Rule = namedtuple(
    "Rule",
    (
        "number",
        "channel",
        "unit",
        "scale",
        "threshold",
        "below",
        "hysteresis",
        "hold_s",
        "pause_s",
        "window_s",
        "alert",
    ),
)


def parse(items):
    # -> [Rule, ...]; CommandError for anything else
    _need(isinstance(items, list) and len(items) <= RULES_MAX, "rules")
    rules = [_rule(item) for item in items]
    _need(len({rule.number for rule in rules}) == len(rules), "rule numbers")
    return rules


def _rule(item):
    _need(isinstance(item, dict), "rule")
    for key in item:
        _need(is_uint(key, _LAST), "rule key")
    channel, unit, below = item.get(1), item.get(2), item.get(5, False)
    threshold = item.get(4)
    _need(_in(item.get(0), 1, 255), "rule number")
    _need(_is_text(channel, 1, 32) and all([c in _NAME_CHARS for c in channel]), "channel")
    _need(_is_text(unit, 0, 16), "unit")
    _need(_in(item.get(3), 1, SCALE_MAX), "scale")
    is_int = isinstance(threshold, int) and not isinstance(threshold, bool)
    _need(is_int and abs(threshold) <= _INT32, "threshold")
    _need(isinstance(below, bool), "below")
    _need(is_uint(item.get(6, 0), _INT32), "hysteresis")
    _need(is_uint(item.get(7, 0), HOLD_MAX_S), "hold")
    _need(_in(item.get(8), PAUSE_MIN_S, PAUSE_MAX_S), "pause")
    _need(_in(item.get(9), WINDOW_MIN_S, WINDOW_MAX_S), "window")
    alert = parse_alert(item.get(10))
    _need(not [step for step in alert.content if step[0] == command.STREAM], "stream")
    return Rule(
        *(item[0], channel, unit, item[3], threshold, below, item.get(6, 0), item.get(7, 0)),
        *(item[8], item[9], alert),
    )


def _need(true, what):
    if not true:
        raise CommandError(what)


def _in(value, low, high):
    return is_uint(value, high) and value >= low


def _is_text(value, low, high):
    return isinstance(value, str) and low <= len(value.encode()) <= high
