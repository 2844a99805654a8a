"""The bench as a whole, and its verb."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual.bench import Bench, local_mac
from fieldbeat.hil_tests.virtual.errors import BenchError

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
from fieldbeat.hil_tests.virtual.bench import Bench
bench = Bench(1)
board = bench.add_board(MANIFEST | {{"buses": {{}}}}, image=image({{"main.py": {main!r}}}))
bench.start_real()
bench.world.run_real(10, lambda: b"runs" in board.output)
print(board.processor.interpreter.process.pid, flush=True)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("loop", ["pass", "time.sleep_ms(10)"])
def test_no_interpreter_outlives_a_bench_that_was_killed(loop):
    main = f"import time\nprint('runs')\nwhile True:\n    {loop}\n"
    script = KILLED.format(root=str(Path(__file__).parent.parent), main=main)
    killed = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    status = Path(f"/proc/{killed.stdout.strip()}/stat")
    for _ in range(100):  # it is gone, or dead and not yet collected by init
        if not status.exists() or status.read_text().split(") ")[1][0] == "Z":
            return
        time.sleep(0.05)
    pytest.fail(f"interpreter {killed.stdout} lives on: {killed.stderr}")
