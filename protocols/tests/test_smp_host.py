"""SMP frames and lines against the PyPI package smp, both ways; CRCs against crcmod."""

import smp.packet
from crcmod.predefined import mkPredefinedCrcFun
from hypothesis import given
from hypothesis import strategies as st
from smp.header import CommandId, GroupId, Header
from smp.os_management import EchoWriteRequest, EchoWriteResponse

from protocols import crc, smp_codes
from protocols import smp as ours

FRAMES = st.binary(min_size=8, max_size=600)


def decode_with_package(lines: list[bytes]) -> bytes:
    decoder = smp.packet.decode()
    next(decoder)
    for line in lines:
        try:
            decoder.send(line)
        except StopIteration as end:
            return bytes(end.value)
    raise AssertionError("the package waits for more lines")


@given(FRAMES)
def test_the_package_reads_our_lines(frame: bytes) -> None:
    lines = list(ours.encode_lines(frame))
    assert all(len(line) <= 127 for line in lines)
    assert decode_with_package(lines) == frame


@given(FRAMES, st.integers(8, 256))
def test_we_read_the_packages_lines(frame: bytes, line_length: int) -> None:
    decoder = ours.LineDecoder()
    results = [decoder.feed(line) for line in smp.packet.encode(frame, line_length)]
    assert [result for result in results if result is not None] == [frame]
    assert results[-1] == frame
    assert decoder.errors == 0


@given(st.lists(st.binary(max_size=130), max_size=6))
def test_any_lines_leave_the_decoder_usable(lines: list[bytes]) -> None:
    decoder = ours.LineDecoder()
    frame = ours.pack(ours.READ, smp_codes.GROUP_OS, 1, smp_codes.OS_PARAMETERS, {})
    for lead in (b"", ours.FIRST, ours.NEXT):
        for line in lines:
            decoder.feed(lead + line)
    for line in ours.encode_lines(frame):
        result = decoder.feed(line)
    assert result == frame


@given(st.integers(0, 3), st.integers(0, 1), st.integers(0, 255), st.integers(0, 255), st.binary())
def test_header(op: int, version: int, seq: int, cmd: int, data: bytes) -> None:
    frame = ours.pack(op, 64, seq, cmd, {"data": data}, version)
    header = Header.loads(frame[: Header.SIZE])
    assert (int(header.op), int(header.version), int(header.flags)) == (op, version, 0)
    assert (int(header.group_id), header.sequence, int(header.command_id)) == (64, seq, cmd)
    assert header.length == len(frame) - Header.SIZE
    assert ours.unpack(frame) == (op, 64, seq, cmd, {"data": data})


def test_an_echo_of_the_package() -> None:
    request = EchoWriteRequest(d="hello", sequence=42)
    op, group, seq, cmd, body = ours.unpack(request.BYTES)
    assert (op, group, seq, cmd) == (ours.WRITE, smp_codes.GROUP_OS, 42, smp_codes.OS_ECHO)
    answer = EchoWriteResponse.loads(ours.response(request.BYTES, {"r": body["d"]}))
    assert answer.r == "hello" and answer.header.sequence == 42


def test_numbers_are_the_packages() -> None:
    assert smp_codes.GROUP_SETTINGS == GroupId.SETTINGS_MANAGEMENT
    assert smp_codes.GROUP_FS == GroupId.FILE_MANAGEMENT
    assert smp_codes.GROUP_SHELL == GroupId.SHELL_MANAGEMENT
    assert smp_codes.GROUP_ENUM == GroupId.ENUM_MANAGEMENT
    commands = CommandId.OSManagement
    assert smp_codes.OS_DATETIME == commands.DATETIME_STRING
    assert smp_codes.OS_RESET == commands.RESET
    assert smp_codes.OS_PARAMETERS == commands.MCUMGR_PARAMETERS
    assert smp_codes.OS_APPLICATION_INFO == commands.OS_APPLICATION_INFO
    assert smp_codes.SETTINGS_LOAD_SAVE == CommandId.SettingsManagement.LOAD_SAVE_SETTINGS
    assert smp_codes.FS_CLOSE == CommandId.FileManagement.FILE_CLOSE
    assert smp_codes.FS_HASH_TYPES == CommandId.FileManagement.SUPPORTED_FILE_HASH_CHECKSUM_TYPES
    assert smp_codes.ENUM_DETAILS == CommandId.EnumManagement.GROUP_DETAILS


@given(st.binary(max_size=300))
def test_crcs(data: bytes) -> None:
    assert crc.crc16_xmodem(data) == mkPredefinedCrcFun("xmodem")(data)
    assert crc.crc16_modbus(data) == mkPredefinedCrcFun("modbus")(data)
    assert crc.crc32(data) == mkPredefinedCrcFun("crc-32")(data)
