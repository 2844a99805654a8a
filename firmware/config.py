# What the data that makes a unit has to be like, and how another configuration takes the place of
# the present one. Host and device check it, the device for its own safety.
# SPDX-License-Identifier: Apache-2.0
import os

from protocols import cbor
from protocols.compat import const

from . import later

# Tables that few configs have, and what checks them: others need not hold those names.
_RARE = const(
    (
        ("modem", "firmware.modem_config"),
        ("speaker", "firmware.speaker_config"),
        ("power", "firmware.power_config"),
        ("pictures", "firmware.pictures_config"),
        ("watch", "firmware.watch_config"),
    )
)
_ANY = const(0x3FFFFFFF)

# (table, key, default or None where it must be given, minimum, maximum); text has length limits.
# The host checks more and explains better; this keeps a bad file from harming a unit in the field.
_KEYS = (
    ("node", "name", None, 1, 64),
    ("node", "site", None, 1, 64),
    ("node", "board", None, 1, 64),
    ("node", "profile", None, 1, 64),
    ("uplink", "host", None, 1, 253),
    ("uplink", "port", None, 1, 65535),
    ("uplink", "apn", "", 0, 63),
    ("uplink", "interval_s", None, 30, 604800),
    ("uplink", "datagram_bytes", 480, 128, 1300),
    ("uplink", "budget_bytes_day", 20000, 1000, _ANY),
    ("uplink", "ack_timeout_s", 20, 1, 300),
    ("sampling", "interval_s", None, 1, 86400),
    ("sampling", "report_samples", None, 1, 255),
)
_TEXTS = const(("name", "site", "board", "profile", "host"))


class ConfigError(ValueError):
    pass


# Makes <root>/config.new the config of the next boot and keeps the present one as config.old. Each
# step is one rename; settings.load() finishes what a power cut interrupted.
def commit(root):
    new = root + "/config.new"
    check(decode(new, read(new)), "config")
    _replace(root + "/config.cbor", root + "/config.old")
    os.rename(new, root + "/config.cbor")


# Goes back to the config before the last commit.
def revert(root):
    old = root + "/config.old"
    check(decode(old, read(old)), "config")
    os.rename(old, root + "/config.cbor")


# Returns the map with defaults filled in; raises ConfigError that names the key.
def check(value, kind):
    if kind == "config":
        for table, module in _RARE:
            if table in value:
                later.call(module, "check", value, check_key, ConfigError)
        for table, key, default, low, high in _KEYS:
            check_key(value, table, key, default, low, high)
        if not isinstance(value.setdefault("fitted", {}), dict):
            raise ConfigError("config: fitted must be a table")
    elif kind == "board":
        for key in ("id", "buses", "fitted"):
            _need(value, "board", key)
        # The rest of a manifest is for the host.
        names = ("id", "console", "buses", "modem", "ethernet", "fitted", "rails")
        return {key: value[key] for key in names if key in value}
    else:
        for key in ("schema", "interval_s", "channels"):
            _need(value, "profile", key)
    return value


# Text where the default is text, or a name of _TEXTS; else a whole number.
def check_key(value, table, key, default, low, high):
    inner = value.get(table)
    if not isinstance(inner, dict):
        raise ConfigError("config: [%s] is missing" % table)
    given = inner.setdefault(key, default)
    if key in _TEXTS or isinstance(default, str):
        fits = isinstance(given, str) and low <= len(given) <= high
        allowed = "a text of %d to %d characters" % (low, high)
    else:
        fits = isinstance(given, int) and not isinstance(given, bool) and low <= given <= high
        allowed = "%d to %d" % (low, high)
    if not fits:
        raise ConfigError("config: %s.%s = %r, allowed is %s" % (table, key, given, allowed))


def _need(value, name, key):
    if key not in value:
        raise ConfigError("%s: %s is missing; build and flash the image again" % (name, key))


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise ConfigError("%s cannot be read; provision the unit or flash it again" % path)


def decode(path, data):
    try:
        value = cbor.decode(data)
    except ValueError as error:
        raise ConfigError("%s is not valid CBOR (%s); provision the unit again" % (path, error))
    if not isinstance(value, dict):
        raise ConfigError("%s is not a map; provision the unit again" % path)
    return value


def _replace(path, target):
    try:
        os.rename(path, target)
    except OSError:  # there was none
        pass
