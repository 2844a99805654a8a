# One column of zigzag numbers as bits: constant, Rice or raw.
# SPDX-License-Identifier: Apache-2.0
#
#   4-bit code  0      all numbers are 0, nothing follows
#               1..14  Rice with k = code - 1: the number >> k as that many ones and a zero, then
#                      its k low bits; 24 ones have no zero after them but the number in 32 bits
#               15     5 bits: width - 1; then each number in that many bits
#
# Numbers have up to 32 bits. A column of n numbers never has more than 9 + 32 * n bits: k follows
# the mean, so that at most one number in twelve has 24 ones, and a mean that asks for k > 13 is
# written raw.
from .compat import const

_RAW = const(15)
_K_MAX = const(13)
_ONES_MAX = const(24)
_ROOM = const(24)  # bits at a time, so that 24 ones never pass for a short code; an ESP32 has 31


def write_column(writer, numbers, n, total):
    # The first n of numbers, whose sum is total.
    if not total:
        writer.put(0, 4)
        return
    # The rule of CCSDS 123.0-B-2, 5.4.3.2.2: the largest k with n * 2^k <= total + n * 49 / 128.
    # On greenhouse data it costs 0.05 byte a report against trying every k, and no second pass.
    bound = total + (49 * n >> 7)
    k = 0
    while n << k + 1 <= bound:
        k += 1
    if k > _K_MAX:
        _write_raw(writer, numbers, n)
        return
    # BitWriter.put() spelled out: this is where the time of a report goes. Bits leave for the
    # buffer when no more fit. Adding 1, shifting and taking 1 away shifts in ones.
    buf = writer.buf
    acc = writer.acc << 4 | k + 1
    used = writer.used + 4
    low_bits = k + 1
    low = (1 << k) - 1
    for number in numbers if n == len(numbers) else numbers[:n]:
        ones = number >> k
        size = ones + low_bits
        used += size
        if used > _ROOM:
            used -= size
            while used >= 8:
                used -= 8
                buf.append(acc >> used & 0xFF)
            acc &= (1 << used) - 1
            if used + size > _ROOM:
                writer.acc = acc
                writer.used = used
                _write_long(writer, number, ones, k)
                acc = writer.acc
                used = writer.used
                continue
            used += size
        acc = (acc + 1 << ones) - 1 << low_bits | number & low
    while used >= 8:
        used -= 8
        buf.append(acc >> used & 0xFF)
    writer.acc = acc & (1 << used) - 1
    writer.used = used


def _write_long(writer, number, ones, k):
    if ones < _ONES_MAX:
        writer.put((2 << ones) - 2, ones + 1)
        writer.put(number, k)
    else:
        writer.put(0xFFFFFF, _ONES_MAX)
        writer.put(number, 32)


def _write_raw(writer, numbers, n):
    width = 1
    for i in range(n):
        while numbers[i] >> width:
            width += 1
    writer.put(_RAW << 5 | width - 1, 9)
    for i in range(n):
        writer.put(numbers[i], width)
