# The table [modem] of a config, checked on the device; loaded only where there is one. The host
# has made settings of it that a modem is told as they are, and explains better.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_ANY = const(0x3FFFFFFF)
_KEYS = (
    ("release", 2, 0, 2),
    ("backoff_s", 0, 0, 86400),
    ("backoff_max_s", 21600, 60, 604800),
    ("retry_bytes_day", _ANY, 0, _ANY),
    ("last_gasp_mv", 0, 0, 60000),
)


def check(config, check_key, error):
    for key, default, low, high in _KEYS:
        check_key(config, "modem", key, default, low, high)
    table = config["modem"]
    bands = table.get("bands", [])
    for setting in table.setdefault("settings", []) + ([bands] if bands else []):
        if not isinstance(setting, list) or len(setting) < 2 or setting[0][:1] != "+":
            raise error("config: modem: %r is no setting of a modem" % (setting,))
