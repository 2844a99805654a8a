# The road to the server.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

from protocols.compat import const

from .. import flight, later
from ..rows import table, tree
from ..shell import Failed

_TALK = const("firmware.modem_talk")
_HEARD = const(33)  # as in drivers/at.py
_START = const(0x200)  # the first step of a wake, as in carriers/modem_udp.py
_STEPS = const(
    "the modem starts\nit looks for the network\nit opens the way to the server\nit sends\n"
    "it waits for the answer of the server"
)
_LOOK_MS = const(300)


def _uplink_of(node):
    if not node.uplink:
        raise Failed("there is no uplink: " + (node.safe_mode_reason or "not configured"))
    return node.uplink


def _has_modem(carrier):
    return getattr(carrier, "modem", None)


# modem: as of the last time it was on; modem now: it is asked.
async def _modem(node, args):
    carrier = _uplink_of(node).carrier
    if args == ["now"]:
        return table(await later.call(_TALK, "stand", node)) or "the modem says nothing"
    return tree(carrier.status()) or (
        "the modem was not on yet" if _has_modem(carrier) else "this unit has no modem"
    )


async def _at(node, args):
    _uplink_of(node)
    return await later.call(_TALK, "at", node, args)


async def _uplink(node, args):
    uplink = _uplink_of(node)
    if args not in ([], ["test"]):
        raise Failed("type uplink, or uplink test, which is the same")
    before = node.outbox.depth
    if before:
        node.console.tell("it reports now; where nobody answers this takes up to three minutes")
    node.make_room()
    if hasattr(uplink.carrier, "hurry"):
        uplink.carrier.hurry()  # whoever stands there does not wait for a pause to end
    following = asyncio.create_task(_follow(node.console))
    try:
        acked = await uplink.wake()
    finally:
        following.cancel()
    node.woke()
    after = node.outbox.depth
    text = "%s: %d records waited, %d wait now" % (uplink.outcome, before, after)
    if not acked:
        if uplink.outcome == "no_ack":
            raise Failed(text + "; it was sent, and no server answered: does the collector run?")
        if _has_modem(uplink.carrier):
            raise Failed(text + "; type modem and counters for the reason")
        raise Failed(text + "; type counters for the reason")
    return text if before else "nothing was waiting"


# Whoever stands there sees what it waits for, as the flight recorder does.
async def _follow(console):
    told = -1
    while True:
        step = flight.at[2] - _START
        if step != told and 0 <= step < 5:
            console.tell(_STEPS.split("\n")[step])
        told = step
        await asyncio.sleep_ms(_LOOK_MS)


# What goes to the modem (>) and comes from it (<), on the console as it passes, with ms:
# `fieldbeat bench record` makes a transcript of it. Until the next reset.
async def _atlog(node, args):
    if args not in (["on"], ["off"]):
        raise Failed("type atlog on, or atlog off")
    flight.at[3] = _shown(node.console.say) if args == ["on"] else None
    return "the lines of the modem are " + ("shown" if flight.at[3] else "not shown any more")


def _shown(say):
    begin = time.ticks_ms()

    def echo(code, buffer, size):
        way = "<" if code == _HEARD else ">"
        say(
            "A %d %s %s"
            % (
                time.ticks_diff(time.ticks_ms(), begin),
                way,
                str(memoryview(buffer)[:size], "ascii"),
            )
        )

    return echo


def run(index, *args):
    return (_modem, _uplink, _at, _atlog)[index](*args)
