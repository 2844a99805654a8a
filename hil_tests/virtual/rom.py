"""The chip's serial loader: what esptool talks to. Bytes in, bytes out; no port, no thread.

Chip facts (registers, detection, SPI peripheral, replies) come from `esp32-mock-bootloader`. Its
connection loop is not used: it gives every chip of a kind one MAC and one flash size, and wants a
thread and a poll of 50 ms a connection. Does not model eFuse writing, secure download mode or the
code of esptool's stub, which is acknowledged and then imitated.
"""

import hashlib
import struct
import zlib
from collections.abc import Callable

from esp32_mock_bootloader import protocol
from esp32_mock_bootloader.registers import uart_clkdiv_for_chip
from esp32_mock_bootloader.server import (
    ChipSession,
    SpiPeripheralMock,
    checksum_valid,
    handle_get_security_info,
    handle_read_flash_slow,
    handle_read_reg,
    handle_write_reg,
    make_response,
    make_sync_response,
)
from esptool.targets import CHIP_DEFS

from . import loader_pace
from .flash import SECTOR, Flash

# The SYNC request (esptool documentation, "Serial Protocol"): op 8, 36 bytes, 07 07 12 20 55 ...
SYNC = b"\x00\x08\x24\x00\x00\x00\x00\x00\x07\x07\x12\x20"
_CMD = protocol.CMD
_MANUFACTURER = 0xC8  # GigaDevice, as on most ESP32-WROOM-32E
_MEMORY_TYPE = 0x40
_READ_FLASH_ID = 0x9F
_OHAI = b"\xc0OHAI\xc0"


def slip(data: bytes) -> bytes:
    """One SLIP frame (RFC 1055)."""
    return b"\xc0" + data.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


def unslip(frame: bytes) -> bytes:
    return frame.replace(b"\xdb\xdc", b"\xc0").replace(b"\xdb\xdd", b"\xdb")


class _SpiPeripheral(SpiPeripheralMock):
    """Answers the flash chip's identity by its true size."""

    flash_size = 0

    def read_reg(self, addr: int) -> int:
        base = self.spi_base or 0
        if addr - base == self.w0_offs and self._last_command == _READ_FLASH_ID:
            capacity = self.flash_size.bit_length() - 1
            return capacity << 16 | _MEMORY_TYPE << 8 | _MANUFACTURER
        return super().read_reg(addr)


def crystal_registers(chip: str) -> dict[int, int]:
    """What the loader leaves behind on a module with a crystal of 40 MHz."""
    rom = CHIP_DEFS[chip]
    found = {rom.UART_CLKDIV_REG: uart_clkdiv_for_chip(chip, crystal_mhz=40) or 0}
    if chip == "esp32":  # its stub asks for the calibration against the 8 MHz clock instead
        value = 40_000_000 * 40 // (15_625 * 128)
        found[rom.RTCCALICFG1] = value << rom.TIMERS_RTC_CALI_VALUE_S
    return found


def mac_registers(chip: str, mac: bytes) -> dict[int, int]:
    """The eFuse words in which esptool looks for the base MAC."""
    rom = CHIP_DEFS[chip]
    first = getattr(rom, "MAC_EFUSE_REG", None) or rom.EFUSE_RD_REG_BASE + 4
    high, low = struct.unpack(">II", b"\0\0" + mac)
    return {first: low, first + 4: high}


class RomLoader:
    """One visit to the loader, from the first SYNC to the hang-up.

    `feed(data)` returns what the chip answers. `leave` turns True when the host asks the chip to
    run its program. `work_us` is what the last frames cost the flash chip, and `early` tells that
    they are answered before that (`loader_pace.py`). `at` is where the next byte goes.
    """

    def __init__(self, chip: str, mac: bytes, flash: Flash) -> None:
        self.flash = flash
        self.leave = False
        self.baud = loader_pace.ROM_BAUD
        self.work_us = 0
        self.early = False
        self.session = ChipSession(chip)
        self.session.registers.update(mac_registers(chip, mac) | crystal_registers(chip))
        self.session.spi = _SpiPeripheral(None)
        self.session.spi.flash_size = flash.size
        self.session.spi.configure_for_chip(chip)
        self._buffer = b""
        self.at = 0
        self._erase_at = self._erase_end = 0  # of what is written now: the stub erases on its way
        self._inflate = zlib.decompressobj()
        self._reading: _FlashReading | None = None
        self._commands: dict[int, Callable[[bytes], bytes | None]] = {
            _CMD["SYNC"]: lambda data: make_sync_response(stub=self._stub) * 8,
            _CMD["READ_REG"]: lambda data: handle_read_reg(data, self.session),
            _CMD["WRITE_REG"]: lambda data: handle_write_reg(data, self.session),
            _CMD["GET_SECURITY_INFO"]: lambda data: handle_get_security_info(self.session),
            _CMD["SPI_SET_PARAMS"]: lambda data: None,
            _CMD["SPI_ATTACH"]: lambda data: None,
            _CMD["CHANGE_BAUDRATE"]: self._change_baud,
            _CMD["MEM_BEGIN"]: lambda data: None,
            _CMD["MEM_DATA"]: lambda data: None,
            _CMD["MEM_END"]: self._mem_end,
            _CMD["FLASH_BEGIN"]: self._flash_begin,
            _CMD["FLASH_DATA"]: self._plain,
            _CMD["FLASH_END"]: self._flash_end,
            _CMD["FLASH_DEFL_BEGIN"]: self._flash_begin,
            _CMD["FLASH_DEFL_DATA"]: self._deflated,
            _CMD["FLASH_DEFL_END"]: self._flash_end,
            _CMD["SPI_FLASH_MD5"]: self._md5,
            _CMD["READ_FLASH_SLOW"]: self._read_slow,
        }
        self._stub_commands: dict[int, Callable[[bytes], bytes | None]] = {
            _CMD["ERASE_FLASH"]: lambda data: self._erase(0, flash.size),
            _CMD["ERASE_REGION"]: lambda data: self._erase(*struct.unpack_from("<II", data)),
            _CMD["READ_FLASH"]: self._read_fast,
            _CMD["RUN_USER_CODE"]: self._run_user_code,
        }

    @property
    def _stub(self) -> bool:
        return self.session.stub_active

    def feed(self, data: bytes) -> bytes:
        """Takes bytes from the host and returns the chip's answer to the frames they complete."""
        self.work_us, self.early = 0, False
        *frames, self._buffer = (self._buffer + data).split(b"\xc0")
        return b"".join(self._frame(unslip(frame)) for frame in frames if frame)

    def _frame(self, frame: bytes) -> bytes:
        if self._reading is not None and len(frame) == 4:
            return self._reading.acknowledge(struct.unpack("<I", frame)[0])
        if len(frame) < 8 or frame[0] != 0:
            return b""
        _, command, size, checksum = struct.unpack_from("<BBHI", frame)
        data = frame[8 : 8 + size]
        if not checksum_valid(command, checksum, data):
            return self._error(command, protocol.ROM_CHECKSUM_ERROR, protocol.STUB_CHECKSUM_ERROR)
        known = self._commands | (self._stub_commands if self._stub else {})
        if command not in known:
            return self._error(command, protocol.ROM_INVALID_MESSAGE, protocol.STUB_UNIMPLEMENTED)
        answer = known[command](data)
        return make_response(command, stub=self._stub) if answer is None else answer

    def _error(self, command: int, rom_error: int, stub_error: int) -> bytes:
        error = stub_error if self._stub else rom_error
        return make_response(command, status=1, error=error, stub=self._stub)

    def _mem_end(self, data: bytes) -> bytes | None:
        stay, entry = struct.unpack_from("<II", data)
        if stay or not entry:
            return None
        self.session.stub_active = True
        return make_response(_CMD["MEM_END"], stub=True) + _OHAI

    def _change_baud(self, data: bytes) -> None:
        self.baud = struct.unpack_from("<I", data)[0]

    def _flash_begin(self, data: bytes) -> None:
        size, _blocks, _packet, self.at = struct.unpack_from("<IIII", data)
        self._inflate = zlib.decompressobj()
        self._erase_at = self.at // SECTOR * SECTOR
        self._erase_end = -(-(self.at + size) // SECTOR) * SECTOR
        if not self._stub:
            self._erase_to(self._erase_end)

    def _plain(self, data: bytes) -> None:
        self._write(protocol.data_command_payload(data))

    def _deflated(self, data: bytes) -> bytes | None:
        try:
            self._write(self._inflate.decompress(protocol.data_command_payload(data)))
            return None
        except zlib.error:
            command = _CMD["FLASH_DEFL_DATA"]
            return self._error(command, protocol.ROM_INVALID_MESSAGE, protocol.STUB_UNIMPLEMENTED)

    def _write(self, data: bytes) -> None:
        self.early = self._stub
        self._erase_to(min(self.at + len(data), self._erase_end))
        self.work_us += loader_pace.program_us(len(data))
        end = min(self._erase_end, self.flash.size)  # what pads the last piece is not written
        self.flash.load(self.at, data[: max(0, end - self.at)])
        self.at += len(data)

    def _erase_to(self, end: int) -> None:
        while self._erase_at < end:
            size, took_us = loader_pace.erase_step(self._erase_at, self._erase_end)
            self._blank(self._erase_at, size)
            self.work_us += took_us
            self._erase_at += size

    def _erase(self, at: int, size: int) -> None:
        self._erase_at, self._erase_end = at, at + size
        self._erase_to(at + size)

    def _blank(self, at: int, size: int) -> None:
        size = min(size, self.flash.size - at)
        self.flash.load(at, b"\xff" * size)

    def _flash_end(self, data: bytes) -> None:
        self.leave = data[:4] == bytes(4)  # 0 reboots, 1 stays in the loader

    def _run_user_code(self, data: bytes) -> bytes:
        self.leave = True
        return b""

    def _md5(self, data: bytes) -> bytes:
        at, size = struct.unpack_from("<II", data)
        digest = hashlib.md5(self.flash.read(at, size))
        self.work_us += loader_pace.read_us(size)
        body = digest.digest() if self._stub else digest.hexdigest().encode()
        body += bytes(2 if self._stub else 4)
        return slip(struct.pack("<BBHI", 1, _CMD["SPI_FLASH_MD5"], len(body), 0) + body)

    def _read_slow(self, data: bytes) -> bytes:
        return handle_read_flash_slow(data, self.flash, self.session)

    def _read_fast(self, data: bytes) -> bytes:
        self._reading = _FlashReading(self.flash, *struct.unpack_from("<IIII", data))
        return make_response(_CMD["READ_FLASH"], stub=True) + self._reading.acknowledge(0)


class _FlashReading:
    """The stub's READ_FLASH: packets ahead of the host's acknowledgements, an MD5 at the end."""

    def __init__(self, flash: Flash, at: int, size: int, packet: int, in_flight: int) -> None:
        self.data = flash.read(at, size)
        self.packet = max(packet, 1)
        self.window = self.packet * max(in_flight, 1)
        self.sent = 0

    def acknowledge(self, received: int) -> bytes:
        """What to send now that the host has `received` bytes."""
        out = b""
        while self.sent < min(len(self.data), received + self.window):
            out += slip(self.data[self.sent : self.sent + self.packet])
            self.sent += self.packet
        if received >= len(self.data):
            out += slip(hashlib.md5(self.data).digest())
        return out
