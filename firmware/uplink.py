# Sends what the outbox holds: a wake is a few rounds of full datagrams with one answer each. A
# record is forgotten only when the server says that it is stored.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols import frame, packing
from protocols.compat import const

from . import later
from .budget import Budget
from .carriers import CarrierError

_ROUNDS = const(4)  # a wake; what a long backlog has beyond them waits for the next one
_DATAGRAMS = const(4)  # a round
_BITMAP_SIZE = const(32)  # as in protocols/ack.py
_RECORDS = const(32)  # a round: as many as one ack can tell apart
_REFUSED = const(8)
_TURN_MS = const(1000)
_NOTHING = const("")  # to be sent
_ACK = const("protocols.ack protocols.cbor protocols.cbor_reader")


# As in protocols/ack.py, which is not there any more when the answer is looked at.
def _covers(answer, rn):
    ahead = rn - answer.cumulative - 1
    return ahead < 0 or (ahead < _BITMAP_SIZE and answer.bitmap >> ahead & 1)


def _beyond(answer, rn):
    # Too far ahead for the ack's bitmap: an alarm that has overtaken a long backlog, say.
    return rn > answer.cumulative + _BITMAP_SIZE


def _rest():  # a beat that nobody needs
    pass


class Uplink:
    obey: tuple  # (node, role) of a station that takes orders, see obeying_uplink.py

    # config: the unit's, checked. on_schemas(ids): the server cannot decode these schemas yet.
    def __init__(self, outbox, carrier, secrets, clock, counters, config, on_schemas=None):
        self.carrier = carrier
        self.on_schemas = on_schemas
        self.outcome = "none"  # of the last wake: acked, partly, or the reason why it failed
        self.acked_s = None  # uptime of the last ack
        self._outbox = outbox
        self._secrets = secrets
        self._clock = clock
        self._counters = counters
        self._config = config["uplink"]
        self._sequence = secrets.sequence()
        # One for life, taken while the heap is whole.
        self._frame = bytearray(frame.HEADER_MAX + carrier.MTU)
        self.lock = asyncio.Lock()
        self._beat = _rest  # of the wake that is going on
        self._answered_key = None  # (kid, epoch) under which the server has answered since boot
        # First records of datagrams that the carrier did not take: they go last, because one that
        # it never takes would hold up all others.
        self._refused = set()
        self._budget = Budget(clock, self._config["budget_bytes_day"])

    # Returns True when all that was sent is stored on the server, or nothing was waiting. Calls
    # beat() now and then: between two calls is no more than opening the carrier, a round of
    # sending, or one wait for an answer. `ask`: for an answer also if nothing is waiting, which
    # shows that the server is there, tells the time and keeps the way back through a NAT open.
    async def wake(self, beat=None, ask=False):
        beat = beat or _rest
        while self.lock.locked():  # somebody at the console was faster
            beat()
            await asyncio.sleep_ms(_TURN_MS)
        async with self.lock:
            self._beat = beat
            keys = self._secrets.keyset()
            if keys is None:
                if self.outcome != "not_provisioned":  # counted once: a state, not an event
                    self._fail("not_provisioned")
                return False
            if not self._outbox.depth and not ask:
                return True
            if not self._affordable(1):
                return self._fail("budget_spent")
            try:
                await self.carrier.open()
                if not self._outbox.depth:
                    return await self._ask(keys)
                return await self._rounds(keys)
            except CarrierError as error:
                self.outcome = error.reason
                return False
            except OSError:  # NVS or the file system refused: nothing may be sealed or forgotten
                return self._fail("fs_corrupt")
            finally:
                await self.carrier.close()

    def _fail(self, reason):
        self._counters.count(reason)
        self.outcome = reason
        return False

    async def _ask(self, keys):
        answer = await self._round(keys, ([],), set(), self.outcome != "no_ack")
        self.outcome = "acked" if answer else "no_ack"
        return answer is not None

    async def _rounds(self, keys):
        # Nobody answered the last time: ask with one datagram, once. So a day of outage leaves of
        # the day's budget what an alarm needs.
        probing = self.outcome == "no_ack"
        sent, beyond = set(), set()
        for _ in range(_ROUNDS):
            plan = self._plan(keys, beyond | self._refused, 1 if probing else _DATAGRAMS)
            answer = await self._round(keys, plan, sent, not probing)
            if answer is _NOTHING and self._refused:
                plan = self._plan(keys, beyond, 1)
                answer = await self._round(keys, plan, sent, not probing)
            if answer is _NOTHING:
                break
            probing = False
            if answer is None:
                self.outcome = "no_ack"
                return False
            # The next round fills the gaps; what no ack can cover now is not sent twice a wake.
            sent = {rn for rn in sent if not _covers(answer, rn)}
            beyond = {rn for rn in sent if _beyond(answer, rn)}
        if self._outbox.depth and not self._affordable(1):
            self._counters.count("budget_spent")
        self.outcome = "partly" if sent else "acked"
        return not sent

    # All datagrams of a plan, which is made meanwhile: two at a time are in the heap. The last one
    # asks for the answer, and may be sent once more without. Adds what is sent to the set.
    async def _round(self, keys, plan, sent, again):
        self._beat()
        last = _NOTHING
        for group in plan:
            if last is not _NOTHING:
                await self._send(keys, last, False)
            last = group
            sent.update([rn for rn, _ in group])
        if last is _NOTHING:
            return _NOTHING
        asked_s = self._clock.uptime_s()
        asked = await self._send(keys, last, True)
        answer = await self._answer(keys, last, asked, asked_s)
        if answer is None and again and self._affordable(1):
            await self._send(keys, last, True)
            answer = await self._answer(keys, last, asked, asked_s)
        return answer

    # Yields the (rn, record) of each datagram. When it goes on, the one before has not been sent.
    def _plan(self, keys, skipped, datagrams):
        overhead = frame.overhead(len(keys.kid), self._with_epoch(keys))
        group, room, count, begun = [], 0, 0, 0
        for rn, record in self._outbox.pending():
            cost = packing.cost(len(record))
            if cost + overhead > len(self._frame) - frame.HEADER_MAX:
                self._give_up(rn)
                continue
            if rn in skipped or cost + overhead > self.carrier.MTU:  # of another road
                continue
            if cost > room:
                if group:
                    yield group
                    group = []
                if begun == datagrams or not self._affordable(2 if begun else 1):
                    break
                begun += 1
                room = self._datagram_bytes() - overhead
            group.append((rn, record))
            room -= cost
            count += 1
            if count == _RECORDS:
                break
        if group:
            yield group

    # A record that no datagram takes would hold up all that follow it.
    def _give_up(self, rn):
        ahead = rn - self._outbox.floor
        if 0 <= ahead < _BITMAP_SIZE:
            self._counters.count("send_failed")
            self._outbox.ack(self._outbox.floor - 1, 1 << ahead)

    def _datagram_bytes(self):
        return min(self._config["datagram_bytes"], self.carrier.MTU)

    # Retries and backlogs have a budget a day.
    def _affordable(self, datagrams):
        return self._budget.affords(datagrams * self._datagram_bytes())

    def _with_epoch(self, keys):
        return (keys.kid, keys.epoch) != self._answered_key

    async def _send(self, keys, group, last):
        # Each time under a new sequence number, so that no (key, PIV) seals twice.
        end = packing.pack_into(self._frame, frame.HEADER_MAX, [r for _, r in group], last)
        piv = self._sequence.next()
        epoch = self._with_epoch(keys)
        data = keys.seal_in(frame.TELEMETRY, frame.UP, piv, self._frame, end, epoch)
        self._budget.spend(len(data))
        try:
            await self.carrier.send(data, last)
        except CarrierError:
            if group:
                self._refuse(group[0][0])
            raise
        return piv

    def _refuse(self, rn):
        if rn in self._refused or len(self._refused) == _REFUSED:
            self._refused.clear()  # after all others, or too many: another one's turn
        self._refused.add(rn)

    # Waits for the ack that the datagram `last` has caused. Others count for what they cover.
    async def _answer(self, keys, last, asked, asked_s):
        timeout_s = max(self._config["ack_timeout_s"], self.carrier.timeout_ms // 1000)
        deadline_s = self._clock.uptime_s() + timeout_s
        while True:
            self._beat()
            left_s = deadline_s - self._clock.uptime_s()
            data = await self.carrier.receive(left_s * 1000) if left_s > 0 else None
            if data is None:
                self._counters.count("no_ack")
                return None
            answer = self._open(keys, data)
            if answer is None:
                continue
            self._apply(answer)
            # One that was held back tells the time of then, in which an alert of then counts.
            late = answer.question is not None and answer.question < asked
            if late and not last:
                continue
            if all(_covers(answer, rn) or _beyond(answer, rn) for rn, _ in last):
                # Only now the time: that of an older ack was true when it was sent.
                if answer.time is not None and not late:
                    self._set_clock(answer.time, asked_s)
                return answer

    # The server's time t was true at some moment since the question, which may be long ago. A
    # clock that agrees with that goes on, another one moves no further than it must.
    def _set_clock(self, t, asked_s):
        clock = self._clock
        wait_s = clock.uptime_s() - asked_s
        passed_s = clock.now() - t if clock.source == "server" else wait_s // 2
        clock.set(t + min(max(passed_s, 0), wait_s), "server")

    # -> the ack in a frame, or None for a frame that is refused and counted.
    def _open(self, keys, data):
        window = self._secrets.window_load()
        try:
            cls, piv, plaintext = keys.open(frame.DOWN, data, window)
            if cls != frame.ACK:
                raise frame.FrameError("class")
            answer = later.call(_ACK, "decode", plaintext)
        except frame.FrameError as error:
            self._counters.count("frame_" + error.reason)
            return None
        except ValueError:  # AckError
            self._counters.count("ack_bad")
            return None
        # Stored before it takes effect: a reset in between costs one repetition and no replay.
        window.accept(piv)
        self._secrets.window_store(window)
        self._answered_key = (keys.kid, keys.epoch)
        return answer

    def _apply(self, answer):
        self._outbox.ack(answer.cumulative, answer.bitmap)
        self.acked_s = self._clock.uptime_s()
        if answer.schemas and self.on_schemas:
            self.on_schemas(answer.schemas)
