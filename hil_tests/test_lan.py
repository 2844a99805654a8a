"""Ethernet, Wi-Fi and UDP sockets of a virtual board, as its MicroPython program sees them."""

from __future__ import annotations

import shutil
import socket
import subprocess
from types import SimpleNamespace

import pytest

from .bare_desk import BareDesk
from .small_image import MANIFEST, image
from .virtual.access_point import AccessPoint
from .virtual.board import VirtualBoard
from .virtual.network import Network
from .virtual.world import World

MAC = bytes.fromhex("02fb00000001")
ETHERNET = """
import asyncio, network, socket, time
nic = network.LAN(mdc=23, mdio=18, phy_type=network.PHY_LAN8720, phy_addr=1)
nic.active(True)
while not nic.isconnected():
    time.sleep_ms(100)
print(time.ticks_ms(), nic.status(), nic.ifconfig()[0])
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
"""
SERVER = ("collector.example.org", 5690)


class Desk(BareDesk):
    """A board with Ethernet (or Wi-Fi) on a network, and what it printed."""

    def __init__(self, workdir, kind: str = "ethernet", seed: int = 1, **settings) -> None:
        world = World(seed)
        self.network = Network(world, **settings)
        self.lan = self.network.lan
        self.nic = self.lan.join(kind)
        fitted = SimpleNamespace(i2c={}, uart={}, adc={}, pins={}, nics=[self.nic])
        super().__init__(world, VirtualBoard(world, MANIFEST, workdir, MAC, fitted))

    def start(self, main: str, seconds: float = 5.0) -> None:
        self.board.flash.load(0, image({"main.py": main}))
        self.board.power_on()
        self.world.run_for(seconds)

    def close(self) -> None:
        self.board.close()
        self.network.close()
        self.world.close()


@pytest.fixture
def make(tmp_path):
    desks: list[Desk] = []

    def factory(*args, **settings) -> Desk:
        desks.append(Desk(tmp_path / str(len(desks)), *args, **settings))
        return desks[-1]

    yield factory
    for desk in desks:
        desk.close()


# Interfaces


def test_ethernet_takes_its_time_to_have_an_address(make):
    desk = make()
    desk.start(ETHERNET)
    at_ms, status, address = desk.printed()[0].split()
    assert 2000 < int(at_ms) < 4000
    assert (int(status), address) == (5, desk.board.address) == (5, "192.0.2.10")


def test_without_a_cable_or_an_address_there_is_no_connection(make):
    look = (
        "import network, time\n"
        "nic = network.LAN(mdc=23, mdio=18, phy_type=network.PHY_LAN8720, phy_addr=1)\n"
        "nic.active(True)\n"
        "while True:\n"
        "    time.sleep(5)\n"
        "    print(nic.status(), nic.isconnected(), nic.ifconfig()[0])\n"
    )
    desk = make()
    desk.nic.faults.unplugged = True
    desk.start(look, 7)
    desk.nic.faults.unplugged = False
    desk.nic.faults.no_dhcp = True
    desk.world.run_for(5)
    desk.nic.faults.no_dhcp = False
    desk.world.run_for(5)
    assert desk.printed() == ["4 False 0.0.0.0", "3 False 0.0.0.0", "5 True 192.0.2.10"]
    assert desk.nic.faults.unfired() == []


def test_a_station_joins_the_access_point_whose_password_it_knows(make):
    desk = make("wifi")
    desk.lan.wifi["village"] = AccessPoint("secret12")
    desk.start(
        "import network, time\n"
        "nic = network.WLAN(network.STA_IF)\n"
        "nic.active(True)\n"
        "print(nic.status())\n"
        "for name, key in (('town', ''), ('village', 'wrong'), ('village', 'secret12')):\n"
        "    nic.connect(name, key)\n"
        "    print(nic.status())\n"
        "    time.sleep(4)\n"
        "    print(nic.status(), nic.isconnected(), nic.ipconfig('addr4'))\n"
        "nic.disconnect()\n"
        "print(nic.status(), nic.isconnected())\n",
        15,
    )
    nothing = "('0.0.0.0', '0.0.0.0')"
    assert desk.printed() == [
        *("1000", "1001", f"201 False {nothing}", "1001", f"202 False {nothing}", "1001"),
        *("1010 True ('192.0.2.10', '255.255.255.0')", "1000 False"),
    ]


def test_a_board_without_antenna_finds_nothing_and_without_phy_has_no_ethernet(tmp_path):
    world = World(1)
    board = VirtualBoard(world, MANIFEST, tmp_path, MAC)
    program = (
        "import network, socket\n"
        "nic = network.WLAN()\nnic.active(True)\nprint(nic.status(), nic.isconnected())\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for call in (lambda: network.LAN(mdc=23, mdio=18, phy_type=1, phy_addr=1),\n"
        "             lambda: s.sendto(b'x', ('192.0.2.1', 1)),\n"
        "             lambda: socket.getaddrinfo('collector.example.org', 5690)):\n"
        "    try:\n        call()\n    except OSError as error:\n        print(error.errno)\n"
    )
    board.flash.load(0, image({"main.py": program}))
    board.power_on()
    world.run_for(2)
    lines = board.output.decode().split()[3:8]
    assert lines == ["201", "False", "19", "118", "-202"], lines
    board.close()
    world.close()


# Sockets


def test_a_datagram_goes_to_a_named_server_and_its_answers_come_whenever_it_likes(make):
    desk = make(delay_ms=(80, 400))
    replies = []
    desk.network.bind(*SERVER, lambda data, source, reply: replies.append((data, reply)))
    desk.start(
        ETHERNET
        + "s.setblocking(False)\n"
        + "s.connect(socket.getaddrinfo('collector.example.org', 5690)[0][-1])\n"
        + "async def main():\n"
        + "    stream = asyncio.StreamReader(s)\n"
        + "    s.send(b'hello')\n"
        + "    buf = bytearray(1300)\n"
        + "    while True:\n"
        + "        n = await stream.readinto(buf)\n"
        + "        print(time.ticks_ms(), bytes(buf[:n]))\n"
        + "asyncio.run(main())\n"
    )
    [(data, reply)] = replies
    assert data == b"hello"
    for n in range(3):
        asked_us = desk.world.now_us
        reply(b"push %d" % n)
        desk.world.run_for(50)
        at_ms, pushed = desk.printed()[-1].split(" ", 1)
        assert pushed == f"b'push {n}'"
        # The LAN's own few milliseconds, not a modem's hundreds.
        assert 0 <= int(at_ms) * 1000 - (asked_us - desk.board.processor.zero_us) < 30_000
    desk.world.run_for(61)  # the NAT forgets
    reply(b"too late")
    desk.world.run_for(5)
    assert "too late" not in desk.board.output.decode()
    assert desk.network.counts["down_expired"] == 1


ECHO = (
    ETHERNET
    + "s.bind(('0.0.0.0', 5004))\n"
    + "s.setsockopt(0, socket.IP_ADD_MEMBERSHIP, bytes((239, 1, 2, 3, 0, 0, 0, 0)))\n"
    + "while True:\n"
    + "    data, source = s.recvfrom(1500)\n"
    + "    print(len(data), data[:4], source)\n"
    + "    s.sendto(data[:4], source)\n"
)


def test_neighbours_reach_a_board_directly_and_by_its_group(make):
    desk = make()
    desk.start(ECHO)
    heard = []
    desk.network.bind(
        "192.0.2.200", 9000, lambda data, source, reply: heard.append((data, source))
    )
    for host in (desk.board.address, "239.1.2.3", "239.9.9.9", "192.0.2.99"):
        desk.lan.send(host, 5004, host[-4:].encode() + bytes(1300), ("192.0.2.200", 9000))
        desk.world.run_for(1)
    desk.lan.send(desk.board.address, 5005, b"nobody")
    desk.world.run_for(1)
    assert desk.printed()[1:] == [
        "1304 b'2.10' ('192.0.2.200', 9000)",
        "1304 b'.2.3' ('192.0.2.200', 9000)",
    ]
    assert heard == [(b"2.10", ("192.0.2.10", 5004)), (b".2.3", ("192.0.2.10", 5004))]
    assert desk.lan.counts["lan_refused"] == 2
    assert desk.network.counts["up_sent"] == 0


def test_two_boards_speak_to_each_other(make, tmp_path):
    desk = make()
    other = desk.lan.join("ethernet")
    fitted = SimpleNamespace(i2c={}, uart={}, adc={}, pins={}, nics=[other])
    board = VirtualBoard(desk.world, MANIFEST, tmp_path / "other", MAC, fitted)
    send = "s.sendto(bytes(range(256)) * 5, ('192.0.2.10', 5004))\nprint(s.recvfrom(10))\n"
    board.flash.load(0, image({"main.py": ETHERNET + "time.sleep(3)\n" + send}))
    board.power_on()
    desk.start(ECHO, 10)
    assert desk.printed()[1].startswith(r"1280 b'\x00\x01\x02\x03' ('192.0.2.11', 49152)")
    assert r"(b'\x00\x01\x02\x03', ('192.0.2.10', 5004))" in board.output.decode()
    board.close()


def test_a_mailbox_holds_six_datagrams_and_a_reset_empties_it(make):
    desk = make()
    program = "s.bind(('', 5004))\nprint('bound')\ntime.sleep(20)\ns.settimeout(0)\n"
    loop = "try:\n    while True:\n        print(s.recv(9))\n"
    end = "except OSError as e:\n    print(e.errno)\ntime.sleep(1000)\n"
    desk.start(ETHERNET + program + loop + end)
    for n in range(10):
        desk.lan.send(desk.board.address, 5004, b"%d" % n)
    desk.world.run_for(20)
    assert desk.printed()[2:] == [f"b'{n}'" for n in range(6)] + ["11"]
    assert desk.lan.counts["lan_overrun"] == 4
    for n in range(3):
        desk.lan.send(desk.board.address, 5004, b"%d" % n)
    desk.board.reset()
    desk.world.run_for(30)
    assert desk.printed()[-1] == "11" and desk.printed().count("11") == 2
    assert desk.printed().count("b'0'") == 1


def test_what_a_socket_refuses(make):
    desk = make()
    desk.start(
        ETHERNET
        + "def refused(call):\n"
        + "    try:\n        return call()\n"
        + "    except OSError as error:\n        return error.errno\n"
        + "s.bind(('', 5004))\n"
        + "t = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        + "t.settimeout(0.5)\n"
        + "at = time.ticks_ms()\n"
        + "print(refused(lambda: t.bind(('', 5004))), refused(lambda: t.send(b'x')),\n"
        + "      refused(lambda: t.sendto(bytes(1473), ('192.0.2.2', 1))),\n"
        + "      refused(lambda: t.recv(1)), time.ticks_diff(time.ticks_ms(), at))\n"
        + "print(refused(lambda: socket.socket()),\n"
        + "      refused(lambda: [socket.socket(2, 2) for _ in range(8)]))\n"
        + "s.close()\n"
        + "print(refused(lambda: s.recv(1)))\n"
    )
    first, second, third = desk.printed()[1:4]
    assert first.split()[:4] == ["112", "128", "90", "116"] and int(first.split()[4]) >= 500
    assert (second, third) == ("95 23", "9")


def test_an_outage_stops_what_leaves_and_the_name_server(make):
    desk = make()
    heard = []
    desk.network.bind(*SERVER, lambda data, source, reply: heard.append(data))
    send = "    time.sleep(1)\n    s.sendto(b'x', address)\n    print('sent', time.ticks_ms())\n"
    program = (
        "address = socket.getaddrinfo('collector.example.org', 5690)[0][-1]\n"
        "for _ in range(5):\n" + send + "at = time.ticks_ms()\n"
        "try:\n    socket.getaddrinfo('collector.example.org', 5690)\n"
        "except OSError as error:\n    print(error.errno, time.ticks_diff(time.ticks_ms(), at))\n"
    )
    desk.start(ETHERNET + program, 6)
    before = len(heard)
    desk.network.away(True)
    desk.world.run_for(20)
    assert 0 < before == len(heard) < 5
    errno, waited_ms = desk.printed()[6].split()
    assert int(errno) == -202 and int(waited_ms) >= 7000
    assert desk.network.counts["up_outage"] == 5 - before


def test_loss_and_jitter_of_the_lan_and_equal_runs_of_one_seed(make):
    def run(seed: int) -> list[str]:
        desk = make(seed=seed)
        desk.lan.loss, desk.lan.delay_ms = 0.2, (5, 60)
        desk.start(
            ETHERNET + "s.bind(('', 5004))\nwhile True:\n    print(s.recv(9), time.ticks_ms())\n"
        )
        for n in range(100):
            desk.lan.send(desk.board.address, 5004, b"%d" % n)
            desk.world.run_for(0.1)
        return desk.printed()[1:]

    first = run(1)
    assert 60 < len(first) < 95
    assert run(1) == first != run(2)


# Real time


def test_a_real_sender_reaches_a_board_through_a_port_of_this_machine(make):
    desk = make()
    desk.start(ECHO)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.settimeout(10)
        desk.world.start_real()
        for host in (desk.board.address, "239.1.2.3"):
            sender.sendto(b"rtp " + bytes(160), desk.lan.expose(host, 5004))
            assert sender.recv(100) == b"rtp "
        desk.world.stop_real()
    assert [line[:9] for line in desk.printed()[1:]] == ["164 b'rtp", "164 b'rtp"]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
@pytest.mark.long
def test_ffmpeg_streams_to_a_group(make):
    """A real sender: RTP with mu-law, 20 ms a packet, two seconds; RTCP to the port above."""
    desk = make()
    desk.start(
        ETHERNET
        + "c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        + "for port, one in ((5004, s), (5005, c)):\n"
        + "    one.bind(('', port))\n"
        + "    one.setsockopt(0, socket.IP_ADD_MEMBERSHIP, bytes((239, 1, 2, 3, 0, 0, 0, 0)))\n"
        + "s.settimeout(20)\n"
        + "heard = [s.recv(1500)]\n"
        + "try:\n    s.settimeout(1)\n    while True:\n        heard.append(s.recv(1500))\n"
        + "except OSError:\n    pass\n"
        + "numbers = [packet[2] << 8 | packet[3] for packet in heard]\n"
        + "print(len(heard), {len(packet) for packet in heard}, {packet[0] for packet in heard},\n"
        + "      sum(b - a & 65535 != 1 for a, b in zip(numbers, numbers[1:])), end=' ')\n"
        + "c.setblocking(False)\n"
        + "try:\n    while True:\n        last = c.recv(512)\n"
        + "except OSError:\n    print(last[-7])\n"
    )
    desk.world.start_real()
    host, port = desk.lan.expose("239.1.2.3", 5004, 2)
    tone = "sine=frequency=1000:sample_rate=8000:duration=2:samples_per_frame=160"
    coded = ("-ac", "1", "-acodec", "pcm_mulaw", "-rtpflags", "send_bye", "-f", "rtp")
    subprocess.run(
        [
            "ffmpeg",
            "-v",
            "error",
            "-re",
            "-f",
            "lavfi",
            "-i",
            tone,
            *coded,
            f"rtp://{host}:{port}",
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    desk.world.run_real(20, lambda: b" 203" in desk.board.output)
    desk.world.stop_real()
    count, size, version, holes, last = desk.printed()[1].split()
    assert (size, version, holes, last) == ("{172}", "{128}", "0", "203") and 95 <= int(
        count
    ) <= 101
