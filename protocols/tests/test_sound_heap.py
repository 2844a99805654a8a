# The loops that decode sound take no heap, and a stream takes little: nothing else has to wait for
# the collector.
# SPDX-License-Identifier: Apache-2.0
import gc
from array import array
from struct import pack

from protocols import g711, gain, rtp
from protocols.compat import HOST
from protocols.ima_adpcm import Decoder
from protocols.jitter import PLAYED, JitterBuffer
from protocols.l16 import l16_to_pcm
from protocols.resample import Doubler
from protocols.tests.stream import datagram
from protocols.tone import STEADY, SWEEP, Tone

if not HOST:
    from micropython import heap_lock, heap_unlock

CODES = bytes([(37 * i) & 0xFF for i in range(163)])
BLOCK = pack("<hBB", 0, 40, 0) + CODES[:160]


def without_heap(function):
    function()  # tables are made
    if HOST:
        return
    heap_lock()
    try:
        function()
    finally:
        heap_unlock()


def test_decoders():
    dst = memoryview(bytearray(700))
    samples = array("h", [0] * 163)
    table = g711.ulaw_table()
    decoder = Decoder(164)
    doubler = Doubler()
    without_heap(lambda: g711.expand(table, CODES, dst))
    without_heap(lambda: g711.expand(g711.alaw_table(), CODES, dst))
    without_heap(lambda: l16_to_pcm(CODES, dst))
    without_heap(lambda: decoder.block(BLOCK, dst))
    without_heap(lambda: doubler.double(samples, dst))
    without_heap(lambda: doubler.expand(table, CODES, dst))
    without_heap(lambda: gain.ramp(dst, 0, 300, 0, 100))


def test_sweep():
    tone = Tone(SWEEP, 16000, 20000)
    without_heap(lambda: tone._render(440))


def taken(turns, function):
    # Bytes of heap that one call takes, on MicroPython.
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    for _ in range(turns):
        function()
    after = gc.mem_alloc()
    gc.enable()
    return (after - before) // turns


def test_a_stream_takes_little():
    if HOST:
        return
    buffer = JitterBuffer(60, 20, 16000, rtp.PCMA)
    data = bytearray(datagram(0))
    dst = memoryview(bytearray(640))
    index = [0]

    def turn():
        i = index[0]
        index[0] = i + 1
        data[2:8] = pack(">HI", i, 320 * i)
        buffer.put(rtp.parse(data), 20 * i)
        buffer.get(dst)

    for _ in range(10):
        turn()
    assert taken(20, turn) < 600  # bytes a frame, of 64-bit words
    assert buffer.get(dst) == PLAYED
    tone = Tone(STEADY, 16000, 20000)
    assert taken(20, lambda: tone.fill(dst)) < 200
