"""The drivers of a loudspeaker against our models, neither written from the other.

On CPython, where a coroutine that sleeps lets the world run; then all together on virtual boards,
under MicroPython, through `machine` and the manifests.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest

import drivers.line_monitor
import drivers.tts_chip
from drivers.amplifier import Amplifier
from drivers.contact import Contact
from drivers.errors import DriverError
from drivers.es8388 import ES8388
from drivers.line_monitor import LineMonitor
from drivers.syn6288 import SYN6288
from drivers.xfs5152 import XFS5152

from .driver_rig import Bus, Port, Ticks, Uart, run, sleeps_in
from .speaker_image import speaker_image
from .virtual.access_point import AccessPoint
from .virtual.bench import Bench, board_manifest
from .virtual.models import build
from .virtual.models.i2s_sink import frequency_hz, level_dbfs
from .virtual.models.tts_chip import ENCODINGS, pitch_hz
from .virtual.network import Network
from .virtual.scene import Scene
from .virtual.world import World

BOARDS = ("speaker_esp32_eth", "speaker_esp32s3_nbiot")
CHIPS = {BOARDS[0]: SYN6288, BOARDS[1]: XFS5152}
HELLO = "你好"


class Pin:
    """machine.Pin over a listener, or over a contact."""

    def __init__(self, wired: Any) -> None:
        self.wired = wired

    def value(self, level: int | None = None) -> int:
        if level is None:
            return self.wired.level(False)
        self.wired.changed(level)
        return level


class Clocks:
    """Stands for I2SOutput, which needs MicroPython: a bit clock and a tone of full scale / 2."""

    def __init__(self, world: World, sink: Any) -> None:
        self.world, self.sink = world, sink

    def start(self) -> None:
        self.sink.clock(True)

    def stop(self) -> None:
        if self.sink.clocked.is_open:
            self.sink.clock(False)

    def play(self, seconds: float) -> None:
        from array import array

        period = array("h", [0, 11585, 16384, 11585, 0, -11585, -16384, -11585])
        for _ in range(round(seconds * 100)):
            self.sink.play(self.world.now_us, 16_000, period * 20)
            self.world.run_for(0.01)


class Rig:
    """A world with everything that a speaker has, and its drivers."""

    def __init__(self, name: str, extra: dict[str, Any] | None = None) -> None:
        self.world = World(3)
        spec = board_manifest(name)["fieldbeat"]
        spec["buses"] = spec["buses"] | {"i2c0": {"kind": "i2c"}}
        self.spec = spec | {"fitted": spec["fitted"] | (extra or {})}
        self.network = Network(self.world)
        scene = Scene(self.world.start)
        self.fitted = build(self.world, self.spec, scene, self.network)
        self.models = self.fitted.parts
        self.sink = self.fitted.sinks["i2s0"]
        self.clocks = Clocks(self.world, self.sink)
        self.uart = Uart(self.world, self.models["tts"])
        self.tts = CHIPS[name](self.uart)
        self.world.run_for(1)

    run = staticmethod(run)

    def amplifier(self, **options: Any) -> Amplifier:
        entry = self.spec["fitted"]["amplifier"]
        pins = [Pin(self.fitted.pins[entry[key]]) for key in ("mute", "relay")]
        if "fault" in entry:
            options["fault"] = Pin(self.fitted.inputs[entry["fault"]])
        return Amplifier(self.clocks, *pins, entry["settle_ms"], **options)

    def line(self) -> LineMonitor:
        return LineMonitor(self.models["line"], 1, 2)

    def reason(self, coroutine: Coroutine) -> str:
        with pytest.raises(DriverError) as caught:
            self.run(coroutine)
        return caught.value.reason


@pytest.fixture
def make_rig(monkeypatch):
    rigs: list[Rig] = []

    def make(name: str = BOARDS[0], **extra: Any) -> Rig:
        monkeypatch.setattr(drivers.tts_chip, "UARTPort", Port)
        rig = Rig(name, extra)
        rigs.append(rig)
        sleeps_in(rig.world, monkeypatch)
        monkeypatch.setattr(drivers.line_monitor, "time", Ticks(rig.world))
        return rig

    yield make
    for rig in rigs:
        rig.world.close()


@pytest.fixture
def rig(make_rig):
    return make_rig()


# Amplifier and line


def test_only_what_is_played_between_on_and_off_is_heard_and_nothing_clicks(rig):
    amplifier, line = rig.amplifier(), rig.line()
    rig.clocks.play(0.2)
    rig.run(amplifier.on())
    begin_us = rig.world.now_us
    rig.clocks.play(0.5)
    assert rig.run(line.read())[0] == pytest.approx(8 + 354, abs=20)
    rig.run(amplifier.off())
    end_us = rig.world.now_us
    rig.clocks.play(0.2)
    assert rig.models["amplifier"].clicks == []
    heard = rig.sink.samples()
    first = next(i for i, sample in enumerate(heard) if sample) * 1_000_000 // 16_000
    last = max(i for i, sample in enumerate(heard) if sample) * 1_000_000 // 16_000
    assert begin_us <= first < begin_us + 1000 and end_us - 25_000 < last <= end_us
    assert rig.sink.level_dbfs(begin_us, begin_us + 400_000) == pytest.approx(-9, abs=0.1)
    rig.world.run_for(0.1)
    assert rig.run(line.read()) == (0,)


def test_the_wrong_order_clicks(rig):
    model = rig.models["amplifier"]
    model.relay.changed(1)
    model.mute.changed(0)  # at once
    rig.sink.clock(True)
    model.relay.changed(0)
    assert [what for _, what in model.clicks] == [
        "unmuted without supply",
        "clock begins while unmuted",
        "relay while unmuted",
    ]


def proof_of(rig: Rig) -> tuple[int, int, int]:
    amplifier, line = rig.amplifier(), rig.line()
    rig.run(amplifier.on())
    line.begin()
    for _ in range(50):
        rig.clocks.play(0.03)
        line.sample()
    rig.run(amplifier.off())
    return tuple(line.proof())  # type: ignore[return-value]


def test_the_proof_says_that_it_sounded(rig):
    kind, level, share = proof_of(rig)
    assert kind == 1 and level == pytest.approx(255 * 0.362, abs=6) and share > 245


@pytest.mark.parametrize(
    "part, fault", [("line", "open"), ("amplifier", "deaf"), ("amplifier", "relay_stuck")]
)
def test_a_fault_that_keeps_it_silent_is_in_the_proof(rig, part, fault):
    setattr(rig.models[part].faults, fault, True)
    assert proof_of(rig) == (1, 0, 0)
    assert rig.models[part].faults.unfired() == []


def test_an_amplifier_that_tells_its_failure_is_not_unmuted(make_rig):
    rig = make_rig(BOARDS[1])
    amplifier = rig.amplifier()
    rig.models["amplifier"].faults.dead = True
    assert rig.reason(amplifier.on()) == "amp_fault"
    rig.clocks.play(0.2)
    assert not any(rig.sink.samples())
    rig.run(amplifier.off())
    assert rig.models["amplifier"].clicks == []


def test_an_es8388_sounds_from_its_setup_to_its_stop(make_rig):
    rig = make_rig(codec={"part": "es8388", "bus": "i2c0", "address": 0x10})
    codec = ES8388(Bus(rig.fitted))
    amplifier = rig.amplifier(codec=codec)
    rig.run(codec.probe())
    assert not rig.sink.codec.is_open
    rig.run(amplifier.on())
    rig.clocks.play(0.2)
    assert rig.sink.codec.is_open and any(rig.sink.samples())
    rig.run(amplifier.off())
    assert not rig.sink.codec.is_open and rig.models["amplifier"].clicks == []
    rig.models["codec"].faults.unplugged = True
    assert rig.reason(codec.probe()) == "i2c_nack"


# Speech


@pytest.mark.parametrize("name", BOARDS)
@pytest.mark.parametrize("encoding", range(4))
def test_a_text_is_spoken_character_by_character(make_rig, name, encoding):
    rig = make_rig(name)
    rig.run(rig.tts.probe())
    rig.run(rig.amplifier().on())
    rig.run(rig.tts.say(encoding, HELLO.encode(ENCODINGS[encoding])))
    [(begin_us, text)] = rig.models["tts"].spoken
    assert text == HELLO and not rig.models["tts"].speaks
    assert 400_000 < rig.world.now_us - begin_us < 600_000
    for n, character in enumerate(HELLO):
        at_us = begin_us + n * 220_000
        heard = rig.sink.samples(at_us + 20_000, at_us + 150_000)
        assert frequency_hz(heard) == pytest.approx(pitch_hz(character), rel=0.02)


def test_a_long_text_is_one_speech_of_several_frames(rig):
    text = "洪水来了请立即转移到高处" * 15  # 360 bytes
    rig.run(rig.tts.say(1, text.encode("gbk")))
    pieces = [text for _, text in rig.models["tts"].spoken]
    assert len(pieces) == 2 and "".join(pieces) == text


def test_volume_is_set_and_is_no_text(rig):
    levels = []
    rig.run(rig.amplifier().on())
    for percent in (100, 25):
        rig.run(rig.tts.say(1, HELLO.encode("gbk"), percent))
        begin_us = rig.models["tts"].spoken[-1][0]
        levels.append(level_dbfs(rig.sink.samples(begin_us, begin_us + 150_000)))
    assert levels[0] - levels[1] == pytest.approx(12, abs=0.2)
    assert [text for _, text in rig.models["tts"].spoken] == [HELLO, HELLO]


def test_stop_ends_the_voice_at_once(rig):
    rig.run(rig.amplifier().on())
    rig.world.call_after(700_000, lambda: rig.run(rig.tts.stop()))
    rig.uart.write(rig.tts.frame(1, 1, (HELLO * 40).encode("gbk")))
    rig.world.run_for(2)
    assert any(rig.sink.samples(rig.world.now_us - 1_600_000, rig.world.now_us - 1_400_000))
    assert not any(rig.sink.samples(rig.world.now_us - 1_000_000))
    assert not rig.run(rig.tts.is_busy())


@pytest.mark.parametrize(
    "fault, reason",
    [("silent", "tts_silent"), ("busy", "tts_busy"), ("refuse", "tts_busy"), ("never_idle", None)],
)
def test_a_fault_of_the_chip_becomes_its_reason(rig, fault, reason):
    faults = rig.models["tts"].faults
    setattr(faults, fault, True)
    speaking = rig.tts.say(1, HELLO.encode("gbk"))
    if reason is None:
        rig.run(speaking)
    else:
        assert rig.reason(speaking) == reason
    assert faults.unfired() == []


def test_a_damaged_frame_is_refused_and_sent_again(rig):
    rig.models["tts"].faults.limit("refuse", 1)
    rig.run(rig.tts.say(1, HELLO.encode("gbk")))
    assert [text for _, text in rig.models["tts"].spoken] == [HELLO]


# Contacts


def test_a_contact_is_read_through_its_bouncing(rig):
    door, model = Contact(Pin(rig.models["door"]), 1, 50), rig.models["door"]
    assert rig.run(door.read()) == (0,)
    model.set(True, bounces=6)
    begin_us = rig.world.now_us
    assert rig.run(door.read()) == (1,)
    assert rig.world.now_us - begin_us > 12 * 3000 + 45_000
    model.faults.humming = True
    assert rig.reason(Contact(Pin(model), 1, 50).read()) == "sensor_range"


def test_mains_are_there_until_somebody_takes_them_away(rig):
    mains = Contact(Pin(rig.models["ac"]), 0, 50)
    assert rig.run(mains.read()) == (1,)
    rig.models["ac"].set(False)
    assert rig.run(mains.read()) == (0,)


# All of it on virtual boards

PROGRAM = """
async def main():
    audio, amplifier, line, tts = [parts[n] for n in ("audio", "amplifier", "line", "tts")]
    await tts.probe()
    for name in ("ac", "door", "battery"):
        print(name, await parts[name].read())
    await amplifier.on()
    line.begin()
    print("begin", time.ticks_us())
    for _ in range(3):
        for at in range(0, len(tone), 1000):
            line.sample()
            await audio.write(memoryview(tone)[at : at + 1000])
    print("written", time.ticks_us())
    await audio.drain()
    print("proof", line.proof().hex())
    await tts.say(1, bytes((0xC4, 0xE3, 0xBA, 0xC3)))
    await amplifier.off()
    print("end", time.ticks_us())
asyncio.run(main())
"""


@pytest.mark.parametrize("name", BOARDS)
def test_a_virtual_speaker_plays_measures_and_speaks(name, tmp_path):
    with Bench(seed=2) as bench:
        board = bench.add_board(name, image=speaker_image(name, PROGRAM))
        bench.run_for(10)
        lines = board.output.decode().replace("\r\n", "\n").split("\n")
        said = dict(line.split(" ", 1) for line in lines if " " in line and "rst:" not in line)
        assert (said["ac"], said["door"]) == ("(1,)", "(0,)"), board.output.decode()
        fitted = board.fitted
        sink, chip, amplifier = (
            fitted.sinks["i2s0"],
            fitted.parts["tts"],
            fitted.parts["amplifier"],
        )
        zero_us = board.processor.zero_us
        begin_us = zero_us + int(said["begin"])
        [run] = sink.runs
        assert sink.gaps == [] and run.begin_us - begin_us < 20_000
        assert frequency_hz(sink.samples(run.begin_us, run.end_us)) == pytest.approx(1000, abs=1)
        proof = bytes.fromhex(said["proof"])
        assert proof[0] == 1 and proof[1] == pytest.approx(255 * 0.362, abs=8) and proof[2] > 220
        [(spoken_us, text)] = chip.spoken
        assert text == HELLO and spoken_us > run.end_us
        assert any(sink.samples(spoken_us, spoken_us + 200_000))
        assert amplifier.clicks == [] and amplifier.muted and not sink.clocked.is_open
        sink.wav(tmp_path / "heard.wav")
        assert (tmp_path / "heard.wav").stat().st_size > 2 * 16_000 * 3


def test_a_power_cut_while_it_plays_leaves_it_muted_and_off():
    program = PROGRAM.replace("range(3)", "range(300)")
    with Bench(seed=2) as bench:
        board = bench.add_board(BOARDS[0], image=speaker_image(BOARDS[0], program))
        bench.run_for(5)
        sink, amplifier = board.fitted.sinks["i2s0"], board.fitted.parts["amplifier"]
        assert amplifier.gate.is_open
        board.power_off()
        cut_us = bench.world.now_us
        bench.run_for(1)
        assert not amplifier.gate.is_open and not amplifier.stands
        assert sink.runs[-1].end_us <= cut_us and not any(sink.samples(cut_us))


NETWORK = """
import socket
interface, connect = board.network("village", "secret12")
connect()
while not interface.isconnected():
    time.sleep_ms(100)
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.sendto(b"hello", ("collector.example.org", 5690))
print("answer", s.recvfrom(100)[0])
"""


@pytest.mark.parametrize("name", BOARDS)
def test_a_virtual_speaker_has_its_network(name):
    with Bench(seed=2) as bench:
        bench.network.lan.wifi["village"] = AccessPoint("secret12")
        bench.network.bind("collector.example.org", 5690, lambda data, source, reply: reply(data))
        board = bench.add_board(name, image=speaker_image(name, NETWORK))
        bench.run_for(8)
        assert b"answer b'hello'" in board.output, board.output.decode()
