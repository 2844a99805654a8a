"""The SMP server, spoken to with the requests and parsers of the PyPI package `smpclient`."""

# SPDX-License-Identifier: Apache-2.0

from collections.abc import Iterator
from hashlib import sha256

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from smp import packet
from smp.enumeration_management import ENUM_MGMT_ERR
from smp.error import MGMT_ERR
from smp.file_management import FS_MGMT_ERR
from smp.header import Version
from smp.os_management import OS_MGMT_RET_RC
from smp.settings_management import SETTINGS_MGMT_ERR
from smpclient import SMPClient
from smpclient.generics import error_v1, error_v2, success
from smpclient.requests.enumeration_management import (
    CountSupportedGroups,
    GroupDetails,
    GroupId,
    ListSupportedGroups,
)
from smpclient.requests.file_management import (
    FileClose,
    FileDownload,
    FileHashChecksum,
    FileStatus,
    FileUpload,
    SupportedFileHashChecksumTypes,
)
from smpclient.requests.image_management import ImageStatesRead
from smpclient.requests.os_management import (
    BootloaderInformationRead,
    DateTimeRead,
    DateTimeWrite,
    EchoWrite,
    MCUMgrParametersRead,
    MemoryPoolStatisticsRead,
    OSApplicationInfoRead,
    ResetWrite,
    TaskStatisticsRead,
)
from smpclient.requests.settings_management import (
    CommitSettings,
    DeleteSetting,
    LoadSettings,
    ReadSetting,
    SaveSettings,
    WriteSetting,
)
from smpclient.requests.shell_management import Execute
from smpclient.transport.serial import Auto, SMPSerialTransport

from firmware.tests import support
from firmware.tests.support_console import MASTER, Node, config_bytes
from protocols import cbor
from protocols import smp as wire


@pytest.fixture
def node() -> Iterator[Node]:
    node = Node()
    yield node
    assert not node.log_lines, "the server met something that it did not foresee"
    node.close()


class Transport(SMPSerialTransport):
    """The client's own sizes and framing, over the server's lines instead of a port."""

    def __init__(self, node: Node, line_length: int | None = None):
        if line_length:  # what smpmgr does
            super().__init__(
                max_smp_encoded_frame_size=line_length * 2, line_length=line_length, line_buffers=2
            )
        else:
            super().__init__(Auto())
        self.node = node
        self.largest = 0

    async def connect(self, address: str, timeout_s: float) -> None:
        pass

    async def send_and_receive(self, data: bytes) -> bytes:  # type: ignore[override]
        assert len(data) <= self.max_unencoded_size
        self.largest = max(self.largest, len(data))
        answer = b""
        for line in packet.encode(data, line_length=self._line_length):
            assert not answer
            answer = b"".join(await self.node.server.handle_line(line))
        decoder = packet.decode()
        next(decoder)
        assert answer and answer.endswith(b"\n")
        for line in answer.splitlines(keepends=True):
            assert len(line) <= 127
            try:
                decoder.send(line)
            except StopIteration as stop:
                return stop.value
        raise AssertionError("the answer is not complete")


def ask(node: Node, request):
    client = SMPClient(Transport(node), "virtual")
    return support.run(client.request(request))


def refused(response, code) -> bool:
    """Did version 2 refuse with this code of the group's own table?"""
    assert error_v2(response), response
    return response.err.rc == code


def test_every_request_of_the_package_is_answered_in_a_form_that_it_accepts(node):
    node.provision()
    node.write("/config.cbor", config_bytes())
    node.write("/config.new", config_bytes())
    node.clock.set(1000, "modem")
    for request in (
        EchoWrite(d="grüß"),
        MCUMgrParametersRead(),
        TaskStatisticsRead(),
        MemoryPoolStatisticsRead(),
        DateTimeWrite(datetime="2024-01-01T12:00:00"),
        DateTimeRead(),
        OSApplicationInfoRead(),
        OSApplicationInfoRead(format="a"),
        ReadSetting(name="id/unit"),
        ReadSetting(name="key/check", max_size=4),
        WriteSetting(name="id/epoch", val=b"\0\0\0\4"),
        CommitSettings(),
        LoadSettings(),
        SaveSettings(),
        FileUpload(name="/config.new", off=0, data=b"abc", len=3),
        FileDownload(name="/config.new", off=0),
        FileStatus(name="/config.new"),
        FileHashChecksum(name="/config.new"),
        FileHashChecksum(name="/config.new", type="sha256", off=1, len=1),
        SupportedFileHashChecksumTypes(),
        FileClose(),
        Execute(argv=["status"]),
        CountSupportedGroups(),
        ListSupportedGroups(),
        GroupId(index=4),
        GroupDetails(),
        GroupDetails(groups=(0, 8)),
    ):
        for version in Version:
            again = type(request)(**request.model_dump(exclude_unset=True), version=version)
            response = ask(node, again)
            assert success(response), response
            assert response.version == version


def test_the_answers_say_what_is_so(node):
    node.provision()
    assert ask(node, MCUMgrParametersRead()).buf_size == 512
    assert ask(node, ReadSetting(name="key/check")).val == node.secrets.check_value()
    assert ask(node, GroupId(index=4)).end is True
    assert ask(node, TaskStatisticsRead()).tasks["console"].tid == 0
    assert ask(node, Execute(argv=["id"])).ret == 0
    details = ask(node, GroupDetails(groups=(3,))).groups
    assert [(d.group, d.name, d.handlers) for d in details] == [(3, "settings mgmt", 4)]


def test_group_errors_are_the_codes_of_the_package(node):
    name = "/config.cbor"
    assert refused(ask(node, DateTimeRead()), OS_MGMT_RET_RC.RTC_NOT_SET)
    bad_format = OSApplicationInfoRead(format="?")
    assert refused(ask(node, bad_format), OS_MGMT_RET_RC.INVALID_FORMAT)
    assert refused(ask(node, FileStatus(name=name)), FS_MGMT_ERR.FILE_NOT_FOUND)
    assert refused(ask(node, FileStatus(name="/boot.py")), FS_MGMT_ERR.FILE_INVALID_NAME)
    upload = FileUpload(name="/profile.cbor", off=0, data=b"", len=0)
    assert refused(ask(node, upload), FS_MGMT_ERR.READ_ONLY_FILESYSTEM)
    node.write(name, b"abc")
    beyond = FileDownload(name=name, off=4)
    assert refused(ask(node, beyond), FS_MGMT_ERR.FILE_OFFSET_LARGER_THAN_FILE)
    crc = FileHashChecksum(name=name, type="crc32")
    assert refused(ask(node, crc), FS_MGMT_ERR.CHECKSUM_HASH_NOT_FOUND)
    key = ReadSetting(name="key/master")
    assert refused(ask(node, key), SETTINGS_MGMT_ERR.READ_NOT_SUPPORTED)
    unknown = DeleteSetting(name="wifi/psk")
    assert refused(ask(node, unknown), SETTINGS_MGMT_ERR.ROOT_KEY_NOT_FOUND)
    assert refused(ask(node, GroupId(index=5)), ENUM_MGMT_ERR.ENUM_MGMT_ERR_INDEX_TOO_LARGE)


def test_common_errors_have_a_reason_that_says_what_to_do(node):
    response = ask(node, WriteSetting(name="key/master", val=b"short"))
    assert error_v1(response) and response.rc == MGMT_ERR.EINVAL
    assert response.rsn == "master: give 16 random bytes; epoch and kid may follow"
    for request in (ImageStatesRead(), BootloaderInformationRead()):
        response = ask(node, request)
        assert error_v1(response) and response.rc == MGMT_ERR.ENOTSUP
    old = ask(node, FileStatus(name="/app.cbor", version=Version.V1))
    assert error_v1(old) and old.rc == MGMT_ERR.ENOENT


@pytest.mark.parametrize("line_length", [None, 128, 64])
def test_the_client_s_own_upload_and_download(node, line_length):
    data = config_bytes(filler="x" * 3000)
    transport = Transport(node, line_length)
    client = SMPClient(transport, "virtual")

    async def session() -> bytes:
        await client.connect()
        async for _ in client.upload_file(data, "/config.new"):
            pass
        digest = await client.request(FileHashChecksum(name="/config.new"))
        assert digest.output == sha256(data).digest()
        assert success(await client.request(CommitSettings()))
        return await client.download_file("/config.cbor")

    assert support.run(session()) == data
    assert node.read("/config.cbor") == data
    if line_length is None:
        assert transport.largest == 508  # the whole buffer is used


def test_an_interrupted_upload_goes_on_where_the_file_ends(node):
    data = config_bytes(filler="y" * 50)

    def upload(off: int, end: int):
        return ask(
            node, FileUpload(name="/config.new", off=off, data=data[off:end], len=len(data))
        )

    assert upload(0, 100).off == 100
    length = ask(node, FileStatus(name="/config.new")).len
    assert length == 100
    while length < len(data):
        length = upload(length, length + 99).off
    assert success(ask(node, CommitSettings())) and node.read("/config.cbor") == data


def test_a_reset_is_answered_before_it_happens(node):
    async def session() -> None:
        response = await SMPClient(Transport(node), "virtual").request(ResetWrite())
        assert success(response) and node.reboots == 0
        await support.asyncio.sleep(2)
        assert node.reboots == 1

    support.run(session())


# What a hostile or broken client may send.

bodies = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
fields = st.dictionaries(
    st.sampled_from(
        "name off data len type val max_size argv d datetime format index groups force".split()
    )
    | st.text(max_size=3),
    st.sampled_from(["/config.cbor", "/config.new", "id/unit", "key/master", "/outbox/x\0"])
    | st.lists(st.sampled_from(["help", "config", "read", "counters", "air", "\0", "id"]))
    | bodies,
)
fuzz = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def survives(node: Node, frame: bytes) -> None:
    answer = support.run(node.server.handle(frame))
    if answer is None:
        assert len(frame) < 8 or frame[0] & 7 not in (0, 2)
        return
    body = cbor.decode(answer[8:])
    assert body.get("rc") != wire.EUNKNOWN, node.log_lines
    assert MASTER not in answer and len(answer) <= 1100


@fuzz
@given(st.binary(max_size=600))
def test_any_bytes(node, data):
    survives(node, data)


@fuzz
@given(
    st.sampled_from([0, 2]),
    st.sampled_from([0, 1]),
    st.sampled_from([0, 3, 8, 9, 10]),
    st.integers(0, 7),
    fields,
)
def test_any_fields(node, op, version, group, cmd, body):
    node.provision()
    node.write("/config.cbor", b"abc")
    survives(node, wire.pack(op, group, 1, cmd, body, version))


@fuzz
@given(st.lists(st.binary(max_size=150)))
def test_any_lines(node, lines):
    for line in lines:
        for lead in (b"", wire.FIRST, wire.NEXT):
            support.run(node.server.handle_line(lead + line))
