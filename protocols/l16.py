# L16 of RFC 3551: 16-bit samples in network order.
# SPDX-License-Identifier: Apache-2.0
from struct import pack_into


def l16_to_pcm(src, dst):
    # -> how many samples; little-endian in dst
    n = len(src) & ~1
    whole = n & ~7
    for i in range(0, whole, 8):
        pack_into(
            "<4H",
            dst,
            i,
            src[i] << 8 | src[i + 1],
            src[i + 2] << 8 | src[i + 3],
            src[i + 4] << 8 | src[i + 5],
            src[i + 6] << 8 | src[i + 7],
        )
    for i in range(whole, n, 2):
        pack_into("<H", dst, i, src[i] << 8 | src[i + 1])
    return n // 2
