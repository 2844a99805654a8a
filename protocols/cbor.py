# CBOR (RFC 8949) in core deterministic encoding (section 4.2): one value, one byte string.
# SPDX-License-Identifier: Apache-2.0
#
# encode() writes shortest heads, shortest floats and maps sorted by their encoded keys. decode()
# accepts exactly what encode() writes; with strict=False it accepts any well-formed item, as peers
# with other encoders send them, but still no key twice, no invalid text, no bytes after the item.
# What no message of ours has (floats, tags, bignums, indefinite lengths) is in cbor_rare.py, which
# is loaded when such an item comes.
from .compat import const

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


class CBORError(ValueError):
    # offset: where in the input the offending item begins; None when encoding.
    def __init__(self, message, offset=None):
        super().__init__(message if offset is None else "%s at byte %d" % (message, offset))
        self.offset = offset


def encode(value):
    out = bytearray()
    write_item(out, value, 0)
    return bytes(out)


def decode(data, strict=True):
    reader = _Reader(data, strict)
    value = reader.item(0)
    if reader.pos != reader.end:
        raise CBORError("more bytes after the item", reader.pos)
    return value


def write_head(out, major, n):
    major <<= 5
    if n < 24:
        out.append(major | n)
    elif n < 0x100:
        out.append(major | 24)
        out.append(n)
    elif n < 0x10000:
        out.append(major | 25)
        out.append(n >> 8)
        out.append(n & 0xFF)
    elif n < 0x100000000:
        out.append(major | 26)
        out.extend(n.to_bytes(4, "big"))
    else:
        out.append(major | 27)
        out.extend(n.to_bytes(8, "big"))


def write_item(out, value, depth):
    if depth > _MAX_DEPTH:
        raise CBORError("nested deeper than %d" % _MAX_DEPTH)
    if value is None:
        out.append(_SIMPLE << 5 | _NULL)
    elif value is True:
        out.append(_SIMPLE << 5 | _TRUE)
    elif value is False:
        out.append(_SIMPLE << 5 | _FALSE)
    elif isinstance(value, int):
        _write_int(out, value)
    elif isinstance(value, str):
        value = value.encode()
        write_head(out, _TEXT, len(value))
        out.extend(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        write_head(out, _BYTES, len(value))
        out.extend(value)
    elif isinstance(value, dict):
        _write_map(out, value, depth)
    elif type(value) in (list, tuple):
        write_head(out, _ARRAY, len(value))
        for item in value:
            write_item(out, item, depth + 1)
    else:
        from . import cbor_rare

        cbor_rare.write(out, value, depth)


def _write_int(out, value):
    major = _UINT
    if value < 0:
        major = _NINT
        value = -1 - value
    if value < 0x10000 or value < 0x10000000000000000:
        write_head(out, major, value)
    else:
        from . import cbor_rare

        cbor_rare.write_bignum(out, 2 + major, value)


def _write_map(out, value, depth):
    pairs = []
    for key in value:
        encoded = bytearray()
        write_item(encoded, key, depth + 1)
        pairs.append((bytes(encoded), value[key]))
    pairs.sort(key=lambda pair: pair[0])
    write_head(out, _MAP, len(pairs))
    last = None
    for key_bytes, item in pairs:
        if key_bytes == last:
            raise CBORError("two keys of a map have one encoding")
        last = key_bytes
        out.extend(key_bytes)
        write_item(out, item, depth + 1)


class _Reader:
    def __init__(self, data, strict):
        self.data = memoryview(data)
        self.pos = 0
        self.end = len(data)
        self.strict = strict

    def skip(self, size):
        # -> position before it. Nothing is allocated before the input is known to hold it.
        start = self.pos
        if size > self.end - start:
            raise CBORError("the input ends inside an item", start)
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
                    raise CBORError("not the shortest head", start)
            return n
        if info < _INDEFINITE:
            raise CBORError("reserved additional information", start)
        if self.strict:
            raise CBORError("an indefinite length or a break", start)
        return None

    def item(self, depth):
        start = self.skip(1)
        first = self.data[start]
        major = first >> 5
        if depth > _MAX_DEPTH:
            raise CBORError("nested deeper than %d" % _MAX_DEPTH, start)
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
            raise CBORError("text is not UTF-8", start)
        return text

    def array(self, n, depth):
        if n > self.end - self.pos:
            raise CBORError("an array longer than the input", self.pos)
        return [self.item(depth) for _ in range(n)]

    def map(self, n, depth):
        result = {}
        last = None
        if n > (self.end - self.pos) // 2:
            raise CBORError("a map longer than the input", self.pos)
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
                raise CBORError("map keys out of order", start)
            last = encoded
        try:
            hash(key)
        except TypeError:
            raise CBORError("a map key that is a container", start)
        # 1, 1.0 and true are one key to Python: refuse what it could not tell apart.
        if key in result:
            raise CBORError("a map key twice", start)
        result[key] = self.item(depth)
        return last
