# The table [watch] of a config, checked on the device; loaded only where there is one. The host
# makes it out of [[alarm]], [pace] and [rain].
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_ALARM = const(9)  # number, channel, unit, scale, threshold, below, hysteresis, hold, rises
_MARK = const(4)  # channel, threshold, below, rises


def check(config, check_key, error):
    watch = config["watch"]
    check_key(config, "watch", "day_start_s", 0, 0, 86399)
    if not _are_lists(watch.setdefault("alarms", []), _ALARM):
        raise error("config: watch.alarms is none of this app; provision the unit again")
    if not watch.setdefault("pace", None):
        return
    for key in ("interval_s", "look_s", "hold_s"):
        check_key(watch, "pace", key, None, 1, 86400)
    if not _are_lists(watch["pace"].get("marks"), _MARK):
        raise error("config: watch.pace is none of this app; provision the unit again")


def _are_lists(value, length):
    return isinstance(value, list) and all([len(entry) == length for entry in value])
