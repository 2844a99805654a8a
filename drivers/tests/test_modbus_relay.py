# A relay board on RS485: what goes over the line, and what its answers may look like.
# SPDX-License-Identifier: Apache-2.0
import json

import drivers.rs485
from drivers.errors import DriverError
from drivers.modbus_relay import ModbusRelay
from drivers.rs485 import RS485
from drivers.tests.support import UART, Clock, Pin, fails, on_stream, run
from protocols.crc import crc16_modbus

ON, OFF = bytes.fromhex("01050000ff008c3a"), bytes.fromhex("010500000000cdca")
READ = bytes.fromhex("010100000001fdca")


def sealed(text):
    frame = bytes.fromhex(text)
    crc = crc16_modbus(frame)
    return frame + bytes((crc & 0xFF, crc >> 8))


STATES = sealed("01010100"), sealed("01010101")


class Board:
    # One that obeys; `answers` {request: pieces} in place of what it would say.
    def __init__(self, output=1, timed=False, **answers):
        self.clock = Clock()
        self.on = False
        self.stuck = False
        self.requests = []
        self.instead = {}
        self.uart = UART(self.clock, self._answer)
        self.de = Pin(self.clock)
        with open("drivers/maps/relays_8%s.json" % ("_timed" if timed else "")) as file:
            relays = json.load(file)
        self.rs485 = on_stream(RS485, self.uart, self.de, 9600)
        self.relay = ModbusRelay(self.rs485, 1, relays, output)

    def _answer(self, data):
        assert self.de.log[-1][1] == 1, "the driver is off"
        self.requests.append(data)
        if data in self.instead:
            return self.instead[data]
        if data[:3] == b"\x01\x05\x02":
            self.on = True
            return ((20, data),)
        if data in (ON, OFF):
            self.on = self.on if self.stuck else data == ON
            return ((20, data),)
        return ((20, STATES[self.on]),)

    def reason(self, value):
        return fails(DriverError, self.clock, self.relay.put(value)).reason


def test_what_is_written_is_read_back():
    board = Board()
    run(board.clock, board.relay.put(100))
    assert board.requests == [ON, READ] and board.on and board.relay.value == 100
    assert run(board.clock, board.relay.read()) == (100,)
    run(board.clock, board.relay.put(0))
    assert board.requests[-2:] == [OFF, READ] and not board.on
    assert board.de.log[-1][1] == 0


def test_its_number_is_a_coil():
    board = Board(output=8)
    board.instead = {
        sealed("01050007ff00"): ((20, sealed("01050007ff00")),),
        sealed("010100070001"): ((20, STATES[1]),),
    }
    run(board.clock, board.relay.put(1))
    for wrong in (0, 9):
        try:
            Board(output=wrong)
            raise AssertionError(wrong)
        except ValueError:
            pass


class Passing:
    # In place of `time`: a sleep that lets the clock of the test go on.
    def __init__(self, clock):
        self.clock = clock

    def sleep_ms(self, ms):
        self.clock.now_ms += ms


def test_off_waits_for_no_answer_but_lets_it_pass():
    board = Board()
    drivers.rs485.time = Passing(board.clock)
    run(board.clock, board.relay.put(100))
    before_ms = board.clock.elapsed_ms
    board.relay.off()
    assert not board.on and board.requests[-2:] == [OFF, OFF]
    # Twice the gap of 3.5 characters before it, and an answer of eight after 20 ms.
    assert 2 * (4 + 20 + 9) <= board.clock.elapsed_ms - before_ms <= 100


def test_a_board_that_knows_a_time_opens_by_itself():
    board = Board(timed=True)
    for most_s, expected in ((99, 25), (25, 25), (3, 3), (0, 0.1), (-7, 0.1)):
        run(board.clock, board.relay.put(100, most_s))
        closed, read = board.requests[-2:]
        assert closed == sealed("01050200%04x" % int(expected * 10)) and read == READ
        assert board.on and board.relay.value == 100
    run(board.clock, board.relay.put(0, 99))
    assert board.requests[-2:] == [OFF, READ] and not board.on
    assert board.relay.renew_s * 3 < 26 and Board().relay.renew_s == 60


def test_an_echo_of_the_request_proves_nothing():
    board = Board()
    board.stuck = True
    assert board.reason(100) == "actuator_no_effect"
    board.stuck, board.on = True, True
    assert board.reason(0) == "actuator_no_effect" and board.relay.value == 0
    # A transceiver that hears itself, before the answers.
    board = Board()
    board.instead = {
        ON: ((20, ON + ON),),
        READ: ((20, READ + STATES[1]),),
    }
    run(board.clock, board.relay.put(100))


def test_silence_other_devices_refusals_and_broken_answers():
    silent = Board()
    silent.instead = {ON: ()}
    assert silent.reason(100) == "sensor_timeout"
    for answer, reason in (
        (sealed("02050000ff00"), "sensor_crc"),  # of another device
        (sealed("018502"), "sensor_identity"),  # it has no such coil
        (sealed("018504"), "sensor_identity"),
        (ON[:-1] + b"\x00", "sensor_crc"),
        (ON[:5], "sensor_crc"),
    ):
        board = Board()
        board.instead = {ON: ((20, answer),)}
        assert board.reason(100) == reason
        assert board.relay.value == 0
    for answer in (sealed("02010101"), sealed("0101020100"), sealed("010301")):
        board = Board()
        board.instead = {READ: ((20, answer),)}
        assert board.reason(100) == "sensor_crc", answer


def test_every_cut_and_every_broken_byte_of_what_is_read_back():
    for size in range(1, 6):
        board = Board()
        board.instead = {READ: ((20, STATES[1][:size]),)}
        assert board.reason(100) == "sensor_crc"
    for position in range(6):
        broken = bytearray(STATES[1])
        broken[position] ^= 0x04
        board = Board()
        board.instead = {READ: ((20, bytes(broken)),)}
        assert board.reason(100) == "sensor_crc"
