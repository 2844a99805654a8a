"""The bench as a whole, and its verb."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual import scene
from fieldbeat.hil_tests.virtual.bench import Bench, local_mac
from fieldbeat.hil_tests.virtual.errors import BenchError
from fieldbeat.hil_tests.virtual.site import Site
from fieldbeat.host_tools.database import DatabaseError

FIELDBEAT = Path(sys.executable).parent / "fieldbeat"
BARE = MANIFEST | {"buses": {}}


def test_boards_of_one_bench_have_names_macs_and_flash_of_their_own(tmp_path):
    with Bench(seed=3, workdir=tmp_path) as bench:
        first = bench.add_board(BARE, image=image({"main.py": "print('first')\n"}))
        second = bench.add_board(BARE, name="other", power=False)
        bench.run_for(1)
        assert b"first" in first.output and second.state == "off"
        assert first.mac == local_mac(3, "bare-0") != second.mac == local_mac(3, "other")
        with pytest.raises(BenchError, match="already a board"):
            bench.add_board(BARE, name="other")
    with Bench(seed=3, workdir=tmp_path) as bench:  # the same desk on the next day
        board = bench.add_board(BARE)
        bench.run_for(1)
        assert b"first" in board.output


def test_a_collector_in_this_process_answers_at_its_address():
    class Collector:
        def handle(self, datagram, source, now_s):
            self.call = (datagram, source, now_s)
            return [b"ack"]

    collector, answers = Collector(), []
    with Bench(delay_ms=(100, 100)) as bench:
        bench.attach_collector(collector, "203.0.113.7", 5690)
        line = bench.network.open(lambda datagram, source: answers.append((datagram, source)))
        line.send("203.0.113.7", 5690, b"report")
        bench.run_for(1)
    assert collector.call == (b"report", "198.51.100.1:20001", 1717200000.1)
    assert answers == [(b"ack", ("203.0.113.7", 5690))]


def run_up(*arguments):
    command = [FIELDBEAT, "bench", "up", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_up_prints_a_serial_port_for_each_board():
    result = run_up("greenhouse_esp32", "greenhouse_esp32", "--for", "0.1", "--json")
    assert result.returncode == 0, result.stderr
    rows = json.loads(result.stdout)
    assert [row["board"] for row in rows] == ["greenhouse_esp32-0", "greenhouse_esp32-1"]
    assert len({row["port"] for row in rows}) == len({row["mac"] for row in rows}) == 2


def test_up_of_an_unknown_board_is_one_line_and_exit_code_2():
    result = run_up("no_such_board")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "no_such_board" in result.stderr


KILLED = """
import os, sys, time
sys.path.insert(0, {root!r})
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual import scene
from fieldbeat.hil_tests.virtual.bench import Bench
bench = Bench(1)
board = bench.add_board(MANIFEST | {{"buses": {{}}}}, image=image({{"main.py": {main!r}}}))
bench.start_real()
bench.world.run_real(10, lambda: b"runs" in board.output)
print(board.processor.interpreter.process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("interpreter", [None, str(FIELDBEAT.with_name("micropython"))])
@pytest.mark.parametrize("loop", ["pass", "time.sleep_ms(10)"])
def test_no_interpreter_outlives_a_bench_that_was_killed(loop, interpreter):
    main = f"import time\nprint('runs')\nwhile True:\n    {loop}\n"
    script = KILLED.format(root=str(Path(__file__).parent.parent), main=main)
    environment = {**os.environ, "MICROPYTHON": interpreter or ""}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment
    ) as killed:
        process = int(killed.stdout.readline())
        try:
            ended = os.pidfd_open(process)
        except ProcessLookupError:  # already
            return
        os.kill(killed.pid, signal.SIGKILL)
    readable, _, _ = select.select([ended], [], [], 30)
    os.close(ended)
    assert readable, f"interpreter {process} lives on"


def test_a_bench_leaves_no_socket_of_its_bridge_behind():
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        Bench(delay_ms=(0, 0)) as bench,
    ):
        server.bind(("127.0.0.1", 0))
        bench.network.bridge = True
        line = bench.network.open(lambda datagram, source: None)
        line.send(*server.getsockname(), b"report")
        bench.run_for(1)
        assert server.recv(100) == b"report"
        [mapping] = line.mappings.values()
        bridged = mapping.real
        assert bridged.fileno() >= 0
    assert bridged.fileno() == -1


def test_a_site_whose_store_is_full_ends_its_boards_all_the_same(tmp_path):
    site = Site(workdir=tmp_path)
    board = site.add_board(BARE, image=image({"main.py": "print('runs')\n"}))
    site.run_for(1)
    process = board.processor.interpreter.process
    site.collector.handle(b"noise", "x", 0.0)
    site.collector.handle(b"noise", "x", 0.5)
    site.store.database.one("PRAGMA query_only=ON")
    with pytest.raises(DatabaseError):
        site.close()
    assert process.returncode is not None
    with pytest.raises(DatabaseError, match="closed"):
        site.registry.units()


def test_a_bench_without_the_recorded_year_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(scene, "RECORDED_YEAR", tmp_path / "greenhouse.csv")
    with pytest.raises(BenchError, match="-m fieldbeat.hil_tests.data.make_greenhouse"):
        scene.Scene(csv_path=tmp_path / "greenhouse.csv")
