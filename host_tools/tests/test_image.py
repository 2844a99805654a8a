"""Images: the stand-in against esptool, the file system against a real MicroPython, refusals."""

import dataclasses
import errno
import hashlib
import os
import struct
import subprocess
import sys
import wave
import zlib
from pathlib import Path

import pytest
from esptool.bin_image import LoadFirmwareImage
from fieldbeat.host_tools import (
    app_cache,
    app_files,
    cli,
    clips,
    esp_image,
    file_system,
    files,
    firmware_cache,
    image,
    image_info,
    node_config,
    nvs_image,
    partition_table,
    standin,
    unit_code,
)
from fieldbeat.host_tools.app_pruning import Unit
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError
from fieldbeat.host_tools.partition_table import Partition, PartitionError
from fieldbeat.host_tools.registry import Registry

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/greenhouse.toml"
MICROPYTHON = os.environ.get("MICROPYTHON") or Path(sys.executable).with_name("micropython")
REAL = esp_image.AppDescription("micropython", "v1.25.0", "v5.2.2")


@pytest.fixture(scope="module")
def config():
    return node_config.load(EXAMPLE)


@pytest.fixture(scope="module")
def built(config):
    return image.build(config)


def real_base(project: esp_image.AppDescription = REAL, size: int = 1000) -> bytes:
    """A base of the official layout: boot loader, a foreign partition table, app."""
    boot_loader = esp_image.pack("esp32", 0x3FFF0000, b"boot", startable=True)
    app = esp_image.pack("esp32", 0x3F400020, project.to_bytes() + bytes(size), startable=True)
    table = b"\xaa\x50" + b"\x01" * 30
    return boot_loader.ljust(0x7000, b"\xff") + table.ljust(0x8000, b"\x55") + app


# The partition table


CSV = "nvs, data, nvs, 0x9000, 0x6000\nvfs, data, littlefs, 0x200000, 0x200000\n"


def test_the_bytes_of_a_table_are_those_of_the_format():
    data = partition_table.to_bytes([Partition("nvs", 1, 2, 0x9000, 0x6000)])
    entry = bytes.fromhex("aa500102 00900000 00600000") + b"nvs".ljust(16, b"\0") + bytes(4)
    assert data[:32] == entry
    assert data[32:48] == b"\xeb\xeb" + b"\xff" * 14
    assert data[48:64] == hashlib.md5(entry).digest()
    assert data[64:] == b"\xff" * (0xC00 - 64)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nvs, data, nvs, 0x9000", "line 1: 'nvs, data, nvs, 0x9000' is no partition"),
        ("nvs, data, nvs, 0x9001, 0x6000", "'nvs' at 0x9001 is not aligned"),
        ("app, app, factory, 0x11000, 0x1000", "'app' at 0x11000 is not aligned"),
        ("nvs, data, nvs, 0x8000, 0x1000", "'nvs' at 0x8000 begins before 0x9000"),
        (CSV + "b, data, fat, 0x300000, 0x1000", "'b' at 0x300000 begins before 0x400000"),
        (CSV + "nvs, data, nvs, 0x400000, 0x1000", "names are missing or used twice"),
        ("# nothing\n", "names are missing or used twice"),
        ("nvs, date, nvs, 0x9000, 0x6000", "is no partition ('date')"),
        ("a_name_too_long_, data, nvs, 0x9000, 0x6000", "a name has 1 to 15 bytes"),
    ],
)
def test_a_wrong_table_is_refused(text, message):
    with pytest.raises(PartitionError) as caught:
        partition_table.from_csv(text, "t.csv")
    assert message in str(caught.value)


def test_every_flipped_bit_of_a_table_is_noticed():
    table = partition_table.from_csv(CSV, "t.csv")
    data = partition_table.to_bytes(table)
    assert partition_table.from_bytes(data) == table
    for bit in range(8 * 32 * 3):
        spoiled = bytearray(data)
        spoiled[bit // 8] ^= 1 << bit % 8
        with pytest.raises(PartitionError):
            partition_table.from_bytes(spoiled)


def test_a_table_that_is_not_there():
    for data in (b"", b"\xff" * 0xC00, bytes(0xC00)):
        with pytest.raises(PartitionError, match="no partition table"):
            partition_table.from_bytes(data)


# The stand-in


CHIPS = {"esp32": (0, 0x1000, "ESP32"), "esp32s3": (9, 0, "ESP32-S3")}


@pytest.mark.parametrize("chip", CHIPS)
def test_esptool_reads_the_stand_in_and_finds_its_checksum_wrong(chip):
    chip_id, boot_loader, _ = CHIPS[chip]
    base = standin.base(chip, "1.25.0")
    for offset in (0, 0x10000 - boot_loader):
        found = LoadFirmwareImage(chip, base[offset:])
        assert found.chip_id == chip_id and len(found.segments) == 1
        assert found.checksum != found.calculate_checksum()


@pytest.mark.parametrize("chip", CHIPS)
def test_esptool_prints_the_mark_of_a_virtual_image(tmp_path, chip):
    _, boot_loader, name = CHIPS[chip]
    app = tmp_path / "app.bin"
    app.write_bytes(standin.base(chip, "1.25.0")[0x10000 - boot_loader :])
    command = [sys.executable, "-m", "esptool", "image-info", str(app)]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"Detected image type: {name}\n" in shown
    assert "Project name: fieldbeat-virtual" in shown
    assert "App version: 1.25.0" in shown
    assert "(invalid - calculated" in shown


def test_an_image_that_may_start_has_the_checksum_that_esptool_expects():
    found = LoadFirmwareImage("esp32", esp_image.pack("esp32", 0x3FFF0000, b"abc", startable=True))
    assert found.checksum == found.calculate_checksum()


# The image


def test_the_same_inputs_give_the_same_bytes(config, built):
    assert image.build(config) == built


def test_an_image_says_what_it_is(built):
    info = image_info.inspect(built, "gh.img")
    assert (info.board_id, info.chip, info.virtual) == ("greenhouse_esp32", "esp32", True)
    assert (info.node, info.micropython) == ("gh-01", "1.25.0")
    assert len(info.build_id) == 16 and len(built) == info.flash_bytes == 4 * 1024 * 1024


def test_nothing_is_in_the_nvs_partition(built):
    assert set(built[0x9000:0xF000]) == {0xFF}


def test_a_change_of_one_source_changes_the_build_id(config, built, monkeypatch):
    app = app_cache.app_of(Unit(config.board, config.profile.role))
    app |= {"drivers/new.mpy": app_files.compile_source("new.py", b"X = 1\n")}
    monkeypatch.setattr(app_cache, "app_of", lambda unit: app)
    other = image_info.inspect(image.build(config), "x")
    assert other.build_id != image_info.inspect(built, "y").build_id


def test_the_slot_holds_byte_code_and_data_but_no_tests():
    names = set(app_files.source_files())
    assert "drivers/maps/soil_7in1_womaster.json" in names
    assert "protocols/cbor.py" in names and "firmware/carriers/modem_udp.py" in names
    assert not [name for name in names if "/tests/" in name or "profiles" in name]
    slot = app_files.slot_files({"firmware/boot.py": b"", "drivers/x.py": b"A = 1\n"})
    assert list(slot) == ["drivers/x.mpy"]
    assert slot["drivers/x.mpy"][:2] == b"M\x06"  # .mpy version 6, MicroPython 1.19 and later


def test_a_source_that_does_not_compile_is_named():
    with pytest.raises(FieldbeatError, match="drivers/x.py does not compile"):
        app_files.compile_source("drivers/x.py", b"def\n")


def test_a_real_micropython_mounts_the_file_system_and_runs_its_byte_code(tmp_path):
    """The vfs partition as MicroPython's own littlefs sees it."""
    files = {
        "boot.py": b"#",
        "a/pkg/__init__.mpy": app_files.compile_source("pkg/__init__.py", b""),
        "a/pkg/mod.mpy": app_files.compile_source("pkg/mod.py", b"print('hello from', __name__)"),
        "big.bin": bytes(range(256)) * 50,
    }
    disk = tmp_path / "vfs.bin"
    disk.write_bytes(file_system.pack(files, 0x200000))
    script = tmp_path / "mount.py"
    script.write_text(MOUNT)
    environment = os.environ | {"MICROPYPATH": ".frozen"}
    done = subprocess.run(
        [MICROPYTHON, str(script), str(disk)], capture_output=True, text=True, env=environment
    )
    assert done.stdout.split("\n") == [
        "['a', 'big.bin', 'boot.py']",
        hashlib.sha256(files["big.bin"]).hexdigest(),
        "hello from pkg.mod",
        "",
    ], done.stderr


MOUNT = """
import binascii, hashlib, os, sys, vfs

class Disk:
    def __init__(self, path):
        self.file = open(path, "r+b")
    def readblocks(self, block, buffer, offset=0):
        self.file.seek(block * 4096 + offset)
        self.file.readinto(buffer)
    def writeblocks(self, block, buffer, offset=0):
        raise OSError(30)
    def ioctl(self, operation, argument):
        return {4: 512, 5: 4096, 6: 0}.get(operation)

vfs.mount(vfs.VfsLfs2(Disk(sys.argv[1])), "/flash")
print(sorted(os.listdir("/flash")))
with open("/flash/big.bin", "rb") as file:
    print(binascii.hexlify(hashlib.sha256(file.read()).digest()).decode())
sys.path.insert(0, "/flash/a")
import pkg.mod
"""


def test_files_that_do_not_fit_are_refused():
    with pytest.raises(FieldbeatError, match="do not fit in 16384 bytes of littlefs"):
        file_system.pack({"x": bytes(20000)}, 16384)


def test_a_real_base_gets_our_partition_table(config):
    base = real_base()
    content = image.build(config, base)
    info = image_info.inspect(content, "x")
    assert not info.virtual and info.micropython == "v1.25.0"
    assert content[0x1000:0x8000] == base[:0x7000]
    assert content[0x10000 : 0x10000 + 1000] == base[0xF000 : 0xF000 + 1000]
    assert partition_table.from_image(content) == config.board.partition_table()
    assert set(content[0x9000:0xF000]) == {0xFF}


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (b"", "has no boot loader for esp32 at 0x1000"),
        (b"MZ" + bytes(0x20000), "has no boot loader for esp32 at 0x1000"),
        (real_base()[:0x8000], "has no app for esp32 at 0x10000"),
        (real_base(size=0x1F0000), "bytes too big for partition 'factory'"),
        (bytes([0xE9, 1, 2, 0x20]) + b"\x09" * 0x20000, "has no boot loader for esp32"),
    ],
)
def test_a_wrong_base_is_refused(config, base, message):
    with pytest.raises(FieldbeatError) as caught:
        image.build(config, base, "base.bin")
    assert "base.bin" in str(caught.value) and message in str(caught.value)


def spoil(data: bytes, start: int, end: int) -> bytes:
    return data[:start] + b"\x5a" * (end - start) + data[end:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"", "gh.img is empty, it is no image of ours"),
        (lambda data: bytes(len(data)), "gh.img is empty, it is no image of ours"),
        (lambda data: b"\xff" * len(data), "gh.img is empty, it is no image of ours"),
        (
            lambda data: b"MZ" * 0x8000,
            "there is no partition table; next: name an image that 'fie",
        ),
        (lambda data: data[:0x8800], "no partition table|cut short"),
        (lambda data: data[:0x250000], "cut short, it has only 2424832 bytes"),
        (lambda data: data[:-1], "cut short, it has only 4194303 bytes"),
        (lambda data: data + b"\xff", "has 4194305 bytes, greenhouse_esp32 has 4194304"),
        (lambda data: spoil(data, 0x8010, 0x8011), "the partition table's MD5 is wrong"),
        (lambda data: spoil(data, 0x200000, 0x202000), "its file system cannot be read"),
    ],
)
def test_a_damaged_image_is_refused(built, change, message):
    with pytest.raises(FieldbeatError, match=message):
        image_info.inspect(change(built), "gh.img")


def test_an_image_that_does_not_say_what_it_is(built):
    start = 0x200000
    files = {"board.cbor": b"\xa0", "app.cbor": b"\xa0", "config.cbor": b"\xff"}
    other = built[:start] + file_system.pack(files, 0x200000)
    with pytest.raises(FieldbeatError, match="does not say what it is for"):
        image_info.inspect(other, "gh.img")


# The secrets


IDENTITY = nvs_image.Identity("gh-01", b"\x00\x2a", 3, bytes(range(16)), code=bytes(range(42)))


def test_an_nvs_image_has_valid_entries_in_one_page():
    """Against the documented format: page header, bitmap, entries with their CRCs."""
    data = nvs_image.build(IDENTITY, 0x6000)
    assert len(data) == 0x6000 and set(data[4096:]) == {0xFF}
    assert struct.unpack_from("<I", data)[0] == 0xFFFFFFFE  # state: active
    assert struct.unpack_from("<I", data, 28)[0] == zlib.crc32(data[4:28], 0xFFFFFFFF)
    position = 64
    entries: dict[str, list[tuple[int, int]]] = {}
    while data[position] != 0xFF:
        head = data[position : position + 32]
        expected = zlib.crc32(head[:4] + head[8:], 0xFFFFFFFF)
        assert struct.unpack_from("<I", head, 4)[0] == expected
        span, key = head[2], head[8:24].rstrip(b"\0").decode()
        entries.setdefault(key, []).append((head[0], head[1]))
        position += 32 * span
    assert entries["fieldbeat"] == [(0, 0x01)]  # the namespace, index 1
    assert entries["epoch"] == [(1, 0x14)]
    for key in ("master", "kid", "unit", "code"):
        assert entries[key] == [(1, 0x42), (1, 0x48)]  # blob data, blob index


def test_an_identity_comes_back_and_its_key_is_never_shown():
    assert nvs_image.read_identity(nvs_image.build(IDENTITY, 0x6000), "s") == IDENTITY
    assert IDENTITY.master.hex() not in repr(IDENTITY) and "master" not in repr(IDENTITY)


@pytest.mark.parametrize("change", [{"master": b"short"}, {"kid": b"123"}])
def test_a_malformed_identity_is_refused(change):
    with pytest.raises(FieldbeatError, match="malformed"):
        nvs_image.build(dataclasses.replace(IDENTITY, **change), 0x6000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 0x6000,
        bytes(0x6000),
        b"\x42" * 0x6000,
        bytes(64) + b"\x01\x14\x00" + bytes(200),  # an entry that spans no entry
    ],
)
def test_what_is_no_secrets_image(data):
    with pytest.raises(FieldbeatError, match="is no secrets image"):
        nvs_image.read_identity(data, "s.bin")


def test_a_private_file_replaces_a_public_one(tmp_path):
    path = tmp_path / "s.bin"
    path.write_bytes(b"old")
    path.chmod(0o644)
    files.write_atomically(path, b"new", files.PRIVATE)
    assert path.read_bytes() == b"new" and path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_a_pipe_a_pipe(tmp_path):
    link, file = tmp_path / "latest", tmp_path / "file"
    link.symlink_to(file)
    files.write_atomically(link, b"new")
    assert link.is_symlink() and file.read_bytes() == b"new"
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDWR)
    files.write_atomically(pipe, b"new")
    assert os.read(reader, 10) == b"new" and pipe.is_fifo()
    os.close(reader)


@pytest.mark.parametrize("name", ["none/x.img", "", "file/x.img"])
def test_a_file_that_cannot_be_written_is_named(tmp_path, name):
    (tmp_path / "file").touch()
    with pytest.raises(CannotTry) as caught:
        files.write_atomically(tmp_path / name, b"new")
    assert caught.value.message.startswith(f"{tmp_path / name} cannot be written: ")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_full_disk_is_said_so_and_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(CannotTry, match="x.img cannot be written: No space.*; next: free space"):
        files.write_atomically(tmp_path / "x.img", b"new")
    assert list(tmp_path.iterdir()) == []


# The verb


def test_build_writes_image_and_secrets(tmp_path, capsys):
    output, secrets = tmp_path / "gh.img", tmp_path / "gh.nvs"
    registry = tmp_path / "registry.sqlite"
    command = ["build", str(EXAMPLE), "-o", str(output), "--virtual"]
    more = ["--secrets-out", str(secrets), "--unit", "gh-7", "--registry", str(registry)]
    assert cli.main([*command, *more]) == 0
    identity = nvs_image.read_identity(secrets.read_bytes(), "s")
    shown = capsys.readouterr().out
    assert (identity.unit, identity.epoch) == (
        "gh-7",
        1,
    ) and f"key id {identity.kid.hex()}" in shown
    assert identity.master.hex() not in shown
    assert secrets.stat().st_mode & 0o777 == 0o600
    assert identity.code == unit_code.kept(Registry(registry), "gh-7") != b""  # it is locked
    assert identity.master not in output.read_bytes()
    assert image_info.inspect(output.read_bytes(), "gh.img").node == "gh-7"
    assert cli.main([*command, *more]) == 0  # another key, another epoch, the same image
    again = nvs_image.read_identity(secrets.read_bytes(), "s")
    assert again.epoch == 2 and again.master != identity.master


def test_build_refuses_a_name_before_it_writes_anything(tmp_path, capsys):
    output, registry = tmp_path / "gh.img", tmp_path / "registry.sqlite"
    command = ["build", str(EXAMPLE), "-o", str(output), "--virtual", "--registry", str(registry)]
    command += ["--secrets-out", str(tmp_path / "gh.nvs"), "--unit"]
    for name in ("No Good", "gh-7\n"):
        assert cli.main([*command, name]) == 2
        assert "is not allowed; next: give 1 to 32" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_build_into_a_folder_that_is_not_there(tmp_path, capsys):
    output = tmp_path / "none" / "x.img"
    assert cli.main(["build", str(EXAMPLE), "-o", str(output), "--virtual"]) == 2
    assert f"error: {output} cannot be written: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("size", [0, 0x8000, 0x9000, 0x200000, 0x3FF000])
def test_flash_refuses_what_is_no_whole_image(tmp_path, built, capsys, size):
    image_file = tmp_path / "x.img"
    for content in (built[:size], b"# fieldbeat\n" * (size // 12)):
        image_file.write_bytes(content)
        assert cli.main(["flash", "--port", "/dev/none", str(image_file)]) == 2
        assert str(image_file) in capsys.readouterr().err


def test_flash_refuses_what_are_no_secrets(tmp_path, built, capsys):
    image_file, secrets = tmp_path / "x.img", tmp_path / "README.md"
    image_file.write_bytes(built)
    secrets.write_bytes(b"# fieldbeat\n" * 2048)
    command = ["flash", "--port", "/dev/none", str(image_file), "--secrets", str(secrets)]
    assert cli.main(command) == 2
    assert f"{secrets} is no secrets image" in capsys.readouterr().err


def test_build_without_a_base_says_where_to_get_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FIELDBEAT_CACHE", str(tmp_path))
    assert cli.main(["build", str(EXAMPLE), "-o", str(tmp_path / "x.img")]) == 2
    assert "next: fieldbeat firmware get greenhouse_esp32" in capsys.readouterr().err
    assert not (tmp_path / "x.img").exists()


def test_build_takes_the_cached_base(tmp_path, monkeypatch, config):
    monkeypatch.setenv("FIELDBEAT_CACHE", str(tmp_path))
    base = real_base()
    firmware_cache.status(config.board).path.write_bytes(base)
    firmware_cache._remember(config.board.micropython.url, hashlib.sha256(base).hexdigest())
    output = tmp_path / "x.img"
    assert cli.main(["build", str(EXAMPLE), "-o", str(output)]) == 0
    assert not image_info.inspect(output.read_bytes(), "x").virtual


# Clips

SPEAKER = EXAMPLE.with_name("speaker.toml")


def wav_file(path, rate_hz=16000, channels=1, width=2, samples=16000):
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(bytes(samples * channels * width))
    return path


def build_with(folder, output, config=SPEAKER):
    command = ["build", str(config), "--virtual", "-o", str(output), "--clips", str(folder)]
    return cli.main(command)


def test_clips_are_in_the_file_system(tmp_path, capsys):
    folder = tmp_path / "clips"
    flood, drill = wav_file(folder / "flood.wav"), wav_file(folder / "a_drill-2.wav", 8000)
    (folder / "README.txt").write_text("who spoke them")
    assert build_with(folder, tmp_path / "s.img") == 0
    assert "clips a_drill-2, flood, 64088 bytes" in capsys.readouterr().out
    content = (tmp_path / "s.img").read_bytes()
    vfs = partition_table.find(partition_table.from_image(content), "vfs")
    names = ("clips/flood.wav", "clips/a_drill-2.wav")
    found = file_system.unpack(content[vfs.offset : vfs.end], names, "s.img")
    assert found == dict(zip(names, (flood.read_bytes(), drill.read_bytes()), strict=True))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"channels": 2}, "it is not mono"),
        ({"rate_hz": 44100}, "its rate is neither 8 nor 16 kHz"),
        ({"width": 1}, "its samples have another size than 16 bits"),
        ({"samples": 0}, "it is empty or cut short"),
    ],
)
def test_a_clip_that_cannot_be_played_is_refused_with_the_remedy(tmp_path, capsys, settings, why):
    path = wav_file(tmp_path / "clips" / "flood.wav", **settings)
    assert build_with(path.parent, tmp_path / "s.img") == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {path}: {why}") and said.count("\n") == 1
    assert "ffmpeg -i IN -ac 1 -ar 16000 -c:a adpcm_ima_wav flood.wav" in said
    assert not (tmp_path / "s.img").exists()


def test_a_clip_that_is_cut_short_or_something_else(tmp_path):
    path = wav_file(tmp_path / "clips" / "flood.wav")
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(CannotTry, match=r"flood.wav: it is empty or cut short; next: convert"):
        clips.read(path.parent)
    path.write_bytes(b"ID3" + bytes(1000))
    with pytest.raises(CannotTry, match=r"flood.wav: it is no WAV file; next: convert"):
        clips.read(path.parent)


@pytest.mark.parametrize("name", ["Flood", "flood water", "x" * 25, "fl\u00f6d"])
def test_a_clip_that_no_alert_can_name(tmp_path, name):
    path = wav_file(tmp_path / "clips" / f"{name}.wav")
    with pytest.raises(CannotTry, match="no clip can be called .*; next: rename it"):
        clips.read(path.parent)


def test_a_folder_without_clips(tmp_path):
    with pytest.raises(CannotTry, match="has no NAME.wav"):
        clips.read(tmp_path)
    with pytest.raises(CannotTry, match="none: No such file"):
        clips.read(tmp_path / "none")
    (tmp_path / "x.wav").mkdir()
    with pytest.raises(CannotTry, match="x.wav: Is a directory"):
        clips.read(tmp_path)


def test_only_loudspeakers_have_clips(tmp_path, capsys):
    path = wav_file(tmp_path / "clips" / "flood.wav")
    assert build_with(path.parent, tmp_path / "x.img", EXAMPLE) == 2
    assert "profile 'greenhouse' is of a station, it plays no clips" in capsys.readouterr().err


def test_clips_leave_the_unit_the_room_that_it_needs(tmp_path, capsys):
    path = wav_file(tmp_path / "clips" / "long.wav", samples=16000 * 60)
    assert build_with(path.parent, tmp_path / "s.img") == 2
    said = capsys.readouterr().err
    assert "error: the clips take 1921024 bytes, the unit has room for " in said
    assert "next: leave some out, or shorten them" in said
    room = int(said.split("has room for ")[1].split(";")[0])
    wav_file(path, samples=room // 2 - 100)
    assert build_with(path.parent, tmp_path / "s.img") == 0
