"""esptool and mpremote, as their authors ship them, on a virtual board's port in real time."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from fieldbeat.hil_tests.bare_desk import BareDesk
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.world import World
from fieldbeat.host_tools import cli, doctor_reading, language

BIN = Path(sys.executable).parent
MAIN = "import time\nprint('main runs')\nwhile True:\n    time.sleep(1)\n"


class Desk(BareDesk):
    def __init__(self, workdir, count=1):
        world = World(seed=1)
        macs = [bytes([2, 0, 0, 0, 0, n]) for n in range(count)]
        folders = [workdir / str(n) for n in range(count)]
        made = map(lambda folder, mac: VirtualBoard(world, MANIFEST, folder, mac), folders, macs)
        super().__init__(world, *made)
        self.workdir = workdir
        for board in self.boards:
            board.power_on()
        self.world.start_real()

    def tool(self, name, *arguments, board=None):
        option = {"esptool": "--port", "mpremote": "connect"}[name]
        command = [BIN / name, option, (board or self.board).port, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    def until(self, condition):
        assert self.world.run_real(30, condition), self.board.output.decode()


@pytest.fixture
def running(desk):
    with desk.world.lock:
        desk.board.flash.load(0, image({"main.py": MAIN}))
        desk.board.reset()
    desk.until(lambda: b"main runs" in desk.board.output)
    return desk


def test_esptool_writes_verifies_and_reads_and_the_board_boots_what_it_wrote(desk, tmp_path):
    wanted = tmp_path / "image.bin"
    wanted.write_bytes(image({"main.py": MAIN}))
    desk.tool("esptool", "write-flash", "0", str(wanted))
    desk.until(lambda: b"main runs" in desk.board.output)
    assert desk.board.resets == [1, 1] and desk.board.state == "running"
    desk.tool("esptool", "verify-flash", "0", str(wanted))
    back = tmp_path / "back.bin"
    desk.tool("esptool", "read-flash", "0x200000", "0x20000", str(back))
    assert back.read_bytes() == wanted.read_bytes()[0x200000:0x220000]


def test_esptool_without_its_stub(desk, tmp_path):
    part = tmp_path / "part.bin"
    part.write_bytes(bytes(range(256)) * 40)
    desk.tool("esptool", "--no-stub", "write-flash", "--no-compress", "0x9000", str(part))
    assert desk.board.flash.read(0x9000, 10240) == part.read_bytes()


def test_esptool_knows_the_chip_its_flash_and_each_boards_own_mac(tmp_path):
    desk = Desk(tmp_path, count=2)
    try:
        for board in desk.boards:
            said = desk.tool("esptool", "flash-id", board=board)
            assert board.mac.hex(":") in said
            assert "Detected flash size: 4MB" in said and "40MHz" in said
    finally:
        desk.close()


def test_esptool_erases(running):
    running.tool("esptool", "erase-flash")
    assert running.board.flash.read(0, 1 << 22) == b"\xff" * (1 << 22)
    running.until(lambda: b"invalid header: 0xffffffff" in running.board.output[-60:])


def test_mpremote_runs_code_files_and_mounts(running, tmp_path):
    assert running.tool("mpremote", "exec", "import sys; print(sys.platform)") == "esp32\n"
    assert running.tool("mpremote", "eval", "6*7") == "42\n"
    script = tmp_path / "script.py"
    script.write_text("import machine, time\ntime.sleep(0.05)\nprint(machine.reset_cause())\n")
    assert running.tool("mpremote", "run", str(script)) == "5\n"
    folder = tmp_path / "mounted"
    folder.mkdir()
    (folder / "there.py").write_text("VALUE = 'from the host'\n" + "# long\n" * 400)
    said = running.tool(
        "mpremote", "mount", str(folder), "exec", "import there; print(there.VALUE)"
    )
    assert said.endswith("from the host\n")


def test_mpremote_copies_files_both_ways(running, tmp_path):
    source, back = tmp_path / "a.bin", tmp_path / "b.bin"
    source.write_bytes(bytes(range(256)) * 20)
    running.tool("mpremote", "fs", "cp", str(source), ":a.bin")
    assert "5120 a.bin" in running.tool("mpremote", "fs", "ls")
    running.tool("mpremote", "fs", "cp", ":a.bin", str(back))
    assert back.read_bytes() == source.read_bytes()


def test_a_soft_reset_from_the_raw_repl_does_not_run_main(running):
    before = running.board.output.count(b"main runs")
    running.tool("mpremote", "exec", "pass")
    assert b"MPY: soft reboot" in running.board.output
    assert running.board.output.count(b"main runs") == before
    running.tool("mpremote", "soft-reset")
    running.board.console_write(b"\x04")  # Ctrl-D at the friendly prompt
    running.until(lambda: running.board.output.count(b"main runs") == before + 1)


def test_a_modbus_request_to_a_program_without_a_prompt(running, capsys):
    """What is no adapter is found out by the answer; it is said how the program starts again."""
    port = running.board.port
    assert cli.main(["modbus", "read", "--port", port, "--address", "1"]) == 2
    said = capsys.readouterr().err
    assert "is a unit's console and not an RS485 adapter" in said
    assert f"next: start it again with 'mpremote connect {port} reset'" in said
    before = running.board.output.count(b"main runs")
    running.tool("mpremote", "reset")
    running.until(lambda: running.board.output.count(b"main runs") == before + 1)


@pytest.mark.parametrize("spoken", ["en", "zh"])
def test_doctor_leaves_a_unit_at_the_prompt_alone_in_every_language(running, spoken):
    running.board.console_write(b"\x03")
    running.until(lambda: running.board.output.endswith(b">>> "))
    before = len(running.board.resets)
    with language.spoken(spoken):
        evidence = doctor_reading.read_port(running.board.port, lambda text: None)
    assert evidence.port == "prompt" and len(running.board.resets) == before


def test_a_unit_in_the_raw_repl_is_no_silent_one(running, capsys):
    running.board.console_write(b"\x03\x01")
    running.until(lambda: b"raw REPL; CTRL-B to exit\r\n>" in running.board.output)
    before = running.board.output.count(b"main runs")
    assert cli.main(["console", "--port", running.board.port, "--exec", "status"]) == 2
    said = capsys.readouterr().err
    assert "stands at the MicroPython prompt; next: press Ctrl-D in 'fieldbeat console'" in said
    running.board.console_write(b"\x04")
    running.until(lambda: running.board.output.count(b"main runs") == before + 1)


def test_ctrl_c_ends_a_program_that_never_waits(desk):
    with desk.world.lock:
        desk.board.flash.load(0, image({"main.py": "print('spins')\nwhile True: pass\n"}))
        desk.board.reset()
    desk.until(lambda: b"spins" in desk.board.output)
    desk.board.console_write(b"\x03")
    desk.until(lambda: desk.board.output.endswith(b">>> "))
    assert b"KeyboardInterrupt" in desk.board.output


def test_a_board_goes_from_real_time_to_virtual_time_and_does_not_see_it(running):
    running.world.stop_real()
    running.world.run_for(3600)
    running.board.console_write(b"\x03")
    running.world.run_for(1)
    running.world.start_real()
    running.board.console_write(b"import time; print('t', time.ticks_ms() // 1000)\r")
    running.until(lambda: b"\r\nt " in running.board.output)
    told_s = int(running.board.output.rsplit(b"\r\nt ", 1)[1].split()[0])
    assert 3601 <= told_s <= running.board.uptime


def test_nothing_is_left_behind(tmp_path):
    threads = threading.active_count()
    desk = Desk(tmp_path)
    desk.board.flash.load(0, image({"main.py": MAIN}))
    desk.board.reset()
    desk.until(lambda: desk.board.state == "running")
    process = desk.board.processor.interpreter.process
    desk.close()
    assert process.returncode is not None
    assert threading.active_count() == threads
    assert not Path(f"/proc/{process.pid}").exists()
