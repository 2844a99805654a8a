# AES-CCM-16-64-128 (RFC 3610 with M = 8, L = 2; COSE algorithm 10): 13-byte nonce, 8-byte tag.
# SPDX-License-Identifier: Apache-2.0
#
# In pieces and in place: a heap that has run for weeks has no kilobyte without a gap. No loop over
# bytes: a piece is one CBC call for the MAC, one ECB call for the key stream and one XOR of big
# integers.
from .compat import aes_cbc, aes_ecb, const, host_ccm

TAG_SIZE = const(8)
NONCE_SIZE = const(13)
MAX_SIZE = const(0xFFFF)  # L = 2: the length of the message has two bytes

_ZERO_BLOCK = bytes(16)
_FLAGS_B0 = const(0x59)  # additional data present, (M - 2) / 2 = 3, L - 1 = 1
_FLAGS_A = const(0x01)  # L - 1 = 1
_PIECE = const(64)


class TagError(ValueError):
    pass


def seal_in(key, nonce, buffer, start, end, aad):
    # Encrypts buffer[start:end] where it lies; the tag follows it.
    text = memoryview(buffer)[start:end]
    mac = _mac(key, nonce, text, aad)
    _crypt(key, nonce, text)
    buffer[end : end + TAG_SIZE] = _tag(key, nonce, mac)


def seal_blocks(key, nonce, plaintext, aad):
    size = len(plaintext)
    buffer = bytearray(size + TAG_SIZE)
    buffer[:size] = plaintext
    seal_in(key, nonce, buffer, 0, size, aad)
    return bytes(buffer)


def open_blocks(key, nonce, sealed, aad):
    size = len(sealed) - TAG_SIZE
    text = bytearray(sealed[:size])
    _crypt(key, nonce, memoryview(text))
    wanted = _tag(key, nonce, _mac(key, nonce, memoryview(text), aad))
    # As integers: the comparison does not stop at the first byte that differs.
    difference = int.from_bytes(sealed[size:], "big") ^ int.from_bytes(wanted, "big")
    return None if difference else bytes(text)


# A host's library does it in one call and a tenth of the time; a test holds the two together.
# seal(key, nonce, plaintext, aad) -> ciphertext and tag; aad must not be empty, nor is a frame's.
seal, _open = host_ccm or (seal_blocks, open_blocks)


def open_(key, nonce, sealed, aad):
    # -> plaintext, or TagError
    if len(sealed) < TAG_SIZE:
        raise TagError("shorter than its tag")
    plaintext = _open(key, nonce, sealed, aad)
    if plaintext is None:
        raise TagError("the tag does not match")
    return plaintext


def _mac(key, nonce, text, aad):
    size = len(text)
    head = bytearray((_FLAGS_B0,))
    head.extend(nonce)
    head.extend(bytes((size >> 8, size & 0xFF, len(aad) >> 8, len(aad) & 0xFF)))
    head.extend(aad)
    head.extend(_ZERO_BLOCK[: -len(head) % 16])
    chain = aes_cbc(key, _ZERO_BLOCK)
    mac = chain(head)
    for at in range(0, size, _PIECE):
        piece = text[at : at + _PIECE]
        short = -len(piece) % 16
        mac = chain(bytes(piece) + _ZERO_BLOCK[:short] if short else piece)
    return mac[-16 : -16 + TAG_SIZE]


def _crypt(key, nonce, text):
    encrypt = aes_ecb(key)
    size = len(text)
    counters = bytearray((bytes((_FLAGS_A,)) + nonce + b"\0\0") * (_PIECE // 16))
    n = 1  # counter 0 is for the tag
    for at in range(0, size, _PIECE):
        for low in range(15, _PIECE, 16):
            counters[low - 1] = n >> 8
            counters[low] = n & 0xFF
            n += 1
        piece = text[at : at + _PIECE]
        width = len(piece)
        stream = int.from_bytes(encrypt(counters)[:width], "big")
        piece[:] = (int.from_bytes(bytes(piece), "big") ^ stream).to_bytes(width, "big")


def _tag(key, nonce, mac):
    stream = aes_ecb(key)(bytes((_FLAGS_A,)) + nonce + b"\0\0")
    tag = int.from_bytes(mac, "big") ^ int.from_bytes(stream[:TAG_SIZE], "big")
    return tag.to_bytes(TAG_SIZE, "big")
