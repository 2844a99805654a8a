# AES as compat.py offers it, for CPython.
# SPDX-License-Identifier: Apache-2.0
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB


def aes_ecb(key):
    return Cipher(AES(key), ECB()).encryptor().update


def aes_cbc(key, iv):
    return Cipher(AES(key), CBC(iv)).encryptor().update


def ccm_seal(key, nonce, plaintext, aad):
    return AESCCM(key, 8).encrypt(nonce, plaintext, aad)


def ccm_open(key, nonce, sealed, aad):
    # -> plaintext, or None for a tag that does not match
    try:
        return AESCCM(key, 8).decrypt(nonce, sealed, aad)
    except InvalidTag:
        return None


host_ccm = (ccm_seal, ccm_open)
