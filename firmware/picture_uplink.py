# The uplink of a unit with pictures: they follow, chunk by chunk, when nothing else is waiting.
# SPDX-License-Identifier: Apache-2.0
import time

from protocols import blocks, cbor, frame
from protocols.block_sender import Sender
from protocols.compat import const

from .uplink import Uplink

_TURN_MS = const(1000)  # a wait for an answer, in which an alarm may come
_PATIENCE = const(3)  # questions that nobody answers: enough for this wake
_DAY_S = const(86400)


class PictureUplink(Uplink):
    _sender = None
    _seen = 0  # all records below it had their turn

    # pictures: a Pictures, commands: a Commands. budget: bytes of pictures a day. listen_s: a
    # command follows an ack; 0 where nobody may give one.
    def serve(self, pictures, commands, budget, listen_s):
        self._pictures = pictures
        self._store = pictures.store
        self._commands = commands
        self._picture_bytes_day = budget
        self._listen_ms = listen_s * 1000

    # What waits of pictures goes with a wake, also when nothing was measured.
    async def wake(self, beat=None, ask=False):
        return await super().wake(beat, ask or bool(self._store.held))

    # --- what Uplink calls

    async def _rounds(self, keys):
        self._seen = self._outbox.next_rn
        stored = await super()._rounds(keys)
        if stored:
            await self._after(keys)
        return stored

    async def _ask(self, keys):
        self._seen = self._outbox.next_rn
        stored = await super()._ask(keys)
        if stored:
            await self._after(keys)
        return stored

    def _open(self, keys, data):
        try:
            cls = frame.parse(data, len(keys.kid)).cls
        except frame.FrameError:
            cls = frame.ACK  # which tells what is wrong with it
        if cls == frame.COMMAND:
            self._commands.take(data)
            return None
        if cls != frame.BLOCK or not self._sender:
            return super()._open(keys, data)
        window = self._secrets.window_load()
        try:
            _, piv, status = keys.open(frame.DOWN, data, window)
        except frame.FrameError as error:
            self._counters.count("frame_" + error.reason)
            return None
        window.accept(piv)
        self._secrets.window_store(window)
        self._sender.receive(status, time.ticks_ms())
        return None

    # --- pictures

    async def _after(self, keys):
        if self._listen_ms:
            await self._take(keys, self._listen_ms)
            if not await self._overtaken(keys):  # by what a command has caused
                return
        store = self._store
        try:
            while store.next() and self._pictures.powered():
                store.sending = store.next()
                if not await self._transfer(keys, store.sending):
                    return
        finally:
            self._sender = store.sending = None
            store.keep_state()

    # -> whether the next one may follow
    async def _transfer(self, keys, picture):
        store = self._store
        with open(store.path(picture), "rb") as file:

            def read(offset, size):
                file.seek(offset)
                return file.read(size)

            self._sender = sender = self._begin(keys, picture, read)
            while sender.result is None and sender.unanswered < _PATIENCE:
                self._beat()
                if not await self._overtaken(keys) or not self._may_spend():
                    break
                # Its last answer may have come meanwhile.
                if sender.result is not None or store.sending is not picture:
                    break
                message = sender.next(time.ticks_ms())
                if message is None:
                    await self._take(keys, min(_TURN_MS, sender.wait_ms(time.ticks_ms())))
                else:
                    await self._send_block(keys, message)
                    await self._take(keys, 1)  # what has come meanwhile
            store.sender = sender.export()
        if store.sending is not picture:  # one that matters more has taken its room
            store.sender = b""
            return True
        if sender.result is None:
            return False
        if sender.result != blocks.DONE:
            self._counters.count("picture_lost")
        store.sender = b""
        store.remove(picture)
        return True

    # A picture of which chunks may have arrived is asked for before any is sent again, however
    # its transfer was cut.
    def _begin(self, keys, picture, read):
        room = self.carrier.MTU - frame.overhead(len(keys.kid), True)
        header = blocks.check_header(
            (
                picture.number,
                picture.size,
                blocks.chunk_size(room),
                picture.sha256,
                picture.time,
                blocks.PICTURE,
            )
        )
        store, state = self._store, None
        fresh = [header.object, header.check(), 0, 0, 0]
        if store.sender:
            state = store.sender
            if cbor.decode(state)[:2] != fresh[:2]:
                state = cbor.encode(fresh)
        else:
            store.sender = cbor.encode(fresh)
            store.keep_state()
        return Sender(header, read, state)

    # Whatever was measured or raised meanwhile goes first. -> whether the server has it
    async def _overtaken(self, keys):
        if self._outbox.next_rn == self._seen:
            return True
        self._seen = self._outbox.next_rn
        return await super()._rounds(keys)

    def _may_spend(self):
        store, day = self._store, self._clock.now() // _DAY_S
        store.spend(day, 0)
        if store.spent + self.carrier.MTU <= self._picture_bytes_day:
            return True
        self._counters.count("budget_spent")
        return False

    async def _send_block(self, keys, message):
        end = frame.HEADER_MAX + len(message)
        self._frame[frame.HEADER_MAX : end] = message
        piv, epoch = self._sequence.next(), self._with_epoch(keys)
        data = keys.seal_in(frame.BLOCK, frame.UP, piv, self._frame, end, epoch)
        self._store.spend(self._store.day, len(data))
        await self.carrier.send(data, False)

    async def _take(self, keys, wait_ms):
        data = await self.carrier.receive(max(1, wait_ms))
        while data is not None:
            answer = self._open(keys, data)
            if answer is not None:
                self._apply(answer)
            data = await self.carrier.receive(1)
