# What is done and noted by hand: actuators, operations.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .. import later
from ..rows import table
from ..shell import Failed

_OPERATIONS = const(
    "firmware.operations protocols.operation protocols.event_writer protocols.cbor"
    " protocols.cbor_reader"
)
_CAUSES = const(("idle", "rule", "blind", "order"))
_WHYS = const(
    ("", "lease over", "switch", "interlock", "fault", "max_run", "min_pause", "max_day", "needs")
)
_HEAD = const("now    by        why")


async def _operation(node, args):
    try:
        rn = later.call(_OPERATIONS, "typed", node, args)
    except ValueError as error:
        raise Failed("nothing was noted: %s" % error)
    if rn is None:
        raise Failed("the flash did not take it; see counters, then try again")
    return "noted as record %d" % rn


# What each is told to be, and what it is, where that is something else: a motor takes its time.
async def _control(node, args):
    control, now_s = node.role.control, node.clock.uptime_s()
    found = [("actuator", _HEAD)]
    for index, part in enumerate(control.actuators.parts):
        cause, number = part.decider
        by = "%s %s" % (_CAUSES[cause], number or "")
        text = "%3d %%  %-8s  %s" % (part.value, by, _WHYS[part.why])
        order = control.orders.get(index)
        if order:
            text += "  order for %d s" % max(0, order[1] - now_s)
        found.append((part.name, text + await _stands(part)))
    return table(found)


async def _stands(part):
    if part.driver.SLOW:  # it would take the line
        return ""
    (value,) = await part.driver.read()
    if value is None:
        return "  nobody knows where it stands"
    return "" if value == part.value else "  stands at about %d %%" % value


# args: NAME VALUE|auto SECONDS
async def _operate(node, args):
    control = node.role.control
    try:
        name, value = args[0], None if args[1] == "auto" else int(args[1])
        lease_s = int(args[2]) if value is not None else 1
        fits = (value is None or 0 <= value <= 100) and 1 <= lease_s <= 86400
    except (IndexError, ValueError):
        fits = False
    if not fits:
        raise Failed("type operate NAME 0..100 SECONDS, or operate NAME auto")
    parts = control.actuators.parts
    if value not in (None, 0, 100) and not all(
        [p.driver.GRADUAL for p in parts if p.name == name]
    ):
        raise Failed("%s is on or off: it takes 0 or 100" % name)
    if not control.order(name, value, lease_s):
        raise Failed("there are " + ", ".join([part.name for part in parts]))
    return "ordered; type control to see what comes of it"


def run(index, *args):
    return (_operation, _control, _operate)[index](*args)
