"""A climate station in virtual time, watched from outside: at its pins, its coils, its motor."""

from __future__ import annotations

import re

import pytest
from fieldbeat.protocols import event
from fieldbeat.protocols.actuator import ASKED, INTERLOCK, SWITCH
from fieldbeat.protocols.control_rules import BLIND, CLOCK, EVERY, IDLE, LEVEL, ORDER, RULE, RUNS
from fieldbeat.protocols.reason_codes import CODES

from .control_site import ControlSite, actuator, rule, table
from .virtual.board import WATCHDOG
from .virtual.plant import LEAK

HOUR_S = 3600
LOOK_S = 10
MILD, HOT = 20.0, 31.0
INPUTS = ["air_temperature", "air_humidity", "illuminance", "water_flow"]
HOT_AIR = [LEVEL, 0, 2600, 100, False, 0]
DRY_AIR = [LEVEL, 1, 400, 50, True, 0]
ALWAYS = [EVERY, 600, 600]
BOOT_S = 0.4  # until boot.py has put the pins to rest
SENT_S = 30  # from what happens to where it is known, a wake in between


@pytest.fixture
def site(tmp_path):
    with ControlSite(seed=1, workdir=tmp_path) as site:
        site.hold(air_temperature=MILD, air_humidity=60.0, illuminance=1000.0)
        yield site


def by_heat(*rows, **options):
    """Actuators that all want what the heat says."""
    rules = [rule(n + 1, n, HOT_AIR) for n in range(len(rows))]
    return table(INPUTS, list(rows), rules, **options)


def wake(site) -> None:
    """What waits is told."""
    site.type("uplink")
    site.run_for(SENT_S)


# What rules want


def test_what_the_rules_want_is_done_and_told(site):
    rows = [actuator(name) for name in ("fan", "roof", "mist", "lamp")]
    rules = [
        *(rule(1, 0, HOT_AIR), rule(2, 1, HOT_AIR), rule(3, 2, DRY_AIR)),
        rule(4, 3, along=[2, 2000, 0, 10]),
    ]
    site.put_up(table(INPUTS, rows, rules), run_s=60)
    assert not site.observer.is_on("fan")
    begin_s = site.observer.now_s
    site.hold(air_temperature=HOT, air_humidity=30.0)
    site.run_for(200)
    for name in ("fan", "roof.open", "mist"):
        assert begin_s < site.observer.runs(name)[0][0] <= begin_s + LOOK_S + 6, name
    on = {name for name, value in site.scene.plant.outputs.items() if value == 1}
    assert on == {"fan", "mist", "roof"}
    assert site.scene.plant.outputs["lamp"] == pytest.approx(0.5, abs=0.01)
    site.hold(air_temperature=MILD, air_humidity=60.0)
    site.run_for(200)
    assert not site.observer.is_on("fan") and not site.observer.is_on("mist")
    assert site.roof.position == 0
    wake(site)
    assert site.decisions("fan") == [(100, RULE, 1, ASKED), (0, IDLE, 0, ASKED)]
    (told, *_) = [
        body for body in site.events(event.DECISION) if body[event.DECISION_ACTUATOR] == "mist"
    ]
    assert told[event.DECISION_INPUTS]["air_humidity"] == pytest.approx(300, abs=10)
    site.observer.check(rows)
    assert b"Traceback" not in site.station.output and "fan" in site.type("control")


def test_the_console_tells_where_a_motor_is_told_to_be_from_where_it_stands(site):
    rows = [actuator("fan"), actuator("roof", switch="hand"), actuator("mist")]
    site.put_up(table(INPUTS, rows, []), run_s=60)
    site.part("hand").set(True)
    site.run_for(10)
    site.roof.place(0.3)  # by hand
    assert re.search(
        r"roof +0 %  idle      switch  nobody knows where it stands", line(site, "roof")
    )
    assert "actuator  now    by        why" in site.type("control")
    site.part("hand").set(False)
    site.run_for(120)
    assert line(site, "roof").split() == ["roof", "0", "%", "idle"]
    site.type("operate roof 50 600")
    site.run_for(30)
    assert 0.1 < site.roof.position < 0.4
    told = re.search(r"roof +50 %  order .* stands at about (\d+) %", line(site, "roof"))
    assert told and int(told[1]) == pytest.approx(100 * site.roof.position, abs=3)
    site.run_for(60)
    assert "stands" not in line(site, "roof") and " 50 %  order" in line(site, "roof")
    for name in ("fan", "mist"):
        assert f"{name} is on or off: it takes 0 or 100" in site.type(f"operate {name} 50 60")
    assert "ordered" in site.type("operate fan 100 60")
    assert "there are fan, roof, mist" in site.type("operate valve 50 60")


def line(site, name: str) -> str:
    (found,) = [each for each in site.type("control").splitlines() if each.startswith(f"{name} ")]
    return found


def test_what_needs_another_one_starts_after_it_and_stops_before_it(site):
    rows = [actuator("valve"), actuator("pump", needs=(0,))]
    rules = [rule(1, 0, [EVERY, 60, 600]), rule(2, 1, [EVERY, 60, 600])]
    site.put_up(table(INPUTS, rows, rules), run_s=1300)
    valve, pump = site.observer.runs("valve"), site.observer.runs("pump")
    assert len(valve) == len(pump) == 3
    for (opened, closed), (started, stopped) in zip(valve, pump, strict=True):
        assert opened + 0.5 < started and stopped < closed - 0.5


def test_limits_hold_whatever_the_rules_want(site):
    rows = [
        actuator("fan", max_run_s=100, min_pause_s=40),
        actuator("heater", max_run_s=200, min_pause_s=20, max_day_s=900),
    ]
    rules = [rule(1, 0, ALWAYS), rule(2, 1, ALWAYS)]
    site.put_up(table(INPUTS, rows, rules, look_s=20), run_s=HOUR_S)
    site.observer.check(rows)
    assert len(site.observer.runs("fan")) > 20
    assert site.observer.on_s("heater") == pytest.approx(900, abs=10)


# Who is not there any more


@pytest.mark.parametrize("how", ["reset", "power cut", "brown out", "watchdog"])
def test_a_reset_puts_all_to_rest_and_gives_no_more_than_a_day_has(site, how):
    rows = [
        *(actuator("fan", max_day_s=900), actuator("heater", min_pause_s=30), actuator("roof")),
        actuator("mist", min_pause_s=15),
    ]
    site.put_up(by_heat(*rows), run_s=60)
    site.hold(air_temperature=HOT)
    site.run_for(120)
    station, observer = site.station, site.observer
    assert observer.is_on("fan") and observer.is_on("heater") and site.relays.coils[0]
    begin_s = observer.now_s
    if how == "reset":
        station.reset()
    elif how == "brown out":
        station.brown_out()
    elif how == "watchdog":
        station._boot(WATCHDOG)
    else:
        station.power_off()
        site.run_for(50)
        station.power_on()
    site.run_for(BOOT_S if how == "watchdog" else 0)  # which leaves pins as they are
    assert not observer.is_on("fan") and not observer.is_on("heater")
    if how in ("reset", "brown out"):
        assert site.relays.coils[
            0
        ]  # it has its own supply: the first that the program does is off
    if how == "power cut":
        assert not site.relays.coils[0]  # nobody has told it again
    site.run_for(8)
    assert not site.relays.coils[0]
    site.run_for(60)
    assert observer.is_on("fan") and observer.is_on("heater") and site.relays.coils[0]
    off_s = observer.runs("heater")[-1][0] - begin_s
    assert off_s >= (80 if how == "power cut" else 30)
    site.run_for(900)
    observer.check(rows)
    # What was written down before the cut is gone for that day.
    assert 300 <= observer.on_s("fan") <= 460


@pytest.mark.parametrize("how", ["reboot", "Ctrl-C", "full heap"])
def test_who_ends_the_program_leaves_all_at_rest(site, how):
    rows = [actuator("fan", min_pause_s=30), actuator("roof"), actuator("mist", min_pause_s=30)]
    station, observer = site.put_up(by_heat(*rows), run_s=60), site.observer
    site.hold(air_temperature=HOT)
    site.run_for(60)
    assert observer.is_on("fan") and observer.is_on("roof.open") and site.relays.coils[0]
    if how == "reboot":
        station.console_write(b"reboot\r")
        site.run_for(0.9)  # it is on its way: what it could do is done
    elif how == "Ctrl-C":
        station.console_write(b"\x03")
        site.run_for(1)
    else:
        station.hardware.faults.heap_hog = 1000
        resets = len(station.resets)

        def has_ended():  # tasks that fail again and again: safe mode; no look for long: a reset
            return len(station.resets) > resets or b"safe mode" in station.output

        assert site.run_until(has_ended, HOUR_S)
        assert station.hardware.faults.fired["heap_hog"]
    for name in ("fan", "roof.open", "roof.close"):
        assert not observer.is_on(name), name
    assert not site.relays.coils[0]
    if how == "Ctrl-C":
        site.run_for(600)
        assert not observer.is_on("fan") and not site.relays.coils[0]
    elif how == "full heap":
        station.hardware.faults.heap_hog = 0
        assert site.run_until(lambda: observer.is_on("fan"), 2 * HOUR_S)  # safe mode is an hour


def test_an_order_ends_with_its_lease_and_in_a_power_cut(site):
    site.put_up(by_heat(actuator("fan"), actuator("heater", lease_s=600)), run_s=30)
    observer = site.observer
    assert "ordered" in site.type("operate fan 100 45")
    assert "ordered" in site.type("operate heater 100 300")
    site.run_for(20)
    assert observer.is_on("fan") and observer.is_on("heater")
    site.run_for(60)
    ((begin_s, end_s),) = observer.runs("fan")
    assert 40 <= end_s - begin_s <= 47
    site.station.power_off()
    site.run_for(400)
    site.station.power_on()
    site.run_for(120)
    assert not observer.is_on("heater")  # it is over
    site.type("operate heater 100 300")
    site.run_for(20)
    assert observer.is_on("heater")
    site.type("operate heater auto")
    site.run_for(10)
    assert not observer.is_on("heater")
    assert "there are fan, heater" in site.type("operate boiler 100 10")
    assert "type operate" in site.type("operate fan 101 10")
    wake(site)
    assert (100, ORDER, 0, ASKED) in site.decisions("fan")


def test_a_heap_that_is_full_ends_in_rest(site):
    """Rules that crash again and again ask no more: leases end, whatever becomes of the unit."""
    rows = [actuator("fan", lease_s=60), actuator("heater", lease_s=60)]
    site.put_up(by_heat(*rows), run_s=60)
    site.hold(air_temperature=HOT)
    site.run_for(60)
    assert site.observer.is_on("fan")
    hardware = site.station.hardware
    hardware.faults.heap_hog = 2000
    site.run_for(200)
    assert hardware.faults.fired["heap_hog"]
    ends = [site.observer.runs(name)[0][1] for name in ("fan", "heater")]
    assert all(end < site.observer.now_s for end in ends), "they ran on"
    hardware.faults.heap_hog = 0


def test_a_sensor_that_is_lost_is_a_blind_rule(site):
    rows = [actuator("fan", safe=0), actuator("lamp", idle=0)]
    rules = [rule(1, 0, HOT_AIR), rule(2, 1, HOT_AIR, blind=30)]
    site.put_up(table(INPUTS, rows, rules, stale_s=40), run_s=30)
    site.hold(air_temperature=HOT)
    site.run_for(60)
    air = site.part("air")
    air.faults.unplugged = True
    begin_s = site.observer.now_s
    site.run_for(120)
    assert air.faults.fired["unplugged"]
    ((_, end_s),) = site.observer.runs("fan")
    assert 30 <= end_s - begin_s <= 40 + 2 * LOOK_S + 2
    assert site.scene.plant.outputs["lamp"] == pytest.approx(0.3, abs=0.01)
    air.faults.unplugged = False
    site.run_for(60)
    assert site.observer.is_on("fan")
    wake(site)
    assert (0, BLIND, 1, ASKED) in site.decisions("fan")
    blind = [
        body[event.DECISION_INPUTS]
        for body in site.events(event.DECISION)
        if body[event.DECISION_CAUSE] == BLIND
    ]
    assert blind and all(each == {"air_temperature": None} for each in blind)


# A person, and the plant's own controller


def test_a_hand_switch_takes_it_and_gives_it_back(site):
    rows = [actuator("fan", switch="hand"), actuator("roof", switch="hand"), actuator("heater")]
    site.put_up(by_heat(*rows), run_s=60)
    site.hold(air_temperature=HOT)
    site.run_for(60)  # the roof is on its way
    assert site.observer.is_on("roof.open") and site.observer.is_on("fan")
    begin_s = site.observer.now_s
    site.part("hand").set(True, bounces=4)
    site.run_for(40)
    for name in ("fan", "roof.open"):
        assert site.observer.runs(name)[-1][1] <= begin_s + 2, name
    assert site.observer.is_on("heater") and not site.observer.is_on("roof.close")
    at = site.roof.position
    site.run_for(60)
    assert site.roof.position == at  # it stays where it is
    site.roof.place(0.9)
    site.part("hand").set(False, bounces=4)
    site.run_for(200)
    assert site.observer.is_on("fan") and site.roof.position == 1
    wake(site)
    assert (0, RULE, 1, SWITCH) in site.decisions("fan")
    site.observer.check(rows)


def test_an_interlock_that_opens_forbids_at_once_and_a_broken_cable_does_so_too(site):
    rows = [actuator("heater", interlock="guard"), actuator("fan")]
    site.put_up(by_heat(*rows), run_s=60)
    site.hold(air_temperature=HOT)
    site.run_for(30)
    assert site.observer.is_on("heater")
    begin_s = site.observer.now_s
    site.part("guard").set(False)  # open: as its pin is with no cable at all
    site.run_for(100)
    assert site.observer.runs("heater")[-1][1] <= begin_s + 2 and site.observer.is_on("fan")
    site.type("operate heater 100 60")  # nobody's order overrules it
    site.run_for(20)
    assert not site.observer.is_on("heater")
    site.part("guard").set(True)
    site.run_for(30)
    assert site.observer.is_on("heater")
    wake(site)
    assert (0, RULE, 1, INTERLOCK) in site.decisions("heater")


# The clock


def test_a_clock_that_jumps_ends_no_lease_and_makes_nobody_run_longer(site):
    rows = [actuator("fan", max_run_s=300, min_pause_s=60), actuator("heater", lease_s=100)]
    rules = [rule(1, 0, [CLOCK, 0, 9 * HOUR_S, 0, 11 * HOUR_S])]  # the world begins at 08:00
    site.put_up(table(INPUTS, rows, rules), run_s=300)
    assert not site.observer.runs("fan")
    site.type("operate heater 100 900")
    site.faults.server_clock_off_s = 7200  # over the begin of the schedule
    wake(site)
    begin_s = site.observer.now_s
    site.run_for(600)
    assert site.observer.on_s("fan") > 300 and site.faults.fired["server_clock_off_s"]
    site.faults.server_clock_off_s = 0
    wake(site)
    site.run_for(400)
    assert not site.observer.is_on("fan")
    ((on_s, off_s),) = site.observer.runs("heater")
    assert off_s - on_s == pytest.approx(900, abs=12) and on_s < begin_s < off_s
    site.observer.check(rows)


def test_without_a_clock_a_schedule_is_blind(site):
    rows = [actuator("fan"), actuator("heater")]
    rules = [rule(1, 0, [CLOCK, 0, 0, 0, 86_399], blind=0), rule(2, 1, ALWAYS)]
    station = site.put_up(table(INPUTS, rows, rules))
    station.fitted.modem.faults.silent = True
    site.run_for(300)
    assert station.fitted.modem.faults.fired["silent"]
    assert not site.observer.runs("fan") and site.observer.is_on("heater")


# The link, and what else a station may have


def test_without_a_link_rules_go_on_orders_end_and_faults_are_told_later(site):
    site.put_up(by_heat(actuator("fan"), actuator("heater"), actuator("roof")), run_s=60)
    site.network.loss = 1.0
    site.hold(air_temperature=HOT)
    site.roof.faults.stalled = True
    site.run_for(200)
    site.hold(air_temperature=MILD)
    ordered_s = site.observer.now_s
    site.type("operate heater 100 60")
    site.run_for(400)
    assert len(site.observer.runs("fan")) == 1 and not site.observer.is_on("fan")
    assert 55 <= site.observer.runs("heater")[-1][1] - ordered_s <= 70
    assert site.roof.faults.fired["stalled"] and site.faults_told() == []
    site.network.loss = 0.0
    site.run_for(HOUR_S // 2)  # it is tried after one minute, two, four ...
    assert [name for name, _, _ in site.faults_told()] == ["roof"]


ALARM = """
[[alarm]]
number = 5
channel = "air_temperature"
above = "30 Cel"
hold = "10 s"
[pace]
interval_s = 60
look_s = 20
[[pace.when]]
channel = "air_temperature"
above = "29 Cel"
"""


@pytest.mark.parametrize(
    "more", [ALARM, '[power]\nsleep = "never"\n', ""], ids=["alarms", "power", ""]
)
def test_it_acts_beside_alarms_and_a_ledger(site, more):
    site.put_up(by_heat(actuator("fan"), actuator("mist")), run_s=60, more=more)
    site.hold(air_temperature=HOT)
    site.run_for(30)
    assert site.observer.is_on("fan") and site.relays.coils[0]
    site.run_for(1000)
    if more == ALARM:
        assert [body[event.ALARM_RULE] for body in site.events(event.ALARM)] == [5]
    site.hold(air_temperature=MILD)
    site.run_for(60)
    assert not site.observer.is_on("fan") and not site.relays.coils[0]
    assert b"Traceback" not in site.station.output and b"MemoryError" not in site.station.output


# Lines and motors that do not do as they are told


@pytest.mark.parametrize(
    ("fault", "value", "reason"),
    [
        ("unplugged", True, "sensor_timeout"),
        ("poses_as", 17, "sensor_crc"),
        ("deaf", True, "actuator_no_effect"),
    ],
)
def test_a_relay_board_that_fails_is_told_at_once_and_put_to_rest_when_it_answers(
    site, fault, value, reason
):
    rows = [actuator("mist"), actuator("fan")]
    site.put_up(by_heat(*rows), run_s=60)
    site.hold(air_temperature=HOT)
    site.run_for(40)
    assert site.relays.coils[0]
    setattr(site.relays.faults, fault, value)
    begin_s = site.observer.now_s
    site.hold(air_temperature=MILD)
    site.run_for(60)
    assert site.relays.faults.fired[fault]
    assert not site.relays.coils[0]  # where it does not hear, or obey, its time is over
    assert not site.observer.is_on("fan")
    assert site.faults_told() == [("mist", CODES[reason], 0)]  # without being asked
    assert site.observer.now_s - begin_s <= 61
    setattr(site.relays.faults, fault, type(value)(0))
    site.run_for(15)
    assert not site.relays.coils[0]
    site.hold(air_temperature=HOT)
    site.run_for(120)
    assert not site.relays.coils[0]  # at fault for an hour, or until a person wants it
    site.type("operate mist 100 60")
    site.run_for(10)
    assert site.relays.coils[0]


def test_a_relay_board_that_lost_its_supply_is_told_again_what_it_is_to_do(site):
    site.put_up(by_heat(actuator("mist")), run_s=60)
    site.hold(air_temperature=HOT)
    site.run_for(40)
    site.relays.cut()
    site.run_for(70)
    assert site.relays.coils[0]


def test_both_ways_at_once_are_one_after_the_other(site):
    rows = [actuator("roof")]
    site.put_up(by_heat(*rows), run_s=20)
    for value in (100, 0, 100, 0, 55, 100, 0):
        site.type(f"operate roof {value} 600")
        site.run_for(7)
    site.run_for(200)
    site.observer.check(rows)
    assert not site.roof.shorts and len(site.roof.reversals) >= 2
    assert min(rest for _, rest in site.roof.reversals) >= 2_000_000
    assert site.roof.position == 0


def test_an_end_stop_that_does_not_come_stops_the_motor_and_is_told(site):
    site.put_up(by_heat(actuator("roof")), run_s=60)
    site.roof.faults.stalled = True
    site.hold(air_temperature=HOT)
    site.run_for(200)
    assert site.roof.faults.fired["stalled"] and not site.observer.is_on("roof.open")
    assert site.observer.on_s("roof.open") <= 120 * 1.1 + 2
    assert site.faults_told() == [("roof", CODES["travel_lost"], 100)]


FLOWS = [3, 500, 20]  # more than 5 l/min, 20 s after it was told


def irrigation():
    rows = [actuator("valve"), actuator("pump", needs=(0,), confirm=FLOWS)]
    rules = [rule(1, 0, HOT_AIR), rule(2, 1, [RUNS, 0, True])]
    return table(INPUTS, rows, rules)


def test_a_pump_that_gives_no_water_stops_and_is_told(site):
    site.put_up(irrigation(), run_s=60)
    site.part("valve").faults.dead = True
    site.hold(air_temperature=HOT)
    site.run_for(90)
    assert site.part("valve").faults.fired["dead"]
    ((begin_s, end_s),) = site.observer.runs("pump")
    assert end_s - begin_s <= 20 + LOOK_S + 5
    assert site.faults_told() == [("pump", CODES["actuator_no_effect"], 100)]


def test_water_that_flows_with_the_valve_shut_is_told_at_once(site):
    site.put_up(irrigation(), run_s=60)
    site.hold(air_temperature=HOT)
    site.run_for(90)
    assert site.observer.is_on("pump") and site.faults_told() == []
    site.hold(air_temperature=MILD)
    site.run_for(120)
    assert site.faults_told() == []
    before = len(site.outcomes)
    site.scene.plant.put(LEAK, 1, site.world.now_us)
    site.run_for(90)
    assert site.faults_told() == [("pump", CODES["actuator_stuck"], 0)]
    assert len(site.outcomes) > before  # by a wake of its own
    (body,) = site.events(event.ACTUATOR_FAULT)
    assert body[event.FAULT_FEEDBACK] > 2000
    site.scene.plant.put(LEAK, 0, site.world.now_us)
    site.hold(air_temperature=HOT)
    site.run_for(60)
    assert site.observer.is_on("pump")  # what is mended works again
