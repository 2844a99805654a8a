# AES as compat.py offers it, for CPython.
# SPDX-License-Identifier: Apache-2.0
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB


def aes_ecb(key):
    return Cipher(AES(key), ECB()).encryptor().update


def aes_cbc(key, iv):
    return Cipher(AES(key), CBC(iv)).encryptor().update
