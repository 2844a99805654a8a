# The uplink of a station that takes orders: they come when it is awake, after an answer. What
# judges and obeys one is loaded for it.
# SPDX-License-Identifier: Apache-2.0
import esp32

from protocols.compat import const

from . import later
from .uplink import Uplink

_LISTEN_MS = const(3000)  # an order follows the answer that shows the way
_CLASS_SHIFT = const(4)  # as in protocols/frame.py: the class in the first byte of a frame
_CLASS_MASK = const(0b11)
_COMMAND = const(1)
_MOST = const(4)  # orders a wake; those after them come again
_TOO_SHORT = const(-0x110C)  # ESP_ERR_NVS_INVALID_LENGTH
_ORDERS = const(
    "firmware.orders firmware.commands firmware.issuers protocols.authority protocols.command"
    " protocols.command_alert protocols.operation protocols.reasons firmware.operations"
    " protocols.event_writer protocols.cose protocols.receipt protocols.replay protocols.ecc"
    " protocols.p256"
    " protocols.sm2 protocols.sm3 protocols.cbor protocols.cbor_reader protocols.cbor_rare"
    " protocols.bits"
)


class ObeyingUplink(Uplink):
    _listens = False
    _waiting: tuple = ()
    untold: tuple = ()  # of orders that were judged: (event, its body)

    # It asks also when nothing waits: somebody may want something. Orders are judged when the
    # carrier is closed, which takes all that the heap has. What one makes it tell goes at once.
    async def wake(self, beat=None, ask=False):
        self._listens = has_issuers()
        self._tell()
        stored = await super().wake(beat, ask or self._listens)
        waiting, self._waiting = self._waiting, ()
        told = self._outbox.next_rn
        if waiting:  # a signature takes more room than all else: shell and server go first
            self.obey[0].make_room()
        for data in waiting:
            if not self._take(data):
                break  # those after it come again, too: what was ordered first is obeyed first
        self._tell()
        return stored if self._outbox.next_rn == told else await super().wake(beat)

    # -> whether there was room to judge it
    def _take(self, data):
        node, role = self.obey
        try:
            self.untold += tuple(later.call(_ORDERS, "take", node, role, data))
        except MemoryError as error:  # it is sent again
            node.counters.count("order_no_room")
            node.log("no room for an order: %r" % error, "orders")
            return False
        except Exception as error:  # the uplink is not to blame
            node.keep_crash(error, "orders")
        return True

    # What was obeyed is answered, if not now then at the next wake: it is not judged again.
    def _tell(self):
        try:
            while self.untold:
                self.obey[0].tell(*self.untold[0])
                self.untold = self.untold[1:]
        except MemoryError:
            pass

    async def _rounds(self, keys):
        return await super()._rounds(keys) and await self._listen(keys)

    async def _ask(self, keys):
        return await super()._ask(keys) and await self._listen(keys)

    async def _listen(self, keys):
        data = await self.carrier.receive(_LISTEN_MS) if self._listens else None
        while data is not None:
            answer = self._open(keys, data)
            if answer is not None:
                self._apply(answer)
            data = await self.carrier.receive(1)
        return True

    def _open(self, keys, data):
        if not data or data[0] >> _CLASS_SHIFT & _CLASS_MASK != _COMMAND:
            return super()._open(keys, data)
        self._waiting = (self._waiting + (bytes(data),))[:_MOST]
        return None


# Of a list that is longer than nothing no byte is read.
def has_issuers():
    try:
        esp32.NVS("fieldbeat").get_blob("issuers", bytearray(1))
    except OSError as error:
        return error.args[0] == _TOO_SHORT
    return False
