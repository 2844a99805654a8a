# SPDX-License-Identifier: Apache-2.0
from drivers.ds18b20 import DS18B20, _crc8
from drivers.errors import SensorError
from drivers.tests.support import Clock, fails, run

ROM = bytes.fromhex("28ff641e0f9a3b")
ROM += bytes((_crc8(ROM),))


def scratchpad(value, config=0x7F):
    data = bytes((value & 0xFF, value >> 8 & 0xFF, 0x4B, 0x46, config, 0xFF, 0x0C, 0x10))
    return data + bytes((_crc8(data),))


class Wire:
    # Expects a transcript: "reset", "gone" (a reset without presence), "w ..", "r ..".
    def __init__(self, *steps):
        self.steps = list(steps)

    def reset(self):
        step = self.steps.pop(0)
        assert step in ("reset", "gone"), step
        return step == "reset"

    def write(self, data):
        step = self.steps.pop(0)
        assert step == "w " + bytes(data).hex(), (step, bytes(data).hex())

    def readinto(self, buffer):
        step = self.steps.pop(0)
        data = bytes.fromhex(step[2:])
        assert step[0] == "r" and len(data) == len(buffer), step
        buffer[:] = data


def reading(pad, select="cc", end="reset"):
    return "reset", "w " + select + "44", end, "w " + select + "be", "r " + pad.hex()


def value_of(value, config=0x7F):
    clock = Clock()
    wire = Wire(*reading(scratchpad(value, config)))
    (found,) = run(clock, DS18B20(wire).read())
    assert not wire.steps and clock.elapsed_ms >= 750
    return found


def reason(*steps, rom=None, of="read"):
    sensor = DS18B20(Wire(*steps), rom)
    return fails(SensorError, Clock(), getattr(sensor, of)()).reason


def test_the_check_sum():
    # Maxim, application note 27: the ROM 02 1C B8 01 00 00 00 has A2.
    assert _crc8(bytes.fromhex("021cb801000000")) == 0xA2
    assert _crc8(bytes.fromhex("021cb801000000a2")) == 0


def test_the_table_of_the_datasheet():
    # Table 1, in hundredths. 85 Cel is left out: it is the power-on value.
    for value, hundredths in (
        (0x07D0, 12500),
        (0x0191, 2506),  # 25.0625
        (0x00A2, 1013),  # 10.125
        (0x0008, 50),
        (0x0000, 0),
        (0xFFF8, -50),
        (0xFF5E, -1012),  # -10.125
        (0xFE6F, -2506),
        (0xFC90, -5500),
    ):
        assert value_of(value) == hundredths


def test_what_fewer_bits_leave_undefined_is_cleared():
    # Table 2: 9 bits leave three undefined, 10 two, 11 one.
    for config, value in ((0x1F, 0x0190), (0x3F, 0x0194), (0x5F, 0x0196), (0x7F, 0x0197)):
        assert value_of(0x0197, config) == (value * 100 + 8) >> 4


def test_the_only_one_on_the_wire():
    wire = Wire("reset", "w 33", "r " + ROM.hex(), "reset", "w ccbe", "r " + scratchpad(400).hex())
    run(Clock(), DS18B20(wire).probe())
    assert not wire.steps


def test_one_of_several_is_called_by_its_rom():
    select = "55" + ROM.hex()
    wire = Wire("reset", "w " + select + "be", "r " + scratchpad(400).hex())
    run(Clock(), DS18B20(wire, ROM).probe())
    assert not wire.steps
    wire = Wire(*reading(scratchpad(400), select))
    assert run(Clock(), DS18B20(wire, ROM).read()) == (2500,)


def test_the_power_on_value_is_a_fault():
    assert reason(*reading(scratchpad(0x0550))) == "sensor_range"
    assert value_of(0x0551) == 8506 and value_of(0x054F) == 8494


def test_out_of_its_range():
    for value in (0x07D1, 0xFC8F):
        assert reason(*reading(scratchpad(value))) == "sensor_range"


def test_absent():
    assert reason("gone") == "sensor_timeout"
    assert reason("gone", of="probe") == "sensor_timeout"
    assert reason("reset", "w cc44", "gone") == "sensor_timeout"
    # Others are there, the one with this ROM is not.
    select = "55" + ROM.hex()
    assert reason(*reading(b"\xff" * 9, select), rom=ROM) == "sensor_timeout"


def test_a_wire_that_is_held_low_gives_no_zero():
    assert reason(*reading(bytes(9))) == "sensor_identity"
    assert reason("reset", "w 33", "r " + bytes(8).hex(), of="probe") == "sensor_identity"


def test_another_family_is_refused():
    rom = bytes.fromhex("10ff641e0f9a3b")  # a DS18S20, whose counts mean something else
    rom += bytes((_crc8(rom),))
    assert reason("reset", "w 33", "r " + rom.hex(), of="probe") == "sensor_identity"


def test_two_that_answer_at_once_are_noticed():
    both = bytes(a & b for a, b in zip(ROM, bytes.fromhex("2861640a1b2c3d7f")))
    assert reason("reset", "w 33", "r " + both.hex(), of="probe") == "sensor_crc"


def test_every_broken_bit_is_noticed():
    good = scratchpad(0x0191)
    for bit in range(72):
        data = bytearray(good)
        data[bit // 8] ^= 1 << bit % 8
        assert reason(*reading(data)) == "sensor_crc"
