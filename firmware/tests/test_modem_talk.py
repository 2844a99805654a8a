# Lines that a person sends to the modem: which of them are sent, and which are refused.
# SPDX-License-Identifier: Apache-2.0
from firmware import modem_talk
from firmware.shell import Failed
from firmware.tests import support
from protocols.tests.support import raises


class Lock:
    def locked(self):
        return False

    async def __aenter__(self):
        pass

    async def __aexit__(self, *error):
        pass


class Modem:
    final = "OK"

    def __init__(self):
        self.asked = []
        self.lines = ["+CSQ: 20,99"]

    async def start(self):
        pass

    async def run(self, line, prefix, timeout_ms):
        self.asked.append(line)
        return self


class Site:
    def __init__(self):
        self.uplink = self.carrier = self
        self.lock, self.modem = Lock(), Modem()

    async def close(self):
        pass


# -> (what was answered, what the modem was asked)
def _asked(line):
    site = Site()
    told = support.run(modem_talk.at(site, line.split(" ")))
    return told, site.modem.asked


def _refused(line):
    return str(raises(Failed, _asked, line))


def test_a_line_is_sent_as_it_is():
    assert _asked("AT+CSQ") == ("+CSQ: 20,99\nOK", ["AT+CSQ"])
    assert _asked('at+cops=1,2,"46000" ')[1] == ['at+cops=1,2,"46000" ']


def test_secrets_of_the_sim_and_the_line_itself_are_left_alone():
    for line in ("AT+CPIN=1234", "at+cpin=1234", "AT + CLCK=1", "AT+CSQ;+CPIN=1", "AT+IPR=9600"):
        assert _refused(line).startswith("this line is not sent"), line


# A modem drops them, takes back what stands before them, or reads another line.
def test_no_byte_hides_a_word():
    for line in (
        "AT+CSQ\x08\x08\x08CPIN=1234",
        "AT+CP\x00IN=1234",
        "AT+CSQ\r\nAT+CPIN=1",
        "AT+CP\x7fIN=1",
        "AT+CP\x1bIN=1",
        "AT+CP\tIN=1",
        "AT+CP\xc4\xb0N=1",
        "",
        "+CSQ",
        "AT" + "0" * 127,
    ):
        assert _refused(line).startswith("type at LINE"), repr(line)
