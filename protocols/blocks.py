# Blocks: pictures, logs and updates in chunks, many in flight, resumed where they stopped.
# SPDX-License-Identifier: Apache-2.0
#
# The plaintext of a frame of class 2 is one of three maps in deterministic CBOR:
#
#   header  {0: object, 1: length, 2: chunk, 3: sha256, 4: time, 5: type, 9: ask}
#   chunk   {0: object, 6: index, 7: data, 8: check, ?9: ask}
#   status  {0: object, 8: check, 9: ask, ?10: base, ?11: bitmap, ?12: result}
#
#   object  the sender's number for it           length  of the object, in bytes
#   chunk   bytes of a chunk; the last one has what is left
#   time    s since 2024-01-01T00:00:00Z         type    PICTURE, LOG, UPDATE ...
#   check   the first two bytes of sha256: an object that changed under its number is another one
#   ask     the sender's count of its questions; the answer repeats it. What was sent before a
#           question and is not in its answer was lost.
#   base    all chunks below it are stored; absent: the header is wanted
#   bitmap  bit n: chunk base + 1 + n is stored; absent: none
#   result  the transfer has ended: DONE, UNWANTED, WRONG_HASH
#
# block_sender.py and block_receiver.py are the two state machines. Both directions may carry an
# object at a time, so a datagram down is a status of one or a header or chunk of the other: the
# keys tell.
from collections import namedtuple

from . import cbor
from .cbor import is_uint
from .compat import const, sha256

PICTURE = const(1)
LOG = const(2)
UPDATE = const(3)

DONE = const(1)
UNWANTED = const(2)
WRONG_HASH = const(3)

SPAN = const(64)  # chunks beyond the base that a receiver keeps account of

_OBJECT = const(0)
_LENGTH = const(1)
_CHUNK = const(2)
_SHA256 = const(3)
_TIME = const(4)
_TYPE = const(5)
_INDEX = const(6)
_DATA = const(7)
_CHECK = const(8)
_ASK = const(9)
_BASE = const(10)
_BITMAP = const(11)
_RESULT = const(12)

_U8 = const(0xFF)
_U16 = const(0xFFFF)
_HEADER_KEYS = {_OBJECT, _LENGTH, _CHUNK, _SHA256, _TIME, _TYPE, _ASK}
_CHUNK_KEYS = {_OBJECT, _INDEX, _DATA, _CHECK, _ASK}
_STATUS_KEYS = {_OBJECT, _CHECK, _ASK, _BASE, _BITMAP, _RESULT}
_LIMITS = {
    _OBJECT: 0xFFFFFFFF,
    _LENGTH: 0xFFFFFFFF,
    _CHUNK: _U16,
    _TIME: 0xFFFFFFFF,
    _TYPE: _U8,
    _INDEX: _U16,
    _CHECK: _U16,
    _ASK: 0xFFFFFFFF,
    _BASE: _U16 + 1,
    _BITMAP: 0xFFFFFFFFFFFFFFFF,
    _RESULT: _U8,
}
# A chunk message beyond its data: the map, object, index, check, ask, the head of the data.
_CHUNK_OVERHEAD = const(1 + 6 + 4 + 4 + 6 + 4)

Chunk = namedtuple("Chunk", ("object", "index", "data", "check"))
Status = namedtuple("Status", ("object", "check", "base", "bitmap", "result"))
_Header = namedtuple("Header", ("object", "length", "chunk", "sha256", "time", "type"))


class BlockError(ValueError):
    # reason: message, foreign, index, size, stale, state or source
    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason


class Header(_Header):
    def chunks(self):
        return (self.length + self.chunk - 1) // self.chunk

    def check(self):
        return self.sha256[0] << 8 | self.sha256[1]

    def size(self, index):
        # Bytes of a chunk of the object.
        return min(self.chunk, self.length - index * self.chunk)


def chunk_size(room):
    # The chunk that fits into the plaintext of a datagram.
    return room - _CHUNK_OVERHEAD


def digest(read, length):
    # The SHA-256 of an object, a piece at a time. read(offset, size) -> bytes.
    total = sha256()
    for offset in range(0, length, 512):
        total.update(read(offset, min(512, length - offset)))
    return total.digest()


def describe(object, length, chunk, read, time, type):
    # -> the header of an object that is about to be sent.
    return check_header((object, length, chunk, digest(read, length), time, type))


def check_header(fields):
    # -> Header; refuses what no sender of ours writes.
    header = Header(*fields)
    for key, value in enumerate(header):
        if key != _SHA256 and not is_uint(value, _LIMITS[key]):
            raise BlockError("message", "field %d of a header is out of range" % key)
    if not isinstance(header.sha256, bytes) or len(header.sha256) != 32:
        raise BlockError("message", "the hash of a header has 32 bytes")
    if not header.chunk or header.chunks() > _U16 + 1:
        raise BlockError("message", "an object has at most 65536 chunks: make them larger")
    return header


def encode_header(header, ask):
    fields = {key: value for key, value in enumerate(header)}
    fields[_ASK] = ask
    return cbor.encode(fields)


def encode_chunk(header, index, data, ask=None):
    fields = {_OBJECT: header.object, _INDEX: index, _DATA: data, _CHECK: header.check()}
    if ask is not None:
        fields[_ASK] = ask
    return cbor.encode(fields)


def encode_status(object, check, ask, base=None, bitmap=0, result=None):
    fields = {_OBJECT: object, _CHECK: check, _ASK: ask}
    if base is not None:
        fields[_BASE] = base
    if bitmap:
        fields[_BITMAP] = bitmap
    if result is not None:
        fields[_RESULT] = result
    return cbor.encode(fields)


def parse(message):
    # -> (Header, Chunk or Status; ask, which a chunk may lack)
    try:
        fields = cbor.decode(message)
    except ValueError as error:
        raise BlockError("message", str(error))
    if not isinstance(fields, dict):
        raise BlockError("message", "a block message is a map")
    for key, limit in _LIMITS.items():
        if key in fields and not is_uint(fields[key], limit):
            raise BlockError("message", "field %d of a block message is out of range" % key)
    keys = set(fields)
    ask = fields.get(_ASK)
    if keys == _HEADER_KEYS:
        return check_header([fields[key] for key in range(_TYPE + 1)]), ask
    if keys | {_ASK} == _CHUNK_KEYS and isinstance(fields[_DATA], bytes):
        return Chunk(*[fields[key] for key in (_OBJECT, _INDEX, _DATA, _CHECK)]), ask
    if keys | {_BASE, _BITMAP, _RESULT} == _STATUS_KEYS:
        known = fields[_OBJECT], fields[_CHECK]
        return Status(*known, fields.get(_BASE), fields.get(_BITMAP, 0), fields.get(_RESULT)), ask
    raise BlockError("message", "neither a header nor a chunk nor a status")
