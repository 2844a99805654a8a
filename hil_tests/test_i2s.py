"""machine.I2S of a virtual board in its three ways of use, and the sink that hears it."""

from __future__ import annotations

import math
import wave
from array import array
from types import SimpleNamespace

import pytest

from .bare_desk import BareDesk
from .small_image import MANIFEST, image
from .virtual.board import VirtualBoard
from .virtual.models.i2s_sink import I2sSink, frequency_hz, level_dbfs
from .virtual.world import World

MAC = bytes.fromhex("02fb00000001")
WIRED = MANIFEST | {"buses": {"i2s0": {"kind": "i2s", "id": 0, "sck": 14, "ws": 15, "sd": 13}}}
TONE = """
import math, time
from array import array
from machine import I2S, Pin
# 1 kHz at half of full scale: 16 samples a period
period = array("h", [int(16384 * math.sin(2 * math.pi * i / 16)) for i in range(16)])
second = bytes(period) * 1000
def output(ibuf=4096, **other):
    options = dict(sck=Pin(14), ws=Pin(15), sd=Pin(13), mode=I2S.TX, bits=16, format=I2S.MONO,
                   rate=16000, ibuf=ibuf)
    options.update(other)
    return I2S(0, **options)
"""
DESCRIPTOR_US = 16_000


class Desk(BareDesk):
    """A board with a DAC on its pins."""

    def __init__(self, workdir) -> None:
        world = World(1)
        self.sink = I2sSink(world)
        fitted = SimpleNamespace(i2c={}, uart={}, adc={}, pins={}, sinks={"i2s0": self.sink})
        super().__init__(world, VirtualBoard(world, WIRED, workdir, MAC, fitted))

    def run(self, main: str, seconds: float = 10) -> list[str]:
        self.board.flash.load(0, image({"main.py": TONE + main}))
        self.board.power_on()
        self.world.run_for(seconds)
        return self.printed()


def test_write_blocks_until_its_end_is_in_the_memory_and_samples_leave_at_the_rate(desk):
    printed = desk.run(
        "out = output()\n"
        "at = time.ticks_us()\n"
        "n = out.write(second)\n"
        "print(n, time.ticks_diff(time.ticks_us(), at))\n"
        "out.write(second)\n"
        "time.sleep(1)\n"
    )
    n, took_us = map(int, printed[0].split())
    # 1 s of sound, less what the memory holds; up to two descriptors before it begins.
    assert n == 32_000 and 0 <= took_us - (1_000_000 - 128_000) <= 2 * DESCRIPTOR_US
    [run] = desk.sink.runs
    assert len(run.samples) == 32_000 and desk.sink.gaps == []
    assert run.samples[:4] == array("h", [0, 6269, 11585, 15136])
    heard = desk.sink.samples(run.begin_us, run.end_us)
    assert heard == run.samples and frequency_hz(heard) == pytest.approx(1000, abs=0.5)
    assert level_dbfs(heard) == pytest.approx(20 * math.log10(0.5 / math.sqrt(2)), abs=0.01)
    assert desk.sink.first_sound_us() == run.begin_us + 62  # the first one is zero


def test_data_that_comes_late_leaves_a_gap(desk):
    desk.run(
        "out = output()\n"
        "for _ in range(3):\n    out.write(second[:3200])\n    time.sleep_ms(150)\n"
    )
    assert len(desk.sink.runs) == 3
    for begin_us, end_us in desk.sink.gaps:
        assert 50_000 < end_us - begin_us < 60_000 + DESCRIPTOR_US
        assert set(desk.sink.samples(begin_us, end_us)) == {0}


def test_with_a_callback_write_returns_at_once(desk):
    printed = desk.run(
        "out = output()\n"
        "calls = []\n"
        "def more(i2s):\n"
        "    calls.append((time.ticks_ms(), i2s is out))\n"
        "    if len(calls) < 4:\n"
        "        i2s.write(second)\n"
        "out.irq(more)\n"
        "at = time.ticks_ms()\n"
        "print(out.write(second), time.ticks_diff(time.ticks_ms(), at) < 5)\n"
        "time.sleep(9)\n"
        "print([time.ticks_diff(t, at) for t, _ in calls], all(same for _, same in calls))\n"
        "print(time.ticks_diff(time.ticks_ms(), at))\n",
        20,
    )
    assert printed[0] == "32000 True"
    times = [int(t) for t in printed[1].split("]")[0][1:].split(",")]
    assert len(times) == 4 and printed[1].endswith("True")
    assert times == pytest.approx([888, 1888, 2888, 3888], abs=20)
    assert 9000 <= int(printed[2]) < 9030  # the callbacks did not end the sleep
    [run] = desk.sink.runs
    assert len(run.samples) == 4 * 16_000


def test_as_a_stream_it_is_writable_when_a_descriptor_is_free(desk):
    printed = desk.run(
        "import asyncio, select\n"
        "out = output()\n"
        "async def count(n=0):\n"
        "    while True:\n"
        "        await asyncio.sleep_ms(100)\n"
        "        n += 1\n"
        "        counted[0] = n\n"
        "counted = [0]\n"
        "async def play():\n"
        "    asyncio.create_task(count())\n"
        "    stream = asyncio.StreamWriter(out)\n"
        "    for _ in range(3):\n"
        "        stream.out_buf = second\n"
        "        await stream.drain()\n"
        "at = time.ticks_ms()\n"
        "asyncio.run(play())\n"
        "print(*counted, time.ticks_diff(time.ticks_ms(), at))\n"
        "poller = select.poll()\n"
        "poller.register(out, select.POLLOUT)\n"
        "print(poller.poll(0), poller.poll(5), len(poller.poll(100)), out.write(second[:2048]))\n"
    )
    counted, took_ms = printed[0].split()
    assert counted == "28" and 2850 < int(took_ms) < 2950
    assert printed[1].startswith("() () 1 ") and 512 <= int(printed[1].split()[3]) < 1024
    assert desk.sink.gaps == [] and len(desk.sink.runs[0].samples) > 48_000


@pytest.mark.parametrize(
    "options, buffer, first",
    [
        ("format=I2S.STEREO", "b'\\x00\\x10\\x00\\x20' * 400", 0x1800),
        ("bits=32", "b'\\xff\\xff\\x34\\x12' * 400", 0x1234),
        ("bits=32, format=I2S.STEREO", "b'\\0\\0\\x00\\x10\\0\\0\\x00\\x30' * 400", 0x2000),
        ("rate=8000", "b'\\x00\\x10' * 400", 0x1000),
    ],
)
def test_formats(desk, options, buffer, first):
    desk.run(f"out = output({options})\nout.write({buffer})\ntime.sleep(1)\n")
    [run] = desk.sink.runs
    assert list(run.samples) == [first] * 400
    n = 800 if "8000" in options else 400
    assert list(desk.sink.samples(run.begin_us, run.end_us)) == [first] * n


def test_deinit_and_the_end_of_the_supply_drop_what_has_not_left(desk):
    desk.run("out = output(ibuf=32000)\nout.write(second)\ntime.sleep_ms(500)\nout.deinit()\n")
    [run] = desk.sink.runs
    assert len(run.samples) == pytest.approx(0.5 * 16_000, abs=300)
    assert not desk.sink.clocked.is_open
    desk.run("out = output(ibuf=32000)\nout.write(second)\ntime.sleep(9)\n", 0.1)
    desk.board.reset()
    desk.world.run_for(0.5)
    assert desk.sink.clocked.is_open
    begin_us = desk.sink.runs[-1].begin_us
    desk.board.power_off()
    desk.world.run_for(1)
    assert not desk.sink.clocked.is_open
    assert len(desk.sink.runs[-1].samples) < 16_000
    assert desk.sink.runs[-1].end_us <= desk.world.now_us - 999_000 and begin_us


def test_with_other_pins_nobody_hears_and_with_wrong_settings_it_is_refused(desk):
    printed = desk.run(
        "output(sd=Pin(12)).write(second)\n"
        "print('played')\n"
        "for wrong in ({'mode': I2S.RX}, {'bits': 24}, {'rate': 0}, {'mck': Pin(0)}):\n"
        "    try:\n        output(**wrong)\n"
        "    except (ValueError, TypeError) as error:\n        print(type(error).__name__)\n"
        "out = output()\nout.deinit()\n"
        "try:\n    out.write(second)\nexcept OSError as error:\n    print(error.errno)\n"
        "both = bytearray(array('h', [1000, -1000, 32767]))\n"
        "I2S.shift(buf=both, bits=16, shift=-2)\n"
        "print(list(array('h', bytes(both))))\n"
    )
    errors = [*["ValueError"] * 3, "TypeError", "-259"]
    assert printed == ["played", *errors, "[250, -250, 8191]"]
    assert desk.sink.runs == []


@pytest.mark.long
def test_ten_minutes_go_by_without_drift_and_are_a_wav_file(desk, tmp_path):
    desk.run(
        "import asyncio\n"
        "out = output(ibuf=8192)\n"
        "async def play():\n"
        "    stream = asyncio.StreamWriter(out)\n"
        "    for _ in range(30000):\n"
        "        stream.out_buf = second[:640]\n"
        "        await stream.drain()\n"
        "asyncio.run(play())\n",
        601,
    )
    [run] = desk.sink.runs
    assert len(run.samples) == 600 * 16_000 and run.end_us - run.begin_us == 600_000_000
    desk.sink.wav(tmp_path / "heard.wav", run.begin_us, run.begin_us + 1_000_000)
    with wave.open(str(tmp_path / "heard.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        heard = array("h", file.readframes(100_000))
    assert heard == run.samples[:16_000]
