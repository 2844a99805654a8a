# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import modbus_coils
from protocols.modbus import ModbusError
from protocols.tests.support import raises


def test_golden():
    # Widely printed examples of relay boards; the last is that of the application protocol
    # V1.1b3, 6.5, for device 0x11.
    assert modbus_coils.write_request(1, 0, True) == unhexlify("01050000ff008c3a")
    assert modbus_coils.write_request(1, 0, False) == unhexlify("010500000000cdca")
    assert modbus_coils.write_request(0x11, 0xAC, 1) == unhexlify("110500acff004e8b")
    assert modbus_coils.read_request(1, 0) == unhexlify("010100000001fdca")
    # Waveshare, wiki Modbus RTU Relay: the first for 0.7 s, the second for 0.8 s.
    assert modbus_coils.timed_request(1, 0x200, 7) == unhexlify("0105020000078db0")
    assert modbus_coils.timed_request(1, 0x201, 8) == unhexlify("0105020100089c74")
    assert modbus_coils.timed_request(1, 0x200, 0xFF00)[4:6] == b"\x7f\xff"


def test_answers():
    written = modbus_coils.write_request(1, 0, True)
    for junk in (b"", b"\x00", b"\xff\xff", b"\x01\x05"):
        modbus_coils.check_written(junk + written + junk, 1)
    on, off = unhexlify("010101019048"), unhexlify("010101005188")
    assert modbus_coils.parse_read(b"\x00" + on + b"\xff", 1) is True
    assert modbus_coils.parse_read(off, 1) is False
    raises(ModbusError, modbus_coils.parse_read, written, 1)
    raises(ModbusError, modbus_coils.parse_read, on, 2)
    raises(ModbusError, modbus_coils.check_written, on, 1)
    assert raises(ModbusError, modbus_coils.parse_read, unhexlify("018102c191"), 1).code == 2
