# What only a config with pictures has; config_check.py checks the rest and lends how.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_MOST = const(1000000)

# (table, key, default, minimum, maximum)
_KEYS = (
    ("pictures", "every_s", 3600, 0, 604800),
    ("pictures", "at_s", 0, 0, 604800),
    ("pictures", "thumbnail_bytes", 3000, 1000, _MOST),
    ("pictures", "gauge_bytes", 6000, 1000, _MOST),
    ("pictures", "full_bytes", 40000, 1000, _MOST),
    ("pictures", "budget_bytes_day", 300000, 1000, 100 * _MOST),
    ("pictures", "keep_bytes", 1000000, 10000, 16 * _MOST),
    ("pictures", "battery_min_mv", 0, 0, 60000),
    ("pictures", "listen_s", 3, 0, 60),
)


def pictures(value, check_key):
    for row in _KEYS:
        check_key(value, *row)
