# The files of the data that makes a unit, and how another configuration takes the place of the
# present one.
# SPDX-License-Identifier: Apache-2.0
import os

from protocols.compat import const

from . import later

_CHECK = const("firmware.config_check")
_READER = const("protocols.cbor_reader protocols.cbor")


# unit: its name, if it has one already
def commit(root, unit):
    value = load(root + "/config.new")
    later.call(_CHECK, "check", value)
    name = value["node"]["name"]
    if unit and name != unit:
        raise ValueError("config: node.name is %s and id/unit %s: make them one" % (name, unit))
    take_over(root)


# Makes <root>/config.new the config of the next boot and keeps the present one as config.old. Each
# step is one rename; settings.load() finishes what a power cut interrupted.
def take_over(root):
    _replace(root + "/config.cbor", root + "/config.old")
    os.rename(root + "/config.new", root + "/config.cbor")
    try:
        os.remove(root + "/config.edit")  # changes of the one before: verbs/config.py
    except OSError:
        pass


# --- of a person who stands before the unit: verbs/config.py


# read_lines: of verbs/config.py
def save(node, read_lines):
    root, lines = node.root, read_lines(node)
    if not lines:
        raise ValueError("there is nothing to save: type config set PATH VALUE")
    value = load(root + "/config.cbor")
    rows = later.call("firmware.config_edit", "change", node, value, lines)
    data = later.call("protocols.cbor protocols.cbor_reader", "encode", value)
    later.call(_CHECK, "check", value)
    with open(root + "/config.new", "wb") as file:
        file.write(data)
    take_over(root)
    # Whoever saves sees what others may have typed before.
    return later.call("firmware.rows", "table", rows) + (
        "\nsaved, rebooting; config revert goes back. The registry does not know it before"
        " fieldbeat provision"
    )


def discard(node, read_lines):
    try:
        os.remove(node.root + "/config.edit")
    except OSError:  # there is none
        pass
    return "the changes are forgotten"


# Goes back to the config before the last commit.
def revert(node, read_lines):
    old = node.root + "/config.old"
    if "config.old" not in os.listdir(node.root or "/"):
        raise ValueError("there is none before this one")
    later.call(_CHECK, "check", load(old))
    os.rename(old, node.root + "/config.cbor")
    return "back to the configuration before the last one; rebooting"


# --- files


def load(path):
    return decode(path, read(path))


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        raise ValueError("%s cannot be read; provision the unit or flash it again" % path)


def decode(path, data):
    remedy = "upload it" if path.endswith("/config.new") else "provision the unit"
    try:
        value = later.call(_READER, "decode", data, True)
    except ValueError as error:
        raise ValueError("%s is not valid CBOR (%s); %s again" % (path, error, remedy))
    if not isinstance(value, dict):
        raise ValueError("%s is not a map; %s again" % (path, remedy))
    return value


def _replace(path, target):
    try:
        os.rename(path, target)
    except OSError:  # there was none
        pass
