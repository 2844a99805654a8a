# What only a speaker's config has; config_check.py checks the rest and lends how.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_ANY = const(0x3FFFFFFF)

# (table, key, default or None where it must be given, minimum, maximum)
_KEYS = (
    ("speaker", "volume", 60, 0, 100),
    ("speaker", "emergency_volume", 80, 1, 100),
    ("speaker", "keepalive_s", 25, 5, 3600),
    ("speaker", "two_issuers_level", 0, 0, 4),
    ("speaker", "battery_min_mv", 0, 0, 60000),
    ("speaker", "self_test_every_s", 0, 0, _ANY),
    ("speaker", "self_test_at_s", 0, 0, _ANY),
    ("speaker", "self_test_silent", 1, 0, 1),
    # It asks every few seconds, and bytes are cheap where it does.
    ("uplink", "budget_bytes_day", 10000000, 1000, _ANY),
)
# Where it has Wi-Fi, its way back is NB-IoT.
_ROAD_KEYS = (
    ("wifi", "ssid", "", 1, 32),
    ("nbiot", "keepalive_s", 50, 10, 3600),
    ("nbiot", "budget_bytes_day", 100000, 1000, _ANY),
)
_GROUPS_MAX = const(16)


def speaker(value, check_key):
    for row in _KEYS:
        check_key(value, *row)
    groups = value["speaker"].setdefault("groups", [])
    whole = isinstance(groups, list) and len(groups) <= _GROUPS_MAX
    if not whole or not all(isinstance(group, int) for group in groups):
        raise ValueError("config: speaker.groups must be a list of up to 16 numbers")
    if "wifi" not in value:
        return
    value.setdefault("nbiot", {})
    for road_row in _ROAD_KEYS:
        check_key(value, *road_row)
    if not isinstance(value["wifi"].setdefault("open", False), bool):
        raise ValueError("config: wifi.open must be true or false")
