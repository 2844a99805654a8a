# The address of a host, without standing still: getaddrinfo() of an ESP32 stops everything for
# seconds, what plays as well.
# SPDX-License-Identifier: Apache-2.0
import os
import socket

from drivers.uart_port import UARTPort  # which reads any stream with a limit of time
from protocols import dns
from protocols.compat import const

_TRIES = const(3)
_ANSWER_MS = const(2000)
_DATAGRAM = const(512)  # RFC 1035, 4.2.1
# RFC 6762, 5.1: who asks from another port than 5353 is answered there like by a name server.
_LOCAL = const(".local")
_LOCAL_SERVER = const(("224.0.0.251", 5353))


# -> "192.0.2.1"; OSError where nobody knows, or nobody answers. servers: those of DHCP.
async def lookup(host, servers):
    if host.replace(".", "").isdigit():
        return host
    asked = dns.question(int.from_bytes(os.urandom(2), "big"), host)
    target = _LOCAL_SERVER if host.endswith(_LOCAL) else (servers, dns.PORT)
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        for _ in range(_TRIES):
            made.sendto(asked, target)
            found = await _answer(made, asked)
            if found:
                return found
    finally:
        made.close()
    raise OSError("nobody knows " + host)


async def _answer(made, asked):
    buffer = bytearray(_DATAGRAM)
    size = await UARTPort(made).readinto(buffer, _ANSWER_MS)
    try:
        return dns.address(asked, bytes(memoryview(buffer)[:size])) if size else None
    except ValueError:  # a stranger's: ask again
        return None
