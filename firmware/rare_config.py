# Tables that some units have, each checked by the function of its name; the host explains better.
# Small ones share a file, since each file takes 4 kB of flash in either slot.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import later

_ANY = const(0x3FFFFFFF)
_MODEM_KEYS = (
    ("release", 2, 0, 2),
    ("backoff_s", 0, 0, 86400),
    ("backoff_max_s", 21600, 60, 604800),
    ("retry_bytes_day", _ANY, 0, _ANY),
    ("last_gasp_mv", 0, 0, 60000),
)
_OPERATION = const("protocols.operation protocols.cbor protocols.cbor_reader")
_SLEEP = const(("never", "light", "deep"))
_ALARM = const(9)  # number, channel, unit, scale, threshold, below, hysteresis, hold, rises
_MARK = const(4)  # channel, threshold, below, rises


# The host has made settings of it that a modem is told as they are.
def modem(config, check_key):
    for key, default, low, high in _MODEM_KEYS:
        check_key(config, "modem", key, default, low, high)
    table = config["modem"]
    bands = table.get("bands", [])
    for setting in table.setdefault("settings", []) + ([bands] if bands else []):
        if not isinstance(setting, list) or len(setting) < 2 or setting[0][:1] != "+":
            raise ValueError("config: modem: %r is no setting of a modem" % (setting,))


def power(config, check_key):
    for key, default in (("console_s", 60), ("window_s", 30)):
        check_key(config, "power", key, default, 5, 3600)
    if config["power"].setdefault("sleep", "never") not in _SLEEP:
        raise ValueError("config: power.sleep must be one of " + ", ".join(_SLEEP))


# The host makes it out of [[alarm]], [pace] and [rain].
def watch(config, check_key):
    table = config["watch"]
    check_key(config, "watch", "day_start_s", 0, 0, 86399)
    if not _are_lists(table.setdefault("alarms", []), _ALARM):
        raise ValueError("config: watch.alarms is none of this app; provision the unit again")
    if not table.setdefault("pace", None):
        return
    for key in ("interval_s", "look_s", "hold_s"):
        check_key(table, "pace", key, None, 1, 86400)
    interval_s, look_s = table["pace"]["interval_s"], table["pace"]["look_s"]
    if look_s > interval_s:
        raise ValueError(
            "config: pace.look_s = %d, at most its interval_s, %d" % (look_s, interval_s)
        )
    if not _are_lists(table["pace"].get("marks"), _MARK):
        raise ValueError("config: watch.pace is none of this app; provision the unit again")


def _are_lists(value, length):
    return isinstance(value, list) and all([len(entry) == length for entry in value])


def trace(config, check_key):
    table = config["trace"]
    if not isinstance(table, dict):
        raise ValueError("config: [trace] must be a table")
    button = table.setdefault("button", None)
    if button is None:
        return
    if not isinstance(button, dict) or not isinstance(button.get("contact"), str):
        raise ValueError("config: trace.button must have a contact and a kind")
    try:
        later.call(_OPERATION, "check", button.get("kind"))
    except ValueError as problem:
        raise ValueError("config: trace.button: %s" % problem)
