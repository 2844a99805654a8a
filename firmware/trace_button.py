# A button that says what was done: a contact, pressed once for each time.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import DriverError
from protocols.compat import const

from . import later

_OPERATIONS = const(
    "firmware.operations protocols.operation protocols.event_writer protocols.cbor"
    " protocols.cbor_reader"
)
_PRESSED = const(0)  # as BUTTON of protocols/event.py
_LOOK_MS = const(150)
_SILENCE_S = const(300)


def tasks(node, contact, kind):
    return (("button", lambda beat: _watch(node, contact, kind, beat), _SILENCE_S),)


# Pressed once is told once, however long: press and release count when the contact is at rest.
async def _watch(node, contact, kind, beat):
    was = contact.is_active()
    while True:
        beat()
        await asyncio.sleep_ms(_LOOK_MS)
        if contact.is_active() == was:
            continue
        try:
            now = bool((await contact.read())[0])
        except DriverError as error:
            node.counters.count(error.reason)
            continue
        if now and not was:
            later.call(_OPERATIONS, "tell", node, _PRESSED, None, (kind,))
            node.log("the button says %s" % kind, "trace")
        was = now
