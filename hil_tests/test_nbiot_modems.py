"""NB-IoT modems: our drivers against models that were written from what others published.

What only a BC26 has, test_driver_against_model.py has.
"""

from __future__ import annotations

import pytest

from drivers.errors import ModemError

from .driver_rig import HOST, PORT, SINCE_2024_S, Server, make_rig, session, spoilt_session

__all__ = ("make_rig",)

NAME = "collector.example"
PARTS = ("bc95", "sim7020")
ALL = ("bc26", *PARTS)


@pytest.fixture(params=PARTS)
def rig(request, make_rig):
    return make_rig(request.param)


@pytest.mark.parametrize("host", [HOST, NAME])
def test_a_wake_from_power_off_to_the_answer(rig, host):
    server = Server(rig.network, host)
    modem = rig.modem()
    data = bytes(range(256)) * 2
    assert rig.run(session(modem, data, host)) == b"ack 512"
    assert server.arrived == [data] and not modem.counters
    time_s = rig.run(modem.network_time())
    assert time_s == pytest.approx(rig.world.utc_s - SINCE_2024_S, abs=1.5)
    assert -140 <= rig.run(modem.signal())["rsrp_dbm"] <= -60
    assert rig.model.release == 2 and rig.model.radio.active_s() == 60


def test_many_datagrams_and_many_answers(rig):
    server = Server(rig.network)
    modem = rig.modem()

    async def talk() -> list[bytes | None]:
        await modem.start()
        await modem.attach("", 60_000)
        await modem.open_udp(HOST, PORT)
        for size in (1, 20, 300):
            await modem.send(bytes(size))
        return [await modem.receive(20_000) for _ in range(4)]

    *answers, last = rig.run(talk())  # the network may change their order
    assert sorted(answers) == [b"ack 1", b"ack 20", b"ack 300"] and last is None
    assert sorted(map(len, server.arrived)) == [1, 20, 300]
    assert not modem.counters and rig.model.release == 0


def test_sleep_and_the_wake_after_it(rig):
    server = Server(rig.network)
    modem = rig.modem()
    rig.run(session(modem, b"first"))
    rig.run(modem.sleep())
    boots = rig.model.boots
    rig.world.run_for(600)
    assert rig.model.state == "asleep"
    assert rig.run(session(modem, b"second")) == b"ack 6"
    assert server.arrived == [b"first", b"second"] and rig.model.boots == boots


def test_sockets_left_open_by_resets_of_ours(rig):
    """A driver that starts anew does not know of the sockets that it has opened before."""
    Server(rig.network)
    for _ in range(8):
        modem = rig.modem()
        rig.run(modem.start())
        rig.run(modem.attach("", 60_000))
        rig.run(modem.open_udp(HOST, PORT))
    rig.run(modem.send(b"x"))
    assert rig.run(modem.receive(20_000)) == b"ack 1"
    assert not modem.counters


@pytest.mark.parametrize(
    "fault, value, reason",
    [
        ("silent", True, "modem_silent"),
        ("cereg", 2, "reg_searching"),
        ("cereg", 3, "reg_denied"),
        ("error_on", {"AT+NSOCR": 9, "AT+CSOC=": 9}, "modem_error"),
        ("error_on", {"AT+CIMI": 99, "AT+CPIN?": 99}, "modem_error"),
        ("error_on", {"AT+NSOST": 1, "AT+CSOSEND": 1}, "send_failed"),
    ],
)
def test_faults_become_counted_reasons(rig, fault, value, reason):
    setattr(rig.model.faults, fault, value)
    modem = rig.modem()
    with pytest.raises(ModemError) as caught:
        rig.run(session(modem, b"x"))
    assert caught.value.reason == reason and modem.counters[reason] >= 1
    assert rig.model.faults.unfired() == []


def test_a_name_that_nobody_knows(rig):
    modem = rig.modem()
    with pytest.raises(ModemError, match=r"nowhere\.example has no address"):
        rig.run(session(modem, b"x", "nowhere.example"))
    assert modem.counters == {"network_no_route": 1}


def test_a_restart_in_mid_session_is_told_at_once(rig):
    Server(rig.network)
    rig.model.speeds = ()  # a BC95 at its first speed: at another one it is not understood
    modem = rig.modem()
    rig.run(modem.start())
    rig.run(modem.attach("", 60_000))
    rig.run(modem.open_udp(HOST, PORT))
    rig.world.call_after(1_000_000, rig.model.reset_now)
    before_s = rig.world.now_us / 1e6
    with pytest.raises(ModemError, match="modem_reset"):
        rig.run(modem.receive(60_000))
    assert rig.world.now_us / 1e6 - before_s < 3 and modem.counters == {"modem_reset": 1}
    assert rig.run(session(modem, b"again")) == b"ack 5"


@pytest.mark.parametrize("rig", ALL, indirect=True)
def test_a_hung_modem_is_freed_by_its_reset_pin(rig):
    Server(rig.network)
    modem = rig.modem()
    rig.run(session(modem, b"x"))
    rig.model.faults.hung = True
    assert rig.run(session(modem, b"y")) == b"ack 1" and rig.model.faults.fired["hung"]


@pytest.mark.parametrize("rig", ALL, indirect=True)
def test_a_lost_datagram_is_told_as_nothing_received(rig):
    Server(rig.network)
    rig.network.away(True)
    assert rig.run(session(rig.modem(), b"x")) is None
    assert rig.network.counts["up_outage"] == 1


@pytest.mark.parametrize("release", [0, 1, 2])
def test_release_assistance_is_as_the_policy_has_it(rig, release):
    Server(rig.network)
    modem = rig.modem()
    assert rig.run(session(modem, b"x", release=release)) == b"ack 1"
    assert rig.model.release == release


# What only a BC95 has.


@pytest.mark.parametrize("code", [159, 536, 537])
def test_a_busy_bc95_is_asked_again(make_rig, code):
    rig = make_rig("bc95")
    server = Server(rig.network)
    modem = rig.modem()
    rig.model.faults.limit("busy", 3, code)
    assert rig.run(session(modem, b"x")) == b"ack 1"
    rig.model.faults.limit("busy", 4, code)
    with pytest.raises(ModemError, match="send_failed"):
        rig.run(session(modem, b"y"))
    assert server.arrived == [b"x"] and rig.model.faults.fired["busy"] == 7
    assert modem.counters == {"send_failed": 1}


def test_a_bc95_has_no_time_before_its_network_has_told_it(make_rig):
    rig = make_rig("bc95")
    modem = rig.modem()
    rig.run(modem.start())
    assert rig.run(modem.network_time()) is None
    assert rig.run(modem.signal()) == {"rsrp_dbm": None} and not modem.counters


def at_speed(rig, modem):
    """Attaches; the speed at which both ends are then, in baud."""
    rig.run(modem.start())
    rig.run(modem.attach("", 60_000))
    assert modem._port.uart.baud == rig.model.baud
    return rig.model.baud


def test_a_bc95_is_made_faster_and_is_slow_again_after_its_sleep(make_rig):
    rig = make_rig("bc95")
    Server(rig.network)
    modem = rig.modem()
    assert at_speed(rig, modem) == 57_600 and not modem.counters
    rig.run(modem.sleep())
    rig.world.run_for(600)
    assert rig.model.state == "asleep" and modem._port.uart.baud == 9_600
    assert rig.run(session(modem, b"x")) == b"ack 1" and rig.model.baud == 57_600
    rig.run(modem.sleep())  # and once more before it sleeps
    assert rig.run(session(modem, b"y")) == b"ack 1" and not modem.counters


@pytest.mark.parametrize("part", [{"speeds": (4_800, 9_600)}, {"noisy_at": 57_600}])
def test_a_bc95_that_refuses_a_speed_or_is_not_heard_at_it_stays_slow(make_rig, part):
    rig = make_rig("bc95")
    server = Server(rig.network)
    vars(rig.model).update(part)
    modem = rig.modem()
    assert at_speed(rig, modem) == 9_600
    before_s = rig.world.now_us / 1e6
    assert rig.run(session(modem, b"x")) == b"ack 1" and server.arrived == [b"x"]
    assert rig.world.now_us / 1e6 - before_s < 5 and not modem.counters  # not tried again


@pytest.mark.parametrize("away_s", [0, 2, 20, 3600])
def test_a_reset_of_ours_finds_a_bc95_at_either_speed(make_rig, away_s):
    rig = make_rig("bc95")
    Server(rig.network)
    modem = rig.modem()
    assert at_speed(rig, modem) == 57_600
    rig.world.run_for(away_s)
    boots = rig.model.boots
    again = rig.modem()  # its UART is slow
    again._port.uart.baud = 9_600
    assert rig.run(session(again, b"x")) == b"ack 1"
    assert rig.model.boots == boots and not again.counters


def test_a_fast_bc95_that_restarts_by_itself_is_found_again(make_rig):
    rig = make_rig("bc95")
    Server(rig.network)
    modem = rig.modem()
    assert at_speed(rig, modem) == 57_600
    rig.model.reset_now()
    rig.world.run_for(5)  # what it said then was not understood
    with pytest.raises(ModemError, match="no answer"):
        rig.run(modem.open_udp(HOST, PORT))
    assert rig.run(session(modem, b"x")) == b"ack 1" and rig.model.baud == 57_600


def test_a_torn_announcement_costs_time_and_no_datagram(make_rig):
    rig = make_rig("bc95")
    Server(rig.network)
    modem = rig.modem()
    rig.run(modem.start())
    rig.run(modem.attach("", 60_000))
    rig.run(modem.open_udp(HOST, PORT))
    rig.run(modem.send(b"x"))
    rig.model.faults.drop_byte_at(6)  # +NSOMI
    assert rig.run(modem.receive(20_000)) == b"ack 1"
    assert rig.model.faults.unfired() == []


# Each byte of what it says.


@pytest.mark.parametrize(("part", "share"), [("bc26", 0.45), ("bc95", 0.6), ("sim7020", 0.6)])
def test_an_unsolicited_line_at_every_byte_of_a_session(make_rig, part, share):
    plain, answer = spoilt_session(make_rig(part, 9), lambda faults: None)
    assert answer == b"ack 5"
    came = 0
    for position in range(len(plain)):
        said, answer = spoilt_session(
            make_rig(part, 9), lambda faults, at=position: faults.urc_at(at, "+CSCON: 1")
        )
        came += answer == b"ack 5"
        if plain[:position].endswith(b"\r\n"):  # between two lines it must not matter
            assert answer == b"ack 5", said
        else:  # a torn line may cost the datagram, and is counted then
            assert answer in (b"ack 5", None), said
    assert came >= len(plain) * share  # a BC26 says little beside its OK


@pytest.mark.parametrize("part", ALL)
@pytest.mark.parametrize("kind", ["drop_byte_at", "garble", "double_byte_at"])
def test_a_wrong_byte_never_sends_twice_or_hangs(make_rig, part, kind):
    plain, _ = spoilt_session(make_rig(part, 9), lambda faults: None)
    for position in range(len(plain)):
        _, answer = spoilt_session(
            make_rig(part, 9), lambda faults, at=position: getattr(faults, kind)(at)
        )
        assert answer is None or len(answer) <= 6
