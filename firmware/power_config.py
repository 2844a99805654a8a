# The table [power] of a config, checked on the device; loaded only where there is one.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_SLEEP = const(("never", "light", "deep"))


def check(config, check_key, error):
    for key, default in (("console_s", 60), ("window_s", 30)):
        check_key(config, "power", key, default, 5, 3600)
    if config["power"].setdefault("sleep", "never") not in _SLEEP:
        raise error("config: power.sleep must be one of " + ", ".join(_SLEEP))
