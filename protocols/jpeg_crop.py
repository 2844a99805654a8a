# Cuts a region out of a JPEG, as cameras send it, without decoding a pixel (ITU-T T.81, baseline,
# Huffman). It comes and goes a piece at a time.
# SPDX-License-Identifier: Apache-2.0
#
# A scan is a sequence of units (MCUs) of variable length, so all before the region must be read
# through. Of those in it the codes are copied as they are, but for the mean of a block (DC): that
# is told as a difference to the block before, which may be another one now. So no pixel changes.
# The region grows to whole units, 16 x 8 pixels with most cameras.
from .compat import const

_HEADER_MAX = const(4096)
# T.81, B.2.3: a unit has at most ten blocks, with 64 codes of 26 bits; so much must be there.
_BLOCKS = const(10)
_AHEAD = const(2080)
_DHT, _SOF0, _SOF1, _SOS, _DRI = const(0xC4), const(0xC0), const(0xC1), const(0xDA), const(0xDD)
_COPIED = const((0xDB, 0xC4))  # tables: quantization, Huffman


class Cropper:
    # In pixels. `out` has what is finished; whoever takes it puts another bytearray there.
    def __init__(self, left, top, width, height):
        self._window = left, top, width, height
        self.width = self.height = 0  # of what comes out, once its header has
        self.out = bytearray()
        self.done = False
        self._in = bytearray()  # of a scan: without what is stuffed in after FF
        self._at = 0
        self._in_scan = self._after_ff = self._over = False
        self._acc = self._bits = 0  # read, and not yet consumed
        self._out_acc = self._out_bits = 0
        self._tables = {}  # class and number, as a DHT has them
        self._plan = []  # of a unit: (component, DC table, AC table) a block
        self._restart = self._unit_number = 0

    # Raises ValueError for what is no such JPEG.
    def feed(self, data):
        if not self._in_scan:
            self._in += data
            try:
                at = self._header()
            # A segment that is too short, a table that is not there.
            except (IndexError, KeyError):
                raise ValueError("a damaged header")
            if not at:
                if len(self._in) > _HEADER_MAX:
                    raise ValueError("no scan begins")
                return
            data, self._in, self._in_scan = self._in[at:], bytearray(), True
        self._unstuff(data)
        self._units()

    # Nothing more comes.
    def end(self):
        self._over = True
        if self._in_scan:
            self._units()
        if not self.done:
            raise ValueError("cut off")

    # --- the header: -> where the scan begins, 0 if it is not all there

    def _header(self):
        data, at, out, frame = self._in, 2, bytearray(b"\xff\xd8"), None
        while at + 4 <= len(data):
            if data[at] != 0xFF or data[:2] != b"\xff\xd8":
                raise ValueError("no marker at %d" % at)
            kind, end = data[at + 1], at + 2 + (data[at + 2] << 8 | data[at + 3])
            if end > len(data):
                return 0
            body = memoryview(data)[at + 4 : end]
            if kind == _SOF0 or kind == _SOF1:
                frame = body
                out += self._frame(body)
            elif 0xC2 <= kind <= 0xCF and kind != _DHT:
                raise ValueError("not baseline")
            elif kind in _COPIED:
                out += data[at:end]
            if kind == _DHT:
                self._huffman(body)
            elif kind == _DRI:
                self._restart = body[0] << 8 | body[1]
            elif kind == _SOS:
                if not frame:
                    raise ValueError("no frame")
                self._scan(frame, body)
                self.out += out + data[at:end]
                return end
            at = end
        return 0

    # The segment that tells the new size.
    def _frame(self, body):
        wide = max([body[7 + 3 * i] >> 4 for i in range(body[5])])
        high = max([body[7 + 3 * i] & 15 for i in range(body[5])])
        if body[5] == 1:  # T.81, A.2.2: then a unit is one block
            wide = high = 1
        if not (wide and high):
            raise ValueError("no sampling")
        left, top, width, height = self._window
        full_height, full_width = body[1] << 8 | body[2], body[3] << 8 | body[4]
        if left >= full_width or top >= full_height:
            raise ValueError("the region is outside of %d x %d" % (full_width, full_height))
        self._columns = (full_width + 8 * wide - 1) // (8 * wide)
        self._first = left // (8 * wide), top // (8 * high)
        right = min((left + width + 8 * wide - 1) // (8 * wide), self._columns)
        rows = (full_height + 8 * high - 1) // (8 * high)
        bottom = min((top + height + 8 * high - 1) // (8 * high), rows)
        self._end = right, bottom
        self.width = min(right * 8 * wide, full_width) - self._first[0] * 8 * wide
        self.height = min(bottom * 8 * high, full_height) - self._first[1] * 8 * high
        size = bytes((self.height >> 8, self.height & 255, self.width >> 8, self.width & 255))
        length = len(body) + 2
        head = bytes((0xFF, _SOF0, length >> 8, length & 255, body[0]))
        return head + size + bytes(body[5:])

    def _huffman(self, body):
        at = 0
        while at < len(body):
            counts = body[at + 1 : at + 17]
            values = bytes(body[at + 17 : at + 17 + sum(counts)])
            self._tables[body[at]] = _table(counts, values)
            at += 17 + len(values)

    def _scan(self, frame, body):
        sampling = {frame[6 + 3 * i]: frame[7 + 3 * i] for i in range(frame[5])}
        if body[0] != frame[5]:
            raise ValueError("more than one scan")
        plan = []
        for i in range(body[0]):
            factors, tables = sampling[body[1 + 2 * i]], body[2 + 2 * i]
            blocks = (factors >> 4) * (factors & 15) if body[0] > 1 else 1
            plan += [(i, self._tables[tables >> 4], self._tables[0x10 | tables & 15])] * blocks
        if len(plan) > _BLOCKS:
            raise ValueError("no sampling")
        self._plan = plan
        self._means = [0] * body[0]
        self._out_means = [0] * body[0]

    # --- the scan

    def _unstuff(self, data):
        for byte in data:
            if self._over:
                return
            if self._after_ff:
                self._after_ff = byte == 0xFF
                if not byte:
                    self._in.append(0xFF)
                elif not 0xD0 <= byte <= 0xD7 and byte != 0xFF:  # its end, no restart
                    self._over = True
            elif byte == 0xFF:
                self._after_ff = True
            else:
                self._in.append(byte)

    def _units(self):
        while not self.done and (self._over or len(self._in) - self._at >= _AHEAD):
            n = self._unit_number
            row, column = n // self._columns, n % self._columns
            if self._restart and n and not n % self._restart:
                self._bits &= ~7  # the rest of a byte is nothing
                self._means = [0] * len(self._means)
            inside = self._first[1] <= row and self._first[0] <= column < self._end[0]
            for component, dc, ac in self._plan:
                self._block(component, dc, ac, inside)
            if self._at - self._bits // 8 > len(self._in):
                raise ValueError("cut off")
            self._unit_number = n + 1
            if row == self._end[1] - 1 and column == self._end[0] - 1:
                self._put(0x7F, 7)  # fills up the last byte
                self.out += b"\xff\xd9"
                self.done = True
        self._in = self._in[self._at :]
        self._at = 0

    # At most 23 bits are held, so that a small int of MicroPython holds them.
    def _block(self, component, dc, ac, inside):
        data, at, end = self._in, self._at, len(self._in)
        acc, bits = self._acc, self._bits
        table, k = dc, 0
        while k < 64:
            while bits < 16:
                acc = (acc << 8 | (data[at] if at < end else 0xFF)) & 0xFFFFFF
                at += 1
                bits += 8
            n = table[0][acc >> bits - 8 & 0xFF]
            if n:
                symbol = table[1][acc >> bits - 8 & 0xFF]
            else:
                n, symbol = _longer(table, acc, bits)
            bits -= n
            if inside and k:
                self._put(acc >> bits & (1 << n) - 1, n)
            n = symbol & 15
            while bits < n:
                acc = (acc << 8 | (data[at] if at < end else 0xFF)) & 0xFFFFFF
                at += 1
                bits += 8
            bits -= n
            value = acc >> bits & (1 << n) - 1
            if not k:
                self._mean(component, dc, value, n, inside)
                table, k = ac, 1
                continue
            if n:
                k += (symbol >> 4) + 1
                if inside:
                    self._put(value, n)
            elif symbol == 0xF0:  # sixteen zeros
                k += 16
            else:
                break
        self._at, self._acc, self._bits = at, acc, bits

    def _mean(self, component, dc, value, n, inside):
        if n and not value >> n - 1:  # T.81, F.2.2.1: below zero
            value -= (1 << n) - 1
        mean = self._means[component] = self._means[component] + value
        if not inside:
            return
        value = mean - self._out_means[component]
        self._out_means[component] = mean
        n, magnitude = 0, abs(value)
        while magnitude >> n:
            n += 1
        if n not in dc[4]:
            raise ValueError("no code for a mean")
        self._put(*dc[4][n])
        self._put(value if value >= 0 else value + (1 << n) - 1, n)

    def _put(self, value, n):
        acc, bits, out = self._out_acc << n | value, self._out_bits + n, self.out
        while bits >= 8:
            bits -= 8
            byte = acc >> bits & 0xFF
            out.append(byte)
            if byte == 0xFF:
                out.append(0)
        self._out_acc, self._out_bits = acc & (1 << bits) - 1, bits


# -> lengths and symbols by the next eight bits, the codes that are longer, all symbols, and the
# code of each of the first twelve
def _table(counts, values):
    lengths, symbols, longer, codes = bytearray(256), bytearray(256), [], {}
    code = at = 0
    for length in range(1, 17):
        first, begin = code, at
        for _ in range(counts[length - 1]):
            if length <= 8:
                for i in range(code << 8 - length, code + 1 << 8 - length):
                    lengths[i], symbols[i] = length, values[at]
            if values[at] < 12:
                codes[values[at]] = code, length
            code += 1
            at += 1
        if length > 8 and code > first:
            longer.append((length, first, code, begin))
        code <<= 1
    return lengths, symbols, longer, values, codes


def _longer(table, acc, bits):
    for length, first, end, begin in table[2]:
        code = acc >> bits - length & (1 << length) - 1
        if code < end:
            return length, table[3][begin + code - first]
    raise ValueError("no such code")
