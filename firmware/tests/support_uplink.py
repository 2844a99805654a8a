# A server and a network in a few lines, for the tests of the uplink: every datagram has a fate.
# SPDX-License-Identifier: Apache-2.0
from firmware import clock
from firmware.carriers import CarrierError
from firmware.counters import Counters
from firmware.tests.support import World
from firmware.uplink import Uplink
from protocols import ack, ack_writer, frame, packing_reader
from protocols.replay import Window
from protocols.sequence import Sequence

MASTER = bytes(range(16))
KID = b"\x12\x34"
CONFIG = {
    "uplink": {"datagram_bytes": 128, "budget_bytes_day": 20000, "ack_timeout_s": 20},
}
RECORD_SIZE = 60  # two do not fit into a datagram of 128 bytes with their frame


def finish(coroutine):
    # Nothing here waits for real, so a coroutine ends in one step.
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")


def record(rn, size=RECORD_SIZE):
    # As on the wire, the record number is inside.
    return bytes((1, rn & 0xFF)) + bytes(size - 2)


class Clock(clock.Clock):
    # The real one in a world of its own, where time passes when it is told to.
    def __init__(self, counters):
        self._world = World()
        self.told = []
        super().__init__(counters)

    def pass_s(self, seconds):
        self._world.pass_ms(1000 * seconds)

    def set(self, t, source):
        self.told.append((t, source))
        return super().set(t, source)


class Outbox:
    def __init__(self, *records):
        self.held = {rn + 1: data for rn, data in enumerate(records)}
        self.urgent = ()

    @property
    def depth(self):
        return len(self.held)

    @property
    def floor(self):
        return min(self.held) if self.held else 1

    def pending(self):
        late = [rn for rn in sorted(self.held) if rn not in self.urgent]
        for rn in list(self.urgent) + late:
            if rn in self.held:
                yield rn, self.held[rn]

    def ack(self, cumulative, bitmap=0):
        answer = ack.Ack(cumulative, bitmap, None, [], None)
        self.held = {rn: data for rn, data in self.held.items() if not ack.covers(answer, rn)}


class Secrets:
    def __init__(self, epoch=0):
        self.keys = frame.KeySet(MASTER, KID, epoch)
        self.limit = 0
        self.window = (-1, 0)

    def keyset(self):
        return self.keys

    def sequence(self):
        return Sequence(lambda: self.limit, self._reserve)

    def _reserve(self, limit):
        self.limit = limit

    def window_load(self):
        return Window(*self.window)

    def window_store(self, window):
        self.window = (window.high, window.bits)


class Server:
    def __init__(self, keys):
        self.keys = keys
        self.stored = set()
        self.pivs = []  # of all frames that arrived, also twice
        self.epochs = []
        self.piv = 0
        self.schemas = []
        self.tells_question = False
        self.lost = 0  # records up to this one will never come

    def take(self, datagram):
        # -> the ack's frame, or None
        header = frame.parse(datagram)
        self.pivs.append(header.piv)
        self.epochs.append(header.epoch)
        cls, _, plaintext = self.keys.open(frame.UP, datagram)
        assert cls == frame.TELEMETRY
        records, last = packing_reader.unpack(plaintext)
        self.stored.update(data[1] for data in records)
        return self.answer() if last else None

    def answer(self):
        cumulative = self.lost
        while cumulative + 1 in self.stored:
            cumulative += 1
        bits = sum([1 << rn - cumulative - 1 for rn in self.stored if 0 < rn - cumulative <= 32])
        more = (self.schemas,)
        if self.tells_question:
            more += (self.pivs[-1] if self.pivs else 0,)
        body = ack_writer.encode(cumulative, bits, 5000 + self.piv, *more)
        self.piv += 1
        return self.keys.seal(frame.ACK, frame.DOWN, self.piv - 1, body)


def spoil(data):
    return data[:-1] + bytes((data[-1] ^ 1,))


# up: a fate for each datagram sent, down: for each ack; "ok" when they are used up.
#   ok, lost, twice; late: after the next datagram (up) or in the next wait (down);
#   forged (down): with a changed bit, and the true one is lost
class Carrier:
    MTU = 1024
    timeout_ms = 1000

    def __init__(self, server, clock, up=(), down=()):
        self.server = server
        self.clock = clock
        self.up = list(up)
        self.down = list(down)
        self.sent = []  # (datagram, last, time)
        self.waiting = []  # for the device
        self.held_up = None
        self.held_down = []
        self.opened = 0
        self.is_open = False
        self.fail = {}  # method -> reason
        self.takes = self.MTU  # bytes of a datagram, whatever it says
        self.delay_s = 1  # of what arrives

    def _try(self, method):
        if method in self.fail:
            raise CarrierError(self.fail[method])

    async def open(self):
        assert not self.is_open
        self.opened += 1
        self.is_open = True
        self._try("open")

    async def close(self):
        assert self.is_open
        self.is_open = False

    async def send(self, datagram, last):
        assert self.is_open
        datagram = bytes(datagram)  # the next one is made where this one lies
        self.sent.append((datagram, last, self.clock.uptime_s()))
        self._try("send")
        if len(datagram) > self.takes:
            raise CarrierError("send_failed")
        fate = self.up.pop(0) if self.up else "ok"
        held, self.held_up = self.held_up, None
        if fate == "late":
            self.held_up = datagram
        elif fate != "lost":
            self._arrive(datagram)
            if fate == "twice":
                self._arrive(datagram)
        if held:
            self._arrive(held)

    def _arrive(self, datagram):
        answer = self.server.take(datagram)
        if answer is None:
            return
        fate = self.down.pop(0) if self.down else "ok"
        if fate == "late":
            self.held_down.append(answer)
        elif fate == "forged":
            self.waiting.append(spoil(answer))
        elif fate != "lost":
            self.waiting += [answer, answer] if fate == "twice" else [answer]

    async def receive(self, timeout_ms):
        assert self.is_open and timeout_ms > 0
        self._try("receive")
        if self.waiting:
            self.clock.pass_s(self.delay_s)
            return self.waiting.pop(0)
        self.clock.pass_s(timeout_ms // 1000)
        self.waiting, self.held_down = self.held_down, []
        return None


class Bench:
    def __init__(self, records=3, up=(), down=(), epoch=0, config=CONFIG):
        self.counters = Counters()
        self.clock = Clock(self.counters)
        self.secrets = Secrets(epoch)
        self.outbox = Outbox(*[record(rn + 1) for rn in range(records)])
        self.server = Server(self.secrets.keys)
        self.carrier = Carrier(self.server, self.clock, up, down)
        self.config = config
        self.schemas = []
        self.start()

    def start(self):
        # The program starts; what it has in RAM is new.
        self.uplink = Uplink(
            self.outbox,
            self.carrier,
            self.secrets,
            self.clock,
            self.counters,
            self.config,
            self.schemas.extend,
        )

    def wake(self):
        return finish(self.uplink.wake())

    def count(self, reason):
        return self.counters.snapshot().get(reason, 0)

    def check(self, total):
        # What holds after every wake, whatever the network did.
        assert not self.carrier.is_open
        lost = set(range(1, total + 1)) - set(self.outbox.held) - self.server.stored
        assert not lost, "forgotten but not stored: %r" % lost
        nonces = [datagram[:13] for datagram, _, _ in self.carrier.sent]
        pivs = [frame.parse(datagram).piv for datagram, _, _ in self.carrier.sent]
        assert len(set(pivs)) == len(pivs), nonces
