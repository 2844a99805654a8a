# Cyclic redundancy checks: Sensirion's CRC-8, Modbus and XMODEM CRC-16, CRC-32 (IEEE 802.3).
# SPDX-License-Identifier: Apache-2.0
from .compat import crc32  # noqa: F401


def _nibble_table(polynomial, width):
    # Remainders of the sixteen 4-bit values, most significant bit first.
    table = []
    top = 1 << (width - 1)
    for remainder in range(16):
        remainder <<= width - 4
        for _ in range(4):
            remainder = (remainder << 1) ^ polynomial if remainder & top else remainder << 1
        table.append(remainder & ((1 << width) - 1))
    return tuple(table)


def _reflected_nibble_table(polynomial):
    # The same for a register that shifts to the right; the polynomial is given bit-reversed.
    table = []
    for remainder in range(16):
        for _ in range(4):
            remainder = (remainder >> 1) ^ polynomial if remainder & 1 else remainder >> 1
        table.append(remainder)
    return tuple(table)


# Two table steps a byte: a quarter of the bit loop's time for a sixteenth of a full table's heap.
_CRC8 = _nibble_table(0x31, 8)
_XMODEM = _nibble_table(0x1021, 16)
_MODBUS = _reflected_nibble_table(0xA001)


def crc8(data, crc=0xFF):
    # Sensirion (SHT4x, SCD4x): polynomial 0x31, start 0xFF, not reflected; of BE EF it is 92.
    for byte in data:
        crc ^= byte
        crc = (crc << 4 & 0xFF) ^ _CRC8[crc >> 4]
        crc = (crc << 4 & 0xFF) ^ _CRC8[crc >> 4]
    return crc


def crc16_xmodem(data, crc=0):
    for byte in data:
        crc ^= byte << 8
        crc = (crc << 4 & 0xFFFF) ^ _XMODEM[crc >> 12]
        crc = (crc << 4 & 0xFFFF) ^ _XMODEM[crc >> 12]
    return crc


def crc16_modbus(data, crc=0xFFFF):
    # Sent low byte first.
    for byte in data:
        crc ^= byte
        crc = crc >> 4 ^ _MODBUS[crc & 15]
        crc = crc >> 4 ^ _MODBUS[crc & 15]
    return crc
