"""`fieldbeat collect` as a program on a real socket."""

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.udp_server import address, receive

from .sender import Sender, boot_record, report_record, schema_record


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    return tmp_path


@contextmanager
def collecting(**options):
    """Run a collector; yield its process, its first line, and a socket that talks to it."""
    command = [sys.executable, "-m", "fieldbeat.host_tools.cli"]
    command += ["collect", "--bind", "127.0.0.1:0", "--json"]
    options = {"stdout": subprocess.PIPE, "text": True, **options}
    with (
        subprocess.Popen(command, **options) as process,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit,
    ):
        try:
            begin = json.loads(process.stdout.readline())
            unit.settimeout(10)
            unit.connect(address(begin["listening"]))
            yield process, begin, unit
        finally:
            process.kill()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_until_it_is_stopped(home, stop):
    sender = Sender(Registry())
    with collecting() as (process, begin, unit):
        assert begin["units"] == 1
        unit.send(b"\0 not a frame")
        unit.send(sender.seal([boot_record(1), schema_record(2), report_record(3)]))
        answer = sender.open_ack([unit.recv(2000)])
        process.send_signal(stop)
        lines = [json.loads(line) for line in process.stdout]
        assert process.wait(10) == 0
    assert answer.cumulative == 3
    assert lines[0]["refused"] and lines[0]["unit"] is None
    assert lines[1]["acknowledged"] == 3 and lines[1]["records"][2] == "2 samples"
    rows = Store().database.all("SELECT reason, count FROM refusals")
    assert [tuple(row) for row in rows] == [("version", 1)]


def test_it_answers_when_nobody_reads_what_it_prints(home):
    sender = Sender(Registry())
    with collecting(stderr=subprocess.PIPE) as (process, _, unit):
        process.stdout.close()  # as `fieldbeat collect | head -1` does
        for rn in (1, 2, 3):
            unit.send(sender.seal([report_record(rn)]))
            assert sender.open_ack([unit.recv(2000)]).cumulative == rn
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
        assert process.wait(10) == 0
    assert said == "stdout cannot be written (Broken pipe): collecting goes on without a log\n"


def test_what_waits_in_the_socket_is_taken_at_once(home):
    registry, store = Registry(), Store()
    sender = Sender(registry)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as endpoint,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as unit,
    ):
        endpoint.bind(("127.0.0.1", 0))
        endpoint.setblocking(False)
        unit.settimeout(10)
        unit.connect(endpoint.getsockname())
        for rn in range(1, 11):
            unit.send(sender.seal([report_record(rn)], last=rn == 10))
        assert receive(endpoint, Collector(store, registry), 1.8e9) == 10
        assert sender.open_ack([unit.recv(2000)]).cumulative == 10
    store.close()
    registry.close()


def test_a_busy_port_cannot_be_tried(home, capsys):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{other.getsockname()[1]}"
        assert main(["collect", "--bind", place]) == 2
    assert capsys.readouterr().err == (
        f"error: {place} is used by another program; next: choose another port with --bind\n"
    )


@pytest.mark.parametrize("text", ["5690", "host", "host:port", "host:70000", ""])
def test_an_address_must_be_one(text):
    with pytest.raises(CannotTry, match="give HOST:PORT"):
        address(text)


def test_addresses():
    assert address(":5690") == ("0.0.0.0", 5690)
    assert address("127.0.0.1:1") == ("127.0.0.1", 1)
    assert address("[::1]:5690") == ("::1", 5690)
