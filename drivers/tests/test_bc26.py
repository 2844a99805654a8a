# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.bc26 import BC26
from drivers.errors import ModemError
from drivers.tests.support import UART, Clock, Pin, fails, on_stream, run

HOST, PORT = "collector.example", 5684
BOOT = b"\r\nF1: 0000 0000\r\nV0: 0000 0000 [0001]\r\n00: 0006 000C [0000]\r\nU0: 0001\r\n"
ACK = b'\r\n+QIURC: "recv",0,2,"4f4b"\r\n'


def lines(*texts):
    return b"".join([b"\r\n" + text.encode() + b"\r\n" for text in texts])


OK = ((5, lines("OK")),)
ERROR = ((5, lines("ERROR")),)
SEND = "AT+QISEND=0,3,010203"
DIALOGUE = {
    "AT": OK,
    "ATE0": ((5, b"ATE0\r" + lines("OK")),),
    "AT+QSCLK=0": OK,
    "AT+QSCLK=1": OK,
    "AT+CFUN?": ((5, lines("+CFUN: 1", "OK")),),
    "AT+CPIN?": ((5, lines("+CPIN: READY", "OK")),),
    'AT+CPSMS=1,,,"00100001","00100001"': OK,
    "AT+CEREG?": ((5, lines("+CEREG: 0,1", "OK")),),
    "AT+CGATT?": ((5, lines("+CGATT: 1", "OK")),),
    "AT+CESQ": ((5, lines("+CESQ: 42,0,255,255,2,54", "OK")),),
    "AT+CCLK?": ((5, lines('+CCLK: "24/06/01,08:00:00+32"', "OK")),),
    'AT+QICFG="dataformat",1,1': OK,
    'AT+QIOPEN=0,0,"UDP","collector.example",5684': (
        (5, lines("OK")),
        (200, lines("+QIOPEN: 0,0")),
    ),
    "AT+QNBIOTRAI=0": OK,
    "AT+QNBIOTRAI=1": OK,
    "AT+QNBIOTRAI=2": OK,
    SEND: ((5, lines("OK")), (900, lines("SEND OK")), (1500, ACK)),
    "AT+QICLOSE=0": ((5, lines("OK")), (50, lines("CLOSE OK"))),
}
TIME = 152 * 86400 + 8 * 3600
RESULT = ({"rsrp_dbm": -86}, TIME, b"OK")


class Phone:
    # A BC26 that answers by the dialogue; `changes` override it, a list of answers is used up
    # one by one, the last one stays.
    def __init__(self, changes=(), chunk=64, on=True, pwrkey=None, reset=None):
        self.clock = Clock()
        self.dialogue = dict(DIALOGUE)
        self.dialogue.update(changes)
        self.on = on
        self.log = []
        self.line = b""  # of a command, which comes in pieces
        self.longest = 0  # of them
        self.spoil = None  # fn(answer) -> answer
        self.uart = UART(self.clock, self._answer, chunk)
        self.modem = on_stream(BC26, self.uart, pwrkey, reset)

    def _answer(self, data):
        self.line += data
        self.longest = max(self.longest, len(data))
        if not self.line.endswith(b"\r\n"):
            return ()
        text, self.line = self.line.decode(), b""
        self.log.append(text[:-2])
        if not self.on:
            return ()
        answer = self.dialogue.get(text[:-2], ERROR)
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        return [(at_ms, self.spoil(part) if self.spoil else part) for at_ms, part in answer]

    def boot(self, delay_ms=3000):
        self.on = True
        self.uart.arrive(delay_ms, BOOT)

    def do(self, *steps):
        for step in steps:
            result = run(self.clock, step)
        return result

    def fails(self, step):
        return fails(ModemError, self.clock, step).reason

    def up(self):
        self.do(self.modem.start())
        return self.modem

    def open(self):
        self.do(self.up().open_udp(HOST, PORT))
        return self.modem


async def wake(modem):
    await modem.start()
    await modem.attach("", 120000)
    signal, seconds = await modem.signal(), await modem.network_time()
    await modem.open_udp(HOST, PORT)
    await modem.send(b"\x01\x02\x03", 2)
    answer = await modem.receive(20000)
    await modem.close()
    await modem.sleep()
    return signal, seconds, answer


# Its golden transcript.
WAKE = (
    "AT",
    "ATE0",
    "AT+QSCLK=0",
    "AT+CFUN?",
    "AT+CPIN?",
    'AT+CPSMS=1,,,"00100001","00100001"',
    "AT+CEREG?",
    "AT+CGATT?",
    "AT+CESQ",
    "AT+CCLK?",
    'AT+QICFG="dataformat",1,1',
    'AT+QIOPEN=0,0,"UDP","collector.example",5684',
    "AT+QNBIOTRAI=2",
    SEND,
    "AT+QICLOSE=0",
    "AT+QSCLK=1",
)


def test_one_wake():
    for chunk in (64, 1):
        phone = Phone(chunk=chunk)
        assert phone.do(wake(phone.modem)) == RESULT
        assert phone.log == list(WAKE)
        assert phone.modem.counters == {}
        assert phone.clock.elapsed_ms < 3000


class Spoiler:
    # Spoils byte `position` of all that the modem sends.
    def __init__(self, spoil, position):
        self.spoil = spoil
        self.left = position
        self.fired = False

    def __call__(self, part):
        here, self.left = self.left, self.left - len(part)
        if 0 <= here < len(part):
            self.fired = True
            return self.spoil(part, here)
        return part


def spoiled_wakes(spoil):
    # (phone, result or error) of a wake for each position.
    position = 0
    while True:
        phone = Phone()
        phone.spoil = Spoiler(spoil, position)
        try:
            result = phone.do(wake(phone.modem))
        except ModemError as error:
            result = error
            assert phone.modem.counters.get(error.reason), position
        if not phone.spoil.fired:
            return
        assert phone.clock.elapsed_ms < 65000, position  # the longest deadline is 60 s
        yield position, result
        position += 1


def test_a_wake_with_each_byte_missing():
    finished = 0
    for position, result in spoiled_wakes(lambda part, i: part[:i] + part[i + 1 :]):
        if not isinstance(result, ModemError):
            signal, seconds, answer = result
            # A digit less of the signal cannot be noticed; all else can.
            assert signal["rsrp_dbm"] in (-86, -135, -136), position
            assert seconds == TIME and answer in (b"OK", None), position
            finished += 1
    assert finished >= 267  # of 286; the others are in QIOPEN and QISEND, never sent twice


def test_a_wake_with_a_line_at_each_byte():
    for urc in (b"\r\n+CSCON: 1\r\n", b'\r\n+QIURC: "pdpdeact",1\r\n'):
        finished = 0
        for position, result in spoiled_wakes(lambda part, i, urc=urc: part[:i] + urc + part[i:]):
            if not isinstance(result, ModemError):
                assert result[:2] == RESULT[:2] and result[2] in (b"OK", None), position
                finished += 1
        assert finished >= 272  # of 286


# -- power


def test_power_key_then_reset_pin():
    phone = Phone(on=False)
    key, reset = Pin(phone.clock), Pin(phone.clock, phone.boot)
    phone.modem = on_stream(BC26, phone.uart, key, reset)
    phone.up()
    assert [level for _, level in key.log] == [1, 0]
    assert 500 <= key.log[1][0] - key.log[0][0] <= 1000
    assert reset.log[1][0] - reset.log[0][0] >= 50
    assert reset.log[0][0] - key.log[1][0] >= 5000  # it had time to boot
    assert phone.modem.counters == {}


def test_power_key_alone():
    phone = Phone(on=False)
    phone.modem = on_stream(BC26, phone.uart, Pin(phone.clock, phone.boot))
    assert phone.up().up and phone.modem.counters == {}


def test_a_silent_modem():
    phone = Phone(on=False)
    key, reset = Pin(phone.clock), Pin(phone.clock)
    phone.modem = on_stream(BC26, phone.uart, key, reset)
    assert phone.fails(phone.modem.start()) == "modem_silent"
    assert len(key.log) == len(reset.log) == 2
    assert phone.clock.elapsed_ms < 15000 and set(phone.log) == {"AT"}
    assert phone.modem.counters == {"modem_silent": 1}
    # Nothing is asked of it any more; the next start tries again.
    asked = len(phone.log)
    phone.do(phone.modem.close(), phone.modem.sleep())
    assert len(phone.log) == asked
    phone.on = True
    phone.up()


def test_without_pins():
    phone = Phone(on=False)
    assert phone.fails(phone.modem.start()) == "modem_silent"
    assert phone.clock.elapsed_ms < 2000


def test_wrong_baud_rate():
    phone = Phone(on=False)
    for delay_ms in range(0, 2000, 7):
        phone.uart.arrive(delay_ms, b"\xf8\x00\x80\r\xfe\xe0>\n")
    assert phone.fails(phone.modem.start()) == "modem_silent"
    assert phone.clock.elapsed_ms < 2000


def test_a_restart_in_mid_session():
    for victim in ("AT+CESQ", "AT+QNBIOTRAI=0", SEND):
        phone = Phone({victim: [((5, BOOT),), DIALOGUE[victim]]})
        modem = phone.open()
        step = modem.signal() if victim == "AT+CESQ" else modem.send(b"\x01\x02\x03")
        assert phone.fails(step) == "modem_reset"
        assert phone.clock.elapsed_ms < 1000  # no deadline had to pass
        assert modem.counters == {"modem_reset": 1}
        # Until it is started again every command says so, and closing is no error.
        assert phone.fails(modem.signal()) == "modem_reset"
        phone.do(modem.close(), modem.sleep())
        assert phone.do(wake(modem))[:2] == RESULT[:2]
        assert modem.counters == {"modem_reset": 1}


def test_a_restart_while_waiting_for_a_datagram():
    phone = Phone()
    modem = phone.open()
    phone.uart.arrive(1000, BOOT + BOOT)
    assert phone.fails(modem.receive(20000)) == "modem_reset"
    assert modem.counters == {"modem_reset": 1} and not modem.up


# -- registration


def test_roaming():
    phone = Phone({"AT+CEREG?": ((5, lines("+CEREG: 0,5", "OK")),)})
    phone.do(phone.up().attach("", 1000))
    assert phone.log[-1] == "AT+CGATT?" and phone.modem.counters == {}


def test_searching_then_home():
    searching = ((5, lines("+CEREG: 0,2", "OK")),)
    phone = Phone({"AT+CEREG?": [searching] * 100 + [DIALOGUE["AT+CEREG?"]]})
    phone.do(phone.up().attach("", 120000))
    assert phone.modem.counters == {}


def test_searching_for_ever():
    phone = Phone({"AT+CEREG?": ((5, lines("+CEREG: 0,2", "OK")),)})
    assert phone.fails(phone.up().attach("", 120000)) == "reg_searching"
    assert 120000 <= phone.clock.elapsed_ms < 121000
    assert phone.modem.counters == {"reg_searching": 1}


def test_never_attached():
    phone = Phone({"AT+CGATT?": ((5, lines("+CGATT: 0", "OK")),)})
    assert phone.fails(phone.up().attach("", 30000)) == "reg_searching"


def test_denied():
    phone = Phone({"AT+CEREG?": ((5, lines("+CEREG: 0,3", "OK")),)})
    assert phone.fails(phone.up().attach("", 120000)) == "reg_denied"
    assert phone.clock.elapsed_ms < 1000 and phone.modem.counters == {"reg_denied": 1}


def test_sim_slow_and_absent():
    busy = ((5, lines("+CME ERROR: 14")),)
    phone = Phone({"AT+CPIN?": [busy, busy, DIALOGUE["AT+CPIN?"]]})
    phone.do(phone.up().attach("", 1000))
    phone = Phone({"AT+CPIN?": ((5, lines("+CME ERROR: 10")),)})
    assert phone.fails(phone.up().attach("", 120000)) == "modem_error"
    assert phone.clock.elapsed_ms < 12000


def test_radio_is_switched_on():
    phone = Phone(
        {"AT+CFUN?": ((5, lines("+CFUN: 0", "OK")),), "AT+CFUN=1": ((4000, lines("OK")),)}
    )
    phone.do(phone.up().attach("", 1000))
    assert "AT+CFUN=1" in phone.log


def test_apn():
    ask, tell = "AT+QCGDEFCONT?", 'AT+QCGDEFCONT="IP","iot"'
    other = ((5, lines('+QCGDEFCONT: "IP","psm0"', "OK")),)
    same = ((5, lines('+QCGDEFCONT: "IP","iot"', "OK")),)
    for restart in (((5, lines("OK")), (2000, BOOT)), ((5, lines("OK") + BOOT),)):
        phone = Phone({ask: [other, same], tell: OK, "AT+QRST=1": restart}, chunk=256)
        phone.do(phone.up().attach("iot", 1000))
        assert phone.log.count(tell) == phone.log.count("AT+QRST=1") == 1
        assert phone.clock.elapsed_ms > 2000  # what answers before the boot is the old life
        phone.do(phone.modem.attach("iot", 1000))
        assert phone.log.count(tell) == 1 and phone.modem.counters == {}


# -- values


def test_signal_unknown_and_nonsense():
    phone = Phone({"AT+CESQ": ((5, lines("+CESQ: 99,99,255,255,255,255", "OK")),)})
    assert phone.do(phone.up().signal()) == {"rsrp_dbm": None}
    for text in ("+CESQ: 42,0,255,255,2554", "+CESQ: 42,0,255,255,2,98", "+CESQ: ,,,,,"):
        phone = Phone({"AT+CESQ": ((5, lines(text, "OK")),)})
        assert phone.fails(phone.up().signal()) == "modem_error"


def test_network_time():
    for text, seconds in (
        ("24/01/01,00:00:00+00", 0),
        ("24/02/29,12:00:00+32", 59 * 86400 + 43200),
        ("25/03/01,00:00:01-12", 425 * 86400 + 1),
        ("69/12/31,00:00:00+00", 16801 * 86400),
        ("70/01/01,00:00:31+00", None),
        ("00/01/01,00:00:09+00", None),
        ("23/12/31,23:59:59+00", None),
    ):
        phone = Phone({"AT+CCLK?": ((5, lines('+CCLK: "%s"' % text, "OK")),)})
        assert phone.do(phone.up().network_time()) == seconds, text


def test_a_query_is_asked_again():
    late = ((700, lines("+CESQ: 1,1,255,255,1,10", "OK")),)
    phone = Phone({"AT+CESQ": [late, ERROR, DIALOGUE["AT+CESQ"]]})
    assert phone.fails(phone.up().signal()) == "modem_error"
    phone = Phone({"AT+CESQ": [((350, late[0][1]),), DIALOGUE["AT+CESQ"]]})
    assert phone.do(phone.up().signal()) == {"rsrp_dbm": -86}


def test_the_reply_to_a_cancelled_command_answers_no_other():
    for reply in (DIALOGUE["AT+CESQ"], ()):
        phone = Phone({"AT+CESQ": reply, "AT+QSCLK=1": ERROR})
        modem = phone.up()
        phone.clock.cancel = True
        fails(asyncio.CancelledError, phone.clock, modem.signal())
        phone.do(modem.sleep())
        assert modem.counters == {"modem_error": 1}


# -- datagrams


def test_open_refused_and_left_open():
    name = 'AT+QIOPEN=0,0,"UDP","collector.example",5684'
    in_use = ((5, lines("OK")), (20, lines("+QIOPEN: 0,563")))
    phone = Phone({name: [in_use, DIALOGUE[name]]})
    phone.open()
    assert phone.log.count("AT+QICLOSE=0") == 1
    phone = Phone({name: in_use})
    assert phone.fails(phone.up().open_udp(HOST, PORT)) == "modem_error"
    phone = Phone({name: OK})
    assert phone.fails(phone.up().open_udp(HOST, PORT)) == "modem_error"
    assert phone.clock.elapsed_ms < 62000
    phone = Phone({name: ((5, lines("OK")), (20, lines("+QIOPEN: 0,565")))})
    assert phone.fails(phone.up().open_udp(HOST, PORT)) == "network_no_route"
    assert phone.log.count(name) == 1


def test_send_failures():
    for answer in (ERROR, OK, ((5, lines("OK")), (100, lines("SEND FAIL")))):
        phone = Phone({SEND: answer})
        assert phone.fails(phone.open().send(b"\x01\x02\x03")) == "send_failed"
        assert phone.modem.counters == {"send_failed": 1}
        assert phone.log.count(SEND) == 1  # a datagram is never sent twice by itself


def test_a_late_send_ok_is_waited_for():
    phone = Phone({SEND: ((5, lines("OK")), (25000, lines("SEND OK")))})
    phone.do(phone.open().send(b"\x01\x02\x03"))
    assert phone.clock.elapsed_ms >= 25000 and phone.modem.counters == {}


def test_answer_before_send_ok_and_twice():
    phone = Phone({SEND: ((5, lines("OK") + ACK), (900, lines("SEND OK") + ACK))})
    phone.do(phone.open().send(b"\x01\x02\x03"))
    assert [phone.do(phone.modem.receive(1000)) for _ in range(3)] == [b"OK", b"OK", None]


def test_release_is_told_when_it_changes():
    phone = Phone()
    modem = phone.open()
    for release in (0, 0, 2, 1, 0):
        phone.do(modem.send(b"\x01\x02\x03", release=release))
    told = [text[-1] for text in phone.log if "RAI" in text]
    assert told == ["0", "2", "1", "0"]


def test_release_refused():
    phone = Phone({"AT+QNBIOTRAI=2": ERROR})
    phone.do(phone.open().send(b"\x01\x02\x03", release=2))
    assert phone.modem.counters == {"modem_error": 1}


def test_receive_limits():
    phone = Phone(chunk=256)
    modem = phone.open()
    before = phone.clock.now_ms
    assert phone.do(modem.receive(20000)) is None
    assert phone.clock.now_ms - before == 20000
    phone.uart.arrive(10, ACK * 6)
    got = [phone.do(modem.receive(1000)) for _ in range(5)]
    assert got == [b"OK"] * 4 + [None] and modem.counters == {"modem_error": 2}


def test_torn_datagrams():
    for text in ("recv", "recv,0", '"recv",0,2,"4f4"', '"recv",0,3,"4f4b"', '"recv",0,2,"4fzz"'):
        phone = Phone()
        modem = phone.open()
        phone.uart.arrive(10, lines("+QIURC: " + text))
        assert phone.do(modem.receive(1000)) is None
        assert modem.counters == {"modem_error": 1}


def test_a_full_datagram():
    limit = BC26.MAX_DATAGRAM
    data = bytes([i & 0xFF for i in range(limit + 100)])
    phone = Phone()
    modem = phone.open()
    for size in (limit, limit + 100):  # and a larger one, which is dropped
        text = data[:size].hex().upper()
        phone.uart.arrive(10, lines('+QIURC: "recv",0,%d,"%s"' % (size, text)))
    assert phone.do(modem.receive(1000)) == data[:limit]
    assert phone.do(modem.receive(1000)) is None and modem.counters == {"modem_error": 1}


def test_socket_closed_by_the_modem():
    phone = Phone()
    modem = phone.open()
    phone.uart.arrive(10, ACK + lines('+QIURC: "closed",0'))
    assert phone.do(modem.receive(1000)) == b"OK"
    assert phone.fails(modem.receive(1000)) == "modem_error"


def test_sleep_refused():
    phone = Phone({"AT+QSCLK=1": ERROR})
    phone.do(phone.up().sleep())
    assert phone.modem.counters == {"modem_error": 1} and not phone.modem.up


def test_a_datagram_goes_out_in_pieces():
    # One line of a full one would need a kilobyte of heap without a gap.
    data = bytes([i & 0xFF for i in range(BC26.MAX_DATAGRAM)])
    phone = Phone({"AT+QISEND=0,%d,%s" % (len(data), data.hex()): DIALOGUE[SEND]})
    modem = phone.open()
    phone.longest = 0
    phone.do(modem.send(data))
    assert 0 < phone.longest <= 64
