# The carrier over a modem that does what it is told, and one that does not.
# SPDX-License-Identifier: Apache-2.0
from drivers.at import Session
from drivers.errors import ModemError
from firmware.carriers import CarrierError
from firmware.carriers.modem_udp import ModemUDP
from firmware.counters import Counters
from firmware.tests.support_uplink import Clock, finish

CONFIG = {"uplink": {"apn": "iot", "host": "collector.example", "port": 5685}}


class Modem:
    session = Session(80)

    async def look(self):
        pass

    MAX_DATAGRAM = 512

    def __init__(self, fail=None, reason="modem_error"):
        self.calls = []
        self.counters = {}
        self.fail = fail
        self.reason = reason

    def _call(self, *call):
        self.calls.append(call)
        if call[0] == self.fail:
            self.counters[self.reason] = self.counters.get(self.reason, 0) + 1
            raise ModemError(self.reason, "told to")

    async def start(self):
        self._call("start")

    async def attach(self, apn, timeout_ms):
        self._call("attach", apn)
        assert timeout_ms >= 60000

    async def signal(self):
        self._call("signal")
        return {"rsrp_dbm": -101}

    async def network_time(self):
        self._call("network_time")
        return 4242

    async def open_udp(self, host, port):
        self._call("open_udp", host, port)

    async def send(self, data, release):
        self._call("send", data, release)

    async def receive(self, timeout_ms):
        self._call("receive", timeout_ms)
        return b"answer"

    async def close(self):
        self._call("close")

    async def sleep(self):
        self._call("sleep")


def _carrier(modem, synced=False):
    counters = Counters()
    clock = Clock(counters)
    if synced:
        clock.set(4000, "server")
        clock.told.clear()
    return ModemUDP(modem, CONFIG, clock, counters), clock, counters


def test_a_wake():
    modem = Modem()
    carrier, clock, counters = _carrier(modem)
    assert carrier.status() == {} and carrier.MTU == 512
    finish(carrier.open())
    finish(carrier.send(b"first", False))
    finish(carrier.send(b"last", True))
    assert finish(carrier.receive(20000)) == b"answer"
    finish(carrier.close())
    assert modem.calls == [
        ("start",),
        ("attach", "iot"),
        ("signal",),
        ("network_time",),
        ("open_udp", "collector.example", 5685),
        ("send", b"first", 0),
        ("send", b"last", 2),
        ("receive", 20000),
        ("close",),
        ("sleep",),
    ]
    assert clock.told == [(4242, "modem")] and carrier.status() == {"rsrp_dbm": -101}
    assert counters.snapshot() == {}


def test_a_clock_that_is_right_is_left_alone():
    modem = Modem()
    carrier, clock, _ = _carrier(modem, synced=True)
    finish(carrier.open())
    assert clock.told == [] and ("network_time",) not in modem.calls


def test_a_network_without_time():
    modem = Modem()
    carrier, clock, _ = _carrier(modem)

    async def none():
        return None

    modem.network_time = none
    finish(carrier.open())
    assert clock.told == []


def test_every_failure_has_the_modems_reason_and_is_counted_once():
    for step, reason in (
        ("start", "modem_silent"),
        ("attach", "reg_denied"),
        ("signal", "modem_error"),
        ("network_time", "modem_error"),
        ("open_udp", "modem_error"),
        ("send", "send_failed"),
        ("receive", "modem_reset"),
    ):
        modem = Modem(step, reason)
        carrier, _, counters = _carrier(modem)
        try:
            finish(carrier.open())
            finish(carrier.send(b"x", True))
            finish(carrier.receive(1000))
            raise AssertionError(step)
        except CarrierError as error:
            assert error.reason == reason
        finish(carrier.close())
        assert modem.calls[-2:] == [("close",), ("sleep",)]
        assert counters.snapshot() == {reason: 1} and modem.counters == {}


def test_closing_never_raises():
    for step in ("close", "sleep"):
        modem = Modem(step)
        carrier, _, counters = _carrier(modem)
        finish(carrier.close())
        assert modem.calls == [("close",), ("sleep",)] and counters.snapshot() == {
            "modem_error": 1
        }
