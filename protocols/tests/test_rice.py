# One column of numbers: the parameter, the codes of every length at every bit, raw and constant.
# SPDX-License-Identifier: Apache-2.0
from protocols import rice
from protocols.bit_reader import BitReader, read_column
from protocols.bits import BitWriter, unzigzag


def written(numbers, offset):
    out = bytearray()
    writer = BitWriter(out)
    writer.put(0, offset)
    rice.write_column(writer, numbers, len(numbers), sum(numbers))
    bits = 8 * len(out) + writer.used - offset
    writer.finish()
    return out, bits


def test_a_code_of_every_length_at_every_bit():
    # 24 ones are an escape to the reader: no shorter way may write them, wherever they begin.
    for k in range(14):
        for ones in range(31):
            numbers = [1 << k] * 64
            numbers[40] = ones << k | (1 << k) - 1
            size = 24 + 32 if ones >= 24 else ones + 1 + k
            for offset in range(8):
                out, bits = written(numbers, offset)
                reader = BitReader(out)
                reader.get(offset)
                assert reader.get(4) == k + 1
                assert bits == 4 + 63 * (k + 2) + size, (k, ones, offset)
                reader.at = offset
                steps = read_column(reader, 64)
                assert steps[40] - steps[39] == unzigzag(numbers[40]), (k, ones, offset)
                assert steps[63] == sum([unzigzag(n) for n in numbers])
                assert reader.finish() == len(out)


def test_constant_and_raw():
    assert written([0] * 9, 0) == (b"\0", 4)
    assert written([0xFFFFFFFF, 0], 0)[1] == 4 + 5 + 2 * 32
    for width in range(15, 33):
        numbers = [(1 << width) - 1, 0, 1 << width - 1]
        out, bits = written(numbers, 3)
        reader = BitReader(out, 0)
        reader.get(3)
        steps = read_column(reader, 3)
        assert [steps[0], steps[1] - steps[0], steps[2] - steps[1]] == [
            unzigzag(n) for n in numbers
        ]
        assert bits == 9 + 3 * width
