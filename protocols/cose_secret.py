# COSE_Mac0 and COSE_Encrypt0, of which cose.py says more and loads this.
# SPDX-License-Identifier: Apache-2.0
from . import ccm
from .compat import const
from .cose import (
    AES_CCM_16_64_128,
    ALG,
    ENCRYPT0,
    HMAC_256_64,
    HMAC_256_256,
    IV,
    MAC0,
    PARTIAL_IV,
    CoseError,
    Message,
    decode,
    encode,
    header,
    protect,
    structure,
)
from .hkdf import hmac_sha256

_AAD_MAX = const(0xFEFF)  # beyond it CCM codes the length in another way (RFC 3610, 2.2)


def verify0(data, key, external_aad=b""):
    # A COSE_Mac0. -> Message
    message = decode(data, MAC0)
    algorithm, secret = key
    if header(message, ALG) != algorithm:
        raise CoseError("algorithm")
    tag = _mac(algorithm, secret, message.protected, external_aad, message.payload)
    if len(message.proof) != len(tag) or _differ(message.proof, tag):
        raise CoseError("mac")
    return message


def open0(data, key, external_aad=b"", base_iv=None):
    # A COSE_Encrypt0. -> Message with the plaintext as its payload
    message = decode(data, ENCRYPT0)
    algorithm, secret = key
    if algorithm != AES_CCM_16_64_128 or header(message, ALG) != algorithm:
        raise CoseError("algorithm")
    nonce = _nonce(header(message, IV), header(message, PARTIAL_IV), base_iv)
    aad = structure(ENCRYPT0, message.protected, external_aad)
    if len(message.payload) > ccm.MAX_SIZE + ccm.TAG_SIZE or len(aad) > _AAD_MAX:
        raise CoseError("form")
    try:
        plaintext = ccm.open_(secret, nonce, message.payload, aad)
    except ccm.TagError:
        raise CoseError("ciphertext")
    return Message(message.protected, message.headers, message.unprotected, plaintext, None)


def mac0(payload, key, unprotected=None, external_aad=b""):
    # -> COSE_Mac0
    protected = protect({ALG: key[0]})
    tag = _mac(key[0], key[1], protected, external_aad, payload)
    return encode(MAC0, protected, unprotected or {}, payload, tag)


def seal0(plaintext, key, iv, external_aad=b""):
    # -> COSE_Encrypt0. The caller never gives one iv (13 bytes) twice with one key.
    protected = protect({ALG: AES_CCM_16_64_128})
    aad = structure(ENCRYPT0, protected, external_aad)
    if key[0] != AES_CCM_16_64_128 or len(plaintext) > ccm.MAX_SIZE or len(aad) > _AAD_MAX:
        raise CoseError("form")
    return encode(ENCRYPT0, protected, {IV: iv}, ccm.seal(key[1], iv, plaintext, aad))


def _mac(algorithm, secret, protected, external_aad, payload):
    if algorithm != HMAC_256_64 and algorithm != HMAC_256_256:
        raise CoseError("algorithm")
    tag = hmac_sha256(secret, structure(MAC0, protected, external_aad, payload))
    return tag[:8] if algorithm == HMAC_256_64 else tag


def _differ(one, other):
    # As integers: the comparison does not stop at the first byte that differs.
    return int.from_bytes(one, "big") ^ int.from_bytes(other, "big")


def _nonce(iv, partial_iv, base_iv):
    # RFC 9052, 3.1: either the whole IV, or a part to be XORed with the one of the context.
    if partial_iv is not None:
        if iv is not None or base_iv is None or not isinstance(partial_iv, bytes):
            raise CoseError("iv")
        if not 0 < len(partial_iv) <= len(base_iv):
            raise CoseError("iv")
        iv = (int.from_bytes(partial_iv, "big") ^ int.from_bytes(base_iv, "big")).to_bytes(
            len(base_iv), "big"
        )
    if not isinstance(iv, bytes) or len(iv) != ccm.NONCE_SIZE:
        raise CoseError("iv")
    return iv
