"""A board on Espressif's QEMU: the real ESP32 build of MicroPython on an emulated chip.

    pytest hil_tests --bench qemu:/opt/esp-qemu/bin/qemu-system-xtensa
    pytest hil_tests --bench qemu:                     (the program is on the PATH)

The image has the official build as its base (`fieldbeat firmware get`). What QEMU does not have:
the modem, the sensors and the battery, so tests that need them are skipped. The chip's own
watchdogs are off, as `idf.py qemu` has them, since an emulated chip is slower than they allow.

Not tried with Espressif's program, only with a stand-in that has its command line, its PTY and QMP
(tests: test_qemu.py). Sources: ESP-IDF programming guide, "QEMU Emulator"; the QMP specification.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fieldbeat.host_tools import flasher
from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.field_keys import crc8

from ..instruments.flasher import Chip
from ..instruments.images import inspect_for
from ..instruments.serial_console import SerialConsole
from ..instruments.serial_line import SerialLine
from . import bench_file
from .bench_file import BenchFile, Switch
from .blocked import Blocked
from .rig import Rig, RigBoard

PROGRAM = "qemu-system-xtensa"
WHERE = (
    "get it from https://github.com/espressif/qemu/releases (qemu-xtensa), then --bench qemu:PATH"
)
FEATURES = frozenset({"emulated", "lines", "power"})
NAME, MANIFEST, FLASH_BYTES = "gh-01", "greenhouse_esp32", 4 << 20
MAC = "10:51:45:4d:55:01"
BENCH = f"""
[board.{NAME}]
manifest = "{MANIFEST}"
port = "%s"
id = "mac:{MAC}"
"""
START_S = 10.0
DOWNLOAD_STRAPS = "0x0f"  # IO0 low at reset: the ROM's serial loader
PTY = re.compile(rb"char device redirected to (\S+)")


class Qemu:
    """The program, with its flash, its fuses and its two sockets in one folder.

    `port` is a link to the PTY of the moment: QEMU makes a new one each time it starts.
    """

    def __init__(self, program: str, folder: Path) -> None:
        found = shutil.which(program or PROGRAM)
        if found is None:
            raise Blocked(f"{program or PROGRAM} is not there", WHERE)
        self.program = found
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.flash = folder / "flash.bin"
        self.fuses = folder / "efuse.bin"
        self.log = folder / "qemu.log"
        self.port = folder / "console"
        # A socket's path has at most 107 characters, so it cannot lie in every folder.
        self._sockets = tempfile.TemporaryDirectory(prefix="fieldbeat-qmp-")
        self.qmp_path = Path(self._sockets.name) / "qmp"
        self.process: subprocess.Popen[bytes] | None = None
        self.download = False
        if not self.flash.exists():
            self.flash.write_bytes(b"\xff" * FLASH_BYTES)
        self.fuses.write_bytes(fuses(MAC))

    @property
    def runs(self) -> bool:
        """Whether the chip has power."""
        return self.process is not None and self.process.poll() is None

    def command(self, download: bool) -> list[str]:
        """The command line."""
        arguments = [
            *(
                self.program,
                "-S",
                "-nographic",
                "-machine",
                "esp32",
                "-m",
                "4M",
                "-monitor",
                "none",
            ),
            *("-serial", "pty", "-qmp", f"unix:{self.qmp_path},server=on,wait=off"),
            *("-drive", f"file={self.flash},if=mtd,format=raw"),
            *("-drive", f"file={self.fuses},if=none,format=raw,id=efuse"),
            *("-global", "driver=nvram.esp32.efuse,property=drive,value=efuse"),
            *("-global", "driver=timer.esp32.timg,property=wdt_disable,value=true"),
        ]
        if download:
            value = f"driver=esp32.gpio,property=strap_mode,value={DOWNLOAD_STRAPS}"
            arguments += ["-global", value]
        return arguments

    def start(self, download: bool = False) -> None:
        """Start the program, the chip halted; `download`: with IO0 held low."""
        if self.runs:
            return
        self.download = download
        self.qmp_path.unlink(missing_ok=True)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self.command(download), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        end_s = time.monotonic() + START_S
        while True:
            said = self.log.read_bytes()
            pty = PTY.search(said)
            if pty:
                break
            if not self.runs or time.monotonic() > end_s:
                self.stop()
                last = said.decode("utf-8", "replace").strip().splitlines() or ["nothing"]
                raise Blocked(f"{self.program} did not start, it said: {last[-1]}", WHERE)
            time.sleep(0.02)
        self.port.unlink(missing_ok=True)
        self.port.symlink_to(pty[1].decode())

    def run(self) -> None:
        """Let the chip run, once somebody reads the port: a PTY keeps nothing for later."""
        self.qmp("cont")

    def stop(self) -> None:
        """Cut the supply: the flash stays as it is."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def reset(self) -> None:
        """Pull EN, by QMP."""
        self.qmp("system_reset")

    def qmp(self, command: str) -> Any:
        """Carry out a command of the QEMU Machine Protocol."""
        try:
            with self._connected() as line:
                file = line.makefile("rwb")
                file.readline()  # the greeting
                for name in ("qmp_capabilities", command):
                    file.write(json.dumps({"execute": name}).encode() + b"\n")
                    file.flush()
                    answer: dict[str, Any] = {"event": ""}
                    while "event" in answer:  # these come at any time
                        answer = json.loads(file.readline())
                    if "return" not in answer:
                        raise OSError(answer["error"]["desc"])
                return answer["return"]
        except (OSError, ValueError, KeyError) as error:
            reason = f"QEMU does not carry out {command} ({error})"
            raise Blocked(reason, f"see {self.log}, then start it again") from error

    def _connected(self) -> socket.socket:
        """A connection to QMP, which opens a moment after the PTY."""
        end_s = time.monotonic() + START_S
        while True:
            line = socket.socket(socket.AF_UNIX)
            line.settimeout(START_S)
            try:
                line.connect(str(self.qmp_path))
                return line
            except OSError:
                line.close()
                if not self.runs or time.monotonic() > end_s:
                    raise
                time.sleep(0.02)

    def close(self) -> None:
        """End the program; flash and log stay in the folder."""
        self.stop()
        self._sockets.cleanup()


class QemuPower:
    """Implements `Power`: the chip runs while the program does; the port goes with it."""

    def __init__(self, qemu: Qemu, line: SerialLine) -> None:
        self.qemu = qemu
        self.line = line

    def on(self) -> None:
        self.start(download=False)

    def start(self, download: bool) -> None:
        """Start the program, with IO0 held low or not, and open its new port."""
        if not self.qemu.runs:
            self.qemu.start(download)
            self.line.close()
            self.line.open()
            self.line.may_vanish = False
            self.qemu.run()

    def off(self) -> None:
        self.line.may_vanish = True
        self.qemu.stop()

    def cycle(self) -> None:
        self.off()
        self.on()

    def is_on(self) -> bool:
        return self.qemu.runs

    def close(self) -> None:
        self.off()
        self.line.close()
        self.qemu.close()


class QemuLines:
    """Implements `Lines`; IO0 is read as the program starts, so it is started anew for that."""

    def __init__(self, qemu: Qemu, power: QemuPower) -> None:
        self.qemu = qemu
        self.power = power

    def reset(self) -> None:
        if self.qemu.download:
            self.power.cycle()
        else:
            self.qemu.reset()

    def bootloader(self) -> None:
        self.power.off()
        self.power.start(download=True)


class QemuFlasher:
    """Implements `Flasher`: writes the file while the chip is off, by the plan of `flash`."""

    def __init__(self, qemu: Qemu, power: QemuPower) -> None:
        self.qemu = qemu
        self.power = power
        self.build_id: str | None = None

    def flash(self, image: bytes, secrets: bytes | None = None) -> None:
        info = inspect_for(image, MANIFEST, NAME)
        if info.virtual:
            reason = "the image is for virtual boards, but QEMU emulates a real chip"
            raise Blocked(reason, "build it with the official MicroPython as its base")
        try:
            wanted = flasher.plan(image, info, secrets)
        except FieldbeatError as error:
            raise Blocked(error.message, error.next_step) from None
        self._while_off(wanted)
        self.build_id = info.build_id

    def erase(self) -> None:
        self.build_id = None
        self._while_off([(0, b"\xff" * FLASH_BYTES)])

    def read(self, offset: int, size: int) -> bytes:
        with self.qemu.flash.open("rb") as file:
            file.seek(offset)
            return file.read(size)

    def identify(self) -> Chip:
        return Chip(MAC, "esp32")

    def _while_off(self, writes: list[tuple[int, bytes]]) -> None:
        self.power.off()
        with self.qemu.flash.open("r+b") as file:
            for offset, data in writes:
                file.seek(offset)
                file.write(data)
        self.power.on()


class QemuBench(BenchFile):
    """The bench of one emulated board; nothing is wired to its pins."""

    @property
    def features(self) -> frozenset[str]:
        return FEATURES

    def power(self, name: str) -> Switch:
        """It is switched by a program."""
        return Switch()


def open_rig(choice: str, workdir: Path) -> Rig:
    """The bench that `--bench qemu:PATH` names.

    Raises:
        Blocked: the program is not there, or does not start.
    """
    qemu = Qemu(choice.partition(":")[2], workdir / "qemu")
    closing: list[Callable[[], object]] = [qemu.close]
    try:
        qemu.start()
        file = bench_file.parse(BENCH % qemu.port, choice)
        line = SerialLine(str(qemu.port))
        qemu.run()
    except BaseException:
        qemu.close()
        raise
    power = QemuPower(qemu, line)
    closing.append(power.close)
    rig = Rig(QemuBench(choice, file.tables), None)
    rig._closing += closing
    rig.boards[NAME] = RigBoard(
        name=NAME,
        table=file.boards[NAME],
        source=choice,
        port=str(qemu.port),
        power=power,
        console=SerialConsole(line),
        flasher=QemuFlasher(qemu, power),
        lines=QemuLines(qemu, power),
    )
    return rig


def fuses(mac: str) -> bytes:
    """The one-time memory of an ESP32 of revision 3 with this MAC, as QEMU reads it from a file.

    Block 0, ESP32 technical reference 20.3: the MAC from byte 4 on, last byte first, its CRC-8.
    """
    address = bytes.fromhex(mac.replace(":", ""))
    block = bytearray(124)
    block[4:10] = address[::-1]
    block[10] = crc8(address)
    block[13], block[22] = 0x80, 0x10  # revision
    return bytes(block)
