# Reads CBOR as cbor.py says, which loads this when there is something to read.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

# As in cbor.py.
_MAX_DEPTH = const(16)
_UINT = const(0)
_NINT = const(1)
_BYTES = const(2)
_TEXT = const(3)
_ARRAY = const(4)
_MAP = const(5)
_TAG = const(6)
_SIMPLE = const(7)
_FALSE = const(20)
_TRUE = const(21)
_NULL = const(22)

_INDEFINITE = const(31)  # additional information: an indefinite length, or the break that ends one


def decode(data, strict):
    reader = _Reader(data, strict)
    value = reader.item(0)
    if reader.pos != reader.end:
        raise _wrong("more bytes after the item", reader.pos)
    return value


# Its module writes as well, which costs who only reads 2 kB of heap.
def _wrong(message, offset):
    from .cbor import CBORError

    return CBORError(message, offset)


class _Reader:
    def __init__(self, data, strict):
        self.data = memoryview(data)
        self.pos = 0
        self.end = len(data)
        self.strict = strict
        self.texts = {}  # keys come again and again: each is in the heap once

    def skip(self, size):
        # -> position before it. Nothing is allocated before the input is known to hold it.
        start = self.pos
        if size > self.end - start:
            raise _wrong("the input ends inside an item", start)
        self.pos = start + size
        return start

    def take(self, size):
        start = self.skip(size)
        return self.data[start : start + size]

    def argument(self, first, start):
        # What the additional information stands for; None: an indefinite length, or a break.
        info = first & 31
        if info < 24:
            return info
        if info < 28:
            size = 1 << (info - 24)
            # Not from_bytes() of a slice: short arguments, the usual ones, then allocate nothing.
            n = 0
            pos = self.skip(size)
            for i in range(size):
                n = n << 8 | self.data[pos + i]
            # Of major type 7 the argument is a float or a simple value, not a number.
            if self.strict and first < _SIMPLE << 5:
                if n < 24 or (size > 1 and not n >> 4 * size):
                    raise _wrong("not the shortest head", start)
            return n
        if info < _INDEFINITE:
            raise _wrong("reserved additional information", start)
        if self.strict:
            raise _wrong("an indefinite length or a break", start)
        return None

    def item(self, depth):
        start = self.skip(1)
        first = self.data[start]
        major = first >> 5
        if depth > _MAX_DEPTH:
            raise _wrong("nested deeper than %d" % _MAX_DEPTH, start)
        n = self.argument(first, start)
        if n is None or major == _TAG:
            return self.rare(first, n, start, depth)
        if major == _UINT:
            return n
        if major == _NINT:
            return -1 - n
        if major == _BYTES:
            return bytes(self.take(n))
        if major == _TEXT:
            return self.text(n, start)
        if major == _ARRAY:
            return self.array(n, depth + 1)
        if major == _MAP:
            return self.map(n, depth + 1)
        if first == _SIMPLE << 5 | _NULL:
            return None
        if first == _SIMPLE << 5 | _TRUE or first == _SIMPLE << 5 | _FALSE:
            return n == _TRUE
        return self.rare(first, n, start, depth)

    def rare(self, first, n, start, depth):
        from . import cbor_rare

        return cbor_rare.item(self, first, n, start, depth)

    def text(self, n, start):
        data = self.take(n)
        try:
            text = str(data, "utf-8")
        except ValueError:
            text = None
        if text is not None and len(text) != len(data):
            from . import cbor_rare

            if not cbor_rare.is_utf8(text, data):
                text = None
        if text is None:
            raise _wrong("text is not UTF-8", start)
        return self.texts.setdefault(text, text)

    def array(self, n, depth):
        if n > self.end - self.pos:
            raise _wrong("an array longer than the input", self.pos)
        return [self.item(depth) for _ in range(n)]

    def map(self, n, depth):
        result = {}
        last = None
        if n > (self.end - self.pos) // 2:
            raise _wrong("a map longer than the input", self.pos)
        for _ in range(n):
            last = self.pair(result, last, depth)
        return result

    def pair(self, result, last, depth):
        # Adds a key and its value; last and the result: the key before and this one, as encoded.
        start = self.pos
        key = self.item(depth)
        if self.strict:
            encoded = bytes(self.data[start : self.pos])
            if last is not None and encoded < last:
                raise _wrong("map keys out of order", start)
            last = encoded
        try:
            hash(key)
        except TypeError:
            raise _wrong("a map key that is a container", start)
        # 1, 1.0 and true are one key to Python: refuse what it could not tell apart.
        if key in result:
            raise _wrong("a map key twice", start)
        result[key] = self.item(depth)
        return last
