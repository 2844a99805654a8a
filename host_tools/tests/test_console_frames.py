"""What of a console's lines is readable afterwards, and what of them is never shown."""

import base64
import io
import json
import sys

import pytest
from fieldbeat.host_tools import cli, console_frames
from fieldbeat.host_tools.console_frames import ConsoleFrames
from fieldbeat.host_tools.explain import Explainer
from fieldbeat.host_tools.registry import Registry
from fieldbeat.protocols import frame, smp
from fieldbeat.protocols.crc import crc16_xmodem
from smp.os_management import EchoWriteRequest
from smp.packet import encode

from .test_decode import FRAMES


@pytest.fixture
def registry(tmp_path):
    registry = Registry(tmp_path / "registry.db", random_bytes=lambda n: bytes(range(n)))
    registry.allocate("gh-1")
    yield registry
    registry.close()


@pytest.fixture
def frames(registry):
    return ConsoleFrames(Explainer(registry))


def told(frames, data: bytes) -> list[str]:
    return [text for line in io.BytesIO(data) for text in frames.told(line)]


def lines(*frame_) -> bytes:
    return b"".join(smp.encode_lines(smp.pack(*frame_)))


def test_a_request_of_another_smp_library(frames):
    request = bytes(EchoWriteRequest(d="hello", sequence=7))
    assert told(frames, b"".join(encode(request, 512))) == ["SMP 7 write: os echo d='hello'"]


def test_answers_errors_and_groups_that_nobody_knows(frames):
    assert told(frames, lines(1, 0, 7, 6, {"buf_size": 1024, "buf_count": 1})) == [
        "SMP 7 read answer: os mcumgr parameters buf_size=1024 buf_count=1"
    ]
    assert told(frames, lines(3, 8, 8, 0, {"err": {"group": 8, "rc": 2}})) == [
        "SMP 8 write answer: file file download upload err={rc: 2, group: 8}"
    ]
    assert told(frames, lines(2, 9, 1, 0, {"argv": ["status", "now"]})) == [
        "SMP 1 write: shell execute argv=['status', 'now']"
    ]
    assert told(frames, lines(0, 70, 1, 9, {})) == ["SMP 1 read: 70 9"]
    assert told(frames, lines(0, 0, 1, 99, {})) == ["SMP 1 read: os 99"]


def test_a_key_is_told_by_its_size_only(frames):
    key = bytes(range(16))
    (text,) = told(frames, lines(2, 3, 1, 0, {"name": "id/key", "val": key, "more": [key]}))
    assert text.endswith("val=(16 bytes) more=[(16 bytes)] name='id/key'")


def test_a_frame_of_many_lines_is_told_at_its_end_behind_a_prompt_too(frames):
    data = b"fieldbeat> " + lines(2, 8, 1, 0, {"off": 0, "data": bytes(500), "name": "/x" * 90})
    parts = data.splitlines(keepends=True)
    assert len(parts) > 3 and frames.text(parts[0]) == "fieldbeat> " and not frames.text(parts[1])
    (text,) = told(frames, data)
    assert "data=(500 bytes)" in text and text.endswith("...")


@pytest.mark.parametrize("damage", [lambda d: d[:9] + b"A" + d[10:], lambda d: d[:-6] + b"\n"])
def test_a_damaged_line_is_told_once_and_the_next_frame_is_read(frames, damage):
    whole = lines(2, 0, 1, 0, {"d": "hello"})
    first = told(frames, damage(whole))
    assert all("damaged" in text for text in first)
    assert told(frames, whole)[-1] == "SMP 1 write: os echo d='hello'"


def test_what_is_no_smp_is_told_nothing_of(frames):
    assert told(frames, b"fieldbeat> help\n\xff\xfe \x06 \x04\n" + b"00" * 40 + b"\n") == []
    body = smp.FIRST + base64.b64encode(b"\0\x0c" + bytes(11) + b"\1") + b"\n"
    assert told(frames, body) == ["SMP: a damaged line, its frame is lost"]
    frame_ = bytes(9)
    body = (len(frame_) + 2).to_bytes(2, "big") + frame_ + crc16_xmodem(frame_).to_bytes(2, "big")
    (text,) = told(frames, smp.FIRST + base64.b64encode(body) + b"\n")
    assert "does not have the length it claims" in text


def test_a_frame_as_digits_is_told_if_a_key_opens_it(frames):
    first, report = FRAMES[:2]
    log = b"AT+QISEND=0,%d,%s\r\n" % (len(first), first.hex().upper().encode())
    (text,) = told(frames, log)
    assert text.startswith("frame of gh-1, up, from the unit: plaintext: telemetry, record 1: ")
    head, hour, _ = told(frames, b'+NSONMI: "' + report.hex().encode() + b'"\n')
    assert "record 3: report, record 4: report" in head
    assert hour.startswith("report 3, the last of 12, 2026-06-21T")
    assert "air_temperature 2" in hour and " Cel, " in hour
    foreign = frame.KeySet(bytes(16), b"\0\1", 1).seal(0, 0, 9, b"x")
    assert told(frames, foreign.hex().encode()) == []


def test_the_verb_answers_each_line_before_the_next(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    log = tmp_path / "session.log"
    request = lines(2, 0, 1, 0, {"d": "hello"})
    log.write_bytes(b"fieldbeat> status\r\n" + request + b"\r\nbye")
    assert cli.main(["decode", "--console", str(log)]) == 0
    shown = capsys.readouterr().out
    assert shown == "fieldbeat> status\n  | SMP 1 write: os echo d='hello'\n\nbye\n"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(log.read_bytes())))
    assert cli.main(["decode", "--console", "--json", "-"]) == 0
    answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert answers == [[], ["SMP 1 write: os echo d='hello'"], [], []]


def test_the_verb_says_what_it_cannot_read(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    assert cli.main(["decode", "--console", str(tmp_path / "no.log")]) == 2
    assert "no.log: No such file" in capsys.readouterr().err
    assert cli.main(["decode", "--console", "--cose", "x"]) == 2
    assert "exclude each other" in capsys.readouterr().err


def test_a_long_text_is_cut(frames):
    (text,) = told(frames, lines(2, 0, 1, 0, {"d": "x" * 500}))
    assert len(text) < console_frames.LONGEST_TEXT + 40


def test_a_registry_that_nobody_can_open_is_told_once(tmp_path):
    """The monitor's filter cannot ask for a passphrase; SMP needs no key."""
    place, key = tmp_path / "registry.db", tmp_path / "stick" / "site.key"
    key.parent.mkdir()
    made = Registry(place, random_bytes=lambda n: bytes(range(n)))
    made.allocate("gh-1")
    made.vault.lock_by_file(key)
    made.close()
    key.rename(tmp_path / "elsewhere.key")
    locked = Registry(place)
    frames = ConsoleFrames(Explainer(locked))
    log = FRAMES[0].hex().encode() + b"\n"
    (text,) = told(frames, log + log)
    assert text.startswith("frames stay closed: ") and "site.key" in text and "; next: " in text
    assert told(frames, lines(2, 0, 1, 0, {"d": "hello"}))
    locked.close()
