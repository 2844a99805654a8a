# COSE_Sign1, COSE_Mac0 and COSE_Encrypt0 (RFC 9052), with the few algorithms that a node knows.
# SPDX-License-Identifier: Apache-2.0
#
# A message is [protected header in a byte string, unprotected header, payload, proof], tagged or,
# where the context says what it is, untagged. What is signed is a structure around the protected
# header and the payload as they were received: nothing that was decoded is encoded again for it.
# Foreign encoders are welcome, so any well-formed CBOR is.
#
# A key is (algorithm, bytes): what a message says of its algorithm must agree with the key's, so
# that no key is ever used as another algorithm would. The payload has to be in the message.
from collections import namedtuple

from . import cbor
from .compat import const

ENCRYPT0 = const(16)
MAC0 = const(17)
SIGN1 = const(18)

# Header parameters (RFC 9052, 3.1)
ALG = const(1)
CRIT = const(2)
CONTENT_TYPE = const(3)
KID = const(4)
IV = const(5)
PARTIAL_IV = const(6)

# Algorithms (RFC 9053, RFC 9864, RFC 8778)
ES256 = -7
ESP256 = -9
HSS_LMS = -46
HMAC_256_64 = const(4)
HMAC_256_256 = const(5)
AES_CCM_16_64_128 = const(10)
# SM2 with SM3 and the default user id; key x | y, signature r | s, 32 bytes each. Nobody has
# registered an id for it: this one is of the range for private use, below -65536.
SM2_SM3 = -65537

_TAGGED = const(0b110_00000)  # the head of a tag below 24, as these three are
_CONTEXTS = {ENCRYPT0: "Encrypt0", MAC0: "MAC0", SIGN1: "Signature1"}
_UNDERSTOOD = (ALG, CONTENT_TYPE, KID, IV, PARTIAL_IV)
_ELSEWHERE = const(("mac0", "open0", "seal0", "verify0"))

# protected: the byte string as it enters the structures; headers: what it holds;
# proof: the signature or the tag, None for Encrypt0
Message = namedtuple("Message", ("protected", "headers", "unprotected", "payload", "proof"))


class CoseError(ValueError):
    # reason: cbor, tag, form, header, critical, kid, algorithm, iv, signature, mac or ciphertext
    def __init__(self, reason):
        super().__init__("COSE message refused: " + reason)
        self.reason = reason


def structure(tag, protected, external_aad, payload=None):
    # Sig_structure, MAC_structure or Enc_structure (4.4, 6.3, 5.3; the last has no payload).
    fields = [_CONTEXTS[tag], protected, external_aad]
    if tag != ENCRYPT0:
        fields.append(payload)
    return cbor.encode(fields)


def protect(headers):
    # A protected header as a byte string; an empty one is the empty string (3).
    return cbor.encode(headers) if headers else b""


def encode(tag, protected, unprotected, *fields):
    # fields: payload and signature or tag; of Encrypt0 only the ciphertext.
    return bytes((_TAGGED | tag,)) + cbor.encode([protected, unprotected] + list(fields))


def decode(data, tag):
    # -> Message, of which nothing is verified yet
    data = memoryview(data)
    if len(data) and data[0] >> 5 == _TAGGED >> 5:
        if data[0] != _TAGGED | tag:
            raise CoseError("tag")
        data = data[1:]
    try:
        item = cbor.decode(data, strict=False)
    except ValueError:
        raise CoseError("cbor")
    kinds = (bytes, dict, bytes) if tag == ENCRYPT0 else (bytes, dict, bytes, bytes)
    if not isinstance(item, list) or len(item) != len(kinds):
        raise CoseError("form")
    for value, kind in zip(item, kinds):
        if not isinstance(value, kind):
            raise CoseError("form")
    headers = _headers(item[0], item[1])
    # An empty map has two forms on the wire and one in the structures (4.4).
    protected = item[0] if headers else b""
    return Message(protected, headers, item[1], item[2], None if tag == ENCRYPT0 else item[3])


def header(message, label):
    return message.headers.get(label, message.unprotected.get(label))


def verify1(data, keys, external_aad=b""):
    # keys: kid -> key. -> Message, signed by the owner of the key that header(message, KID) names
    return check1(decode(data, SIGN1), keys, external_aad)


def check1(message, keys, external_aad=b""):
    # The same of a message that was decoded. A key may be a longer tuple: the rest is passed over.
    kid = header(message, KID)
    if not isinstance(kid, bytes) or kid not in keys:
        raise CoseError("kid")
    algorithm, key = keys[kid][:2]
    verify = _verifier(algorithm)
    if verify is None or _verifier(header(message, ALG)) is not verify:
        raise CoseError("algorithm")
    signed = structure(SIGN1, message.protected, external_aad, message.payload)
    if not verify(key, signed, message.proof):
        raise CoseError("signature")
    return message


def _headers(protected, unprotected):
    # -> the protected header
    headers = {}
    if protected:
        try:
            headers = cbor.decode(protected, strict=False)
        except ValueError:
            raise CoseError("cbor")
        if not isinstance(headers, dict):
            raise CoseError("header")
    for label in headers:
        if label in unprotected:
            raise CoseError("header")
    if CRIT in unprotected:
        raise CoseError("critical")
    if CRIT in headers:
        critical = headers[CRIT]
        if not isinstance(critical, list) or not critical:
            raise CoseError("critical")
        for label in critical:
            if label not in _UNDERSTOOD or label not in headers:
                raise CoseError("critical")
    return headers


def _verifier(algorithm):
    # -> verify(key, message, signature), or None. Imported when first used: heap is scarce.
    if algorithm == ES256 or algorithm == ESP256:
        from .p256 import verify
    elif algorithm == HSS_LMS:
        from .lms import verify
    elif algorithm == SM2_SM3:
        from .sm2 import verify
    else:
        return None
    return verify


# What only few use: loaded for who asks for it here.
def __getattr__(name):
    if name not in _ELSEWHERE:
        raise AttributeError(name)
    from . import cose_secret

    return getattr(cose_secret, name)
