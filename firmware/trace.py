# What a station with a table [trace] does for it: signs each day, and looks after a button.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import later

_ROOT = const(
    "firmware.trace_root firmware.chain_state firmware.trace_key"
    " protocols.event_writer protocols.trace_signed protocols.p256_sign protocols.p256"
    " protocols.ecc protocols.cbor protocols.cbor_reader"
)
_BUTTON = const("firmware.trace_button")
_DAY_S = const(86400)


class Trace:
    def __init__(self, node, role):
        self._node = node
        self._parts = role.parts
        self._day = None  # of the last root; None: not looked up since the reset

    # Before what is told goes out. Without a clock the days are those of the uptime.
    def wake(self):
        node = self._node
        day = node.clock.now() // _DAY_S
        if day != self._day:
            node.make_room()
            try:
                self._day = later.call(_ROOT, "tell", node, day)
            except MemoryError as error:  # the next wake may find room
                node.keep_crash(error, "trace")
            except OSError:  # NVS refused: what is told goes out all the same
                node.counters.count("fs_corrupt")

    def tasks(self):
        button = self._node.config["trace"]["button"]
        contact = button and self._parts.get(button["contact"])
        return later.load(_BUTTON, "tasks")(self._node, contact, button["kind"]) if contact else ()
