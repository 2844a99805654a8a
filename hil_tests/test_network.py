"""The network model: delay, loss, order, the NAT that forgets, the outage, the real sockets."""

from __future__ import annotations

import contextlib
import socket
import statistics
import threading

import pytest

from .virtual.network import Network
from .virtual.world import World

SERVER = ("203.0.113.7", 5683)


class Peers:
    """One device's line and one server, and what each of them heard."""

    def __init__(self, seed: int = 1, **settings) -> None:
        self.world = World(seed)
        self.network = Network(self.world, **settings)
        self.server: list[tuple[int, bytes]] = []
        self.device: list[bytes] = []
        self.sources = []
        self.line = self.network.open(lambda data, source: self.device.append(data))
        self.network.bind(*SERVER, self.serve)

    def serve(self, datagram, source, reply) -> None:
        self.server.append((self.world.now_us, datagram))
        self.sources.append(source)
        self.reply = reply

    def send(self, data: bytes, wait_s: float = 20) -> None:
        self.line.send(*SERVER, data)
        self.world.run_for(wait_s)


@pytest.fixture
def make():
    with contextlib.ExitStack() as stack:

        def factory(*args, **settings) -> Peers:
            peers = Peers(*args, **settings)
            stack.callback(peers.world.close)
            return peers

        yield factory


def test_a_datagram_goes_there_and_back(make):
    peers = make()
    peers.send(b"up")
    peers.reply(b"down")
    peers.world.run_for(5)
    assert [data for _, data in peers.server] == [b"up"]
    assert peers.device == [b"down"]
    assert [(direction, data) for _, direction, data in peers.network.capture] == [
        ("up", b"up"),
        ("down", b"down"),
    ]
    counts = peers.network.counts
    assert counts == {"up_sent": 1, "up_delivered": 1, "down_sent": 1, "down_delivered": 1}


def test_delay_has_the_median_and_the_tail_that_were_asked_for(make):
    peers = make(delay_ms=(100, 500))
    for _ in range(1000):
        begin_us = peers.world.now_us
        peers.send(b"x")
        peers.server[-1] = (peers.server[-1][0] - begin_us, b"")
    delays_ms = sorted(us / 1000 for us, _ in peers.server)
    assert statistics.median(delays_ms) == pytest.approx(100, rel=0.15)
    assert delays_ms[950] == pytest.approx(500, rel=0.2)


def test_order_holds_unless_told_otherwise(make):
    for reorder, in_order in ((0.0, True), (0.3, False)):
        peers = make(reorder=reorder)
        for i in range(100):
            peers.line.send(*SERVER, bytes([i]))
        peers.world.run_for(20)
        arrived = [data[0] for _, data in peers.server]
        assert sorted(arrived) == list(range(100))
        assert (arrived == sorted(arrived)) is in_order
        assert (peers.network.counts["up_reordered"] > 0) is not in_order


def test_loss_and_duplicates_are_counted(make):
    peers = make(loss=0.2, duplicate=0.1)
    for _ in range(500):
        peers.send(b"x", 0.01)
    peers.world.run_for(20)
    counts = peers.network.counts
    assert counts["up_lost"] == pytest.approx(100, abs=30)
    assert counts["up_duplicated"] == pytest.approx(40, abs=20)
    assert counts["up_delivered"] == 500 - counts["up_lost"] + counts["up_duplicated"]
    assert counts["up_delivered"] == len(peers.server)


def test_nat_forgets_after_a_minute_and_gives_a_new_port(make):
    peers = make()
    peers.send(b"1", 50)
    peers.reply(b"in time")
    peers.world.run_for(59)
    peers.reply(b"the answer kept it open")
    peers.world.run_for(61)
    peers.reply(b"too late")
    peers.world.run_for(5)
    assert peers.device == [b"in time", b"the answer kept it open"]
    assert peers.network.counts["down_expired"] == 1
    peers.send(b"2")
    assert peers.sources[0] != peers.sources[1]
    peers.send(b"3")
    assert peers.sources[1] == peers.sources[2]


def test_outage_and_nobody_there(make):
    peers = make()
    peers.network.away(True)
    peers.send(b"lost")
    peers.network.away(False)
    peers.line.send("203.0.113.8", 1, b"nobody")
    peers.send(b"here")
    assert [data for _, data in peers.server] == [b"here"]
    assert peers.network.counts["up_outage"] == peers.network.counts["up_refused"] == 1


def test_a_closed_line_hears_nothing(make):
    peers = make()
    peers.send(b"x")
    peers.reply(b"on its way")
    peers.line.close()
    peers.world.run_for(5)
    assert peers.device == []


def test_equal_seeds_give_equal_runs(make):
    def digest(seed: int) -> str:
        peers = make(seed, loss=0.1, duplicate=0.1, reorder=0.1)
        for i in range(50):
            peers.send(bytes([i]), 0.5)
            if peers.sources:
                peers.reply(bytes([i]))
        return peers.network.digest() + repr(peers.server)

    assert digest(1) == digest(1) != digest(2)


def test_bridge_reaches_a_real_server_on_this_machine(make):
    peers = make(delay_ms=(0, 0))
    peers.network.bridge = True
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)
        sources = []

        def serve() -> None:
            data, source = server.recvfrom(100)
            sources.append(source)
            server.sendto(data[::-1], source)

        thread = threading.Thread(target=serve)
        thread.start()
        with peers.world.lock:
            peers.line.send("127.0.0.1", server.getsockname()[1], b"abc")
        assert peers.world.run_real(10, lambda: peers.device)
        thread.join()
    assert peers.device == [b"cba"]
    assert sources[0][0] == "127.0.0.1"
    peers.line.close()


def test_without_the_bridge_nothing_leaves_the_process(make):
    peers = make()
    peers.line.send("127.0.0.1", 9, b"x")
    peers.world.run_for(5)
    assert peers.network.counts["up_refused"] == 1
