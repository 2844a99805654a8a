# What a configuration has to be like. Host and device check it, the device for its own safety.
# What checks a table that few have is loaded for it, and goes before the next one.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import later

# Files that check the tables that few configs have, each in a function of that name, and those.
_RARE = const(
    (
        "firmware.rare_config modem power watch trace",
        "firmware.speaker_config speaker",
        "firmware.pictures_config pictures",
        "firmware.control_config control",
    )
)

# Table, key, default ("must": none, "text": an empty one), minimum, maximum; text has length
# limits. One text, since a table of it is 2 kB of heap just when a wake has most of it. The host
# checks more and explains better; this keeps a bad file from harming a unit in the field.
_KEYS = const(
    """\
node name must 1 64
node site must 1 64
node board must 1 64
node profile must 1 64
uplink host must 1 253
uplink port must 1 65535
uplink apn text 0 63
uplink interval_s must 30 604800
uplink datagram_bytes 480 128 1300
uplink budget_bytes_day 20000 1000 1073741823
uplink ack_timeout_s 20 1 300
sampling interval_s must 1 86400
sampling report_samples must 1 255
"""
)
_DATUM_MM = const(100000)  # every level depends on it
_TEXTS = const(("name", "site", "board", "profile", "host"))


# Yields (table, key, default or None where it must be given, minimum, maximum), one at a time.
def bounds():
    start = 0
    while start < len(_KEYS):
        end = _KEYS.index("\n", start)
        table, key, word, low, high = _KEYS[start:end].split()
        default = None if word == "must" else "" if word == "text" else int(word)
        yield table, key, default, int(low), int(high)
        start = end + 1


# -> the same with defaults filled in; raises ValueError that names the key.
def check(config):
    for line in _RARE:
        module, *tables = line.split()
        for table in tables:
            if table in config:
                try:
                    later.call(module, table, config, check_key)
                except ImportError:  # an image has what its board and role may be asked for
                    raise ValueError(
                        "config: [%s] needs another image; build and flash it" % table
                    )
    for row in bounds():
        check_key(config, *row)
    if not _is_trim(config["sampling"].get("trim", {})):
        raise ValueError("config: sampling.trim is none of this app; provision the unit again")
    fitted = config.setdefault("fitted", {})
    if not isinstance(fitted, dict):
        raise ValueError("config: fitted must be a table")
    for name in fitted:
        if isinstance(fitted[name], dict) and "datum_mm" in fitted[name]:
            check_key(fitted, name, "datum_mm", None, -_DATUM_MM, _DATUM_MM)
    return config


# {channel: [offset in counts, factor in 1/10000]}
def _is_trim(value):
    if not isinstance(value, dict):
        return False
    for pair in value.values():
        if not isinstance(pair, list) or list(map(type, pair)) != [int, int]:
            return False
    return True


# Text where the default is text, or a name of _TEXTS; else a whole number.
def check_key(value, table, key, default, low, high):
    inner = value.get(table)
    if not isinstance(inner, dict):
        raise ValueError("config: [%s] is missing" % table)
    given = inner.setdefault(key, default)
    if key in _TEXTS or isinstance(default, str):
        fits = isinstance(given, str) and low <= len(given) <= high
        allowed = "a text of %d to %d characters" % (low, high)
    else:
        fits = isinstance(given, int) and not isinstance(given, bool) and low <= given <= high
        allowed = "%d to %d" % (low, high)
    if not fits:
        raise ValueError("config: %s.%s = %r, allowed is %s" % (table, key, given, allowed))
