# The one question of DNS, byte by byte, and answers that are none.
# SPDX-License-Identifier: Apache-2.0
from protocols import dns
from protocols.tests.support import raises

ASKED = bytes.fromhex("beef01000001000000000000076578616d706c65036f72670000010001")
ALIAS = bytes.fromhex("c00c0005000100000e10000603777777c00c")
FOUND = bytes.fromhex("c00c0001000100000e100004cb007107")


def answer(*records, flags=0x8180):
    head = ASKED[:2] + flags.to_bytes(2, "big") + bytes((0, 1, 0, len(records))) + bytes(4)
    return head + ASKED[12:] + b"".join(records)


def test_a_question():
    assert dns.question(0xBEEF, "example.org") == ASKED
    assert dns.question(0xBEEF, "example.org.") == ASKED
    for host in ("", "a..b", "x" * 64 + ".org"):
        raises(dns.DnsError, dns.question, 1, host)


def test_an_address_with_and_without_an_alias_before_it():
    assert dns.address(ASKED, answer(FOUND)) == "203.0.113.7"
    assert dns.address(ASKED, answer(ALIAS, FOUND)) == "203.0.113.7"
    shouted = answer(FOUND).replace(b"example", b"EXAMPLE")
    assert dns.address(ASKED, shouted) == "203.0.113.7"


def test_nobody_is_called_so():
    assert dns.address(ASKED, answer(flags=0x8183)) is None
    assert dns.address(ASKED, answer(ALIAS)) is None


def test_what_is_no_answer():
    good = answer(FOUND)
    for bad in (
        b"",
        ASKED,  # a question
        b"\0\0" + good[2:],  # to somebody else
        good.replace(b"example", b"exemple"),
    ):
        raises(dns.DnsError, dns.address, ASKED, bad)
    for end in range(len(good)):
        raises(dns.DnsError, dns.address, ASKED, good[:end])
