# Simple Management Protocol (Zephyr's mcumgr): frames, and frames as lines of a serial console.
# SPDX-License-Identifier: Apache-2.0
#
#   frame  0:3 version:2 op:3 | flags u8 | length u16 | group u16 | sequence u8 | command u8 | map
#          length: of the map, which is CBOR; version 0 or 1, called SMP version 1 and 2
#   lines  06 09 (the first) or 04 14 (the next), base64, newline: at most 127 bytes each
#          base64 of: length u16 of what follows | frame | CRC-16/XMODEM of the frame u16
#
# All numbers big-endian. Zephyr: doc/services/device_mgmt/smp_protocol.rst, smp_transport.rst.
from . import cbor
from .compat import b64decode, b64encode, const
from .crc import crc16_xmodem

READ = const(0)
WRITE = const(2)

# "rc" of version 1, common to all groups (enum mcumgr_err_t); those that we answer with.
EUNKNOWN = const(1)
ENOMEM = const(2)
EINVAL = const(3)
ENOENT = const(5)
EBADSTATE = const(6)
ENOTSUP = const(8)
EACCESSDENIED = const(11)
EUNSUPPORTED_TOO_NEW = const(13)

HEADER_SIZE = const(8)
_LINE_BYTES = const(93)  # 2 lead bytes + base64 of 93 bytes (124) + newline = 127

FIRST = b"\x06\x09"
NEXT = b"\x04\x14"


class SMPError(ValueError):
    pass


def pack(op, group, seq, cmd, body, version=1):
    payload = cbor.encode(body)
    size = len(payload)
    head = bytes((version << 3 | op, 0, size >> 8, size & 0xFF))
    return head + bytes((group >> 8, group & 0xFF, seq, cmd)) + payload


def unpack(frame):
    # -> (op, group, seq, cmd, body). The body may be any well-formed map: clients differ.
    if len(frame) < HEADER_SIZE or len(frame) != HEADER_SIZE + (frame[2] << 8 | frame[3]):
        raise SMPError("an SMP frame of %d bytes does not have the length it claims" % len(frame))
    # Some clients send no body at all where there is nothing to say.
    payload = frame[HEADER_SIZE:]
    body = cbor.decode(payload, strict=False) if len(payload) else {}
    if not isinstance(body, dict):
        raise SMPError("the body of an SMP frame is not a map")
    return frame[0] & 0b111, frame[4] << 8 | frame[5], frame[6], frame[7], body


def version(frame):
    return frame[0] >> 3 & 0b11


def response(request, body):
    # The answer to a request frame, with its version, group, sequence number and command.
    group = request[4] << 8 | request[5]
    return pack(
        (request[0] & 0b111) | 1, group, request[6], request[7], body, version=version(request)
    )


def error(request, rc, group=None):
    # Version 2 tells whose code it is; group None: the request's own.
    if version(request) == 0 or group is None:
        body = {"rc": rc}
    else:
        body = {"err": {"group": group, "rc": rc}}
    return response(request, body)


def encode_lines(frame):
    # One after the other, for a heap that has no room for all of them.
    size = len(frame)
    crc = crc16_xmodem(frame).to_bytes(2, "big")
    for pos in range(0, size + 4, _LINE_BYTES):
        at = pos - 2  # in the frame, which has its length before it
        part = b"" if pos else (size + 2).to_bytes(2, "big")
        part += frame[max(0, at) : max(0, at + _LINE_BYTES)]
        part += crc[max(0, at - size) : max(0, at + _LINE_BYTES - size)]
        yield (NEXT if pos else FIRST) + b64encode(part) + b"\n"


class LineDecoder:
    # limit: longest frame taken, in bytes. errors: lines and frames thrown away.
    def __init__(self, limit=1024):
        self.limit = limit
        self.errors = 0
        self._data = bytearray()

    def feed(self, line):
        # -> frame, or None. Never raises: what is wrong is dropped and counted.
        line = line.rstrip()
        lead = line[:2]
        if lead == FIRST:
            if self._data:
                self.errors += 1
            self._data = bytearray()
        elif lead != NEXT or not self._data:
            return self._drop()
        try:
            self._data.extend(b64decode(line[2:]))
        except ValueError:
            return self._drop()
        return self._take()

    def _drop(self):
        self.errors += 1
        self._data = bytearray()

    def _take(self):
        data = self._data
        if len(data) < 2:
            return self._drop()
        size = data[0] << 8 | data[1]
        if size > self.limit + 2 or size < HEADER_SIZE + 2 or len(data) > size + 2:
            return self._drop()
        if len(data) < size + 2:
            return None
        self._data = bytearray()
        frame = bytes(data[2:size])
        if crc16_xmodem(frame) != data[size] << 8 | data[size + 1]:
            self.errors += 1
            return None
        return frame
