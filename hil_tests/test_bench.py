"""The bench as a whole, and its verb."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import wave
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from fieldbeat.hil_tests import desk_climate, desk_faults, desk_river
from fieldbeat.hil_tests.bench_up import RIVER_MM, _hang, _order
from fieldbeat.hil_tests.endings import hear_signals
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual import scene
from fieldbeat.hil_tests.virtual.bench import Bench, local_mac
from fieldbeat.hil_tests.virtual.errors import BenchError
from fieldbeat.hil_tests.virtual.plant import water_l_min
from fieldbeat.hil_tests.virtual.river import River
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


def test_up_puts_water_only_below_a_sensor_that_hangs_nowhere():
    with Bench() as bench:
        boards = [bench.add_board(name) for name in ("speaker_esp32_eth", "river_cam_esp32_uart")]
        for board in boards:
            _hang(board)
        sensors = [board.fitted.parts["river"] for board in boards]
        river = bench.scene.river
        river.datum_mm += 77
        away_mm = river.datum_mm - river.level_mm(0)
        assert [sensor._distance_mm() for sensor in sensors] == [RIVER_MM, away_mm]


def test_it_is_day_at_the_camera_of_a_desk():
    with Bench(start="2026-11-27T18:30:00Z") as bench:
        board = bench.add_board("river_cam_esp32_uart")
        assert board.fitted.parts["view"].light() == "night"
        _hang(board)
        assert board.fitted.parts["view"].light() == "day"


def test_the_river_of_a_desk_does_what_is_typed():
    river = River()
    assert desk_river.order(river, 0, "level 2.6 m\n").startswith("the water stands at 2.600 m")
    assert river.level_mm(0) == pytest.approx(2600)
    assert desk_river.order(river, 0, "rain 0.6") == "0.6 mm fall within a minute"
    assert river.rain_mm(60e6) == pytest.approx(0.6)
    for typed in ("", "level", "level high", "level -1", "rain 1e9", "help"):
        assert desk_river.order(river, 0, typed) == desk_river.orders()
    assert river.rain_mm(60e6) == pytest.approx(0.6)


@pytest.mark.long
def test_up_takes_orders_for_the_river_from_its_terminal():
    command = [FIELDBEAT, "bench", "up", "river_cam_esp32_uart", "--for", "2"]
    done = subprocess.run(command, capture_output=True, text=True, input="level 2.6\n", timeout=60)
    assert done.returncode == 0 and "the water stands at 2.600 m" in done.stdout, done.stderr


@pytest.mark.long
def test_up_takes_orders_for_both_sorts_of_a_mixed_bench():
    command = [FIELDBEAT, "bench", "up", "river_cam_esp32_uart", "greenhouse_esp32", "--for", "2"]
    typed = "level 2.6\nair 30\nhelp\n"
    done = subprocess.run(command, capture_output=True, text=True, input=typed, timeout=60)
    assert done.returncode == 0, done.stderr
    assert f"The river: {desk_river.orders()}." in done.stdout
    assert f"The climate: {desk_climate.orders()}." in done.stdout
    said = done.stdout.split("What goes wrong: ")[1].splitlines()[1:]
    assert said[0].startswith("the water stands at 2.600 m") and said[1].startswith(
        "air is 30 Cel"
    )
    assert said[2:5] == [each.orders() for each in (desk_river, desk_climate, desk_faults)]


def test_what_is_typed_goes_to_whom_it_concerns():
    river, place = River(), scene.Scene()
    obeys = [partial(desk_river.order, river), partial(desk_climate.order, place)]
    assert _order(obeys, 0, "level 2.6").startswith("the water stands at 2.600 m")
    assert _order(obeys, 0, "air 30").startswith("air is 30 Cel") and river.level_mm(0) > 2500
    said = _order(obeys, 0, "rain 0.6").splitlines()
    assert said == ["0.6 mm fall within a minute", "0.6 mm more have fallen"]
    assert _order(obeys, 0, "help").splitlines() == [desk_river.orders(), desk_climate.orders()]


def test_up_takes_streams_for_loudspeakers_and_keeps_their_sound(tmp_path):
    heard = tmp_path / "heard"
    options = ("--for", "0.5", "--sound", str(heard), "--stream", "5004", "--json")
    result = run_up("speaker_esp32_eth", "greenhouse_esp32", *options)
    assert result.returncode == 0, result.stderr
    speaker, station = json.loads(result.stdout)
    assert speaker["stream"].startswith("rtp://127.0.0.1:") and "stream" not in station
    with wave.open(str(heard / "speaker_esp32_eth-0.wav")) as sound:
        assert sound.getframerate() == 16_000
    assert len(list(heard.iterdir())) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["no_such_board"],
            "there is no board 'no_such_board', allowed: greenhouse_climate_esp32, ",
        ),
        (["--image", "short.img"], "short.img has 2097152 bytes, the flash of greenhouse_esp32 h"),
        (["--image", "none.img"], "none.img: No such file or directory; next: name one that 'fi"),
        (["--rfc2217", "x"], "'x' is no PORT or HOST:PORT; next: give a TCP port, as in --rfc2"),
        (["--rfc2217", "192.0.2.1:9"], "; next: choose another port with --rfc2217"),
        (["--sound", "short.img"], "short.img: File exists; next: name a folder where"),
        (["--dir", "short.img"], "short.img: File exists; next: name a folder where"),
        (["--dir", "broken"], "flash.bin has 1 bytes, not 4194304; next: delete it"),
    ],
)
def test_up_that_cannot_be_is_one_line_and_exit_code_2(tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    Path("short.img").write_bytes(bytes(2 << 20))
    Path("broken/greenhouse_esp32-0").mkdir(parents=True)
    Path("broken/greenhouse_esp32-0/flash.bin").write_bytes(b"x")
    board = [] if arguments == ["no_such_board"] else ["greenhouse_esp32"]
    result = run_up(*arguments, *board)
    assert result.returncode == 2 and said in result.stderr, result.stderr
    assert result.stderr.count("\n") == 1


@contextmanager
def up_until(*arguments):
    """A bench that runs until it is told to end."""
    command = [FIELDBEAT, "bench", "up", *arguments, "--json"]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    options["preexec_fn"] = hear_signals
    with subprocess.Popen(command, **options) as process:
        try:
            while process.stdout.readline() != "]\n":
                assert process.poll() is None, process.stderr.read()
            yield process
        finally:
            process.kill()


@pytest.mark.long
def test_two_benches_do_not_share_flash_files(tmp_path):
    with up_until("greenhouse_esp32", "--dir", str(tmp_path)):
        second = run_up("greenhouse_esp32", "--dir", str(tmp_path))
    assert second.returncode == 2
    assert f"another bench uses {tmp_path}; next: end it, or choose" in second.stderr
    assert run_up("greenhouse_esp32", "--dir", str(tmp_path), "--for", "0.1").returncode == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
def test_up_leaves_nothing_behind_however_it_is_ended(number):
    with up_until("greenhouse_esp32") as process:
        open_files = {os.path.realpath(file) for file in Path(f"/proc/{process.pid}/fd").iterdir()}
        [flash] = [Path(name) for name in open_files if name.endswith("/flash.bin")]
        process.send_signal(number)
        process.send_signal(signal.SIGHUP)  # as the shell and the kernel both do
        assert process.wait(60) == 0, process.stderr.read()
    assert not flash.parent.parent.exists()


KILLED = """
import os, sys, time
sys.path.insert(0, {root!r})
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual import scene
from fieldbeat.hil_tests.virtual.bench import Bench
bench = Bench(1, {workdir!r})
board = bench.add_board(MANIFEST | {{"buses": {{}}}}, image=image({{"main.py": {main!r}}}))
bench.start_real()
bench.world.run_real(10, lambda: b"runs" in board.output)
print(board.processor.interpreter.process.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("interpreter", [None, str(FIELDBEAT.with_name("micropython"))])
@pytest.mark.parametrize("loop", ["pass", "time.sleep_ms(10)"])
def test_no_interpreter_outlives_a_bench_that_was_killed(loop, interpreter, tmp_path):
    main = f"import time\nprint('runs')\nwhile True:\n    {loop}\n"
    root = str(Path(__file__).parent.parent)
    script = KILLED.format(root=root, main=main, workdir=str(tmp_path))
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


def test_whoever_types_at_the_desk_makes_its_climate():
    place = scene.Scene()
    air = place.value("air_temperature", 0)
    assert desk_climate.order(place, 0, "air 30\n").startswith("air is 30 Cel until you type")
    assert place.value("air_temperature", 0) == 30
    assert desk_climate.order(place, 0, "air auto") == "air is as recorded"
    assert place.value("air_temperature", 0) == air
    rain = place.value("rain", 0)
    assert desk_climate.order(place, 0, "rain 0.6") == "0.6 mm more have fallen"
    assert place.value("rain", 0) == rain + 0.6
    for typed in ("", "air", "air hot", "wind 99", "rain -1", "air nan", "level 2"):
        assert desk_climate.order(place, 0, typed) == desk_climate.orders()


def test_whoever_types_at_the_desk_makes_what_goes_wrong():
    with Bench() as bench:
        parts = bench.add_board("greenhouse_climate_esp32", power=False).fitted.parts
        order = partial(desk_faults.order, bench)
        assert order(0, "contact hand on") == "contact hand is on"
        bench.run_for(1)
        assert parts["hand"].active
        assert order(0, "fault air unplugged").startswith("air is unplugged until you type")
        assert parts["air"].faults.unplugged
        assert (
            order(0, "fault air off") == "air is well again" and not parts["air"].faults.unplugged
        )
        assert "unplugged" in order(0, "fault feed") and "stalled" in order(0, "fault roof up")
        assert order(0, "leak on") == "leak is on" and water_l_min(bench.scene.plant.outputs) > 0
        assert order(0, "leak off") == "leak is off"
        assert order(0, "link off") == "link is off" and bench.network.faults.away
        assert order(0, "link on") == "link is on" and not bench.network.faults.away
        assert order(0, "contact hnd on") == "no contact 'hnd', did you mean 'hand'?"
        assert order(0, "fault rof stalled") == "no part 'rof', did you mean 'roof'?"
        for typed in ("", "contact", "contact hand", "leak", "link away", "fault", "air 30"):
            assert order(0, typed) == desk_faults.orders()


def test_water_flows_from_the_mains_where_there_is_no_pump():
    assert water_l_min({"valve": 1}) > 0 and water_l_min({"valve": 0}) == 0
    assert water_l_min({"valve": 1, "pump": 0}) == 0
