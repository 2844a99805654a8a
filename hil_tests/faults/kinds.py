"""Every kind of trouble that a soak puts a site through: one function each, in virtual time.

A function begins a fault, lets it last, and ends it. Chance comes from the slot alone, so that a
seed names a run. What was asked for and did not take effect makes the run invalid: `Slot.close`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from ..virtual.board import VirtualBoard
from ..virtual.fault_panel import FaultPanel, Switches
from ..virtual.site import Site
from .full_flash import FullFlash

HOUR_S = 3600
PATIENCE_S = 30 * HOUR_S  # for a fault that waits for its occasion
SAID = 290  # bytes that a modem says in a wake

Kind = Callable[["Slot"], None]
KINDS: dict[str, Kind] = {}
LONG: set[str] = set()  # only in runs of ten days and more


class NotFired(Exception):
    """A fault that never took effect: the run proves nothing."""


class Slot:
    """One fault on one station of a site, with the chance that shapes it."""

    def __init__(self, site: Site, station: VirtualBoard, chance: random.Random) -> None:
        self.site = site
        self.station = station
        self.chance = chance
        self.panel = FaultPanel(site)
        name = next(name for name, board in site.boards.items() if board is station)
        self.switches: Switches = self.panel.of(name)
        self.modem = station.fitted.modem
        self.said_to = 0  # how far the modem's words must have come

    def hours(self, least: float, most: float) -> None:
        """Lets a time between these pass."""
        self.site.run_for(round(self.chance.uniform(least, most) * HOUR_S))

    def until(self, condition: Callable[[], object]) -> None:
        """Waits for what a fault needs to take effect."""
        if not self.site.run_until(condition, PATIENCE_S):
            raise NotFired("its occasion did not come")

    def close(self) -> dict[str, int]:
        """Turns all off; returns what took effect, and how often.

        Raises:
            NotFired: something did not.
        """
        unfired = self.panel.unfired()
        fired = dict(self.panel.fired)
        self.panel.clear()
        if unfired or not fired:
            raise NotFired(", ".join(unfired) or "nothing took effect")
        return fired

    def give_up(self) -> None:
        """Leaves the site as it was before a fault that did not come to its end."""
        self.panel.clear()
        if not self.site.collector_runs:
            self.site.start_collector()
        if self.station.state == "off":
            self.station.power_on()


def kind(function: Kind) -> Kind:
    """Enters a function into the catalogue."""
    KINDS[function.__name__] = function
    return function


def long(function: Kind) -> Kind:
    """The same, for what takes days."""
    LONG.add(function.__name__)
    return kind(function)


# The modem's line


def _bytes(slot: Slot, ask: Callable[[int], None], wakes: int = 3) -> None:
    for _ in range(wakes):
        slot.said_to = slot.modem.faults.sent + SAID
        ask(slot.chance.randrange(SAID))
        slot.until(lambda: slot.modem.faults.sent > slot.said_to)
        slot.hours(0.1, 0.2)


@kind
def unsolicited_line(slot: Slot) -> None:
    _bytes(slot, lambda at: slot.modem.faults.urc_at(at, "+CSCON: 1"))


@kind
def doubled_byte(slot: Slot) -> None:
    _bytes(slot, slot.modem.faults.double_byte_at)


@kind
def lost_byte(slot: Slot) -> None:
    _bytes(slot, slot.modem.faults.drop_byte_at)


@kind
def garbled_byte(slot: Slot) -> None:
    _bytes(slot, lambda at: slot.modem.faults.garble(at, slot.chance.randrange(1, 256)))


@kind
def late_bytes(slot: Slot) -> None:
    _bytes(slot, lambda at: slot.modem.faults.delay_at(at, slot.chance.randrange(50, 3000)))


# The modem


def _modem(slot: Slot, name: str, value: object, least: float = 1, most: float = 3) -> None:
    setattr(slot.modem.faults, name, value)
    slot.hours(least, most)
    slot.until(lambda: slot.modem.faults.fired[name])
    setattr(slot.modem.faults, name, None)


@kind
def modem_silent(slot: Slot) -> None:
    _modem(slot, "silent", True)


@kind
def modem_hung(slot: Slot) -> None:
    slot.modem.faults.hung = True
    slot.until(lambda: not slot.modem.faults.hung)  # the unit has restarted it


@kind
def modem_refuses(slot: Slot) -> None:
    command = slot.chance.choice(("AT+QIOPEN", "AT+QISEND", "AT+CEREG", "AT+CFUN", "AT+QICFG"))
    _modem(slot, "error_on", {command: "+CME ERROR: 50"})


@kind
def modem_resets(slot: Slot) -> None:
    slot.said_to = slot.modem.faults.sent + slot.chance.randrange(SAID)
    slot.until(lambda: slot.modem.faults.sent > slot.said_to)
    slot.modem.reset_now()
    slot.hours(0.5, 1.5)


@kind
def not_registered(slot: Slot) -> None:
    slot.modem.faults.cereg = slot.chance.choice((2, 3))
    slot.modem.radio.lose()
    slot.hours(1, 6)
    slot.modem.faults.cereg = None


@kind
def send_ok_that_is_a_lie(slot: Slot) -> None:
    slot.modem.faults.limit("send_ok_never_sent", slot.chance.randrange(1, 4))
    slot.until(lambda: not slot.modem.faults.send_ok_never_sent)


@kind
def send_ok_lost(slot: Slot) -> None:
    slot.modem.faults.limit("send_ok_lost", slot.chance.randrange(1, 4))
    slot.until(lambda: not slot.modem.faults.send_ok_lost)


@kind
def send_fails(slot: Slot) -> None:
    slot.modem.faults.limit("send_fail", slot.chance.randrange(1, 4))
    slot.until(lambda: not slot.modem.faults.send_fail)


@kind
def send_ok_late(slot: Slot) -> None:
    _modem(slot, "send_ok_late_ms", slot.chance.randrange(2_000, 40_000), 2, 4)


@kind
def brown_out(slot: Slot) -> None:
    slot.modem.faults.limit("brownout", 1, slot.chance.choice(("lost", "sent")))
    slot.until(lambda: not slot.modem.faults.brownout)


# Network and collector


@kind
def network_away(slot: Slot) -> None:
    slot.panel.network.away = True
    slot.hours(1, 3)
    slot.until(lambda: slot.panel.network.fired["away"])


@long
def network_away_for_three_days(slot: Slot) -> None:
    slot.panel.network.away = True
    slot.hours(72, 72)


def _datagrams(slot: Slot, fate: str) -> None:
    slot.panel.network.limit(fate, slot.chance.randrange(2, 8))
    slot.until(lambda: not getattr(slot.panel.network, fate))


@kind
def datagrams_lost(slot: Slot) -> None:
    _datagrams(slot, "lose")


@kind
def datagrams_twice(slot: Slot) -> None:
    _datagrams(slot, "duplicate")


@kind
def datagrams_overtaken(slot: Slot) -> None:
    _datagrams(slot, "reorder")


@kind
def collector_killed(slot: Slot) -> None:
    slot.site.faults.kill_collector = slot.chance.choice(("before", "inside", "after"))
    slot.until(lambda: not slot.site.collector_runs)
    slot.hours(0.2, 3)
    slot.site.start_collector()


@kind
def server_clock_wrong(slot: Slot) -> None:
    sign = slot.chance.choice((1, -1))
    slot.site.faults.server_clock_off_s = sign * slot.chance.randrange(10, 5000)
    slot.hours(1, 2)
    slot.until(lambda: slot.site.faults.fired["server_clock_off_s"])


@kind
def network_clock_wrong(slot: Slot) -> None:
    slot.modem.faults.clock_off_s = slot.chance.choice((-86_400, 86_400))
    slot.station.power_off()
    slot.station.power_on()  # only a unit that knows no time asks the network for it
    slot.until(lambda: slot.modem.faults.fired["clock_off_s"])


# Inside the box


@kind
def sensor_unplugged(slot: Slot) -> None:
    part = slot.chance.choice(("air", "co2", "light", "soil", "battery"))
    slot.switches[part].unplugged = True
    slot.hours(1, 3)


@kind
def sensor_frozen(slot: Slot) -> None:
    part = slot.chance.choice(("air", "co2", "light", "soil", "battery"))
    slot.switches[part].frozen = True
    slot.hours(2, 6)


@kind
def sensor_check_byte(slot: Slot) -> None:
    part = slot.chance.choice(("air", "co2", "soil"))
    slot.switches[part].limit("bad_crc", slot.chance.randrange(1, 9))
    slot.until(lambda: not slot.switches[part].bad_crc)


@kind
def bus_held_low_for_a_byte(slot: Slot) -> None:
    slot.switches.hardware.i2c_stuck = slot.chance.randrange(1, 19)
    slot.until(lambda: not slot.switches.hardware.i2c_stuck)


@kind
def bus_held_low(slot: Slot) -> None:
    slot.switches.hardware.i2c_stuck = -1
    slot.hours(0.5, 2)


@kind
def heap_nearly_full(slot: Slot) -> None:
    slot.switches.hardware.heap_hog = slot.chance.randrange(2_000, 9_000)
    slot.hours(1, 3)


@kind
def power_cut_at_a_flash_operation(slot: Slot) -> None:
    slot.station.flash.cut_in(slot.chance.randrange(1, 60), slot.chance.random() < 0.5)
    slot.until(lambda: slot.station.state == "off")
    slot.hours(0.01, 1)
    slot.station.power_on()


@kind
def power_cut(slot: Slot) -> None:
    slot.panel.expect("power cut", lambda: len(slot.station.resets))
    slot.hours(0.1, 1)
    slot.station.power_off()
    slot.hours(0.01, 1)
    slot.station.power_on()


@kind
def flash_full(slot: Slot) -> None:
    slot.station.power_off()
    full = FullFlash(slot.station, free_blocks=1)
    slot.station.power_on()
    slot.panel.expect("flash full", full.was_full)
    try:
        slot.hours(3, 12)
        slot.until(full.was_full)
    finally:
        slot.station.power_off()
        full.empty()
        slot.station.power_on()
