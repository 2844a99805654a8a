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


class Slave:
    # Answers from a table; what is not in there is refused.
    def __init__(self, registers, table, function=3):
        self.clock = Clock()
        self.table = table
        self.asked = []
        uart = UART(self.clock, self._answer)
        rs485 = on_stream(RS485, uart, Pin(self.clock), 9600)
        self.probe = ModbusProbe(rs485, 9, {"function": function, "registers": registers})

    def _answer(self, data):
        function = data[1]
        first, count = data[2] << 8 | data[3], data[4] << 8 | data[5]
        self.asked.append((first, count))
        if [1 for n in range(first, first + count) if n not in self.table]:
            return ((20, sealed(bytes((9, function | 0x80, 2)))),)
        body = b"".join(
            bytes((self.table[n] >> 8, self.table[n] & 0xFF)) for n in range(first, first + count)
        )
        return ((20, sealed(bytes((9, function, 2 * count)) + body)),)

    def read(self):
        return run(self.clock, self.probe.read())


def entry(name, register, **more):
    return dict({"name": name, "unit": "1", "scale": 1, "register": register}, **more)


def test_a_gap_between_registers_is_not_asked_for():
    entries = [entry("ph", 6), entry("wet", 18), entry("warm", 19, signed=True), entry("k", 32)]
    slave = Slave(entries, {6: 700, 18: 1, 19: 0xFFFF, 32: 5})
    assert slave.read() == (700, 1, -1, 5)
    assert slave.asked == [(6, 1), (18, 2), (32, 1)]


def test_the_order_of_a_map_is_that_of_the_channels():
    slave = Slave([entry("b", 3), entry("a", 2), entry("again", 3)], {2: 20, 3: 30}, function=4)
    assert slave.read() == (30, 20, 30) and slave.asked == [(2, 2)]


def test_values_of_two_registers():
    table = {10: 1, 11: 0x86A0, 12: 0xFFFF, 13: 0xFFFE, 14: 0x86A0, 15: 1}
    entries = [
        entry("light", 10, words=2),
        entry("below", 12, words=2, signed=True),
        entry("swapped", 14, words=2, low_first=True),
    ]
    slave = Slave(entries, table)
    assert slave.read() == (100000, -2, 100000) and slave.asked == [(10, 6)]


def test_one_span_that_fails_fails_all():
    slave = Slave([entry("a", 1), entry("b", 5)], {1: 7})
    assert fails(SensorError, slave.clock, slave.probe.read()).reason == "sensor_identity"


def test_the_answer_of_another_is_refused():
    for other in (0, 2, 3, 247):
        line = Line((60, sealed(bytes((other,)) + REPLY[1:-2])))
        assert line.reason() == "sensor_crc"
