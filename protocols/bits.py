# Numbers as bits and bytes: bit fields (most significant bit first), zigzag, varint.
# SPDX-License-Identifier: Apache-2.0


class BitsError(ValueError):
    pass


def zigzag(n):
    # 0, -1, 1, -2 ... -> 0, 1, 2, 3 ...
    return n << 1 if n >= 0 else (-n << 1) - 1


def unzigzag(n):
    return -(n >> 1) - 1 if n & 1 else n >> 1


def put_varint(buf, n):
    # Seven bits a byte, least significant first; the top bit says that more follow.
    while n > 0x7F:
        buf.append(n & 0x7F | 0x80)
        n >>= 7
    buf.append(n)


def get_varint(data, pos):
    # -> (n, position after it). At most 32 bits, and only the shortest form.
    n = shift = 0
    while shift < 35:
        if pos >= len(data):
            raise BitsError("the input ends inside a number")
        byte = data[pos]
        pos += 1
        n |= (byte & 0x7F) << shift
        if byte < 0x80:
            if (byte == 0 and shift) or n > 0xFFFFFFFF:
                break
            return n, pos
        shift += 7
    raise BitsError("a number of more than 32 bits or not in its shortest form")


class BitWriter:
    # Appends to a bytearray. Works in steps of 16 bits, so that small ints of 31 bits suffice.
    def __init__(self, buf):
        self.buf = buf
        self.acc = 0  # bits not yet in buf, fewer than 8
        self.used = 0

    def put(self, value, width):
        while width > 16:
            width -= 16
            self.put(value >> width & 0xFFFF, 16)
        acc = self.acc << width | value & (1 << width) - 1
        used = self.used + width
        while used >= 8:
            used -= 8
            self.buf.append(acc >> used)
            acc &= (1 << used) - 1
        self.acc = acc
        self.used = used

    def finish(self):
        # Fills the last byte with zeros.
        if self.used:
            self.put(0, 8 - self.used)


def put_gamma(writer, n):
    # Elias gamma code of 1 or more: as many zeros as bits follow the first one.
    width = 0
    while n >> width + 1:
        width += 1
    writer.put(0, width)
    writer.put(n, width + 1)
