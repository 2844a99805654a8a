"""The BC26 model by its dialogues, its delays, its sleep, and each of its faults."""

from __future__ import annotations

import pytest

from .virtual.models.at_line import READ, SET, parse, split_arguments
from .virtual.models.at_modem import luhn
from .virtual.models.bc26 import BC26
from .virtual.models.modem_faults import ModemFaults
from .virtual.network import Network
from .virtual.world import World

HOST, PORT = "203.0.113.7", 5683


class Terminal:
    """A world with one modem, and a person at its serial line."""

    def __init__(self, seed: int = 3) -> None:
        self.world = World(seed)
        self.network = Network(self.world)
        self.modem = BC26(self.world, self.network)
        self.heard = b""
        self.modem.attach(self.hear)
        self.arrived: list[bytes] = []
        self.network.bind(HOST, PORT, self.serve)

    def hear(self, data: bytes) -> None:
        self.heard += data

    def serve(self, datagram, source, reply) -> None:
        self.arrived.append(datagram)
        self.reply = reply

    def press(self, pin, ms: int) -> None:
        pin.changed(1)
        self.world.run_for(ms / 1000)
        pin.changed(0)

    def lines(self) -> list[str]:
        """Return what was heard since the last call, without empty lines."""
        text, self.heard = self.heard.decode("latin-1"), b""
        return [line for line in text.split("\r\n") if line]

    def type(self, text: str, wait_s: float = 0.1) -> list[str]:
        self.lines()
        self.modem.receive(text.encode() + b"\r")
        self.world.run_for(wait_s)
        return self.lines()

    def on(self, registered: bool = True) -> Terminal:
        self.press(self.modem.pwrkey, 600)
        self.world.run_for(4)
        self.type("AT")
        assert self.type("ATE0")[-1] == "OK"
        assert self.type("AT+QSCLK=0") == ["OK"]
        if registered:
            assert self.world.run_until(lambda: self.modem.radio.registered, 25)
            self.world.run_for(1)
        self.lines()
        return self

    def open(self) -> Terminal:
        self.type('AT+QICFG="dataformat",1,1')
        assert self.type(f'AT+QIOPEN=0,0,"UDP","{HOST}",{PORT}', 0.5) == ["OK", "+QIOPEN: 0,0"]
        return self


@pytest.fixture
def terminal():
    terminal = Terminal()
    yield terminal
    terminal.world.close()


@pytest.mark.parametrize(
    "line, name, kind, arguments",
    [
        ("AT", "", "execute", []),
        ("ate0", "E", SET, ["0"]),
        ("AT+CEREG?", "+CEREG", READ, []),
        ("AT+CEREG=?", "+CEREG", "test", []),
        ('AT+CPSMS=1,,,"00100001"', "+CPSMS", SET, ["1", "", "", '"00100001"']),
    ],
)
def test_command_lines_are_taken_apart(line, name, kind, arguments):
    assert parse(line) == (name, kind, arguments)
    assert split_arguments('"a,b",2') == ['"a,b"', "2"]


def test_imei_ends_with_its_check_digit():
    assert luhn("49015420323751") == "490154203237518"  # 3GPP TS 23.003, annex B example


# Power and the first words


def test_power_key_starts_it_with_the_boot_log(terminal):
    terminal.press(terminal.modem.pwrkey, 400)
    terminal.world.run_for(10)
    assert terminal.heard == b"" and terminal.modem.state == "off"
    terminal.press(terminal.modem.pwrkey, 600)
    terminal.world.run_for(1)
    assert terminal.type("AT") == []  # still booting, deaf
    terminal.world.run_for(3)
    assert terminal.lines() == ["+CPIN: READY"]
    terminal.press(terminal.modem.reset, 60)
    terminal.world.run_for(0.5)
    assert terminal.lines()[0] == "F1: 0000 0000"
    assert terminal.modem.boots == 2


def test_first_at_only_tells_the_baud_rate_then_it_echoes(terminal):
    terminal.press(terminal.modem.pwrkey, 600)
    terminal.world.run_for(5)
    assert terminal.type("AT") == []
    terminal.modem.receive(b"AT\r")
    terminal.world.run_for(0.1)
    assert terminal.heard == b"AT\r\r\nOK\r\n"


@pytest.mark.parametrize(
    "command, reply",
    [
        ("AT", ["OK"]),
        ("AT+CPIN?", ["+CPIN: READY", "OK"]),
        ("AT+CFUN?", ["+CFUN: 1", "OK"]),
        ("AT+CEREG?", ["+CEREG: 0,1", "OK"]),
        ("AT+CGATT?", ["+CGATT: 1", "OK"]),
        ("AT+CGMR", ["Revision: BC26NBR01A07", "OK"]),
        ("ATI", ["Quectel_Ltd", "Quectel_BC26", "Revision: BC26NBR01A07", "OK"]),
        ("AT+QNBIOTRAI=2", ["OK"]),
        ("AT+CEDRXS=1,5", ["OK"]),
        ('AT+CPSMS=1,,,"00100001","00100001"', ["OK"]),
        ("AT+QSCLK=3", ["+CME ERROR: 50"]),
        ("AT+CFUN=9", ["+CME ERROR: 50"]),
        ("AT+NOSUCH", ["ERROR"]),
        ("hello", []),
        ('AT+QIOPEN=0,0,"UDP","h",70000', ["+CME ERROR: 50"]),
        ("AT+QISEND=0,1,00", ["+CME ERROR: 567"]),
    ],
)
def test_dialogues_of_a_registered_modem(terminal, command, reply):
    assert terminal.on().type(command) == reply


def test_identity_signal_address_and_settings(terminal):
    terminal.on()
    line = terminal.type("AT+CGSN=1")[0]
    assert line == f"+CGSN: {terminal.modem.imei}" and len(terminal.modem.imei) == 15
    assert len(terminal.type("AT+CIMI")[0]) == 15
    values = terminal.type("AT+CESQ")[0].removeprefix("+CESQ: ").split(",")
    assert values[1:4] == ["0", "255", "255"] and 20 <= int(values[5]) <= 70
    assert terminal.type("AT+CGPADDR=1")[0].startswith('+CGPADDR: 1,"100.64.')
    assert terminal.type('AT+QCGDEFCONT="IP","ctnb"') == ["OK"]
    assert terminal.type("AT+QRST=1") == ["OK"]
    terminal.world.run_for(4)
    terminal.type("AT")
    assert '+QCGDEFCONT: "IP","ctnb"' in terminal.type("AT+QCGDEFCONT?")  # survives
    assert "+QSCLK: 1" in terminal.type("AT+QSCLK?")  # does not


def test_clock_is_unset_before_the_network_told_it(terminal):
    terminal.on(registered=False)
    assert terminal.type("AT+CCLK?")[0] == '+CCLK: "70/01/01,00:00:31+00"'
    terminal.world.run_for(25)
    terminal.world.run_for(3600 - terminal.world.now_us / 1e6)
    terminal.lines()
    assert terminal.type("AT+CCLK?")[0].startswith('+CCLK: "24/06/01,01:00:00+32"')


def test_registration_takes_its_time_and_tells(terminal):
    terminal.on(registered=False)
    assert terminal.type("AT+CEREG?")[0] in ("+CEREG: 0,2", "+CEREG: 0,1")
    terminal.type("AT+CFUN=0")
    assert terminal.type("AT+CEREG=1") == ["OK"]
    assert terminal.type("AT+CESQ")[0] == "+CESQ: 99,99,255,255,255,255"
    assert terminal.type("AT+CFUN=1") == ["+CEREG: 2", "OK"]
    begin_us = terminal.world.now_us
    assert terminal.world.run_until(lambda: b"+CEREG: 1" in terminal.heard, 21)
    assert terminal.world.now_us - begin_us > 1_800_000
    terminal.world.run_for(0.1)
    assert terminal.lines()[-1].startswith("+IP: 100.64.")


def test_command_delays_are_those_of_a_modem(terminal):
    terminal.on()
    for _ in range(20):
        terminal.lines()
        begin_us = terminal.world.now_us
        terminal.modem.receive(b"AT\r")
        assert terminal.world.run_until(lambda: b"OK\r\n" in terminal.heard, 1)
        assert 20_000 <= terminal.world.now_us - begin_us <= 51_500


# Datagrams


def test_send_and_receive_as_the_manual_shows(terminal):
    terminal.on().open()
    assert terminal.type("AT+QISEND=0,4,01020304", 3) == ["OK", "SEND OK"]
    assert terminal.arrived == [b"\x01\x02\x03\x04"]
    terminal.reply(b"OK")
    terminal.world.run_for(4)
    assert terminal.lines() == ['+QIURC: "recv",0,2,"4f4b"']
    assert terminal.type("AT+QISTATE?")[0] == f'+QISTATE: 0,"UDP","{HOST}",{PORT},40000,2,0,1'
    assert terminal.type("AT+QICLOSE=0") == ["OK", "CLOSE OK"]
    terminal.reply(b"late")
    terminal.world.run_for(4)
    assert terminal.lines() == []


def test_pieces_that_come_late_and_at_once_keep_their_order(terminal):
    """In real time a busy machine hands over a datagram and the end of its line in one moment."""
    terminal.on().open()
    datagram = bytes(range(200))
    for piece in (f"AT+QISEND=0,{len(datagram)},".encode(), datagram.hex().encode(), b"\r\n"):
        terminal.modem.receive(piece)
    terminal.world.run_for(5)
    assert terminal.lines() == ["OK", "SEND OK"]
    assert terminal.arrived == [datagram]


def test_open_twice_and_open_without_a_network(terminal):
    terminal.on().open()
    again = f'AT+QIOPEN=0,0,"UDP","{HOST}",{PORT}'
    assert terminal.type(again, 0.5) == ["OK", "+QIOPEN: 0,563"]
    terminal.type("AT+CFUN=0")
    assert terminal.type(again, 0.5) == ["OK", "+QIOPEN: 0,561"]


@pytest.mark.parametrize("send", ["AT+QISEND=0,3,0102", "AT+QISEND=0,1,xx", "AT+QISEND=0,1025,00"])
def test_send_refuses_what_does_not_fit(terminal, send):
    assert terminal.on().open().type(send) == ["+CME ERROR: 50"]
    assert not terminal.network.capture


def test_a_bigger_datagram_takes_its_radio_time(terminal):
    terminal.on().open()

    def send_us(size: int) -> int:
        begin_us = terminal.world.now_us
        terminal.lines()
        terminal.modem.receive(f"AT+QISEND=0,{size},{'ab' * size}\r".encode())
        assert terminal.world.run_until(lambda: b"SEND OK" in terminal.heard, 10)
        return terminal.world.now_us - begin_us

    send_us(1)  # opens the connection
    difference_us = send_us(1024) - send_us(24)
    # 1000 bytes at 20 kbit/s and 2000 hex digits at 115200 baud; commands vary by 30 ms
    assert difference_us == pytest.approx(400_000 + 173_600, abs=31_000)


def test_connection_state_follows_traffic_and_release_assistance(terminal):
    terminal.on().open()
    terminal.world.run_for(15)
    assert terminal.type("AT+CSCON=1") == ["OK"]
    assert terminal.type("AT+QISEND=0,1,00", 3) == ["OK", "+CSCON: 1", "SEND OK"]
    terminal.world.run_for(12)
    assert terminal.lines() == ["+CSCON: 0"]
    terminal.type("AT+QNBIOTRAI=2")
    terminal.type("AT+QISEND=0,1,00", 3)
    terminal.reply(b"x")
    assert terminal.world.run_until(lambda: b"recv" in terminal.heard, 5)
    terminal.world.run_for(0.6)
    assert terminal.lines()[-1] == "+CSCON: 0"


# Power saving


def test_power_saving_is_deaf_until_the_power_key(terminal):
    terminal.on().open()
    terminal.type('AT+CPSMS=1,,,"00100001","00000101"')  # active time 10 s
    terminal.type("AT+QNBIOTEVENT=1,1")
    terminal.type("AT+QISEND=0,1,00", 3)
    terminal.world.run_for(60)
    assert terminal.modem.state == "on"  # AT+QSCLK=0 holds it
    assert terminal.type("AT+QSCLK=1") == ["OK"]
    terminal.world.run_for(2)
    assert terminal.lines() == ['+QNBIOTEVENT: "ENTER PSM"']
    assert terminal.modem.state == "asleep"
    assert terminal.type("AT", 5) == []
    terminal.reply(b"nobody hears")
    terminal.world.run_for(5)
    assert terminal.heard == b""
    terminal.press(terminal.modem.pwrkey, 100)
    terminal.world.run_for(1)
    assert terminal.lines() == ['+QNBIOTEVENT: "EXIT PSM"']
    terminal.type("AT")
    assert terminal.type("AT+CEREG?")[-2:] == ["+CEREG: 0,1", "OK"]  # no search
    assert terminal.type("AT+QISTATE?") == ["OK"]
    assert terminal.modem.boots == 1


def test_light_sleep_loses_the_command_that_wakes_it(terminal):
    terminal.on()
    terminal.type("AT+QSCLK=2")
    terminal.world.run_for(30)
    assert terminal.type("AT") == []
    assert terminal.type("AT") == ["OK"]


def test_power_down_by_command(terminal):
    terminal.on()
    assert terminal.type("AT+QPOWD=0", 1) == ["OK"]
    assert terminal.modem.state == "off"


# Faults


def test_silent_and_hung(terminal):
    terminal.on()
    terminal.modem.faults.limit("silent", 1)
    assert terminal.type("AT") == []
    assert terminal.type("AT") == ["OK"]
    terminal.modem.faults.hung = True
    assert terminal.type("AT") == []
    terminal.press(terminal.modem.reset, 100)
    terminal.world.run_for(4)
    terminal.type("AT")
    assert terminal.type("AT")[-1] == "OK"
    assert terminal.modem.faults.fired.keys() == {"silent", "hung"}


def test_error_on_a_command_by_text_and_by_count(terminal):
    terminal.on()
    terminal.modem.faults.error_on = {"AT+CFUN?": 2, "AT+QIOPEN": "+CME ERROR: 561"}
    assert [terminal.type("AT+CFUN?")[-1] for _ in range(3)] == ["ERROR", "ERROR", "OK"]
    assert terminal.type('AT+QIOPEN=0,0,"UDP","h",1') == ["+CME ERROR: 561"]
    assert terminal.modem.faults.fired["error_on"] == 3


@pytest.mark.parametrize("stat", [2, 3])
def test_never_registered(terminal, stat):
    terminal.modem.faults.cereg = stat
    terminal.on(registered=False)
    terminal.world.run_for(120)
    assert terminal.type("AT+CEREG?") == [f"+CEREG: 0,{stat}", "OK"]
    assert terminal.type("AT+CGATT?") == ["+CGATT: 0", "OK"]
    assert terminal.type('AT+QIOPEN=0,0,"UDP","h",1', 1) == ["OK", "+QIOPEN: 0,561"]
    terminal.modem.faults.cereg = 0
    terminal.world.run_for(25)
    assert terminal.type("AT+CEREG?") == ["+CEREG: 0,1", "OK"]
    assert terminal.type("AT+CGPADDR=1")[0] != "+CGPADDR: 1"


def test_unsolicited_line_at_every_byte_of_a_reply():
    def dialogue(position: int | None) -> bytes:
        terminal = Terminal().on()
        if position is not None:
            terminal.modem.faults.urc_at(position, "+CSCON: 1")
        terminal.modem.receive(b"AT+CEREG?\r")
        terminal.world.run_for(0.2)
        terminal.world.close()
        assert terminal.modem.faults.unfired() == []
        return terminal.heard

    plain = dialogue(None)
    assert plain == b"\r\n+CEREG: 0,1\r\n\r\nOK\r\n"
    for position in range(len(plain)):
        line = b"\r\n+CSCON: 1\r\n"
        assert dialogue(position) == plain[:position] + line + plain[position:]


def test_dropped_and_garbled_bytes():
    faults = ModemFaults()
    assert faults.apply(b"abc") == b"abc"
    faults.drop_byte_at(1)
    faults.garble(3, 0x20)
    faults.urc_at(9, "never")
    assert faults.apply(b"de") == b"d"
    assert faults.apply(b"fg") == b"fG"
    assert faults.sent == 7
    assert faults.unfired() == ["urc_at"]


@pytest.mark.parametrize(
    "fault, said, arrives",
    [
        ("send_ok_lost", ["OK"], 1),
        ("send_ok_never_sent", ["OK", "SEND OK"], 0),
        ("send_fail", ["OK", "SEND FAIL"], 0),
    ],
)
def test_send_faults(terminal, fault, said, arrives):
    terminal.on().open()
    terminal.modem.faults.limit(fault, 1)
    assert terminal.type("AT+QISEND=0,1,00", 5) == said
    assert len(terminal.arrived) == arrives
    assert terminal.modem.faults.fired[fault] == 1
    assert terminal.type("AT+QISEND=0,1,00", 5) == ["OK", "SEND OK"]


def test_late_send_ok(terminal):
    terminal.on().open()
    terminal.modem.faults.limit("send_ok_late_ms", 1, 20_000)
    assert terminal.type("AT+QISEND=0,1,00", 19) == ["OK"]
    terminal.world.run_for(3)
    assert terminal.lines() == ["SEND OK"]


def test_reset_in_the_middle_boot_garbage_and_doubled_lines(terminal):
    terminal.on().open()
    faults = terminal.modem.faults
    faults.boot_garbage = b"\xf8\x00\xfe"
    faults.duplicate_urc = True
    terminal.modem.reset_now()
    terminal.world.run_for(4)
    assert terminal.heard.startswith(b"\xf8\x00\xfe\r\nF1: 0000 0000\r\n")
    assert terminal.heard.count(b"+CPIN: READY") == 2
    assert faults.fired.keys() >= {"boot_garbage", "duplicate_urc", "reset_now"}
    terminal.type("AT")
    assert terminal.type("AT+QISTATE?")[-1] == "OK"
    assert not terminal.modem.radio.sockets


def test_deregistration_in_a_session_closes_the_socket(terminal):
    terminal.on().open()
    terminal.type("AT+CEREG=1")
    terminal.modem.radio.lose()
    terminal.world.run_for(0.1)
    assert terminal.lines() == ['+QIURC: "closed",0', "+CEREG: 2"]
    assert terminal.type("AT+QISEND=0,1,00") == ["+CME ERROR: 567"]


def test_the_same_seed_says_the_same_bytes():
    def run(seed: int) -> bytes:
        terminal = Terminal(seed).on().open()
        for _ in range(5):
            terminal.modem.receive(b"AT+CESQ\rAT+QISEND=0,2,0102\r")
            terminal.world.run_for(7)
        terminal.world.close()
        return terminal.heard + terminal.network.digest().encode()

    assert run(1) == run(1) != run(2)
