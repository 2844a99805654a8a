# SPDX-License-Identifier: Apache-2.0
from drivers import at
from protocols.tests.support import raises

URC = b"\r\n+CSCON: 1\r\n"

# command options, all that the modem sends, information lines, the line that ends it
GOLDEN = (
    (dict(text="AT"), b"AT\r\r\nOK\r\n", [], "OK"),
    (dict(text="ATE0"), b"ATE0\r\r\nOK\r\n", [], "OK"),
    (
        dict(text="AT+CESQ", prefix="+CESQ"),
        b"\r\n+CESQ: 42,0,255,255,2,54\r\n\r\nOK\r\n",
        ["+CESQ: 42,0,255,255,2,54"],
        "OK",
    ),
    (
        dict(text="AT+CGDCONT?", prefix="+CGDCONT"),
        b'\r\n+CGDCONT: 0,"IP","a"\r\n+CGDCONT: 1,"IP","b"\r\n\r\nOK\r\n',
        ['+CGDCONT: 0,"IP","a"', '+CGDCONT: 1,"IP","b"'],
        "OK",
    ),
    (
        dict(text="ATI", prefix=""),
        b"\r\nQuectel_Ltd\r\nQuectel_BC26\r\nRevision: BC26NBR01A07\r\n\r\nOK\r\n",
        ["Quectel_Ltd", "Quectel_BC26", "Revision: BC26NBR01A07"],
        "OK",
    ),
    (
        dict(text='AT+QIOPEN=0,0,"UDP","h",1', ok=("OK", "+QIOPEN")),
        b"\r\nOK\r\n\r\n+QIOPEN: 0,0\r\n",
        [],
        "+QIOPEN: 0,0",
    ),
    (
        dict(text="AT+QISEND=0,1,00", ok=("OK", "SEND OK")),
        b"\r\nOK\r\n\r\nSEND OK\r\n",
        [],
        "SEND OK",
    ),
    (
        dict(text="AT+QICLOSE=0", ok=("OK", "CLOSE OK")),
        b"\r\nCLOSE OK\r\n\r\nOK\r\n",
        [],
        "CLOSE OK",
    ),
)


def start(text, **options):
    session = at.Session(1200)
    return session, session.command(text, **options)


def test_kinds_of_command():
    assert at.read("+CEREG") == "AT+CEREG?"
    assert at.action("+CESQ") == "AT+CESQ"
    assert at.assign("+CPSMS", 1, None, None, "00", "01") == 'AT+CPSMS=1,,,"00","01"'
    assert start("AT")[1].text == "AT"


def test_what_would_break_a_command_line_is_refused():
    for text in ('a"', "a\r", "\n", 'x",0\rAT+QPOWD'):
        raises(ValueError, at.assign, "+X", text)
    assert at.assign("+X", "") == 'AT+X=""'


def test_fields():
    assert at.fields('+CCLK: "24/06/01,08:00:00+32"') == ["24/06/01,08:00:00+32"]
    assert at.fields('+QIURC: "recv",0,2,"4f4b"') == ["recv", "0", "2", "4f4b"]
    assert at.fields("+CEREG:0,1,,") == ["0", "1", "", ""]
    raises(ValueError, at.fields, '+QIURC: "recv,0')


def test_golden_dialogues():
    for options, reply, lines, final in GOLDEN:
        for size in (1, 2, 7, len(reply)):
            session, command = start(**options)
            for i in range(0, len(reply), size):
                assert command.state == at.PENDING or i == len(reply) - 1  # its line feed
                assert session.feed(reply[i : i + size]) == 0
            assert (command.state, command.final) == (at.DONE, final), options
            assert command.lines == lines and not command.garbled


def test_failures():
    for reply, state in (
        (b"\r\nERROR\r\n", at.FAILED),
        (b"\r\n+CME ERROR: 50\r\n", at.FAILED),
        (b"\r\n+CMS ERROR: 500\r\n", at.FAILED),
        (b"\r\nOK\r\n\r\nSEND FAIL\r\n", at.FAILED),
        (b"\r\nOK\r\n", at.PENDING),
        (b"\r\nSEND OKAY\r\n\r\nOK\r\n", at.PENDING),
    ):
        session, command = start(
            "AT+QISEND=0,1,00", ok=("OK", "SEND OK"), fail=at.FAIL + ("SEND FAIL",)
        )
        session.feed(reply)
        assert command.state == state
        if state == at.FAILED:
            assert command.final == reply.decode().strip().split("\r\n")[-1]


def test_a_line_at_every_place_of_a_reply():
    # Between lines it does no harm; within a line, which it tears, it never makes a good reply.
    for options, reply, lines, _ in GOLDEN:
        if options.get("prefix") == "":
            continue  # takes every line
        for handled in (True, False):
            for position in range(len(reply) + 1):
                seen = []
                session, command = start(**options)
                if handled:
                    session.on("+CSCON", seen.append)
                session.feed(reply[:position] + URC + reply[position:])
                session.poll(300)
                assert command.state != at.PENDING
                between = reply[:position].endswith(b"\r") or reply[position:][:1] in b"\r\n"
                if between or command.state == at.DONE and not command.garbled:
                    assert command.lines == lines, (position, command.lines)
                if between or position == 0:
                    assert command.state == at.DONE and not command.garbled
                if handled:
                    assert seen == ["+CSCON: 1"]


def test_each_byte_missing():
    for options, reply, lines, _ in GOLDEN:
        for position in range(len(reply)):
            session, command = start(**options)
            session.feed(reply[:position] + reply[position + 1 :])
            session.poll(300)
            assert command.state != at.PENDING
            if command.state == at.DONE and not command.garbled and command.lines != lines:
                # Only what is within an information line itself can be wrong unnoticed here;
                # the prefix's reader checks it.
                assert options.get("prefix") is not None
                assert len("".join(command.lines)) < len("".join(lines))


def test_a_handler_is_registered_once():
    session = at.Session(1200)
    session.on("+QIURC", len)
    raises(ValueError, session.on, "+QIURC", len)


def test_lines_without_a_command():
    session = at.Session(1200)
    seen = []
    session.on("+QIURC", seen.append)
    session.feed(b'\r\n+QIURC: "closed",0\r\nOK\r\nAT\r\n\xf8\x00\xff\r\n')
    assert seen == ['+QIURC: "closed",0']


def test_the_reply_has_precedence_over_the_handler():
    session, command = start("AT+CEREG?", prefix="+CEREG")
    seen = []
    session.on("+CEREG", seen.append)
    session.feed(b"+CEREG: 0,1\r\nOK\r\n+CEREG: 2\r\n")
    assert command.lines == ["+CEREG: 0,1"] and seen == ["+CEREG: 2"]


def test_overlong_lines_are_dropped_whole():
    session, command = start("AT+X", prefix="+X")
    assert session.feed(b"+X: " + b"1" * (1200 - 4) + b"\r\n") == 0
    assert session.feed(b"+X: " + b"2" * (1200 - 3) + b"\r\n") == 1
    assert session.feed(b"+X: " + b"3" * 5000 + b"\r\nOK\r\n") == 1
    assert command.state == at.DONE
    assert command.lines == ["+X: " + "1" * (1200 - 4)]


def test_an_endless_reply_is_capped():
    session, command = start("ATI", prefix="")
    session.feed(b"x\r\n" * 100)
    assert len(command.lines) == 16
    session.feed(b"OK\r\n")
    assert command.state == at.DONE


def test_deadline_across_the_wrap_of_ticks():
    period = 1 << 30
    for now in (0, period - 100, 2 * period - 300):
        session, command = start("AT", timeout_ms=300, now_ms=now)
        assert session.poll(now % period) == 300
        assert session.poll((now + 299) % period) == 1
        assert command.state == at.PENDING
        assert session.poll((now + 300) % period) == 0
        assert command.state == at.TIMED_OUT
        # Its late reply belongs to nobody.
        session.feed(b"OK\r\n")
        assert command.state == at.TIMED_OUT


def test_one_command_at_a_time():
    session, command = start("AT")
    raises(ValueError, session.command, "AT")
    session.abandon()
    assert command.state == at.FAILED and session.poll(0) == 0
    session.command("AT")
