# One order to a station: judged, noted on flash, obeyed, and answered.
# SPDX-License-Identifier: Apache-2.0
from protocols import command as commands
from protocols import p256, receipt  # noqa: F401  # p256 while the heap is whole
from protocols.compat import const

from .commands import Commands
from .issuers import Issuers

_ID = const(2)  # as in protocols/receipt.py


# role: a Station, with actuators or with what it signs. -> what is to be told when all this has
# left the heap: [(event, its body or True), ...]
def take(node, role, data):
    orders = _Orders(node, role)
    shared = node.secrets, Issuers(), node.counters, node.clock
    orders.commands = Commands(*shared, (), (), orders)
    orders.commands.take(data)
    return orders.told


class _Orders:
    commands: Commands

    def __init__(self, node, role):
        self._node = node
        self._role = role
        self.told = []

    # --- what commands.py finds

    def obey(self, command, verdict):
        kind, id = command.command, command.id
        role = self._role
        if _is_overtaken(command, verdict):
            self.commands.settle(id, "cmd_overtaken")
        elif kind == commands.OPERATE and role.control:
            obeyed = role.control.order(*command.args)
            self.commands.settle(id, None if obeyed else "actuator_unknown")
        elif kind == commands.RECORD and role.trace:
            from .operations import record  # late: when the signature's numbers are gone

            self.commands.settle(id, record(self._node, command, verdict))
        elif kind == commands.STATUS:
            self.told.append(("health", True))
            self.answer(id, receipt.DONE)  # not noted, as nobody has signed it
        else:
            self.commands.settle(id, "cmd_unknown")

    def answer(self, id, stage, reason=None):
        number = None
        if reason:
            from protocols.reasons import code  # late: few are refused

            number = code(reason)
        self.told.append(("receipt", receipt.body(id, stage, number)))

    # The server has not heard of it. What comes twice in a wake is answered once.
    def repeated(self, command):
        id = command.id
        if not any([body is not True and body[_ID] == id for _, body in self._role.uplink.untold]):
            self.answer(id, self.commands.authority.seen(id))


# Its issuer has wanted something else since, which is done: what came late must not undo that, nor
# stand after it in what is signed.
def _is_overtaken(command, verdict):
    return any([command.counter < counters[0] for counters in verdict.counters.values()])
