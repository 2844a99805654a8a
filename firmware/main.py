# Runs the node, and says what happens when it ends.
# SPDX-License-Identifier: Apache-2.0
import asyncio

import machine

from protocols.compat import const

from . import crash
from .node import Node

# What the watchdog, which cannot be stopped, leaves to a person. A loudspeaker is silent then.
_REPL_MIN = const(60)
_SPEAKER_MIN = const(10)


def run(root=""):
    node = None
    try:
        node = Node(root)
        asyncio.run(node.run())
    except KeyboardInterrupt:  # a person or mpremote wants the REPL
        minutes = _REPL_MIN if node and "speaker" not in node.config else _SPEAKER_MIN
        machine.WDT(timeout=minutes * 60000)  # a second one changes the time of the first
        if node:
            node.close()
        asyncio.new_event_loop()
        text = "fieldbeat stopped. Ctrl-D starts it again; the watchdog does so in %d minutes."
        print(text % minutes)
    except Exception as error:
        try:
            if node:
                node.rest()
            text = crash.traceback(error)
            crash.keep(root, text, node.clock.uptime_s() if node else 0)
            print(text)
        finally:  # whatever else fails now, for want of memory say
            machine.reset()
