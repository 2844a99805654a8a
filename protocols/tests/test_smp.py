# SMP frames and their lines on a serial console.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import smp, smp_codes
from protocols.smp import LineDecoder, SMPError
from protocols.tests.support import raises, vectors

# An echo request of {"d": "hello"}, version 2, sequence number 42; made with the PyPI package smp.
ECHO = unhexlify("0a00000900002a00a161646568656c6c6f")
ECHO_LINE = b"\x06\x09ABMKAAAJAAAqAKFhZGVoZWxsbwo4\n"


def feed_all(decoder, lines):
    return [frame for frame in [decoder.feed(line) for line in lines] if frame is not None]


def test_golden():
    for fields in vectors("smp.hex"):
        frame = unhexlify(fields[0])
        version, op, group, seq, cmd = [int(field) for field in fields[1:6]]
        body = eval(fields[6])
        assert smp.pack(op, group, seq, cmd, body, version) == frame, fields[-1]
        assert smp.unpack(frame) == (op, group, seq, cmd, body), fields[-1]
        lines = [unhexlify(line) for line in fields[7].split()]
        assert list(smp.encode_lines(frame)) == lines, fields[-1]
        assert feed_all(LineDecoder(), lines) == [frame], fields[-1]


def test_header():
    assert smp.pack(smp.WRITE, smp_codes.GROUP_OS, 42, smp_codes.OS_ECHO, {"d": "hello"}) == ECHO
    assert smp.unpack(ECHO) == (
        smp.WRITE,
        smp_codes.GROUP_OS,
        42,
        smp_codes.OS_ECHO,
        {"d": "hello"},
    )
    assert smp.version(ECHO) == 1
    big = smp.pack(smp.READ, 0x1234, 255, 7, {}, version=0)
    assert smp.unpack(big) == (smp.READ, 0x1234, 255, 7, {})
    assert smp.version(big) == 0


def test_unpack_takes_foreign_encodings():
    # An indefinite map with unsorted keys, as some clients write it; and no body at all.
    body = unhexlify("bf626262016161 02ff".replace(" ", ""))
    frame = unhexlify("02000009") + unhexlify("00080103") + body
    assert smp.unpack(frame)[4] == {"bb": 1, "a": 2}
    assert smp.unpack(unhexlify("0000000000000006"))[4] == {}


def test_unpack_refuses():
    raises(SMPError, smp.unpack, ECHO[:7])
    raises(SMPError, smp.unpack, ECHO[:-1])
    raises(SMPError, smp.unpack, ECHO + b"\0")
    raises(SMPError, smp.unpack, unhexlify("000000010000000001"))
    raises(ValueError, smp.unpack, unhexlify("0000000100000000ff"))


def test_responses_echo_the_request():
    answer = smp.response(ECHO, {"r": "hello"})
    assert smp.unpack(answer) == (smp.WRITE | 1, 0, 42, 0, {"r": "hello"})
    assert smp.version(answer) == 1


def test_errors_by_version():
    old = bytes((ECHO[0] & 7,)) + ECHO[1:]
    assert smp.unpack(smp.error(old, smp.ENOENT, group=8))[4] == {"rc": 5}
    assert smp.unpack(smp.error(ECHO, smp.ENOENT))[4] == {"rc": 5}
    new = smp.unpack(smp.error(ECHO, 3, group=8))
    assert new[4] == {"err": {"group": 8, "rc": 3}}
    assert new[:4] == (smp.WRITE | 1, 0, 42, 0)


def test_one_line():
    assert list(smp.encode_lines(ECHO)) == [ECHO_LINE]
    assert LineDecoder().feed(ECHO_LINE) == ECHO


def test_line_ends():
    for end in (b"", b"\r", b"\r\n", b"\n"):
        assert LineDecoder().feed(ECHO_LINE[:-1] + end) == ECHO


def test_every_length():
    decoder = LineDecoder()
    for size in range(8, 400, 7):
        frame = bytes(n & 0xFF for n in range(size))
        lines = list(smp.encode_lines(frame))
        assert max(len(line) for line in lines) <= 127
        assert feed_all(decoder, lines) == [frame]
    assert decoder.errors == 0


def test_any_split_of_a_foreign_sender():
    # Others cut the base64 text elsewhere, at any multiple of four characters.
    text = ECHO_LINE[2:-1]
    for cut in range(4, len(text), 4):
        lines = [b"\x06\x09" + text[:cut], b"\x04\x14" + text[cut:]]
        assert feed_all(LineDecoder(), lines) == [ECHO]


def test_bad_lines_are_counted_and_passed_over():
    long = bytes(200)
    first, second, third = smp.encode_lines(long)
    for lines, errors in (
        ([second, ECHO_LINE], 1),  # a continuation of nothing
        ([first, ECHO_LINE], 1),  # a new frame before the end of the last
        ([first, b"\x04\x14!!!!", ECHO_LINE], 1),
        ([first, third, ECHO_LINE], 1),  # a line lost
        ([b"\x06\x09", ECHO_LINE], 1),
        ([b"\x06\x09AAAA", ECHO_LINE], 1),  # a length of 0
        ([b"\x06\x09//8A", ECHO_LINE], 1),  # longer than the limit
        ([b"help", b"\xff\xfe", ECHO_LINE], 2),  # not SMP at all
        ([ECHO_LINE.replace(b"ABMK", b"ABML"), ECHO_LINE], 1),  # a wrong CRC
    ):
        decoder = LineDecoder()
        assert feed_all(decoder, lines) == [ECHO]
        assert decoder.errors == errors, (lines, decoder.errors)


def test_every_changed_byte_of_a_line_is_survived():
    for position in range(len(ECHO_LINE) - 1):
        for change in (1, 0x20, 0x80):
            line = bytearray(ECHO_LINE)
            line[position] ^= change
            decoder = LineDecoder()
            frames = feed_all(decoder, [line, ECHO_LINE])
            assert frames == [ECHO], (position, change)
            assert decoder.errors == 1


def test_limit_bounds_memory():
    decoder = LineDecoder(limit=100)
    assert feed_all(decoder, smp.encode_lines(bytes(100))) == [bytes(100)]
    assert feed_all(decoder, smp.encode_lines(bytes(101))) == []
    assert decoder.errors > 0
