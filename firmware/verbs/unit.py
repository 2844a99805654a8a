# What can be typed, and the unit as a whole.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .. import later
from ..shell import Failed, names

_LOCK = const("firmware.lock")
_REBOOT = const("firmware.reboot")

# Verb and its arguments, what it does. One text: names would stay in the heap.
_HELP = const(
    """\
help: this list
status: how the unit is
id: who the unit is
config [WHAT]: show [NAME], set PATH VALUE, check, save, discard, revert
sensors: channels and their last values
read NAME: read a fitted part now
modem [now]: the modem when it was last on, or as it is
at LINE: send the modem a line, as AT+CSQ
counters: what went wrong since boot
log: the last lines of the log
selftest [list|NAME]: test what is fitted; nothing moves
play: a tone of a second from the loudspeaker
picture: take a small picture, and send it
uplink: send what is waiting, now
atlog on|off: show the lines to and from the modem
reboot: start the unit anew
unlock CODE: allow what changes the unit
lock: allow it no more
bench [SLOT]: a line for machines; the slot is shown
update: which program runs, and how another comes
power: where the energy went
operation KIND [[AMOUNT UNIT] BATCH]: note what was done
control: actuators, and who decides
operate NAME VALUE|auto SECONDS: run an actuator for a while
"""
)


# Of those verbs that a unit has.
async def _help(node, args):
    known = names(node)
    if args == ["list"]:  # for tools, whose answers have a limit
        return " ".join(known)
    # Longer ones stand out: a terminal has 80 columns, an answer by SMP 1 kB.
    return "\n".join(["%-14s  %s" % found for found in _found(known)])


# Line by line: rows of all would take 3 kB.
def _found(known):
    start = 0
    while start < len(_HELP):
        end = _HELP.index("\n", start)
        verb, _, about = _HELP[start:end].partition(": ")
        if verb.split()[0] in known:
            yield verb, about
        start = end + 1


async def _reboot(node, args):
    _alone(args)
    later.call(_REBOOT, "reboot_soon", node)
    return "rebooting"


# A line of a page that was pasted by mistake does not silence a loudspeaker.
def _alone(args):
    if args:
        raise Failed("type it without what is behind it")


async def _unlock(node, args):
    if len(args) != 1:
        raise Failed("type unlock CODE, which fieldbeat code UNIT shows")
    problem = later.call(_LOCK, "unlock", node, args[0])
    if problem:
        raise Failed(problem)
    return "unlocked until lock, a reboot, or 15 minutes without a line"


async def _lock(node, args):
    _alone(args)
    node.lock[0] = 0
    if not later.call(_LOCK, "is_locked", node):
        raise Failed("this unit has no code; fieldbeat provision gives it one")
    return "locked"


# One line for machines; a slot is shown until the next reset.
async def _bench(node, args):
    slot = args[0] if args else node.slot
    if len(args) > 1 or len(slot or "") > 8 or not _is_name(slot or "-"):
        raise Failed("type bench, or bench SLOT with a number or a short name")
    if args:
        node.slot = slot
        node.console.prompt = b"fieldbeat[slot %s]> " % slot.encode()
    names = node.config.get("node", {})
    return "unit=%s mac=%s board=%s app=%s config=%s slot=%s" % (
        names.get("name", "-"),
        node.mac.hex(),
        names.get("board", "-"),
        node.version,
        node.config_hash.hex(),
        slot or "-",
    )


def _is_name(text):
    return all([letter.isalpha() or letter.isdigit() or letter == "-" for letter in text])


def run(index, *args):
    return (_help, _reboot, _unlock, _lock, _bench)[index](*args)
