# What a unit that sleeps does once, before its tasks begin.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import power_parts
from .energy import Ledger
from .sleep import Heard

_REACHABLE_S = const(60)  # as drivers/nbiot.py tells a modem
_FIRST_LEAD_MS = const(4000)  # a guess, until it is known how long a boot takes


def begin(sleeper, node, role):
    power, board, clock = node.config["power"], sleeper.board, node.clock
    sleeper.board = None
    sleeper.mode = "never" if role.ALWAYS_ON else power["sleep"]
    sleeper.lead_ms = _FIRST_LEAD_MS  # it wakes so long before something is due
    reachable_s = node.config.get("modem", {}).get("reachable_s", _REACHABLE_S)
    sleeper.ledger = Ledger(clock, role.uplink.carrier, board.rails, reachable_s * 1000)
    sleeper.rails = board.rails
    sleeper.pins = power_parts.pins(board.manifest, sleeper.mode == "light")
    sleeper.count = len(role.tasks())
    sleeper.wait_until = clock.until
    clock.until = sleeper.until
    sleeper.console = node.console.stream = Heard(node.console.stream, clock)
    camera = role.parts.get("camera")
    if camera:
        from . import filmed

        filmed.watch(sleeper.ledger, camera)
    sleeper.byte_s = power["console_s"]
    sleeper.console.heard_s = clock.uptime_s() + power["window_s"] - sleeper.byte_s
