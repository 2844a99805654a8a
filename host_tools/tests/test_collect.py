"""`fieldbeat collect` as a program on a real socket."""

import json
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.commands.collect import REFUSED_A_SECOND, Log, line
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.outcome import REASONS, Outcome
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


def test_a_clock_that_is_behind_is_told_at_the_start(home, capsys, monkeypatch):
    async def serve(*_):
        pass

    monkeypatch.setattr("fieldbeat.host_tools.udp_server.serve", serve)
    registry, store = Registry(), Store()
    sender = Sender(registry)
    Collector(store, registry).handle(sender.seal([boot_record(1)]), "here", time.time() + 3600)
    store.close()
    assert main(["collect", "--bind", "127.0.0.1:0"]) == 0
    said = capsys.readouterr().err
    assert "the clock of this computer is wrong, or was" in said
    assert said.endswith(": units are told this time\n")


def test_it_ends_when_its_store_is_gone(home):
    Registry().close()
    with collecting(stderr=subprocess.PIPE) as (process, begin, _):
        store = Path(begin["store"])
        store.rename(home / "away")
        said = json.loads(process.stderr.read())
        assert process.wait(10) == 1
    assert said["error"] == f"{store} was deleted, moved or replaced while it was in use"
    assert said["next"] == "put the right file there, and start it again"


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
        f"error: {place} is used by another program; next: is a collector running already? "
        "If not, choose another port with --bind\n"
    )


@pytest.mark.parametrize("text", ["5690", "host", "host:port", "host:70000", ""])
def test_an_address_must_be_one(text):
    with pytest.raises(CannotTry, match="give HOST:PORT"):
        address(text)


def test_addresses():
    assert address(":5690") == ("0.0.0.0", 5690)
    assert address("127.0.0.1:1") == ("127.0.0.1", 1)
    assert address("[::1]:5690") == ("::1", 5690)


# What it prints


def refused(at_s, reason="version", detail=""):
    return Outcome(at_s, "192.0.2.9:1", 9, reason=reason, detail=detail)


def test_a_reason_is_told_in_words():
    assert line(refused(0, "kid")).endswith(
        "refused: unknown key id: no unit of this registry has it"
    )
    assert line(refused(0, "record", "no CBOR")).endswith(
        "a record in it cannot be read (no CBOR)"
    )


def test_every_reason_has_words():
    from fieldbeat.protocols import frame

    named = Path(frame.__file__).read_text()
    named = named.partition("# reason: ")[2].partition("\n")[0].replace(" or ", ", ").split(", ")
    assert "replay" in named and set(named) | {"record", "store", "revoked"} == set(REASONS)


def test_strangers_do_not_fill_the_log(capsys):
    log = Log(as_json=False)
    for at_s in (100.0, 101.5):
        for _ in range(REFUSED_A_SECOND + 3):
            log.show(refused(at_s))
        log.show(Outcome(at_s, "192.0.2.7:1", 90, unit="gh-1"))
        log.show(refused(at_s, "tag", "more than 100 bad tags"))
    log.catch_up()
    lines = capsys.readouterr().out.splitlines()
    strangers = [text for text in lines if "refused: no frame of ours" in text]
    assert len(strangers) == 2 * REFUSED_A_SECOND
    assert sum("gh-1 " in text for text in lines) == sum("100 bad tags" in t for t in lines) == 2
    left_out = "3 more were refused; 'fieldbeat show' counts them by reason"
    assert lines.index(left_out) == REFUSED_A_SECOND + 2 and lines[-1] == left_out


def test_a_machine_is_told_how_many_were_left_out(capsys):
    log = Log(as_json=True)
    for _ in range(REFUSED_A_SECOND + 4):
        log.show(refused(7.0))
    log.show(refused(8.0))
    lines = [json.loads(text) for text in capsys.readouterr().out.splitlines()]
    assert lines[-2] == {"more_refused": 4} and lines[0]["refused"] == "version"
