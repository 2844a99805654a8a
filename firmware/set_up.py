# What a node begins with: its outbox and its role. Loaded once, and forgotten then.
# SPDX-License-Identifier: Apache-2.0
import gc

import machine

from protocols.compat import const

from . import later
from .outbox import Outbox

_TRIES = const(3)  # as in boot.py
_OUTBOX_BYTES = const(524288)  # of 2 MiB of file system: half a year of hourly reports
_BOARD = const("firmware.board firmware.parts")
_SLEEP = const("firmware.sleep")
_CHAIN = const("firmware.chain")
_ROLES = {
    "camera": "firmware.roles.camera",
    "speaker": "firmware.roles.speaker",
    "station": "firmware.roles.station",
}
# By machine.*_RESET.
_CAUSES = const(("unknown", "power", "hard", "watchdog", "deep sleep", "soft"))


# -> (the cause of the reset, why the node cannot work or None)
def set_up(node, settings):
    cause = _cause()
    problem = settings.problem
    if cause == "watchdog":
        node.counters.count("watchdog")
    if not problem and node.secrets.tries() > _TRIES:
        problem = "%d boots failed; reboot tries again, as it does itself in an hour" % _TRIES
    try:
        _open_outbox(node)
        if not problem and node.secrets.check_value():
            _take_role(node, settings)
    except Exception as error:
        node.keep_crash(error)
        problem = "cannot start: %r; see /crash.txt" % error
    return cause, problem


def _cause():
    number = machine.reset_cause()
    return _CAUSES[number] if 0 < number < len(_CAUSES) else _CAUSES[0]


def _open_outbox(node):
    secrets = node.secrets
    path = node.root + "/outbox"
    chain = later.load(_CHAIN, "Chain")() if "trace" in node.config else None
    limits = _OUTBOX_BYTES, secrets.rn_load, secrets.rn_store
    try:
        node.outbox = Outbox(path, node.counters, *limits, chain=chain)
    except OSError:
        node.counters.count("fs_corrupt")
        raise


def _take_role(node, settings):
    gc.collect()
    role = settings.profile.get("role", "station")
    module = __import__(_ROLES[role], None, None, ("make",))
    board = later.call(_BOARD, "Board", settings.board)
    node.role = module.make(node, board, settings.profile)
    if "power" in node.config:
        module = __import__(_SLEEP, None, None, ("make",))
        node.role = module.make(node, node.role, board)
    node.sampler, node.uplink = node.role.sampler, node.role.uplink
