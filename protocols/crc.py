# Cyclic redundancy checks: Sensirion's CRC-8, Modbus and XMODEM CRC-16, CRC-32 (IEEE 802.3).
# SPDX-License-Identifier: Apache-2.0
from .compat import const, crc32  # noqa: F401

# Remainders of the sixteen 4-bit values. Two table steps a byte: a quarter of the bit loop's time
# for a sixteenth of a full table's heap. Modbus has a register that shifts to the right.
# fmt: off
_CRC8 = const((
    0x00, 0x31, 0x62, 0x53, 0xC4, 0xF5, 0xA6, 0x97,
    0xB9, 0x88, 0xDB, 0xEA, 0x7D, 0x4C, 0x1F, 0x2E,
))
_XMODEM = const((
    0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50A5, 0x60C6, 0x70E7,
    0x8108, 0x9129, 0xA14A, 0xB16B, 0xC18C, 0xD1AD, 0xE1CE, 0xF1EF,
))
_MODBUS = const((
    0x0000, 0xCC01, 0xD801, 0x1400, 0xF001, 0x3C00, 0x2800, 0xE401,
    0xA001, 0x6C00, 0x7800, 0xB401, 0x5000, 0x9C01, 0x8801, 0x4400,
))
# fmt: on


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
