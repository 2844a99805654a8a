"""The frame opened and sealed by another library: RFC 9052's COSE_Encrypt0, AES-CCM, HKDF."""

import cbor2
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESCCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from protocols import ccm, frame, hkdf
from protocols.frame import KeySet
from protocols.tests.support import vectors


@given(
    st.binary(min_size=16, max_size=16),
    st.binary(min_size=13, max_size=13),
    st.binary(max_size=100),
    st.binary(min_size=1, max_size=40),
)
def test_ccm(key: bytes, nonce: bytes, text: bytes, aad: bytes) -> None:
    """What a device computes, block by block, and what a host takes from its library."""
    sealed = AESCCM(key, tag_length=8).encrypt(nonce, text, aad)
    assert ccm.seal_blocks(key, nonce, text, aad) == ccm.seal(key, nonce, text, aad) == sealed
    assert ccm.open_blocks(key, nonce, sealed, aad) == ccm.open_(key, nonce, sealed, aad) == text
    damaged = sealed[:-1] + bytes([sealed[-1] ^ 1])
    assert ccm.open_blocks(key, nonce, damaged, aad) is None
    with pytest.raises(ccm.TagError):
        ccm.open_(key, nonce, damaged, aad)


def test_ccm_of_a_full_datagram() -> None:
    for size in (1299, 1300, 1329):
        text = bytes(n & 0xFF for n in range(size))
        sealed = AESCCM(bytes(16), tag_length=8).encrypt(bytes(13), text, b"aad")
        assert ccm.seal_blocks(bytes(16), bytes(13), text, b"aad") == sealed


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80), st.integers(1, 100))
def test_hkdf(salt: bytes, material: bytes, info: bytes, size: int) -> None:
    secret = hkdf.extract(salt, material)
    reference = HKDF(algorithm=SHA256(), length=size, salt=salt, info=info).derive(material)
    assert hkdf.expand(secret, info, size) == reference


def key_and_iv(master: bytes, kid: bytes, epoch: int, cls: int, direction: int) -> list[bytes]:
    """The key schedule as frame.py's header states it, out of cryptography and cbor2."""
    return [
        HKDF(
            algorithm=SHA256(),
            length=size,
            salt=b"fieldbeat 1",
            info=cbor2.dumps([kid, epoch, cls, direction, 10, label, size], canonical=True),
        ).derive(master)
        for label, size in (("Key", 16), ("IV", 13))
    ]


def expand(data: bytes, kid_size: int) -> cbor2.CBORTag:
    """A frame as a COSE_Encrypt0: [protected, unprotected {kid, Partial IV}, ciphertext]."""
    header = frame.parse(data, kid_size)
    piv_size = data[0] & 7
    partial_iv = data[header.size - piv_size : header.size]
    protected = cbor2.dumps({1: 10})
    return cbor2.CBORTag(16, [protected, {4: header.kid, 6: partial_iv}, data[header.size :]])


def open_cose(cose: cbor2.CBORTag, key: bytes, common_iv: bytes, external_aad: bytes) -> bytes:
    """Opens a COSE_Encrypt0 as RFC 9052, 5.3 says, with the nonce of RFC 8613, 5.2."""
    protected, unprotected, ciphertext = cose.value
    assert cbor2.loads(protected) == {1: 10}
    kid, piv = unprotected[4], unprotected[6]
    padded = bytes((len(kid),)) + kid.rjust(7, b"\0") + piv.rjust(5, b"\0")
    nonce = bytes(a ^ b for a, b in zip(padded, common_iv, strict=True))
    aad = cbor2.dumps(["Encrypt0", protected, external_aad])
    return AESCCM(key, tag_length=8).decrypt(nonce, ciphertext, aad)


@given(
    st.binary(min_size=16, max_size=16),
    st.sampled_from([b"\x00\x01", b"ab", b"\xff\xff\xff\xff"]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 3),
    st.integers(0, 1),
    st.integers(0, 2**40 - 1) | st.sampled_from([0, 255, 256, 2**40 - 1]),
    st.binary(max_size=64),
    st.booleans(),
)
def test_a_frame_expands_to_a_cose_encrypt0(
    master: bytes,
    kid: bytes,
    epoch: int,
    cls: int,
    direction: int,
    piv: int,
    text: bytes,
    with_epoch: bool,
) -> None:
    sealed = KeySet(master, kid, epoch).seal(cls, direction, piv, text, with_epoch)
    cose = cbor2.loads(cbor2.dumps(expand(sealed, len(kid))))
    size = frame.parse(sealed, len(kid)).size
    key, common_iv = key_and_iv(master, kid, epoch, cls, direction)
    assert open_cose(cose, key, common_iv, sealed[:size]) == text
    assert KeySet(master, kid, epoch).open(direction, sealed) == (cls, piv, text)


def test_golden_frames() -> None:
    """The vectors of test_frame.py, by the other libraries alone."""
    count = 0
    for master, kid, epoch, cls, direction, _, _, text, sealed, check in vectors("frame.hex"):
        secret, kid_bytes, data = bytes.fromhex(master), bytes.fromhex(kid), bytes.fromhex(sealed)
        size = frame.parse(data, len(kid_bytes)).size
        key, iv = key_and_iv(secret, kid_bytes, int(epoch), int(cls), int(direction))
        cose = expand(data, len(kid_bytes))
        assert open_cose(cose, key, iv, data[:size]) == bytes.fromhex(text)
        info = cbor2.dumps([kid_bytes, int(epoch), "check"])
        derived = HKDF(algorithm=SHA256(), length=4, salt=b"fieldbeat 1", info=info)
        assert derived.derive(secret) == bytes.fromhex(check)
        count += 1
    assert count == 6
