# One column of zigzag numbers as bits: constant, Rice or raw, whichever is shortest.
# SPDX-License-Identifier: Apache-2.0
#
#   4-bit code   0        all numbers are 0, nothing follows
#                1..14    Rice with k = code - 1: number >> k as that many ones and a zero, then k bits;
#                         24 ones have no zero after them but the number as it is, in 32 bits
#                15       5 bits: width - 1; then each number in that many bits
#
# Numbers have up to 32 bits. A column of n numbers is never longer than 9 + 32 * n bits.
from .compat import const

_RAW = const(15)
_K_MAX = const(13)
_ONES_MAX = const(24)
_FAST_WIDTH = const(22)  # with 7 bits pending it stays a small int of an ESP32 (31 bits)


def _bit_length(n):
    width = 0
    while n:
        n >>= 1
        width += 1
    return width


def _cost(numbers, n, k):
    bits = n * (k + 1)
    escape = _ONES_MAX + 31 - k
    for i in range(n):
        ones = numbers[i] >> k
        bits += ones if ones < _ONES_MAX else escape
    return bits


def _best_k(numbers, n, total):
    # -> (bits, k): the best k is near log2 of the mean; one to each side is tried too.
    k = min(max(_bit_length(total // n) - 1, 0), _K_MAX)
    best = _cost(numbers, n, k), k
    if k > 0:
        best = min(best, (_cost(numbers, n, k - 1), k - 1))
    if k < _K_MAX:
        best = min(best, (_cost(numbers, n, k + 1), k + 1))
    return best


def write_column(writer, numbers, n, total, union):
    # The first n of numbers; total is their sum, union their bitwise or: the caller has them at hand.
    if not union:
        writer.put(0, 4)
        return
    bits, k = _best_k(numbers, n, total)
    width = _bit_length(union)
    if bits <= 5 + n * width:
        writer.put(k + 1, 4)
        _write_rice(writer, numbers, n, k)
    else:
        writer.put(_RAW << 5 | width - 1, 9)
        for i in range(n):
            writer.put(numbers[i], width)


def _write_rice(writer, numbers, n, k):
    # BitWriter.put() spelled out: this is where the time of a report goes.
    append = writer.buf.append
    acc = writer.acc
    used = writer.used
    low = (1 << k) - 1
    for i in range(n):
        number = numbers[i]
        ones = number >> k
        width = ones + 1 + k
        if width > _FAST_WIDTH:
            writer.acc = acc
            writer.used = used
            if ones < _ONES_MAX:
                writer.put((2 << ones) - 2, ones + 1)
                writer.put(number, k)
            else:
                writer.put(0xFFFFFF, _ONES_MAX)
                writer.put(number, 32)
            acc = writer.acc
            used = writer.used
            continue
        acc = acc << width | (2 << ones) - 2 << k | number & low
        used += width
        while used >= 8:
            used -= 8
            append(acc >> used)
            acc &= (1 << used) - 1
    writer.acc = acc
    writer.used = used


def read_column(reader, n):
    # -> list of n numbers
    code = reader.get(4)
    if code == 0:
        return [0] * n
    if code == _RAW:
        width = reader.get(5) + 1
        return [reader.get(width) for _ in range(n)]
    return [_read_rice(reader, code - 1) for _ in range(n)]


def _read_rice(reader, k):
    ones = 0
    while reader.get(1):
        ones += 1
        if ones == _ONES_MAX:
            return reader.get(32)
    return ones << k | reader.get(k)
