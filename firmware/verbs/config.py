# The configuration, and what a person changes of it: /config.edit has a line for each value that
# is another one, its path and its text, and counts once it was saved. Each step loads its own code
# and lets it go, since all of it takes more heap than there may be.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .. import later
from ..shell import Failed, must_be_open

_EDIT = const("/config.edit")
_ROWS = const("firmware.rows")
_FILES = const("firmware.config protocols.cbor protocols.cbor_reader")
_COMMANDS = const("check 1,set 3,save 1,discard 1,revert 1")  # and how many words


async def run(index, node, args):
    config, what = node.config, args[0] if args else "show"
    if what == "show" and (len(args) < 2 or len(args) == 2 and args[1] in config):
        if args[1:]:
            return later.call(_ROWS, "tree", config[args[1]], args[1])
        return later.call(_ROWS, "tree", config)
    if "%s %d" % (what, len(args)) not in _COMMANDS.split(","):
        if what == "set":
            raise Failed("type config set PATH VALUE: config show has the paths, a value no space")
        if what == "show":
            raise Failed(
                "type config show, or config show and one of " + ", ".join(sorted(config))
            )
        raise Failed("type config and one of show, set, check, save, discard, revert")
    if what != "check":
        must_be_open(node)
    try:
        if what in ("set", "check"):
            return _changes(node, args[1:])
        text = later.call(_FILES, what, node, _lines)
    except ValueError as error:
        raise Failed("nothing was changed: %s" % error)
    if what != "discard":
        later.call("firmware.reboot", "reboot_soon", node)
    return text


def _lines(node):
    try:
        with open(node.root + _EDIT) as file:
            return file.read().split("\n")[:-1]
    except OSError:  # there is none
        return []
    except ValueError:  # of another app, or damaged
        raise ValueError("the changes cannot be read: type config discard")


# What nobody changes here is not looked at: its rules and actuators have left the map of a station
# that controls.
def _changes(node, new):
    lines = _lines(node)
    if new:
        lines = [line for line in lines if line.split(" ")[0] != new[0]]
        lines += " ".join(new).split("\n")
    value = dict(node.config)
    rows = later.call("firmware.config_edit", "change", node, value, lines)
    value.pop("control", None)
    if lines:
        later.call("firmware.config_check", "check", value)
    if new:
        with open(node.root + _EDIT, "w") as file:
            file.write("\n".join(lines + [""]))
    return later.call(_ROWS, "table", rows) or "nothing is changed"
