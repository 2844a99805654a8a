# AES-CCM-16-64-128 (RFC 3610 with M = 8, L = 2; COSE algorithm 10): 13-byte nonce, 8-byte tag.
# SPDX-License-Identifier: Apache-2.0
#
# No loop over bytes: the CBC-MAC is the last block of one CBC call, the key stream one ECB call
# over the joined counter blocks, the XOR one pair of big integers.
from .compat import aes_cbc, aes_ecb, const, host_ccm

TAG_SIZE = const(8)
NONCE_SIZE = const(13)
MAX_SIZE = const(0xFFFF)  # L = 2: the length of the message has two bytes

_ZERO_BLOCK = bytes(16)
_FLAGS_B0 = const(0x59)  # additional data present, (M - 2) / 2 = 3, L - 1 = 1
_FLAGS_A = const(0x01)  # L - 1 = 1


class TagError(ValueError):
    pass


def seal_blocks(key, nonce, plaintext, aad):
    mac = _mac(key, nonce, plaintext, aad)
    return _xor_stream(key, nonce, mac, plaintext)


def open_blocks(key, nonce, sealed, aad):
    size = len(sealed) - TAG_SIZE
    both = _xor_stream(key, nonce, sealed[size:], sealed[:size])
    plaintext = both[:size]
    # As integers: the comparison does not stop at the first byte that differs.
    difference = int.from_bytes(both[size:], "big") ^ int.from_bytes(
        _mac(key, nonce, plaintext, aad), "big"
    )
    return None if difference else plaintext


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


def _mac(key, nonce, message, aad):
    size = len(message)
    blocks = bytearray((_FLAGS_B0,))
    blocks.extend(nonce)
    blocks.extend(bytes((size >> 8, size & 0xFF, len(aad) >> 8, len(aad) & 0xFF)))
    blocks.extend(aad)
    blocks.extend(_ZERO_BLOCK[: -len(blocks) % 16])
    blocks.extend(message)
    blocks.extend(_ZERO_BLOCK[: -len(blocks) % 16])
    return aes_cbc(key, _ZERO_BLOCK)(blocks)[-16 : -16 + TAG_SIZE]


def _xor_stream(key, nonce, tag, text):
    # Counter 0 is for the tag, the others for the text.
    counters = bytearray()
    for n in range(1 + (len(text) + 15) // 16):
        counters.append(_FLAGS_A)
        counters.extend(nonce)
        counters.append(n >> 8)
        counters.append(n & 0xFF)
    stream = aes_ecb(key)(counters)
    size = len(text) + TAG_SIZE
    stream = int.from_bytes(stream[16 : 16 + len(text)] + stream[:TAG_SIZE], "big")
    return (int.from_bytes(bytes(text) + bytes(tag), "big") ^ stream).to_bytes(size, "big")
