# CCM, HKDF and the frame against the examples of their RFCs, and all that a receiver refuses.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import ccm, frame, hkdf
from protocols.frame import FrameError, KeySet
from protocols.replay import Window
from protocols.tests.support import raises, vectors

MASTER = bytes(range(16))


def test_hkdf_rfc5869():
    # Appendix A.1 and A.3.
    secret = hkdf.extract(bytes(range(13)), b"\x0b" * 22)
    assert secret == unhexlify("077709362c2e32df0ddc3f0dc47bba6390b6c73bb50f9c3122ec844ad7c2b3e5")
    assert hkdf.expand(secret, bytes(range(0xF0, 0xFA)), 42) == unhexlify(
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865"
    )
    assert hkdf.expand(hkdf.extract(b"", b"\x0b" * 22), b"", 42) == unhexlify(
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    )


def test_ccm_rfc3610():
    # Packet vectors 1 to 3: 8 bytes of header, 13 of nonce, a tag of 8.
    key = bytes(range(0xC0, 0xD0))
    for n, sealed in enumerate(
        (
            "588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0",
            "72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916",
            "51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da8596574adaa76fbd9fb0c5",
        )
    ):
        nonce = bytes((0, 0, 0, 3 + n, 2 + n, 1 + n, n)) + bytes(range(0xA0, 0xA6))
        text = bytes(range(8, 31 + n))
        assert ccm.seal(key, nonce, text, bytes(range(8))) == unhexlify(sealed)
        assert ccm.open_(key, nonce, unhexlify(sealed), bytes(range(8))) == text


def test_oscore_rfc8613():
    # Appendix C.1.1: keys and common IV; C.4: a request with PIV 20; C.8: a response with PIV 0.
    secret = hkdf.extract(unhexlify("9e7ca92223786340"), bytes(range(1, 17)))
    sender = hkdf.expand(secret, unhexlify("8540f60a634b657910"), 16)
    recipient = hkdf.expand(secret, unhexlify("854101f60a634b657910"), 16)
    common_iv = hkdf.expand(secret, unhexlify("8540f60a6249560d"), 13)
    assert sender == unhexlify("f0910ed7295e6ad4b54fc793154302ff")
    assert recipient == unhexlify("ffb14e093c94c9cac9471648b4f98710")
    assert common_iv == unhexlify("4622d4dd6d944168eefb54987c")

    aad = unhexlify("8368456e63727970743040488501810a40411440")
    request_nonce = frame.nonce(common_iv, b"", 20)
    assert request_nonce == unhexlify("4622d4dd6d944168eefb549868")
    assert ccm.seal(sender, request_nonce, unhexlify("01b3747631"), aad) == unhexlify(
        "612f1092f1776f1c1668b3825e"
    )
    response_nonce = frame.nonce(common_iv, b"\x01", 0)
    assert response_nonce == unhexlify("4722d4dd6d944169eefb54987c")
    assert ccm.seal(
        recipient, response_nonce, unhexlify("45ff48656c6c6f20576f726c6421"), aad
    ) == unhexlify("4d4c13669384b67354b2b6175ff4b8658c666a6cf88e")


def test_golden_frames():
    for fields in vectors("frame.hex"):
        master, kid = unhexlify(fields[0]), unhexlify(fields[1])
        epoch, cls, direction, piv, with_epoch = [int(field) for field in fields[2:7]]
        plaintext, sealed, check = [unhexlify(field) for field in fields[7:10]]
        keys = KeySet(master, kid, epoch)
        assert keys.seal(cls, direction, piv, plaintext, bool(with_epoch)) == sealed
        assert keys.open(direction, sealed) == (cls, piv, plaintext)
        assert keys.check_value() == check


def test_size_on_the_wire():
    # 13 bytes over the plaintext for a PIV of 2 bytes; overhead() is the most there can be.
    keys = KeySet(MASTER, b"ab")
    for piv, extra in (
        (0, 12),
        (255, 12),
        (256, 13),
        (65535, 13),
        (65536, 14),
        ((1 << 40) - 1, 16),
    ):
        assert len(keys.seal(frame.TELEMETRY, frame.UP, piv, bytes(82))) == 82 + extra
        assert extra <= frame.overhead(2)
    sealed = KeySet(MASTER, b"abcd").seal(frame.TELEMETRY, frame.UP, frame.PIV_MAX, b"", True)
    assert len(sealed) == frame.overhead(4, True)
    raises(ValueError, keys.seal, frame.TELEMETRY, frame.UP, frame.PIV_MAX + 1, b"")


def test_parse():
    keys = KeySet(MASTER, b"abcd", 0x01020304)
    header = frame.parse(keys.seal(frame.BLOCK, frame.UP, 0x1234, b"text", True), 4)
    assert header == (frame.BLOCK, b"abcd", 0x01020304, 0x1234, 11)
    header = frame.parse(keys.seal(frame.ACK, frame.DOWN, 0, b""), 4)
    assert header == (frame.ACK, b"abcd", None, 0, 6)


def reason(function, *args):
    return raises(FrameError, function, *args).reason


def test_every_first_byte():
    for first in range(256):
        text = bytes((first,)) + b"ab" + b"\x01" * 30
        size = first & 7
        if first >> 6 != 1:
            assert reason(frame.parse, text) == "version"
        elif size == 0 or size > 5:
            assert reason(frame.parse, text) == "piv"
        else:
            header = frame.parse(text)
            assert header.cls == first >> 4 & 3
            assert header.size == 3 + (4 if first & 8 else 0) + size


def test_refused():
    keys = KeySet(MASTER, b"ab", 7)
    sealed = keys.seal(frame.TELEMETRY, frame.UP, 300, b"text", True)
    assert keys.open(frame.UP, sealed) == (frame.TELEMETRY, 300, b"text")
    assert reason(keys.open, frame.UP, b"") == "short"
    assert reason(keys.open, frame.UP, sealed[:-5]) == "short"  # shorter than header and tag
    assert reason(keys.open, frame.UP, sealed[:-1]) == "tag"
    assert reason(keys.open, frame.DOWN, sealed) == "tag"
    assert reason(KeySet(MASTER, b"ac", 7).open, frame.UP, sealed) == "kid"
    assert reason(KeySet(MASTER, b"ab", 8).open, frame.UP, sealed) == "epoch"
    assert reason(KeySet(bytes(16), b"ab", 7).open, frame.UP, sealed) == "tag"
    without_epoch = keys.seal(frame.TELEMETRY, frame.UP, 300, b"text")
    assert reason(KeySet(MASTER, b"ab", 8).open, frame.UP, without_epoch) == "tag"
    leading_zero = bytes((sealed[0] & 0xF8 | 3,)) + sealed[1:7] + b"\0" + sealed[7:]
    assert reason(keys.open, frame.UP, leading_zero) == "piv"


def test_every_changed_bit_is_refused():
    keys = KeySet(MASTER, b"ab")
    sealed = keys.seal(frame.TELEMETRY, frame.UP, 300, b"text")
    for bit in range(8 * len(sealed)):
        bad = bytearray(sealed)
        bad[bit >> 3] ^= 1 << (bit & 7)
        raises(FrameError, keys.open, frame.UP, bad)


def test_replay_is_refused_once_accepted():
    keys = KeySet(MASTER, b"ab")
    window = Window()
    sealed = keys.seal(frame.ACK, frame.DOWN, 5, b"text")
    forged = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    # Looking does not use the number up, since the contents may yet fail to be stored.
    for _ in range(2):
        assert keys.open(frame.DOWN, sealed, window)[1] == 5
    window.accept(5)
    assert reason(keys.open, frame.DOWN, sealed, window) == "replay"
    # Before any AES: whoever sends old frames, true or not, costs nothing.
    assert reason(keys.open, frame.DOWN, forged, window) == "replay"
    assert reason(keys.open, frame.DOWN, forged) == "tag"


def test_no_two_uses_share_a_key():
    # One text and one PIV everywhere: every frame must differ in its ciphertext.
    seen = set()
    for epoch in (0, 1):
        for kid in (b"ab", b"ac", b"ab\0\0"):
            keys = KeySet(MASTER, kid, epoch)
            for cls in range(4):
                for direction in (frame.UP, frame.DOWN):
                    seen.add(keys.seal(cls, direction, 1, bytes(16))[-24:])
    assert len(seen) == 2 * 3 * 4 * 2


def test_check_value_tells_keys_apart():
    values = {
        KeySet(master, kid, epoch).check_value()
        for master in (MASTER, bytes(16))
        for kid in (b"ab", b"ac")
        for epoch in (0, 1)
    }
    assert len(values) == 8


def test_key_set_refuses_odd_sizes():
    raises(ValueError, KeySet, MASTER[:15], b"ab")
    raises(ValueError, KeySet, MASTER, b"abc")
