# Signatures of a unit: by RFC 6979, whatever chance brings.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import p256, p256_sign, trace, trace_signed
from protocols.tests.support import vectors

# RFC 6979, A.2.5
SECRET = unhexlify("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")


def chance(n):
    return bytes(range(100, 100 + n))


def test_rfc_6979():
    known = [fields for fields in vectors("p256.hex") if fields[4].startswith("RFC 6979")]
    assert len(known) == 2
    for key, message, signature, _, _ in known:
        r, s = unhexlify(signature)[:32], int.from_bytes(unhexlify(signature)[32:], "big")
        low = min(s, p256.CURVE.n - s).to_bytes(32, "big")
        for random in (chance, bytes, lambda n: b"\xff" * n):
            found = p256_sign.sign(SECRET, unhexlify(message), random)
            assert found == r + low
        assert p256.verify(unhexlify(key), unhexlify(message), found)


def test_what_a_root_signs():
    fields = {0: 14, 1: 9, 2: 1, 3: bytes(32), 4: b"8 bytes!", 7: True}
    message = trace_signed.signed("gh-01", b"\0\1", 5, fields)
    assert trace_signed.signed("gh-01", b"\0\1", 5, dict(fields)) == message
    with_signature = dict(fields)
    with_signature[5] = bytes(64)
    assert trace_signed.signed("gh-01", b"\0\1", 5, with_signature) == message
    for other in (("gh-02", b"\0\1", 5), ("gh-01", b"\0\2", 5), ("gh-01", b"\0\1", 6)):
        assert trace_signed.signed(*(other + (fields,))) != message


def test_links():
    # The first by sha256sum.
    value = trace.link(trace.START, 1, b"abc")
    assert value == unhexlify("54bb1aab0ca598d6efbda8b0139d47b3ae00dd114fd0cb76fd97f08c1829bf9b")
    assert value != trace.link(trace.START, 2, b"abc") and trace.link(value, 2, b"") != value
