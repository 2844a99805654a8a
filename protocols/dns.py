# The one question of DNS that a unit asks: the IPv4 address of a host (RFC 1035). Pure: the socket
# is somebody else's, so that nobody has to stand still as getaddrinfo() does.
# SPDX-License-Identifier: Apache-2.0
from .compat import const

PORT = 53
_HEADER = const(12)  # 4.1.1: id, flags, and four counts
_FIXED = const(10)  # 4.1.3: type, class, TTL, and the length of the data
_A_IN = const(b"\x00\x01\x00\x01")  # 3.2.2 and 3.2.4: a host address, in the Internet


class DnsError(ValueError):
    pass


# id: 16 bits that a stranger cannot guess
def question(id, host):
    labels = host.rstrip(".").split(".")
    if not all(0 < len(label) < 64 for label in labels):
        raise DnsError("%r is no host name" % host)
    name = b"".join([bytes((len(label),)) + label.encode() for label in labels])
    # Recursion desired; one question.
    return id.to_bytes(2, "big") + b"\x01\x00\x00\x01" + bytes(6) + name + b"\0" + _A_IN


# -> "192.0.2.1" out of what a name server says to `asked`, or None if it does not know. Aliases
# come first (3.6.2): the first address counts, whatever its name.
def address(asked, data):
    if len(data) < len(asked) or data[:2] != asked[:2] or not data[2] & 0x80:
        raise DnsError("no answer to this")
    if data[_HEADER : len(asked)].lower() != asked[_HEADER:].lower():
        raise DnsError("an answer to another question")
    pos = len(asked)
    for _ in range(int.from_bytes(data[6:8], "big")):
        pos = _skip_name(data, pos)
        end = pos + _FIXED
        size = int.from_bytes(data[end - 2 : end], "big")
        if end + size > len(data):
            raise DnsError("it was cut")
        if data[pos : pos + 4] == _A_IN and size == 4:
            return "%d.%d.%d.%d" % tuple(data[end : end + 4])
        pos = end + size
    return None


def _skip_name(data, pos):
    while pos < len(data):
        size = data[pos]
        if size >= 0xC0:  # 4.1.4: the rest stands elsewhere
            return pos + 2
        pos += 1 + size
        if not size:
            return pos
    raise DnsError("it was cut")
