# CBOR (RFC 8949) in core deterministic encoding (section 4.2): one value, one byte string.
# SPDX-License-Identifier: Apache-2.0
#
# encode() writes shortest heads, shortest floats and maps sorted by their encoded keys. decode()
# accepts exactly what encode() writes; with strict=False it accepts any well-formed item, as peers
# with other encoders send them, but still no key twice, no invalid text, no bytes after the item.
import struct
from collections import namedtuple

from .compat import const

MAX_DEPTH = const(16)

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
_UNDEFINED = const(23)
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}  # additional information -> struct format
_NAN = b"\xf9\x7e\x00"

# Additional information 31: an indefinite length, or the break that ends one.
_INDEFINITE = const(31)
_BREAK = const(0xFF)

Tag = namedtuple("Tag", ("tag", "value"))
Simple = namedtuple("Simple", ("value",))


class _Undefined:
    def __repr__(self):
        return "undefined"


undefined = _Undefined()


class CBORError(ValueError):
    # offset: where in the input the offending item begins; None when encoding.
    def __init__(self, message, offset=None):
        super().__init__(message if offset is None else "%s at byte %d" % (message, offset))
        self.offset = offset


def encode(value):
    out = bytearray()
    _write(out, value, 0)
    return bytes(out)


def decode(data, strict=True):
    reader = _Reader(data, strict)
    value = reader.item(0)
    if reader.pos != reader.end:
        raise CBORError("more bytes after the item", reader.pos)
    return value


def _head(out, major, n):
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


def _write(out, value, depth):
    if depth > MAX_DEPTH:
        raise CBORError("nested deeper than %d" % MAX_DEPTH)
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
        _head(out, _TEXT, len(value))
        out.extend(value)
    elif isinstance(value, (bytes, bytearray, memoryview)):
        _head(out, _BYTES, len(value))
        out.extend(value)
    elif isinstance(value, dict):
        _write_map(out, value, depth)
    elif isinstance(value, float):
        out.extend(_float_bytes(value))
    elif isinstance(value, Tag):
        _head(out, _TAG, value.tag)
        _write(out, value.value, depth + 1)
    elif isinstance(value, Simple):
        _write_simple(out, value.value)
    elif isinstance(value, (list, tuple)):
        _head(out, _ARRAY, len(value))
        for item in value:
            _write(out, item, depth + 1)
    elif value is undefined:
        out.append(_SIMPLE << 5 | _UNDEFINED)
    else:
        raise CBORError("no CBOR form for %s" % type(value).__name__)


def _write_int(out, value):
    major = _UINT
    if value < 0:
        major = _NINT
        value = -1 - value
    if value < 0x10000 or value < 0x10000000000000000:
        _head(out, major, value)
    else:  # bignum, section 3.4.3
        size = 9
        while value >> 8 * size:
            size += 1
        _head(out, _TAG, 2 + major)
        _head(out, _BYTES, size)
        out.extend(value.to_bytes(size, "big"))


def _write_map(out, value, depth):
    pairs = []
    for key in value:
        key_bytes = bytearray()
        _write(key_bytes, key, depth + 1)
        pairs.append((bytes(key_bytes), value[key]))
    pairs.sort(key=lambda pair: pair[0])
    _head(out, _MAP, len(pairs))
    last = None
    for key_bytes, item in pairs:
        if key_bytes == last:
            raise CBORError("two keys of a map have one encoding")
        last = key_bytes
        out.extend(key_bytes)
        _write(out, item, depth + 1)


def _write_simple(out, value):
    if not 0 <= value < 256 or 20 <= value < 32:
        raise CBORError("simple value %d is not free to use" % value)
    if value < 20:
        out.append(_SIMPLE << 5 | value)
    else:
        out.append(_SIMPLE << 5 | 24)
        out.append(value)


def _float_bytes(value):
    if value != value:
        return _NAN
    for info in (25, 26):
        try:
            data = struct.pack(_FLOATS[info], value)
        except OverflowError:
            continue
        if struct.unpack(_FLOATS[info], data)[0] == value:
            return bytes((_SIMPLE << 5 | info,)) + data
    return b"\xfb" + struct.pack(">d", value)


def _is_shortest(info, data, value):
    # Compared as bytes, not as values: ESP32 floats have 32 bits, a double read there is rounded.
    if value != value:
        return info == 25 and data == _NAN[1:]
    if info == 25:
        return True
    narrow = _FLOATS[info - 1]
    try:
        narrowed = struct.unpack(narrow, struct.pack(narrow, value))[0]
    except OverflowError:
        return True
    return struct.pack(_FLOATS[info], narrowed) != data


def _is_utf8(text, data):
    # MicroPython lets overlong forms and surrogates pass: they show in the characters' lengths.
    size = 0
    for char in text:
        code = ord(char)
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            return False
        size += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    return size == len(data)


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
        if depth > MAX_DEPTH:
            raise CBORError("nested deeper than %d" % MAX_DEPTH, start)
        n = self.argument(first, start)
        if n is None and (major < _BYTES or major > _MAP):
            raise CBORError("an indefinite length or a break out of place", start)
        if major == _UINT:
            return n
        if major == _NINT:
            return -1 - n
        if major == _BYTES:
            return bytes(self.string(major, n))
        if major == _TEXT:
            return self.text(n, start)
        if major == _ARRAY:
            return self.array(n, depth + 1)
        if major == _MAP:
            return self.map(n, depth + 1)
        if major == _TAG:
            return self.tagged(n, start, depth + 1)
        return self.simple(first & 31, n, start)

    def string(self, major, n):
        if n is not None:
            return self.take(n)
        chunks = bytearray()
        while not self.at_break():
            start = self.skip(1)
            first = self.data[start]
            n = self.argument(first, start)
            if first >> 5 != major or n is None:
                raise CBORError("a chunk of another type", start)
            if major == _TEXT:
                chunks.extend(self.text(n, start).encode())  # each is text by itself
            else:
                chunks.extend(self.take(n))
        return chunks

    def text(self, n, start):
        data = self.string(_TEXT, n)
        try:
            text = str(data, "utf-8")
        except ValueError:
            text = None
        if text is None or (len(text) != len(data) and not _is_utf8(text, data)):
            raise CBORError("text is not UTF-8", start)
        return text

    def at_break(self):
        if self.pos < self.end and self.data[self.pos] == _BREAK:
            self.pos += 1
            return True
        return False

    def array(self, n, depth):
        if n is None:
            items = []
            while not self.at_break():
                items.append(self.item(depth))
            return items
        if n > self.end - self.pos:
            raise CBORError("an array longer than the input", self.pos)
        return [self.item(depth) for _ in range(n)]

    def map(self, n, depth):
        result = {}
        last = None
        if n is None:
            while not self.at_break():
                last = self.pair(result, last, depth)
            return result
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

    def tagged(self, tag, start, depth):
        value = self.item(depth)
        if tag != 2 and tag != 3:
            return Tag(tag, value)
        if not isinstance(value, bytes):
            raise CBORError("a bignum that is not a byte string", start)
        if self.strict and (len(value) <= 8 or value[0] == 0):
            raise CBORError("not the shortest integer", start)
        n = int.from_bytes(value, "big")
        return n if tag == 2 else -1 - n

    def simple(self, info, n, start):
        if info in _FLOATS:
            data = bytes(self.data[start + 1 : self.pos])
            value = struct.unpack(_FLOATS[info], data)[0]
            if self.strict and not _is_shortest(info, data, value):
                raise CBORError("not the shortest float", start)
            return value
        if info == 24 and n < 32:
            raise CBORError("a simple value below 32 in two bytes", start)
        if n == _FALSE or n == _TRUE:
            return n == _TRUE
        if n == _NULL:
            return None
        return undefined if n == _UNDEFINED else Simple(n)
