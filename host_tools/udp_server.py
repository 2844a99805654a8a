"""Receives datagrams over UDP, hands them to the collector, sends its answers back."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import errno
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .collector import Collector
from .errors import CannotTry


def address(text: str) -> tuple[str, int]:
    """Return host and port of 'HOST:PORT', '[IPV6]:PORT' or ':PORT' (every address).

    Raises:
        CannotTry: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise CannotTry(f"'{text}' is no address to listen on", "give HOST:PORT")
    return host.strip("[]") or "0.0.0.0", int(port)


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, collector: Collector, now: Callable[[], float]) -> None:
        self._collector = collector
        self._now = now
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        for reply in self._collector.handle(data, addr, self._now()):
            self._transport.sendto(reply, addr)


async def serve(
    collector: Collector,
    host: str,
    port: int,
    ready: Callable[[str, int], None] = lambda host, port: None,
    now: Callable[[], float] = time.time,
) -> None:
    """Serve until SIGINT or SIGTERM, or until the task is cancelled.

    Args:
        collector: takes the datagrams.
        host, port: where to listen; port 0 takes a free one.
        ready: is told the address once datagrams are received.
        now: the time, Unix seconds.

    Raises:
        CannotTry: the address is in use, not of this host, or not allowed.
    """
    loop = asyncio.get_running_loop()
    try:
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(collector, now), local_addr=(host, port)
        )
    except OSError as error:
        raise _bind_error(host, port, error) from error
    stop = asyncio.Event()
    with suppress(RuntimeError, ValueError):  # not in the main thread: who runs it cancels it
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    try:
        ready(*transport.get_extra_info("sockname")[:2])
        await stop.wait()
    finally:
        transport.close()
        collector.flush(now())


def _bind_error(host: str, port: int, error: OSError) -> CannotTry:
    place = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return CannotTry(f"{place} is used by another program", "choose another port with --bind")
    if error.errno == errno.EACCES:
        return CannotTry(f"you may not listen on {place}", "choose a port above 1023 with --bind")
    step = "give an address of this host with --bind, or 0.0.0.0 for all"
    return CannotTry(f"{place} cannot be listened on: {error.strerror}", step)
