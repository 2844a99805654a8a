# CBOR items that no message of ours has, for cbor.py: floats, tags, bignums, simple values,
# indefinite lengths, and text beyond ASCII.
# SPDX-License-Identifier: Apache-2.0
import struct
from collections import namedtuple

from . import cbor
from .cbor import CBORError
from .compat import const

_BYTES = const(2)
_TEXT = const(3)
_ARRAY = const(4)
_MAP = const(5)
_TAG = const(6)
_SIMPLE = const(7)

_UNDEFINED = const(23)
_FLOATS = {25: ">e", 26: ">f", 27: ">d"}  # additional information -> struct format
_NAN = const(b"\xf9\x7e\x00")
_BREAK = const(0xFF)

Tag = namedtuple("Tag", ("tag", "value"))
Simple = namedtuple("Simple", ("value",))


class _Undefined:
    def __repr__(self):
        return "undefined"


undefined = _Undefined()


# --- writing


def write(out, value, depth):
    if isinstance(value, float):
        out.extend(_float_bytes(value))
    elif isinstance(value, Tag):
        cbor.write_head(out, _TAG, value.tag)
        cbor.write_item(out, value.value, depth + 1)
    elif isinstance(value, Simple):
        _write_simple(out, value.value)
    elif isinstance(value, (list, tuple)):  # of a class of its own
        cbor.write_item(out, list(value), depth)
    elif value is undefined:
        out.append(_SIMPLE << 5 | _UNDEFINED)
    else:
        raise CBORError("no CBOR form for %s" % type(value).__name__)


def write_bignum(out, tag, value):
    # Section 3.4.3.
    size = 9
    while value >> 8 * size:
        size += 1
    cbor.write_head(out, _TAG, tag)
    cbor.write_head(out, _BYTES, size)
    out.extend(value.to_bytes(size, "big"))


def _write_simple(out, value):
    if not 0 <= value < 256 or 20 <= value < 32:
        raise CBORError("simple value %d is not free to use" % value)
    if value < 20:
        out.append(_SIMPLE << 5 | value)
    else:
        out.append(_SIMPLE << 5 | 24)
        out.append(value)


def _pack(info, value):
    if info == 25 and 0x200 <= abs(value) * 0x1000000 < 0x400:
        # MicroPython (1.28) packs these subnormals wrongly.
        n = int(abs(value) * 0x1000000)
        return bytes((n >> 8 | (0x80 if value < 0 else 0), n & 0xFF))
    return struct.pack(_FLOATS[info], value)


def _float_bytes(value):
    if value != value:
        return _NAN
    for info in (25, 26):
        try:
            data = _pack(info, value)
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
    try:
        narrowed = struct.unpack(_FLOATS[info - 1], _pack(info - 1, value))[0]
    except OverflowError:
        return True
    return struct.pack(_FLOATS[info], narrowed) != data


def is_utf8(text, data):
    # MicroPython lets overlong forms and surrogates pass: they show in the characters' lengths.
    size = 0
    for char in text:
        code = ord(char)
        if 0xD800 <= code < 0xE000 or code > 0x10FFFF:
            return False
        size += 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4
    return size == len(data)


# --- reading: what the reader of cbor.py leaves to us


def item(reader, first, n, start, depth):
    major = first >> 5
    if n is None:
        if major == _BYTES or major == _TEXT:
            return _chunks(reader, major)
        if major == _ARRAY:
            return _items(reader, depth + 1)
        if major == _MAP:
            return _pairs(reader, depth + 1)
        raise CBORError("an indefinite length or a break out of place", start)
    if major == _TAG:
        return _tagged(reader, n, start, depth + 1)
    return _simple(reader, first & 31, n, start)


def _at_break(reader):
    if reader.pos < reader.end and reader.data[reader.pos] == _BREAK:
        reader.pos += 1
        return True
    return False


def _chunks(reader, major):
    chunks = bytearray()
    while not _at_break(reader):
        start = reader.skip(1)
        first = reader.data[start]
        n = reader.argument(first, start)
        if first >> 5 != major or n is None:
            raise CBORError("a chunk of another type", start)
        if major == _TEXT:
            chunks.extend(reader.text(n, start).encode())  # each is text by itself
        else:
            chunks.extend(reader.take(n))
    return str(chunks, "utf-8") if major == _TEXT else bytes(chunks)


def _items(reader, depth):
    items = []
    while not _at_break(reader):
        items.append(reader.item(depth))
    return items


def _pairs(reader, depth):
    result = {}
    last = None
    while not _at_break(reader):
        last = reader.pair(result, last, depth)
    return result


def _tagged(reader, tag, start, depth):
    value = reader.item(depth)
    if tag != 2 and tag != 3:
        return Tag(tag, value)
    if not isinstance(value, bytes):
        raise CBORError("a bignum that is not a byte string", start)
    if reader.strict and (len(value) <= 8 or value[0] == 0):
        raise CBORError("not the shortest integer", start)
    n = int.from_bytes(value, "big")
    return n if tag == 2 else -1 - n


def _simple(reader, info, n, start):
    if info in _FLOATS:
        data = bytes(reader.data[start + 1 : reader.pos])
        value = struct.unpack(_FLOATS[info], data)[0]
        if reader.strict and not _is_shortest(info, data, value):
            raise CBORError("not the shortest float", start)
        return value
    if info == 24 and n < 32:
        raise CBORError("a simple value below 32 in two bytes", start)
    return undefined if n == _UNDEFINED else Simple(n)
