# Modbus RTU requests and the answers on a noisy line.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import modbus
from protocols.modbus import ModbusError
from protocols.tests.support import raises, vectors

# Registers 0 and 1 of device 1 read as 0x028A and 0xFF9B (moisture 65.0 %, -10.1 Cel).
REQUEST = unhexlify("010300000002c40b")
ANSWER = unhexlify("010304028aff9bda3a")
REFUSAL = unhexlify("018302c0f1")  # exception 2: no such register


def parse(data):
    return bytes(modbus.parse_response(data, 1, modbus.HOLDING, 2))


def test_golden():
    for fields in vectors("modbus.hex"):
        request, answer = unhexlify(fields[0]), unhexlify(fields[1])
        address, function, register, count = [int(field) for field in fields[2:6]]
        assert modbus.read_request(address, function, register, count) == request, fields[-1]
        if answer[1] == function:
            registers = modbus.parse_response(answer, address, function, count)
            assert bytes(registers) == unhexlify(fields[6]), fields[-1]
        else:
            error = raises(ModbusError, modbus.parse_response, answer, address, function, count)
            assert error.code == int(fields[6]), fields[-1]


def test_request():
    assert modbus.read_request(1, modbus.HOLDING, 0, 2) == REQUEST
    # Modbus over Serial Line's function code 4, register 0x0008, device 0x11.
    assert modbus.read_request(0x11, modbus.INPUT, 8, 1) == unhexlify("110400080001b298")
    raises(ValueError, modbus.read_request, 1, modbus.HOLDING, 0, 126)
    raises(ValueError, modbus.read_request, 1, modbus.HOLDING, 0, 0)


def test_answer():
    assert parse(ANSWER) == unhexlify("028aff9b")
    assert len(ANSWER) == modbus.response_size(2)


def test_junk_around_the_answer():
    for junk in (b"\0", b"\xff\xff", b"\x01", b"\x01\x03", REQUEST, ANSWER[:5], bytes(40)):
        assert parse(junk + ANSWER) == unhexlify("028aff9b")
        assert parse(ANSWER + junk) == unhexlify("028aff9b")


def test_exception():
    error = raises(ModbusError, parse, REFUSAL)
    assert error.code == 2
    assert raises(ModbusError, parse, b"\0" + REFUSAL).code == 2


def test_every_cut_and_every_changed_bit():
    for size in range(len(ANSWER)):
        assert raises(ModbusError, parse, ANSWER[:size]).code is None
    for bit in range(8 * len(ANSWER)):
        bad = bytearray(ANSWER)
        bad[bit >> 3] ^= 1 << (bit & 7)
        assert raises(ModbusError, parse, bad).code is None


def test_answer_of_another():
    raises(ModbusError, modbus.parse_response, ANSWER, 2, modbus.HOLDING, 2)
    raises(ModbusError, modbus.parse_response, ANSWER, 1, modbus.INPUT, 2)
    raises(ModbusError, modbus.parse_response, ANSWER, 1, modbus.HOLDING, 1)
