# What is heard where a step of an alert cannot be played: never nothing.
# SPDX-License-Identifier: Apache-2.0
import os
from array import array

from drivers.errors import DriverError
from firmware import player
from firmware.counters import Counters
from firmware.player import Player
from firmware.tests.support import World, remove_tree, run, temp_dir
from protocols.command import CLIP, DAILY, SPEECH, STREAM, TONE, Alert
from protocols.tone import STEADY

HEAD = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\x3e\0\0\0\x7d\0\0\x02\0\x10\0"
ADPCM = b"RIFF\x2c\0\0\0WAVEfmt \x14\0\0\0\x11\0\x01\0\x80\x3e\0\0\0\0\0\0\x40\0\x04\0\x02\0\x79\0"
TONE_MS = 400


class Output:
    # Of an amplifier, too: both are on.
    settle_ms = 0
    delay_ms = 288

    def __init__(self):
        self.heard = self.written = 0  # samples

    async def on(self):
        pass

    off = drain = on

    async def write(self, samples):
        self.written += len(samples) // 2
        self.heard += sum([1 for sample in array("h", bytes(samples)) if sample])


def played(*steps, files=(), instead=None, load=None, begun=lambda output: None, tts=None):
    # begun(output) at the first sound -> (ms that were heard, reasons)
    World()
    root = temp_dir()
    os.mkdir(root + "/clips")
    for name, content in files:
        with open(root + "/clips/" + name + ".wav", "wb") as file:
            file.write(content)
    output = Output()
    one = Player({"audio": output, "amplifier": output, "tts": tts}, Counters(), root)
    before = player.Clip, player.later.call
    player.Clip, player.later.call = instead or before[0], load or before[1]
    try:
        alert = Alert(DAILY, 4, list(steps), 1, None, "", False)
        run(one.play(alert, 50, lambda: begun(output)))
    finally:
        player.Clip, player.later.call = before
        remove_tree(root)
    return output.heard * 1000 // 16000, one.result.failed


def no_room(path):
    raise MemoryError("memory allocation failed")


AFTER = [TONE, STEADY, TONE_MS]
INSTEAD_MS = 10000  # of the attention tone
NEARLY = 9 * (INSTEAD_MS + TONE_MS) // 10  # a tone has samples that are 0


def test_what_follows_is_heard_and_a_tone_instead():
    good = HEAD + b"data\x08\0\0\0" + b"\1\0" * 4
    damaged = ADPCM + b"data\x40\0\0\0" + b"\0\0\x59\0" + bytes(60)  # an index above 88
    assert played([CLIP, "a"], AFTER, files=(("a", good),))[1] == []
    for files, instead, reason in (
        ((), None, "clip_missing"),
        ((("a", b"RIFF"),), None, "clip_bad"),
        ((("a", damaged),), None, "clip_bad"),
        ((("a", good),), no_room, "clip_bad"),
    ):
        heard_ms, failed = played([CLIP, "a"], AFTER, files=files, instead=instead)
        assert failed == [reason] and heard_ms > NEARLY, (reason, heard_ms)


class Chip:
    # A TTS chip whose frame cannot be made, or whose line fails.
    def __init__(self, error):
        self._error = error

    async def say(self, encoding, text, percent):
        raise self._error


def test_a_text_that_cannot_be_spoken_is_a_tone_whatever_the_reason():
    for error, reason in (
        (MemoryError("no room for the frame"), "tts_silent"),
        (OSError(5), "tts_silent"),
        (ValueError("no such encoding"), "tts_silent"),
        (DriverError("tts_busy", "still speaking"), "tts_busy"),
    ):
        heard_ms, failed = played([SPEECH, 0, b"leave"], AFTER, tts=Chip(error))
        assert failed == [reason] and heard_ms > NEARLY, (reason, heard_ms)


def test_a_stream_that_finds_no_socket_and_no_room_is_a_tone():
    def no_socket(modules, function, *args):
        raise OSError(23)

    for load in (no_socket, lambda *args: no_room("")):
        heard_ms, failed = played([STREAM, 0, 5004, b"", 60], AFTER, load=load)
        assert failed == ["stream_lost"] and heard_ms > NEARLY, heard_ms


class Talk:
    # A stream that is waited for, and then heard.
    def __init__(self, silent_ms, heard_ms):
        self.silent, self.lost = True, False
        self._frames = [0] * (silent_ms // 20) + [1] * (heard_ms // 20)

    def fill(self, dst):
        if not self._frames:
            return 0
        loud = self._frames.pop(0)
        self.silent = self.silent and not loud
        dst[:640] = b"\0\x40" * 320 if loud else bytes(640)
        return 320

    def close(self):
        pass


def begun_after(talk):
    # -> how many samples had been written, for each time
    at = []
    stream = [STREAM, 0, 5004, b"", 60]
    played(stream, load=lambda *args: talk, begun=lambda output: at.append(output.written))
    return at


def test_a_stream_has_begun_when_its_first_sample_has_left():
    for silent_ms, heard_ms, begun_ms in (
        (2000, 1000, 2000 + Output.delay_ms),
        (2000, 100, 2100),  # what is written leaves before the amplifier is off
        (0, 1000, 20),  # nothing lies before it
        (2000, 0, 2000 + Output.delay_ms),  # the tone
    ):
        at = begun_after(Talk(silent_ms, heard_ms))
        assert len(at) == 1 and 0 <= at[0] // 16 - begun_ms <= 32, (silent_ms, heard_ms, at)
