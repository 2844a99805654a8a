# Plays what an alert says, step by step: tones, clips, spoken text, a live stream.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc

from drivers.errors import DriverError
from protocols import command
from protocols.command import DRILL, TEST
from protocols.compat import const
from protocols.gain import FULL, ramp
from protocols.tone import STEADY, TWO_TONE, Tone

from . import later
from .clip import Clip

RATE_HZ = const(16000)
_PIECE = const(1024)  # bytes: 32 ms, so that a stop is heard at once
_PER_CENT = const(327)  # of the peak, 32767

# A drill says that it is one: three short steady tones, which no emergency begins with.
_DRILL_MARK = ((command.TONE, STEADY, 400),) * 3
_MARK_PAUSE_MS = const(200)
_LOOK_MS = const(50)  # at the line, while the chip speaks
# For what cannot be played: who is in danger hears at least that.
_INSTEAD = (command.TONE, TWO_TONE, 10000)

_CHECKS = const("firmware.self_checks")
_STREAM = const("firmware.stream protocols.jitter protocols.rtp protocols.rtcp")


class Result:
    def __init__(self):
        self.reason = None  # the first thing that went wrong
        self.failed = []  # all of them
        self.proof = None
        self.battery_mv = None  # of a self-test
        self.source = None  # the kind of the last step
        self.whole = False  # it was played to its end, once at least

    def fail(self, reason):
        self.reason = self.reason or reason
        self.failed.append(reason)


class Player:
    # parts: audio (I2SOutput) and amplifier; tts and line where they are fitted. battery_min_mv:
    # a self-test fails below it.
    def __init__(self, parts, counters, root, battery_min_mv=0):
        self._parts = parts
        self._battery_min_mv = battery_min_mv
        self._audio = parts["audio"]
        self._amplifier = parts["amplifier"]
        self.settle_ms = self._amplifier.settle_ms
        self._tts = parts.get("tts")
        self._line = parts.get("line")
        self._counters = counters
        self._clips = root + "/clips/"
        self._on_sound = None
        self._behind = 0  # samples that are to be written until the first one of a sound has left
        self.result = Result()  # of what plays, or was played last
        self.moved = False  # it got on since somebody looked: a loudspeaker that hangs shows here
        self._buffer = bytearray(_PIECE)
        self._silence = bytes(_PIECE)

    # on_sound() is called when the first samples are on their way; behind a stream's silence, when
    # they have left. To cancel it is to stop the sound; `result` tells how it went.
    async def play(self, alert, percent, on_sound):
        result = self.result = Result()
        self._on_sound = on_sound
        self._behind = 0
        gc.collect()
        try:
            await self._amplifier.on()
            if self._line:
                self._line.begin()
            if alert.cls == DRILL:
                for step in _DRILL_MARK:
                    await self._tone(step, percent)
                    await self._pause(_MARK_PAUSE_MS)
            for _ in range(alert.repeat):
                for step in alert.content:
                    await self._step(step, percent, result)
                result.whole = True
            await self._audio.drain()
            if alert.cls == TEST:
                checked = self._parts, self._clips, self._battery_min_mv, result
                await later.call(_CHECKS, "check", *checked)
        except DriverError as error:
            result.fail("amp_fault")
            self._counters.count(error.reason)
        finally:
            await self._amplifier.off()
            if self._line and alert.content:
                result.proof = self._line.proof()
        if result.reason:
            self._counters.count(result.reason)

    def _sounds(self):
        on_sound, self._on_sound = self._on_sound, None
        if on_sound:
            on_sound()

    async def _step(self, step, percent, result):
        kind = step[0]
        result.source = kind
        gc.collect()
        if kind == command.TONE:
            await self._tone(step, percent)
        elif kind == command.CLIP:
            await self._clip(step[1], percent, result)
        elif kind == command.SPEECH:
            await self._speech(step, percent, result)
        else:
            await self._stream(step, percent, result)

    async def _tone(self, step, percent):
        tone = Tone(step[1], RATE_HZ, percent * _PER_CENT, step[2])
        await self._send(tone, None)

    async def _clip(self, name, percent, result):
        clip = None
        try:
            clip = Clip(self._clips + name + ".wav")
            await self._send(clip, percent)
            return
        except (OSError, ValueError, MemoryError) as error:
            missing = clip is None and isinstance(error, OSError)
            result.fail("clip_missing" if missing else "clip_bad")
        finally:
            if clip:
                clip.close()
        await self._tone(_INSTEAD, percent)

    async def _speech(self, step, percent, result):
        if not self._tts:
            result.fail("tts_silent")
            await self._tone(_INSTEAD, percent)
            return
        speaking = None
        try:
            speaking = asyncio.create_task(self._tts.say(step[1], step[2], percent))
            while not speaking.done():
                if self._line:
                    self._line.sample()
                await asyncio.sleep_ms(_LOOK_MS)
                self.moved = True
                self._sounds()
            await speaking
        except (DriverError, OSError, ValueError, MemoryError) as error:  # no room, say
            result.fail(getattr(error, "reason", "tts_silent"))
            await self._tone(_INSTEAD, percent)
        except asyncio.CancelledError:
            if speaking:
                speaking.cancel()
            await self._tts.stop()
            raise

    async def _stream(self, step, percent, result):
        stream = None
        try:
            stream = later.call(_STREAM, "Stream", step)
            await self._send(stream, percent)
            if not stream.silent:  # it may end with its beginning in DMA memory
                self._sounds()
        except (OSError, MemoryError):  # no socket, or no room for what comes
            pass
        finally:  # also where the window has ended meanwhile
            if stream:
                stream.close()
            if not stream or stream.silent or stream.lost:
                result.fail("stream_lost")
            else:
                result.whole = True  # its end is that of the window
        if not stream or stream.silent:
            await self._tone(_INSTEAD, percent)

    # percent: of what does not know its own level
    async def _send(self, source, percent):
        gain = None if percent is None or percent >= 100 else percent * FULL // 100
        buffer, audio = self._buffer, self._audio
        view = memoryview(buffer)
        while True:
            samples = source.fill(buffer)
            if not samples:
                return
            if source.silent:  # the sound will come behind a DMA memory full of it
                self._behind = audio.delay_ms * RATE_HZ // 1000
            else:
                self._behind -= samples
                if gain is not None:
                    ramp(buffer, 0, samples, gain, 0)
            if self._line and self._behind <= 0:  # silence proves nothing, neither way
                self._line.sample()
            await audio.write(view[: 2 * samples])
            self.moved = True
            if self._behind <= 0:
                self._sounds()

    async def _pause(self, ms):
        left = RATE_HZ * ms // 1000 * 2
        while left > 0:
            size = min(left, _PIECE)
            await self._audio.write(memoryview(self._silence)[:size])
            left -= size
