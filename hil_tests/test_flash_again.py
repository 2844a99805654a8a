"""What is in a flash already is found out by reading, whatever was there and wherever it was cut.

The real esptool talks to the bench's serial loader; between them is no port, so that no time
passes and a cable can be pulled at any byte.
"""

from __future__ import annotations

import errno
import random
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import serial
from fieldbeat.hil_tests.bare_desk import BareDesk
from fieldbeat.hil_tests.small_image import MANIFEST
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.flash import SECTOR, Flash
from fieldbeat.hil_tests.virtual.rom import RomLoader
from fieldbeat.hil_tests.virtual.site import config
from fieldbeat.hil_tests.virtual.world import World
from fieldbeat.host_tools import (
    app_cache,
    app_files,
    file_system,
    flasher,
    image,
    image_info,
    nvs_image,
    rom_loader,
    standin,
)
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError
from fieldbeat.host_tools.last_written import LastWritten
from fieldbeat.host_tools.rom_loader import FlashError
from fieldbeat.host_tools.serial_port import PortError

MAC, OTHER_MAC = b"\2\xfb\0\0\0\1", b"\2\xfb\0\0\0\2"
NVS = slice(0x9000, 0xF000)
WORN = b"counters" * 0xC00  # what is in NVS, which must stay
FIRMWARE_BYTES = 200_000
PORT = "socket:line"  # to such a one esptool sends no reset pulses


class Loader(RomLoader):
    """A loader that counts what it is asked to sum up."""

    def __init__(self, *words) -> None:
        super().__init__(*words)
        self.summed: list[tuple[int, int]] = []

    def _md5(self, data: bytes) -> bytes:
        self.summed.append(struct.unpack_from("<II", data))
        return super()._md5(data)

    @property
    def bytes_summed(self) -> int:
        return sum(size for _, size in self.summed)


class Line(serial.SerialBase):
    """A cable to a loader; it ends after `cut_after` bytes towards the chip."""

    def __init__(self, loader: Loader, cut_after: int | None = None) -> None:
        super().__init__()
        self.loader = loader
        self.cut_after = cut_after
        self.sent = 0
        self._answers = b""
        self.port, self.is_open = PORT, True

    def _reconfigure_port(self) -> None: ...
    def open(self) -> None: ...
    def close(self) -> None: ...
    def _update_rts_state(self) -> None: ...
    def _update_dtr_state(self) -> None: ...
    def flush(self) -> None: ...
    def reset_output_buffer(self) -> None: ...

    @property
    def in_waiting(self) -> int:
        return len(self._answers)

    def reset_input_buffer(self) -> None:
        self._answers = b""

    def write(self, data: bytes) -> int:
        left = len(data) if self.cut_after is None else max(0, self.cut_after - self.sent)
        self.sent += len(data)
        self._answers += self.loader.feed(bytes(data[:left]))
        if left < len(data):
            raise serial.SerialException(errno.EIO, "the cable is out")
        return len(data)

    def read(self, size: int = 1) -> bytes:
        data, self._answers = self._answers[:size], self._answers[size:]
        return data


@pytest.fixture(scope="module")
def images() -> tuple[bytes, bytes]:
    """A small program in two versions that differ by a module, on one firmware."""
    noise = random.Random(1)
    base = standin.base("esp32", "1.25.0")
    base += noise.randbytes(FIRMWARE_BYTES - len(base))
    modules = {f"drivers/x{number}.py": b"" for number in range(40)}
    table = {"drivers/table.json": noise.randbytes(70_000)}
    both = []
    with pytest.MonkeyPatch.context() as patch:
        for text in ("", "def here():\n    return 'a newer version'\n"):
            slot = app_files.slot_files(modules | {"drivers/x20.py": text.encode()})
            app = {app_files.BOOT: b"#"} | slot | table
            patch.setattr(app_cache, "app_of", lambda unit, app=app: app)
            both.append(image.build(config(), base))
    return both[0], both[1]


class Desk(BareDesk):
    def __init__(self, workdir: Path) -> None:
        world = World(seed=1)
        macs = [bytes([2, 0, 0, 0, 0, number]) for number in range(4)]
        boards = [VirtualBoard(world, MANIFEST, workdir / mac.hex(), mac) for mac in macs]
        super().__init__(world, *boards)
        for board in boards:
            board.power_on()
        world.start_real()


class Unit:
    """A chip's flash, flashed through lines that may be cut."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.flash = Flash(folder / "flash.bin", 4 << 20)
        self.flash.load(NVS.start, WORN)
        self.line: Line
        self.last = LastWritten(folder / "written")
        self.visits = 0
        monkeypatch.setattr(serial, "serial_for_url", self._opened)

    def _opened(self, *_words, **_options) -> Line:
        self.visits += 1
        return self.line

    def plug_in(self, cut_after: int | None = None) -> None:
        self.line = Line(Loader("esp32", MAC, self.flash), cut_after)

    def gets(self, content: bytes, cut_after: int | None = None, **options) -> flasher.Result:
        self.plug_in(cut_after)
        info = image_info.inspect(content, "image")
        with rom_loader.Visit(PORT) as visit:
            return flasher.flash(visit, content, info, **options)

    def holds(self, content: bytes) -> bool:
        info = image_info.inspect(content, "image")
        wanted = flasher.plan(content, info, None)
        return all(self.flash.read(offset, len(data)) == data for offset, data in wanted)

    @property
    def nvs(self) -> bytes:
        return self.flash.read(NVS.start, NVS.stop - NVS.start)


@pytest.fixture
def unit(tmp_path, monkeypatch):
    made = Unit(tmp_path, monkeypatch)
    yield made
    made.flash.close()


def test_only_what_differs_is_written(unit, images):
    old, new = images
    first = unit.gets(old)
    assert first.bytes_written > FIRMWARE_BYTES
    again = unit.gets(old)
    assert again.bytes_written == 0
    assert again.bytes_same == first.bytes_written + first.bytes_same  # what is blank was there
    newer = unit.gets(new)
    # the module, its folder's list, the program's name, and the root's list
    assert 0 < newer.bytes_written <= 8 * SECTOR
    assert unit.holds(new) and unit.nvs == WORN


@pytest.mark.parametrize("seed", range(4))
def test_content_that_nobody_knows(unit, images, seed):
    """Noise everywhere; older content with single bits flipped; what the unit has written."""
    old, new = images
    noise = random.Random(seed)
    if seed:
        unit.gets(old)
    spoilt = [noise.randrange(0x1000, 1 << 22) for _ in range((0, 1, 20, 400)[seed])]
    for address in spoilt:
        if not NVS.start <= address < NVS.stop:
            unit.flash.load(address, bytes([unit.flash.data[address] ^ 1 << noise.randrange(8)]))
    if not seed:
        unit.flash.load(0x10000, noise.randbytes((4 << 20) - 0x10000))
    unit.gets(new)
    assert unit.holds(new) and unit.nvs == WORN


def test_one_wrong_bit_in_each_stretch_is_found(unit, images):
    old, _ = images
    unit.gets(old)
    wanted = flasher.plan(old, image_info.inspect(old, "image"), None)
    for offset, data in wanted:
        last = offset + len(data) - 1
        unit.flash.load(last, bytes([unit.flash.data[last] ^ 0x80]))
    done = unit.gets(old)
    assert done.bytes_written == len(wanted) * SECTOR and unit.holds(old)


class Visit:
    """A flash from one content to another, which can be cut after a share of its bytes."""

    def __init__(
        self, unit: Unit, before: bytes, new: bytes, believed: bytes | None = None
    ) -> None:
        self.unit, self.before, self.new = unit, before, new
        self.last = unit.last if believed else None
        self.known = kept(unit, believed) if believed else []
        unit.flash.load(0, before)
        unit.gets(new, last=self.last)
        self.length = unit.line.sent

    def cut_and_mended(self, share: float, torn: random.Random) -> bool:
        """Cuts, flashes again, looks; returns whether the cut left the unit incomplete."""
        flash = self.unit.flash
        flash.load(0, self.before)
        if self.last:
            self.last.keep(MAC.hex(":"), self.known)
        with pytest.raises(FieldbeatError) as caught:
            self.unit.gets(self.new, int(share * self.length), last=self.last)
        incomplete = flasher.INCOMPLETE in str(caught.value)
        assert incomplete or isinstance(caught.value, CannotTry)
        assert incomplete or flash.read(0, flash.size) == self.before
        if incomplete and torn.random() < 0.5:  # power went with the cable, in an erase
            at = self.unit.line.loader.at // SECTOR * SECTOR
            flash.load(at, torn.randbytes(SECTOR // 2))
        self.unit.gets(self.new, last=self.last)
        assert self.unit.holds(self.new) and self.unit.nvs == WORN
        return incomplete


def kept(unit: Unit, content: bytes) -> list[tuple[int, bytes]]:
    """Lets the computer believe that this was written last; returns it."""
    wanted = flasher.plan(content, image_info.inspect(content, "image"), None)
    unit.last.keep(MAC.hex(":"), wanted)
    return wanted


def contents(unit: Unit, old: bytes) -> Iterator[bytes]:
    """What a flash may hold before: an older program, nothing."""
    unit.gets(old)
    yield unit.flash.read(0, unit.flash.size)
    yield b"\xff" * NVS.start + WORN + b"\xff" * (unit.flash.size - NVS.stop)


@pytest.mark.parametrize("believes", [False, True])
@pytest.mark.parametrize("share", [0.3, 0.97])
def test_a_pulled_cable_is_mended(unit, images, share, believes):
    old, new = images
    visit = Visit(unit, next(contents(unit, old)), new, old if believes else None)
    visit.cut_and_mended(share, random.Random(1))


@pytest.mark.longest
def test_a_cable_pulled_anywhere_is_mended(unit, images):
    old, new = images
    torn = random.Random(7)
    found = []
    known, bare = contents(unit, old)
    for before, believed in ((known, None), (bare, None), (known, old), (bare, old), (bare, new)):
        visit = Visit(unit, before, new, believed)
        found += [visit.cut_and_mended(number / 12, torn) for number in range(1, 12)]
        found += [visit.cut_and_mended(1 - 40 * number / visit.length, torn) for number in (1, 9)]
    assert any(found) and not all(found)


# What was written last tells where to begin, and nothing else


def test_what_was_written_last_is_not_searched_for(unit, images):
    """The differing sectors are written at once, and all of the unit is read once."""
    old, new = images
    unit.gets(old, last=unit.last)
    size = sum(len(data) for _, data in kept(unit, old))
    searched = unit.gets(new)
    assert unit.line.loader.bytes_summed > 1.25 * size
    unit.gets(old, last=unit.last)
    found = unit.gets(new, last=unit.last)
    assert found.bytes_written == searched.bytes_written and unit.holds(new)
    assert unit.line.loader.bytes_summed < 1.2 * size and len(unit.line.loader.summed) < 20
    again = unit.gets(new, last=unit.last)
    assert again.bytes_written == 0 and unit.line.loader.bytes_summed < 1.2 * size


def spoilt_by_itself(unit: Unit, images: tuple[bytes, bytes]) -> None:
    """A unit writes its lists of folders."""
    unit.flash.load(0x200000, b"\x55" * SECTOR)


def spoilt_everywhere(unit: Unit, images: tuple[bytes, bytes]) -> None:
    """Another unit's flash, or one of years ago."""
    unit.flash.load(0x1000, random.Random(3).randbytes(0x8000))
    unit.flash.load(0x10000, random.Random(4).randbytes((4 << 20) - 0x10000))


def spoilt_by_bits(unit: Unit, images: tuple[bytes, bytes]) -> None:
    """One bit in the firmware, one in the file system, where nothing new is written."""
    wanted = flasher.plan(images[1], image_info.inspect(images[1], "image"), None)
    offset, data = wanted[-1]
    shared = [at for at in range(offset, offset + len(data)) if images[0][at] == images[1][at]]
    for address in (0x10000 + FIRMWARE_BYTES // 2, shared[len(shared) // 2]):
        unit.flash.load(address, bytes([unit.flash.data[address] ^ 4]))


def spoilt_by_another_computer(unit: Unit, images: tuple[bytes, bytes]) -> None:
    """It has written the new app already, and half of the firmware of something else."""
    unit.gets(images[1])
    unit.flash.load(0x10000, b"\0" * (FIRMWARE_BYTES // 2))


@pytest.mark.parametrize(
    "spoil",
    [spoilt_by_itself, spoilt_everywhere, spoilt_by_bits, spoilt_by_another_computer],
)
def test_a_flash_that_is_not_what_was_written_last_is_searched(unit, images, spoil):
    old, new = images
    unit.gets(old, last=unit.last)
    honest = unit.gets(new, last=unit.last)
    unit.gets(old, last=unit.last)
    before = unit.nvs
    spoil(unit, images)
    done = unit.gets(new, last=unit.last)
    assert unit.holds(new) and unit.nvs == before
    assert done.bytes_written > honest.bytes_written  # what was not known was found
    assert unit.gets(new, last=unit.last).bytes_written == 0


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"x": 1}', b"\xff\xfe", b'{"4096": null}'])
def test_what_was_kept_of_a_chip_may_be_damaged(unit, images, text):
    old, new = images
    unit.gets(old, last=unit.last)
    (file,) = unit.last.folder.iterdir()
    file.write_bytes(text)
    unit.gets(new, last=unit.last)
    assert unit.holds(new) and unit.gets(new, last=unit.last).bytes_written == 0


def test_a_folder_that_cannot_be_written_costs_a_search_only(unit, images, tmp_path):
    old, new = images
    (tmp_path / "file").touch()
    nowhere = LastWritten(tmp_path / "file" / "written")
    unit.gets(old, last=nowhere)
    unit.gets(new, last=nowhere)
    assert unit.holds(new)


def test_nothing_of_the_secrets_is_kept(unit, images):
    secrets = nvs_image.build(nvs_image.Identity("gh-01", b"\0\1", 1, bytes(range(16))), 0x6000)
    unit.gets(images[0], secrets=secrets, last=unit.last)
    offsets = unit.last.recall(MAC.hex(":"))
    assert offsets and not [at for at in offsets if NVS.start <= at < NVS.stop]


# One visit, from the first look to the reset


def test_who_was_looked_at_is_written_in_the_same_visit(unit, images):
    unit.plug_in()
    info = image_info.inspect(images[0], "image")
    with rom_loader.Visit(PORT) as visit:
        assert rom_loader.who(visit) == (MAC.hex(":"), "esp32")
        flasher.flash(visit, images[0], info)
    assert unit.visits == 1 and unit.holds(images[0])


@pytest.mark.parametrize("lost", ["the cable is out", "the unit runs its program"])
def test_a_visit_that_was_lost_before_the_first_write_is_begun_again(unit, images, lost):
    unit.plug_in()
    info = image_info.inspect(images[0], "image")
    with rom_loader.Visit(PORT) as visit:
        rom_loader.who(visit)
        if lost == "the cable is out":
            unit.line.cut_after = 0
        else:
            unit.line.loader.feed = lambda data: b"\r\nMicroPython\r\n"
        first = unit.line
        unit.plug_in()
        flasher.flash(visit, images[0], info)
    assert unit.visits == 2 and unit.line is not first and unit.holds(images[0])


@pytest.fixture
def other(tmp_path):
    """The blank flash of another chip."""
    flash = Flash(tmp_path / "other.bin", 4 << 20)
    yield flash
    assert flash.read(0, flash.size) == b"\xff" * flash.size
    flash.close()


def test_another_board_at_the_port_s_name_is_not_written(unit, images, other):
    """The cable was put from one board into the next: the operating system names it the same."""

    class Moved(Line):
        def open(self) -> None:
            if self.sent:
                self.loader, self.cut_after = Loader("esp32", OTHER_MAC, other), None

    unit.gets(images[0])
    half = unit.line.sent // 2
    unit.flash.load(0x10000, bytes(FIRMWARE_BYTES))
    unit.line = Moved(Loader("esp32", MAC, unit.flash), half)
    info = image_info.inspect(images[0], "image")
    with rom_loader.Visit(PORT) as visit, pytest.raises(FlashError, match=flasher.INCOMPLETE):
        flasher.flash(visit, images[0], info)
    assert not visit.untouched


def test_another_board_than_was_looked_at_is_not_written(unit, images, other):
    unit.plug_in()
    info = image_info.inspect(images[0], "image")
    with rom_loader.Visit(PORT) as visit:
        rom_loader.who(visit)
        unit.line.cut_after = 0
        unit.line = Line(Loader("esp32", OTHER_MAC, other))
        for _ in range(2):  # however often it is asked
            with pytest.raises(PortError, match="another board is at socket:line now"):
                flasher.flash(visit, images[0], info)


def test_a_unit_that_was_only_looked_at_is_reset(unit):
    resets = []
    unit.plug_in()
    unit.line._update_rts_state = lambda: resets.append(unit.line.rts)
    with rom_loader.Visit(PORT) as visit, pytest.raises(CannotTry, match="not this one"):
        rom_loader.who(visit)
        resets.clear()
        raise CannotTry("not this one", "leave it")
    assert resets == [True, False]


def test_four_boards_at_once(desk, images):
    """One process, a thread a port, the real esptool at real ports; each hears of itself alone."""
    old, new = images
    for number, board in enumerate(desk.boards):
        board.flash.load(0, old if number % 2 else new)
        board.flash.load(NVS.start, WORN)
    info = image_info.inspect(new, "image")
    wanted = flasher.plan(new, info, None)
    steps: dict[str, list[tuple[int, int]]] = {board.port: [] for board in desk.boards}

    def one(board: VirtualBoard) -> flasher.Result:
        def progress(done: int, total: int) -> None:
            steps[board.port].append((done, total))

        with rom_loader.Visit(board.port) as visit:
            return flasher.flash(visit, new, info, progress=progress)

    with ThreadPoolExecutor(len(desk.boards)) as pool:
        results = list(pool.map(one, desk.boards))
    for board, result in zip(desk.boards, results, strict=True):
        assert result.mac == board.mac.hex(":")
        assert all(board.flash.read(offset, len(data)) == data for offset, data in wanted)
        assert board.flash.read(NVS.start, len(WORN)) == WORN
        told = steps[board.port]
        assert told == sorted(told) and {total for _, total in told} <= {result.bytes_written}
        assert told[-1:] == ([(result.bytes_written,) * 2] if result.bytes_written else [])
    assert [result.bytes_written > 0 for result in results] == [False, True, False, True]


def test_new_secrets_are_written_and_the_rest_is_left(unit, images):
    old, _ = images
    unit.gets(old)
    secrets = nvs_image.build(nvs_image.Identity("gh-01", b"\0\1", 1, bytes(range(16))), 0x6000)
    done = unit.gets(old, secrets=secrets)
    assert unit.nvs == secrets and 0 < done.bytes_written <= len(secrets)
    assert unit.holds(old)


def test_littlefs_counts_as_many_blocks_in_use(images):
    """Its own count is the outside word on what has to be written."""
    from littlefs import LittleFS

    content = images[0][0x200000:]
    disk = LittleFS(block_size=SECTOR, block_count=len(content) // SECTOR, mount=False)
    disk.context.buffer = bytearray(content)
    disk.mount()
    assert len(file_system.blocks_in_use(content, "image")) == disk.used_block_count
