# The secure frame: 13 to 22 bytes around a plaintext, the same on every carrier.
# SPDX-License-Identifier: Apache-2.0
#
#   byte 0      01 cc p nnn   01: version 1; cc: class; p: the key epoch follows;
#                             nnn: bytes of the PIV, 1..5
#   kid         2 or 4 bytes  key id, the device's id at its site; who reads knows the size
#   epoch       4 bytes       big-endian, only if p: in the first frame after new keys
#   PIV         1..5 bytes    sender sequence number, big-endian, no leading zero byte
#   ciphertext                as long as the plaintext
#   tag         8 bytes       AES-CCM-16-64-128 (COSE algorithm 10)
#
# All bytes before the ciphertext are the header. A frame is a COSE_Encrypt0 (RFC 9052, 5.2) whose
# header was compressed: protected header {1: 10}, external_aad the header. So the AAD is the
# Enc_structure ["Encrypt0", h'a1010a', header].
#
# Keys: HKDF-SHA256, modelled on RFC 8613, 3.2.1: salt "fieldbeat 1", input the 16-byte master
# secret, info the CBOR array [kid, epoch, class, direction, 10, "Key" or "IV", size]. So no two
# directions, classes or epochs share a key. Nonce: RFC 8613, 5.2, with kid as the id.
from collections import namedtuple

from . import ccm, hkdf
from .compat import const

TELEMETRY = const(0)
COMMAND = const(1)
BLOCK = const(2)
ACK = const(3)

UP = const(0)  # from the device
DOWN = const(1)  # to the device

PIV_MAX = const(0xFFFFFFFFFF)
HEADER_MAX = const(14)  # kid of 4 bytes, epoch, PIV of 5 bytes
_MASTER_SIZE = const(16)

_VERSION = const(0b01)
_WITH_EPOCH = const(0b1000)
_AES_CCM_16_64_128 = const(10)
_SALT = const(b"fieldbeat 1")
_AAD_START = const(b"\x83\x68Encrypt0\x43\xa1\x01\x0a")

Header = namedtuple("Header", ("cls", "kid", "epoch", "piv", "size"))


class FrameError(ValueError):
    # reason: short, version, class, kid, epoch, piv, tag or replay
    def __init__(self, reason):
        super().__init__("frame refused: " + reason)
        self.reason = reason


def overhead(kid_size, with_epoch=False):
    # Bytes of a frame beyond its plaintext, at most.
    return 1 + kid_size + (4 if with_epoch else 0) + 5 + ccm.TAG_SIZE


def parse(frame, kid_size=2):
    # Reads the header only; epoch is None when the frame does not carry it.
    if len(frame) < 1:
        raise FrameError("short")
    first = frame[0]
    if first >> 6 != _VERSION:
        raise FrameError("version")
    piv_size = first & 0b111
    if not 1 <= piv_size <= 5:
        raise FrameError("piv")
    pos = 1 + kid_size
    piv_pos = pos + 4 if first & _WITH_EPOCH else pos
    size = piv_pos + piv_size
    if len(frame) < size + ccm.TAG_SIZE:
        raise FrameError("short")
    if piv_size > 1 and frame[piv_pos] == 0:
        raise FrameError("piv")
    epoch = int.from_bytes(frame[pos:piv_pos], "big") if first & _WITH_EPOCH else None
    piv = int.from_bytes(frame[piv_pos:size], "big")
    return Header(first >> 4 & 0b11, bytes(frame[1:pos]), epoch, piv, size)


def nonce(common_iv, kid, piv):
    # RFC 8613, 5.2: size of the id, id in 7 bytes, PIV in 5 bytes, XORed with the common IV.
    padded = bytes((len(kid),)) + bytes(7 - len(kid)) + kid + piv.to_bytes(5, "big")
    return (int.from_bytes(padded, "big") ^ int.from_bytes(common_iv, "big")).to_bytes(13, "big")


def _aad(header):
    return _AAD_START + bytes((0x40 + len(header),)) + header


def _uint(n):
    # A number of up to 32 bits in CBOR.
    if n < 24:
        return bytes((n,))
    k = 0 if n < 0x100 else 1 if n < 0x10000 else 2
    return bytes((24 + k,)) + n.to_bytes(1 << k, "big")


class KeySet:
    # All the keys of one device: kid of 2 or 4 bytes, epoch up to 2^32 - 1.
    def __init__(self, master, kid, epoch=0):
        if len(master) != _MASTER_SIZE or len(kid) not in (2, 4):
            raise ValueError("a key set needs a master secret of 16 bytes and a kid of 2 or 4")
        self.kid = bytes(kid)
        self.epoch = epoch
        self._secret = hkdf.extract(_SALT, master)
        self._keys = {}  # class << 1 | direction -> (key, common IV)

    # An array of so many items, in CBOR: these are its first two. All numbers but the epoch are
    # below 24, so the rest needs no encoder, which would lie in the heap for it.
    def _info(self, items):
        return bytes((0x80 + items, 0x40 + len(self.kid))) + self.kid + _uint(self.epoch)

    def _expand(self, cls, direction, label, size):
        info = self._info(7) + bytes((cls, direction, _AES_CCM_16_64_128, 0x60 + len(label)))
        return hkdf.expand(self._secret, info + label + bytes((size,)), size)

    def _key_iv(self, cls, direction):
        index = cls << 1 | direction
        if index not in self._keys:
            key = self._expand(cls, direction, b"Key", 16)
            self._keys[index] = (key, self._expand(cls, direction, b"IV", ccm.NONCE_SIZE))
        return self._keys[index]

    def check_value(self):
        # Equal for equal secret, kid and epoch; tells nothing else about the secret.
        return hkdf.expand(self._secret, self._info(3) + b"\x65check", 4)

    def _header(self, cls, piv, with_epoch):
        if not 0 <= piv <= PIV_MAX:
            raise ValueError("the sequence numbers of this key are used up: give it a new epoch")
        piv_bytes = piv.to_bytes(5, "big").lstrip(b"\0") or b"\0"
        first = _VERSION << 6 | cls << 4 | len(piv_bytes)
        header = self.kid + piv_bytes
        if with_epoch:
            first |= _WITH_EPOCH
            header = self.kid + self.epoch.to_bytes(4, "big") + piv_bytes
        return bytes((first,)) + header

    def seal(self, cls, direction, piv, plaintext, with_epoch=False):
        # The caller never seals twice with one piv: sequence.py sees to it.
        header = self._header(cls, piv, with_epoch)
        key, iv = self._key_iv(cls, direction)
        return header + ccm.seal(key, nonce(iv, self.kid, piv), plaintext, _aad(header))

    def seal_in(self, cls, direction, piv, buffer, end, with_epoch=False):
        # The same without a copy, of buffer[HEADER_MAX:end] -> memoryview of the frame
        header = self._header(cls, piv, with_epoch)
        start = HEADER_MAX - len(header)
        buffer[start:HEADER_MAX] = header
        key, iv = self._key_iv(cls, direction)
        ccm.seal_in(key, nonce(iv, self.kid, piv), buffer, HEADER_MAX, end, _aad(header))
        return memoryview(buffer)[start : end + ccm.TAG_SIZE]

    def open(self, direction, frame, window=None):
        # -> (class, piv, plaintext). With a window (replay.py) a piv that it knows is refused; to
        # tell the window of a new one is left to the caller, once the contents are safe.
        header = parse(frame, len(self.kid))
        if header.kid != self.kid:
            raise FrameError("kid")
        if header.epoch is not None and header.epoch != self.epoch:
            raise FrameError("epoch")
        # What costs least goes first (RFC 8613, 8.2, too): a flood of old frames costs no AES.
        if window is not None and not window.check(header.piv):
            raise FrameError("replay")
        key, iv = self._key_iv(header.cls, direction)
        size = header.size
        try:
            plaintext = ccm.open_(
                key, nonce(iv, self.kid, header.piv), frame[size:], _aad(bytes(frame[:size]))
            )
        except ccm.TagError:
            raise FrameError("tag")
        return header.cls, header.piv, plaintext
