# SPDX-License-Identifier: Apache-2.0
from drivers.i2s_output import I2SOutput
from drivers.tests.support import Clock, on_stream, run

SETTINGS = {"rate": 16000, "ibuf": 4096, "sck": 1, "ws": 2, "sd": 3}


class I2S:
    # Takes 100 bytes at a time.
    def __init__(self):
        self.log = []
        self.taken = b""

    def init(self, **settings):
        assert settings == SETTINGS
        self.log.append("init")

    def deinit(self):
        self.log.append("deinit")

    def write(self, data):
        self.taken += bytes(data[:100])
        return min(len(data), 100)


def output():
    i2s = I2S()
    return i2s, on_stream(I2SOutput, i2s, SETTINGS)


def test_all_samples_go_out_in_their_order():
    i2s, audio = output()
    samples = bytes(range(250)) * 4
    run(Clock(), audio.write(memoryview(samples)))
    run(Clock(), audio.write(memoryview(samples)[:10]))
    assert i2s.taken == samples + samples[:10] and i2s.log == []


def test_the_clocks_stop_and_start_once_each():
    i2s, audio = output()
    audio.start()
    audio.stop()
    audio.stop()
    audio.start()
    audio.stop()
    run(Clock(), audio.write(b"\0\0"))  # starts them itself
    assert i2s.log == ["deinit", "init", "deinit", "init"]


def test_drain_waits_for_the_memory_and_two_descriptors():
    _, audio = output()
    clock = Clock()
    run(clock, audio.drain())
    assert clock.elapsed_ms == audio.delay_ms == (2048 + 512) * 1000 // 16000
