# SPDX-License-Identifier: Apache-2.0
import json

from drivers.errors import SensorError
from drivers.modbus_probe import ModbusProbe
from drivers.rs485 import RS485
from drivers.tests.support import UART, Clock, Pin, fails, on_stream, run
from protocols.crc import crc16_modbus

REQUEST = bytes.fromhex("0103000000070408")
# 45.6 %, -10.1 Cel, 40000 uS/cm, pH 6.8, N 12, P 34, K 56
REGISTERS = bytes.fromhex("01c8 ff9b 9c40 0044 000c 0022 0038".replace(" ", ""))
VALUES = (456, -101, 40000, 68, 12, 34, 56)


def sealed(frame):
    crc = crc16_modbus(frame)
    return frame + bytes((crc & 0xFF, crc >> 8))


REPLY = sealed(b"\x01\x03\x0e" + REGISTERS)


class Line:
    # A probe that answers the one request with `pieces`.
    def __init__(self, *pieces, chunk=64):
        self.clock = Clock()
        self.pieces = pieces
        self.requests = []
        self.uart = UART(self.clock, self._answer, chunk)
        self.de = Pin(self.clock)
        with open("drivers/maps/soil_7in1_womaster.json") as file:
            soil = json.load(file)
        rs485 = on_stream(RS485, self.uart, self.de, 9600)
        self.probe = ModbusProbe(rs485, 1, soil)

    def _answer(self, data):
        assert self.de.log[-1][1] == 1, "the driver is off"
        self.requests.append(data)
        return self.pieces

    def reason(self):
        return fails(SensorError, self.clock, self.probe.read()).reason

    def read(self):
        values = run(self.clock, self.probe.read())
        assert self.requests == [REQUEST]
        assert self.de.log[-1][1] == 0, "the driver is still on"
        return values


def test_channels_come_from_the_map():
    channels = Line().probe.CHANNELS
    assert channels[0] == ("moisture", "%", 10)
    assert [name for name, _, _ in channels[:4]] == ["moisture", "temperature", "ec", "ph"]
    assert len(channels) == len(VALUES)


def test_read_with_a_negative_temperature():
    assert Line((60, REPLY)).read() == VALUES


def test_reply_in_pieces():
    assert Line((60, REPLY), chunk=1).read() == VALUES
    assert Line((60, REPLY[:7]), (70, REPLY[7:])).read() == VALUES


def test_junk_around_the_reply():
    for junk in (b"\x00", b"\xff\xff", b"\x01", b"\x01\x03", REQUEST):
        assert Line((60, junk + REPLY)).read() == VALUES
        assert Line((60, REPLY + junk)).read() == VALUES


def test_a_late_reply_does_not_answer_the_next_request():
    line = Line((60, REPLY))
    line.uart.arrive(0, sealed(b"\x01\x03\x0e" + bytes(14)))
    assert line.read() == VALUES


def test_silence_ends():
    line = Line()
    assert line.reason() == "sensor_timeout"
    assert line.clock.elapsed_ms < 1100


def test_every_cut_and_every_broken_byte():
    for size in range(1, len(REPLY)):
        assert Line((60, REPLY[:size])).reason() == "sensor_crc"
    for position in range(len(REPLY)):
        broken = bytearray(REPLY)
        broken[position] ^= 0x04
        assert Line((60, bytes(broken))).reason() == "sensor_crc"


def test_a_babbling_line_ends():
    assert Line((60, b"\xff" * 1000)).reason() == "sensor_crc"


def test_exceptions():
    assert Line((60, sealed(b"\x01\x83\x02"))).reason() == "sensor_identity"
    assert Line((60, sealed(b"\x01\x83\x06"))).reason() == "sensor_range"
    # Another device's answer is none.
    assert Line((60, sealed(b"\x02\x83\x02"))).reason() == "sensor_crc"
