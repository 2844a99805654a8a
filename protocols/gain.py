# Makes samples softer by a gain that changes from one to the next: fades without a click.
# SPDX-License-Identifier: Apache-2.0
from struct import pack_into

from .compat import const

FULL = const(32768)  # the product with a sample still fits a small integer of an ESP32


def ramp(samples, first, count, gain, step):
    # samples: little-endian, 16 bits; of the first one by gain, of the next ones by a step more
    pack = pack_into
    for at in range(2 * first, 2 * (first + count), 2):
        sample = (samples[at + 1] ^ 128) - 128 << 8 | samples[at]
        pack("<h", samples, at, sample * gain >> 15)
        gain += step
