"""Receives datagrams over UDP, hands them to the collector, sends its answers back.

While a transaction waits for the disk, more datagrams arrive and wait in the socket: the next
transaction takes all of them.

Commands to units leave through the same socket, so that they find the way back that a unit's own
datagrams keep open. They are asked for every few milliseconds, and after the answers: an answer
carries the time, without which a unit that has just started refuses every command.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import errno
import ipaddress
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from .collector import Collector
from .errors import CannotTry, FieldbeatError
from .language import os_reason, tr


def address(text: str) -> tuple[str, int]:
    """Return host and port of 'HOST:PORT', '[IPV6]:PORT' or ':PORT' (every address).

    Raises:
        CannotTry: it is not of that form.
    """
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or not 0 <= int(port) <= 65535:
        raise CannotTry(
            tr("'{text}' is no address to listen on").format(text=text), tr("give HOST:PORT")
        )
    return host.strip("[]") or "0.0.0.0", int(port)


MANY = 256  # datagrams in a transaction: what came first does not wait for all that follows
TIDY_S = 60.0
LOOK_S = 1.0  # how soon it ends when its files are gone
COMMANDS_S = 0.02  # how soon a command is sent that somebody ordered
BUFFER_SIZE = 4 << 20  # bytes; the system may grant less


def receive(endpoint: socket.socket, collector: Collector, now_s: float) -> int:
    """Take what waits in a non-blocking socket, answer it, and return how many datagrams."""
    datagrams: list[tuple[bytes, Any]] = []
    with suppress(OSError):  # nothing left, or news that an earlier answer had no receiver
        while len(datagrams) < MANY:
            datagrams.append(endpoint.recvfrom(0xFFFF))
    answers = collector.handle_many(datagrams, now_s) if datagrams else []
    for (_, source), replies in zip(datagrams, answers, strict=True):
        for reply in replies:
            with suppress(OSError):  # a lost answer: the unit asks again
                endpoint.sendto(reply, source)
    command(endpoint, collector, now_s)
    return len(datagrams)


def command(endpoint: socket.socket, collector: Collector, now_s: float) -> int:
    """Send the commands that are due, and return how many."""
    datagrams = collector.outgoing(now_s)
    for datagram, source in datagrams:
        place = _place(source)
        if place:
            with suppress(OSError):  # a full buffer, no route: it is sent again
                endpoint.sendto(datagram, place)
    return len(datagrams)


def _place(source: str) -> tuple[str, int] | None:
    """Return the address of a unit as `source_text` wrote it; no name is ever looked up."""
    host, _, port = source.rpartition(":")
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    return (host, int(port)) if port.isdecimal() and int(port) <= 0xFFFF else None


async def _bind(host: str, port: int) -> socket.socket:
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    endpoint = socket.socket(family, kind, protocol)
    try:
        endpoint.setblocking(False)
        endpoint.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_SIZE)
        endpoint.bind(place)
    except OSError:
        endpoint.close()
        raise
    return endpoint


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
        DatabaseGone: store or registry was deleted, moved or replaced.
    """
    loop = asyncio.get_running_loop()
    try:
        endpoint = await _bind(host, port)
    except OSError as error:
        raise _bind_error(host, port, error) from error
    stop = asyncio.Event()
    with suppress(RuntimeError, ValueError):  # not in the main thread: who runs it cancels it
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
    ticking = _Every(COMMANDS_S, lambda: command(endpoint, collector, now()))
    try:
        ready(*endpoint.getsockname()[:2])
        loop.add_reader(endpoint, lambda: receive(endpoint, collector, now()))
        await _tidied(collector, stop)
    finally:
        ticking.cancel()
        loop.remove_reader(endpoint)
        endpoint.close()
        with suppress(FieldbeatError):  # counts of refusals; what went wrong has been said
            collector.flush()


class _Every:
    """Calls a function again and again until it is cancelled, whatever it raises."""

    def __init__(self, seconds: float, function: Callable[[], object]) -> None:
        self._seconds, self._function = seconds, function
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._run)

    def cancel(self) -> None:
        self._handle.cancel()

    def _run(self) -> None:
        self._handle = self._loop.call_later(self._seconds, self._run)
        self._function()


async def _tidied(collector: Collector, stop: asyncio.Event) -> None:
    """Wait for the end, tidy meanwhile, and see that the files are still there."""
    loop = asyncio.get_running_loop()
    tidy_at_s = loop.time() + TIDY_S
    while not stop.is_set():
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), min(LOOK_S, TIDY_S))
        collector.require_files()
        if stop.is_set() or loop.time() >= tidy_at_s:
            collector.tidy()
            tidy_at_s = loop.time() + TIDY_S


def _bind_error(host: str, port: int, error: OSError) -> CannotTry:
    place = f"{host}:{port}"
    if error.errno == errno.EADDRINUSE:
        step = tr("is a collector running already? If not, choose another port with --bind")
        return CannotTry(tr("{place} is used by another program").format(place=place), step)
    if error.errno == errno.EACCES:
        return CannotTry(
            tr("you may not listen on {place}").format(place=place),
            tr("choose a port above 1023 with --bind"),
        )
    step = tr("give an address of this host with --bind, or 0.0.0.0 for all")
    return CannotTry(
        tr("{place} cannot be listened on: {strerror}").format(
            place=place, strerror=os_reason(error)
        ),
        step,
    )
