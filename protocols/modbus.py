# Modbus RTU (Modbus over Serial Line V1.02): reading registers, master side.
# SPDX-License-Identifier: Apache-2.0
from .compat import const
from .crc import crc16_modbus

HOLDING = const(3)  # function codes
INPUT = const(4)

_EXCEPTION = const(0x80)
_MAX_COUNT = const(125)


class ModbusError(ValueError):
    # code: the exception code of the device, 1..11; None if there was no valid answer.
    def __init__(self, message, code=None):
        super().__init__(message)
        self.code = code


def with_crc(data):
    crc = crc16_modbus(data)
    return data + bytes((crc & 0xFF, crc >> 8))  # low byte first


def response_size(count):
    # Bytes of the answer to a read request.
    return 5 + 2 * count


def read_request(address, function, register, count):
    if not 1 <= count <= _MAX_COUNT:
        raise ValueError("1 to %d registers, not %d" % (_MAX_COUNT, count))
    return with_crc(
        bytes((address, function, register >> 8, register & 0xFF, count >> 8, count & 0xFF))
    )


def _is_sound(view, start, size):
    # The CRC over a message and its own CRC is 0.
    return start + size <= len(view) and crc16_modbus(view[start : start + size]) == 0


def find(data, address, function, size, count=None):
    # Where an answer of so many bytes begins; count: of the bytes in it, where it tells them.
    # Bytes before and after it are passed over: an RS485 transceiver makes some when it turns
    # round, or echoes the request.
    view = memoryview(data)
    for start in range(len(data) - 4):
        if data[start] != address:
            continue
        if data[start + 1] == function | _EXCEPTION and _is_sound(view, start, 5):
            code = data[start + 2]
            raise ModbusError("device %d refused: exception %d" % (address, code), code)
        if data[start + 1] == function and (count is None or data[start + 2] == count):
            if _is_sound(view, start, size):
                return start
    raise ModbusError("no valid answer of device %d in %d bytes" % (address, len(data)))


def parse_response(data, address, function, count):
    # -> memoryview of the registers, 2 bytes each, big-endian
    start = find(data, address, function, response_size(count), 2 * count)
    return memoryview(data)[start + 3 : start + 3 + 2 * count]
