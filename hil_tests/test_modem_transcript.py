"""A modem of the field on the bench: what was recorded is played, and the unit meets it again."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests import modem_transcript as transcript
from fieldbeat.hil_tests.modem_transcript import Line, masked
from fieldbeat.hil_tests.virtual.models.played_modem import played
from fieldbeat.hil_tests.virtual.rfc2217_port import Rfc2217Port
from fieldbeat.host_tools import unit_code
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.errors import CannotTry

from .virtual_time_link import VirtualTimeLink


def recorded(bench, board, seconds: float) -> list[Line]:
    """What the board and its modem say, as the console tells it."""
    before = len(board.output)
    board.console_write(b"atlog on\r")
    bench.run_for(seconds)
    return transcript.of_console(board.output[before:].decode())


def test_a_recorded_failure_fails_again_in_another_world(bench, board, modem, faults, tmp_path):
    modem.settings["+QBAND"] = "8"
    bench.run_for(1)
    lines = recorded(bench, board, 180)
    assert {line.text for line in lines if not line.is_sent} >= {"+CEREG: 0,2", "+QBAND: 8", "OK"}
    path = tmp_path / "field.at"
    transcript.write(path, lines)
    again = bench.add_board("greenhouse_esp32", "again", image=flash_of(board))
    player = played(again, transcript.read(path))
    bench.run_for(180)
    assert "AT+CEREG?" in player.asked and not player.unknown
    again.console_write(b"status\r")
    bench.run_for(2)
    assert b"reg_searching" in again.output


def flash_of(board) -> bytes:
    return board.flash.read(0, board.spec["flash_mb"] << 20)


def test_times_and_order_are_those_of_the_recording(bench, board, tmp_path):
    lines = [
        *(Line(0, True, "AT"), Line(700, False, "+CPIN: READY"), Line(900, False, "OK")),
        *(Line(1000, True, "AT+CSQ"), Line(1040, False, "+CSQ: 9,99"), Line(1050, False, "OK")),
        *(Line(2000, True, "AT+CSQ"), Line(2040, False, "+CSQ: 7,99"), Line(2050, False, "OK")),
    ]
    path = tmp_path / "x.at"
    transcript.write(path, lines)
    assert transcript.read(path) == lines
    player, said = played(board, lines), []
    player.attach(lambda data: said.append((bench.world.now_us // 1000, data)))

    def ask(command: str) -> bytes:
        said.clear()
        player.receive(command.encode() + b"\r\n")
        bench.run_for(1)
        return b"".join(data for _, data in said)

    begin_ms = bench.world.now_us // 1000
    assert ask("AT") == b"\r\n+CPIN: READY\r\n\r\nOK\r\n"
    assert said[0][0] - begin_ms == pytest.approx(700, abs=5)
    assert b"9,99" in ask("AT+CSQ") and b"7,99" in ask("AT+CSQ") and b"9,99" in ask("AT+CSQ")
    assert ask("AT+NEVER=1") == b"\r\nERROR\r\n" and player.unknown == ["AT+NEVER=1"]


@pytest.mark.parametrize(
    "line, left",
    [
        ("+CIMI: 460001234567890", "+CIMI: 460000000000090"),
        ('AT+QCGAUTH=1,1,"me","pw"', 'AT+QCGAUTH=*,*,"**","**"'),
        ('+QIURC: "recv",0,10,"00ff00ff00ff00ff00ff"', '+QIURC: "recv",0,10,"' + 20 * "0" + '"'),
        ("+CEREG: 0,2", "+CEREG: 0,2"),
    ],
)
def test_what_is_masked_keeps_its_length(line, left):
    assert masked(line) == left and len(left) == len(line)


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "no transcript"),
        (transcript.HEAD + "\n 0 < OK\n", "says nothing"),
        (transcript.HEAD + "\n 0 > AT\nnonsense\n", "line 3"),
    ],
)
def test_a_file_that_is_none_is_refused(text, said, tmp_path, capsys):
    path = tmp_path / "x.at"
    path.write_text(text)
    with pytest.raises(CannotTry, match=said):
        transcript.read(path)
    assert main(["bench", "replay", str(path)]) == 2


def test_a_port_that_is_not_there_is_the_only_thing_told(tmp_path, capsys):
    assert main(["bench", "record", "--port", "/dev/nope", "-o", str(tmp_path / "x.at")]) == 2
    assert capsys.readouterr().err.startswith("error: there is no port /dev/nope; next: ")


@pytest.fixture
def locked(bench, board):
    """The board, locked and at rest: its first report is over."""
    bench.run_for(5)
    with VirtualTimeLink(bench, board.port) as link:
        link.write_setting("key/code", unit_code.kept(bench.registry, "gh-01"))
        link.reset()
    bench.run_for(180)
    return board


@pytest.fixture
def real(bench, locked):
    port = Rfc2217Port(locked, "127.0.0.1", 0)
    bench.world.start_real()
    yield port
    bench.stop_real()
    port.close()


def lock_of(bench, board) -> str:
    bench.stop_real()
    bench.run_for(2)
    with VirtualTimeLink(bench, board.port) as link:
        return link.status()["lock"]


@pytest.mark.long
@pytest.mark.parametrize("has_code", [True, False])
def test_the_verb_has_the_unit_send(has_code, bench, locked, real, tmp_path, capsys):
    path = tmp_path / "field.at"
    registry = bench.registry.path if has_code else tmp_path / "registry.sqlite"
    to = ("--registry", str(registry), "-o", str(path))
    code = main(["bench", "record", "--port", real.url, *to, "--for", "10"])
    told = capsys.readouterr().err
    sent = [line.text for line in transcript.read(path) if line.is_sent] if has_code else []
    assert code == (0 if sent else 1) and ("AT" in sent) == has_code
    assert ("it is not told to send" in told) != has_code
    assert lock_of(bench, locked) == "locked"
