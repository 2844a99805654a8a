# CBOR (RFC 8949) in core deterministic encoding (section 4.2): one value, one byte string.
# SPDX-License-Identifier: Apache-2.0
#
# encode() writes shortest heads, shortest floats and maps sorted by their encoded keys. decode()
# accepts exactly what encode() writes; with strict=False it accepts any well-formed item, as peers
# with other encoders send them, but still no key twice, no invalid text, no bytes after the item.
# The reader is in cbor_reader.py; what no message of ours has (floats, tags, bignums, indefinite
# lengths) in cbor_rare.py. Each is loaded when it is needed.
from .compat import const

_MAX_DEPTH = const(16)

_UINT = const(0)
_NINT = const(1)
_BYTES = const(2)
_TEXT = const(3)
_ARRAY = const(4)
_MAP = const(5)
_SIMPLE = const(7)

_FALSE = const(20)
_TRUE = const(21)
_NULL = const(22)


# On the device it is caught as ValueError: modules are forgotten and loaded anew by
# firmware/later.py, and one that stays may hold the class of an earlier load.
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
    from . import cbor_reader

    return cbor_reader.decode(data, strict)


def is_uint(value, limit=0xFFFFFFFF):
    # For what was decoded; a bool is an int in Python.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= limit


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
