# Modbus RTU (Modbus Application Protocol V1.1b3, 6.1 and 6.5): one coil written and read back.
# SPDX-License-Identifier: Apache-2.0
from .compat import const
from .modbus import find, with_crc

_READ = const(1)
_WRITE = const(5)
_MOST = const(0x7FFF)


def _request(address, function, coil, value):
    data = bytes((address, function, coil >> 8, coil & 0xFF, value >> 8, value & 0xFF))
    return with_crc(data)


def write_request(address, coil, on):
    return _request(address, _WRITE, coil, 0xFF00 if on else 0)


# Closes a relay for so many units, of which 0xFF00 would be for ever: an extension of some boards.
def timed_request(address, coil, units):
    return _request(address, _WRITE, coil, min(units, _MOST))


def read_request(address, coil):
    return _request(address, _READ, coil, 1)


# A sound answer repeats the request, and so does a transceiver that hears itself: what it proves
# is only that nobody refused.
def check_written(data, address):
    find(data, address, _WRITE, 8)


# -> whether the coil is on
def parse_read(data, address):
    return bool(data[find(data, address, _READ, 6, 1) + 3] & 1)
