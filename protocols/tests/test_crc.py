# Check values of the published catalogues, and the residue of each CRC.
# SPDX-License-Identifier: Apache-2.0
from protocols.crc import crc8, crc16_modbus, crc16_xmodem, crc32

CHECK = b"123456789"


def test_check_values():
    # The "check" of each algorithm in the catalogue of parametrised CRC algorithms (G. Cook).
    assert crc8(CHECK) == 0xF7  # CRC-8/NRSC-5: the same parameters
    assert crc16_modbus(CHECK) == 0x4B37
    assert crc16_xmodem(CHECK) == 0x31C3
    assert crc32(CHECK) == 0xCBF43926


def test_sensirion_example():
    # Datasheets of SHT4x and SCD4x: CRC (0xBEEF) = 0x92.
    assert crc8(b"\xbe\xef") == 0x92


def test_in_pieces():
    for cut in range(len(CHECK) + 1):
        head, tail = CHECK[:cut], CHECK[cut:]
        assert crc8(tail, crc8(head)) == crc8(CHECK)
        assert crc16_modbus(tail, crc16_modbus(head)) == crc16_modbus(CHECK)
        assert crc16_xmodem(tail, crc16_xmodem(head)) == crc16_xmodem(CHECK)


def test_every_changed_bit_is_seen():
    for crc in (crc8, crc16_modbus, crc16_xmodem):
        good = crc(CHECK)
        for bit in range(8 * len(CHECK)):
            bad = bytearray(CHECK)
            bad[bit >> 3] ^= 1 << (bit & 7)
            assert crc(bad) != good
