"""A virtual board from its flash bytes to its hardware, in virtual time."""

import os
import re
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from fieldbeat.hil_tests.bare_desk import BareDesk
from fieldbeat.hil_tests.small_image import MANIFEST, VFS_OFFSET, image, read_file
from fieldbeat.hil_tests.virtual import link
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.errors import BoardStuck, PowerCut
from fieldbeat.hil_tests.virtual.models.i2c import Nack
from fieldbeat.hil_tests.virtual.module_disk import BENCH_KB, MODULES
from fieldbeat.hil_tests.virtual.nvs import Nvs
from fieldbeat.hil_tests.virtual.world import World

from conftest import micropython_command

MAC = bytes.fromhex("02fb00000001")


class Desk(BareDesk):
    """One world with one board on it; `run` gives the board a program."""

    def __init__(self, workdir, seed=1, fitted=None, **options):
        world = World(seed)
        board = VirtualBoard(world, MANIFEST, workdir, MAC, fitted, **options)
        super().__init__(world, board)

    def run(self, main, seconds=10.0, **files):
        named = {f"{name}.py": text for name, text in files.items()}
        self.board.flash.load(0, image({"main.py": main, **named}))
        self.board.power_on()
        self.world.run_for(seconds)
        return self.printed()


@pytest.fixture
def desk(tmp_path):
    desk = Desk(tmp_path)
    yield desk
    assert desk.board.flash.violations == 0
    desk.close()


@pytest.fixture
def fitted_desk(tmp_path):
    desks = []

    def make(**parts):
        fitted = {"i2c": {}, "uart": {}, "adc": {}, "pins": {}} | parts
        desks.append(Desk(tmp_path, fitted=SimpleNamespace(**fitted)))
        return desks[-1]

    yield make
    for desk in desks:
        desk.close()


# Start


def test_boots_boot_and_main_from_the_flashed_littlefs(desk):
    printed = desk.run("print('main', greeting)\n", boot="greeting = 'hello'\nprint('boot')\n")
    assert printed == ["boot", "main hello"]
    assert b"rst:0x1 (POWERON_RESET)" in desk.board.output
    assert desk.board.state == "repl"


def test_the_prompt_comes_at_the_moment_in_which_the_program_ends(desk):
    desk.run("import time\ntime.sleep(1)\nprint('over')\n")
    at_us, text = desk.board.console.transcript[-1]
    assert text.startswith(b"over\r\n") and text.endswith(b">>> ")
    assert at_us == pytest.approx(1_300_000, abs=20_000)


def test_looks_like_an_esp32(desk):
    main = (
        "import sys, os, machine, time\n"
        "print(sys.platform, os.listdir('/'), os.uname().sysname, sys.path[:3])\n"
        "print(machine.unique_id().hex(), machine.reset_cause(), time.gmtime()[:3])\n"
    )
    assert desk.run(main) == [
        "esp32 ['main.py'] esp32 ['', '.frozen', '/lib']",
        "02fb00000001 1 (2000, 1, 1)",
    ]


def test_a_blank_flash_is_refused_as_the_rom_does_it(desk):
    desk.board.power_on()
    desk.world.run_for(1)
    assert desk.printed() == ["invalid header: 0xffffffff"]
    assert desk.board.state == "download"


def test_a_blank_file_system_is_made_and_kept(desk):
    desk.board.flash.load(0, image({})[:VFS_OFFSET])
    desk.board.power_on()
    desk.world.run_for(5)
    assert desk.board.state == "repl"
    ops = desk.board.flash.ops
    assert ops > 0
    desk.board.reset()
    desk.world.run_for(5)
    assert desk.board.flash.ops == ops


def test_a_corrupt_file_system_is_told_and_not_touched(desk):
    desk.board.flash.load(0, image({"main.py": "print('never')\n"}))
    desk.board.flash.load(VFS_OFFSET, b"\x00" * 8192)
    desk.board.power_on()
    desk.world.run_for(5)
    assert "appears to be corrupted" in desk.printed()[0]
    assert (desk.board.state, desk.board.flash.ops) == ("repl", 0)


def test_the_heap_is_as_small_as_the_manifest_says(desk):
    printed = desk.run("import gc\ngc.collect()\nprint(gc.mem_free())\nx = bytearray(190000)\n")
    assert 170_000 < int(printed[0]) < 192 * 1024
    assert "MemoryError" in desk.board.output.decode()


# Prints the bytes of the heap that are taken, and those of them that are tables of names: these
# double, so a chip has as many of them although its own names are in its ROM.
TAKEN = """
import asyncio, gc, machine, micropython, os, select, sys, time
asyncio.Lock, asyncio.StreamReader, time.ticks_ms
gc.collect()
print(gc.mem_alloc())
micropython.qstr_info()
"""
LITTLEFS = """
import os, vfs
class Flash:
    def __init__(self):
        self.file = open("%s", "w+b")
    def readblocks(self, block, buf, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.readinto(buf)
    def writeblocks(self, block, buf, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.write(buf)
    def ioctl(self, op, argument):
        return {4: 64, 5: 4096}.get(op, 0)
flash = Flash()
vfs.VfsLfs2.mkfs(flash)
vfs.mount(vfs.VfsLfs2(flash), "/flash")
"""


def taken_but_for_names(printed):
    size, names, total = re.search(
        r"(\d+)\n.*data_bytes=(\d+), n_total_bytes=(\d+)", printed
    ).groups()
    return int(size) - (int(total) - int(names))


@pytest.mark.skipif("MICROPYTHON" in os.environ, reason="its modules lie in the board's heap")
def test_what_is_given_to_the_modules_of_the_bench_is_less_than_they_take(desk, tmp_path):
    """Beside a board: the same interpreter with a littlefs, whose modules are C as a chip's."""
    board = taken_but_for_names("\n".join(desk.run(TAKEN + "import esp32\n")))
    chip = tmp_path / "chip.py"
    chip.write_text(LITTLEFS % (tmp_path / "flash") + TAKEN)
    command = [micropython_command(), "-X", "heapsize=192k", str(chip)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert board - taken_but_for_names(printed) >= BENCH_KB * 1024


# Time

LOOP = """
import asyncio, time, os
async def main():
    n = 0
    while True:
        await asyncio.sleep(10)
        n += 1
        if n % 2000 == 0:
            print(n, time.ticks_ms(), os.urandom(4).hex())
asyncio.run(main())
"""


def test_a_day_passes_with_one_request_a_wait(desk):
    printed = desk.run(LOOP, 86_400)
    assert [line.split()[0] for line in printed] == ["2000", "4000", "6000", "8000"]
    assert desk.board.processor.requests < 8_660


def test_the_same_seed_gives_the_same_bytes_at_the_same_times(tmp_path):
    runs = []
    for n, seed in enumerate((5, 5, 6)):
        desk = Desk(tmp_path / str(n), seed=seed)
        desk.run(LOOP, 30_000)
        runs.append(desk.board.console.transcript)
        desk.close()
    assert runs[0] == runs[1] != runs[2]
    assert len(runs[0]) == 2


def test_ticks_wrap_as_on_the_chip_and_asyncio_does_not_care(tmp_path):
    desk = Desk(tmp_path, ticks_start_ms=(1 << 30) - 25_000)
    printed = desk.run(
        "import asyncio, time\n"
        "async def main():\n"
        "    for _ in range(4):\n"
        "        t = time.ticks_ms()\n"
        "        await asyncio.sleep(10)\n"
        "        print(time.ticks_diff(time.ticks_ms(), t), time.ticks_ms() < t)\n"
        "asyncio.run(main())\n",
        60,
    )
    assert printed == ["10000 False", "10000 False", "10000 True", "10000 False"]
    desk.close()


def test_a_busy_wait_ends(desk):
    printed = desk.run(
        "import time\n"
        "t = time.ticks_ms()\n"
        "while time.ticks_diff(time.ticks_ms(), t) < 50:\n"
        "    pass\n"
        "time.sleep(1)\n"
        "print(time.ticks_diff(time.ticks_ms(), t))\n"
    )
    assert printed[0] == "1050"


def test_asyncio_behaves(desk):
    printed = desk.run(
        "import asyncio\n"
        "async def later(s, v):\n"
        "    await asyncio.sleep(s)\n"
        "    return v\n"
        "async def fail():\n"
        "    raise ValueError('no')\n"
        "async def main():\n"
        "    print(await asyncio.gather(later(2, 'b'), later(1, 'a')))\n"
        "    try:\n"
        "        await asyncio.wait_for(later(9, 0), 1)\n"
        "    except asyncio.TimeoutError:\n"
        "        print('timeout')\n"
        "    task = asyncio.create_task(later(9, 0))\n"
        "    await asyncio.sleep(0)\n"
        "    task.cancel()\n"
        "    try:\n"
        "        await task\n"
        "    except asyncio.CancelledError:\n"
        "        print('cancelled', task.done())\n"
        "    event, lock = asyncio.Event(), asyncio.Lock()\n"
        "    asyncio.create_task(later(1, event.set())) and await event.wait()\n"
        "    async with lock:\n"
        "        print('locked', lock.locked())\n"
        "    try:\n"
        "        await asyncio.create_task(fail())\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
        "asyncio.run(main())\n",
        30,
    )
    assert printed == ["['b', 'a']", "timeout", "cancelled True", "locked True", "no"]


def test_the_rtc_runs_through_resets_and_stops_without_power(desk):
    desk.run(
        "import machine, time\n"
        "if machine.reset_cause() == 1:\n"
        "    machine.RTC().datetime((2024, 6, 1, 0, 12, 0, 0, 0))\n"
        "    machine.RTC().memory(b'kept')\n"
        "    time.sleep(100)\n"
        "    machine.reset()\n"
        "print(time.gmtime(), machine.RTC().memory())\n",
        200,
    )
    assert desk.printed()[0] == "(2024, 6, 1, 12, 1, 40, 5, 153) b'kept'"
    desk.board.power_off()
    desk.board.flash.load(0, image({"main.py": "import time\nprint(time.gmtime()[0])\n"}))
    desk.board.power_on()
    desk.world.run_for(5)
    assert "\r\n2000\r\n" in desk.board.output.decode()


# Resets


def test_every_reset_has_its_cause(desk):
    desk.run(
        "import machine, sys\n"
        "cause = machine.reset_cause()\n"
        "print('cause', cause)\n"
        "if cause == 1:\n"
        "    machine.reset()\n"
        "elif cause == 2:\n"
        "    machine.deepsleep(3600000)\n"
        "elif cause == 4:\n"
        "    machine.WDT(timeout=5000)\n"
        "    import time\n"
        "    time.sleep(10)\n"
        "elif cause == 3:\n"
        "    machine.soft_reset()\n"
        "print('done')\n",
        4000,
    )
    said = [line for line in desk.printed() if line.startswith(("cause", "done", "MPY"))]
    assert said == [
        *("cause 1", "cause 2", "cause 4", "cause 3"),
        *("MPY: soft reboot", "cause 5", "done"),
    ]
    assert desk.board.resets == [1, 2, 4, 3, 5]


def test_a_fed_watchdog_waits(desk):
    printed = desk.run(
        "import machine, time\n"
        "wdt = machine.WDT(timeout=5000)\n"
        "for _ in range(10):\n"
        "    time.sleep(4)\n"
        "    wdt.feed()\n"
        "print('fed')\n",
        43,
    )
    assert printed[0] == "fed"
    assert desk.board.resets == [1]


def test_an_endless_computation_ends_by_its_watchdog_or_stops_the_bench(desk):
    desk.board.processor.stuck_s = 0.2
    loop = (
        "import machine\nif machine.reset_cause() == 1:\n    {}\n    while True: pass\nprint(3)\n"
    )
    assert "3" in desk.run(loop.format("machine.WDT(timeout=1000)"))
    desk.board.power_off()
    with pytest.raises(BoardStuck, match="no watchdog"):
        desk.run(loop.format("pass"))


def test_power_off_keeps_the_flash_and_leaves_no_process(desk):
    desk.run("import os\nwith open('n', 'a') as f: f.write('x')\nprint(os.stat('n')[6])\n")
    process = desk.board.processor.interpreter.process
    desk.board.power_off()
    assert process.returncode is not None and desk.board.state == "off"
    desk.board.power_on()
    desk.world.run_for(5)
    assert [line for line in desk.printed() if line.isdigit()] == ["1", "2"]


# Hardware


class Register:
    """An I2C device with one register of 256 bytes."""

    def __init__(self):
        self.memory = bytearray(range(256))
        self.at = 0
        self.there = True

    def write(self, data):
        if not self.there:
            raise Nack
        if data:
            self.at = data[0]
            self.memory[self.at : self.at + len(data) - 1] = data[1:]

    def read(self, n):
        return bytes(self.memory[self.at : self.at + n])


def test_i2c(fitted_desk):
    desk = fitted_desk(i2c={("i2c0", 0x44): Register()})
    printed = desk.run(
        "from machine import I2C, Pin\n"
        "i2c = I2C(0, scl=Pin(22), sda=Pin(21), freq=100000)\n"
        "print(i2c.scan(), i2c.readfrom_mem(0x44, 7, 3).hex())\n"
        "i2c.writeto_mem(0x44, 7, b'ab')\n"
        "buf = bytearray(3)\n"
        "i2c.writeto(0x44, b'\\x07')\n"
        "i2c.readfrom_into(0x44, buf)\n"
        "print(buf)\n"
        "for bus, address in ((i2c, 0x45), (I2C(1, scl=21, sda=22), 0x44)):\n"
        "    try:\n"
        "        bus.writeto(address, b'x')\n"
        "    except OSError as error:\n"
        "        print(error.errno)\n"
    )
    assert printed == ["[68] 070809", "bytearray(b'ab\\t')", "19", "19"]


class Echo:
    """Sends back what comes, in capitals, half a second later."""

    def __init__(self):
        self.world = None
        self.heard = b""

    def attach(self, send):
        self.send = send

    def receive(self, data):
        self.heard += data
        self.world.call_after(500_000, lambda: self.send(data.upper()))


def test_uart(fitted_desk):
    echo = Echo()
    desk = fitted_desk(uart={"serial": echo})
    echo.world = desk.world
    printed = desk.run(
        "import asyncio, time\n"
        "from machine import UART\n"
        "uart = UART(2, 9600, tx=17, rx=16, timeout=2000, timeout_char=10)\n"
        "print(uart.write(b'one\\n'), uart.any(), uart.txdone())\n"
        "uart.flush()\n"
        "t = time.ticks_ms()\n"
        "print(uart.txdone(), uart.readline(), time.ticks_diff(time.ticks_ms(), t))\n"
        "print(uart.read(5), uart.any())\n"
        "uart.init(9600, timeout=0)\n"
        "print(uart.read())\n"
        "async def main():\n"
        "    reader = asyncio.StreamReader(uart)\n"
        "    writer = asyncio.StreamWriter(uart, {})\n"
        "    writer.write(b'two\\nx')\n"
        "    await writer.drain()\n"
        "    print(await reader.readline(), await reader.read(9))\n"
        "asyncio.run(main())\n"
    )
    assert printed == [
        "4 0 False",
        "True b'ONE\\n' 496",  # the echo is counted from the first bit, the read from the last
        "None 0",
        "None",
        "b'TWO\\n' b'X'",
    ]
    assert echo.heard == b"one\ntwo\nx"


def test_a_uart_that_nobody_reads_overruns_and_counts(fitted_desk):
    echo = Echo()
    desk = fitted_desk(uart={"serial": echo})
    echo.world = desk.world
    printed = desk.run(
        "import time\nfrom machine import UART\n"
        "uart = UART(2, 115200, tx=17, rx=16, rxbuf=256)\n"
        "for _ in range(10): uart.write(b'x' * 100)\n"
        "time.sleep(3)\nprint(uart.any())\n"
    )
    assert printed[0] == "384"
    assert desk.board.hardware.buses.uarts[2].overruns == 1000 - 384


def test_pins_and_adc(fitted_desk):
    levels = []
    desk = fitted_desk(
        adc={34: SimpleNamespace(read_uv=lambda: 1_650_000)},
        pins={4: SimpleNamespace(changed=levels.append)},
    )
    printed = desk.run(
        "from machine import ADC, Pin\n"
        "pin = Pin(4, Pin.OUT, value=0)\n"
        "pin.on(); pin.value(1); pin(0)\n"
        "adc = ADC(Pin(34), atten=ADC.ATTN_11DB)\n"
        "print(pin(), Pin(5, Pin.IN, Pin.PULL_UP).value(), adc.read_uv(), adc.read_u16())\n"
    )
    assert printed[0] == "0 1 1650000 32767"
    assert levels == [0, 1, 0]


def test_nvs_stands_in_the_flash_in_espressifs_format(desk):
    printed = desk.run(
        "from esp32 import NVS\n"
        "nvs = NVS('fieldbeat')\n"
        "try:\n"
        "    nvs.get_i32('epoch')\n"
        "except OSError as error:\n"
        "    print(error)\n"
        "nvs.set_i32('epoch', -7)\n"
        "nvs.set_blob('master', b'0123456789abcdef')\n"
        "nvs.commit()\n"
        "buf = bytearray(20)\n"
        "print(nvs.get_i32('epoch'), nvs.get_blob('master', buf), buf[:16])\n"
    )
    assert printed == [
        "(-4354, 'ESP_ERR_NVS_NOT_FOUND')",
        "-7 16 bytearray(b'0123456789abcdef')",
    ]
    stored = Nvs(desk.board.flash, 0x9000, 0x6000)
    assert stored.get_i32("fieldbeat", "epoch") == -7
    assert stored.get_blob("fieldbeat", "master") == b"0123456789abcdef"


def test_a_power_cut_before_each_flash_operation_leaves_an_old_or_a_new_file(desk):
    before = image(
        {
            "data": "old",
            "main.py": "import os\n"
            "with open('new', 'w') as f: f.write('new' * 100)\n"
            "os.rename('new', 'data')\n"
            "print('written')\n",
        }
    )
    flash = desk.board.flash

    def run(cut_at):
        def cut(op):
            if op.number == cut_at:
                raise PowerCut

        desk.board.power_off()
        flash.load(0, before)
        flash.ops = 0
        flash.before_op = cut
        desk.board.power_on()
        desk.world.run_for(10)

    run(cut_at=0)
    count = flash.ops
    assert "written" in desk.printed() and count > 5
    seen = set()
    for cut_at in range(1, count + 2):  # the last one is behind the last operation
        run(cut_at)
        assert (desk.board.state == "off") == (cut_at <= count)
        seen.add(read_file(flash.read(VFS_OFFSET, 0x200000), "data"))
    assert seen == {"old", "new" * 100}


# Console


def test_the_console_feeds_a_program_and_ctrl_c_ends_it(desk):
    desk.run(
        "import sys, select, time\n"
        "poller = select.poll()\n"
        "poller.register(sys.stdin, select.POLLIN)\n"
        "while True:\n"
        "    if poller.poll(60000):\n"
        "        sys.stdout.buffer.write(b'<' + sys.stdin.read(1).encode() + b'>\\n')\n"
        "        print('at', time.ticks_ms() // 1000)\n"
    )
    desk.board.console_write(b"ab")
    desk.world.run_for(5)
    assert desk.board.output.endswith(b"<a>\nat 10\r\n<b>\nat 10\r\n")
    desk.board.console_write(b"\x03")
    desk.world.run_for(1)
    assert desk.board.state == "repl"
    assert "KeyboardInterrupt: " in desk.printed()
    assert str(MODULES) not in desk.board.output.decode()


def test_a_program_may_take_ctrl_c_as_data(desk):
    desk.run(
        "import micropython, sys\n"
        "micropython.kbd_intr(-1)\n"
        "print(repr(sys.stdin.buffer.read(3)))\n"
    )
    desk.board.console_write(b"a\x03b")
    desk.world.run_for(1)
    assert desk.printed()[0] == "b'a\\x03b'"


# The link


def test_the_modules_number_their_ops_as_the_bench_does():
    found = {}
    for path in Path(MODULES).glob("*.py"):
        for name, number in re.findall(r"_OP_(\w+) = const\((\d+)\)", path.read_text()):
            found[name.lower()] = int(number)
    assert found == {name: number for number, name in enumerate(link.OPS)}


def test_what_stands_in_several_modules_is_the_same_there():
    found = {}
    for path in Path(MODULES).glob("*.py"):
        for name, value in re.findall(
            r"^(_[A-Z_]+) = const\((.+?)\)(?:  #.*)?$", path.read_text(), re.M
        ):
            found.setdefault(name, set()).add(value)
    for name in ("_FOREVER", "_CONSOLE_BIT", "_PAYLOAD", "_LEAD_US"):
        assert len(found[name]) == 1, (name, found[name])
    assert found["_CONSOLE_BIT"] == {"1 << 30"} and link.CONSOLE_BIT == 1 << 30
    assert found["_FOREVER"] == {str(link.FOREVER)}
