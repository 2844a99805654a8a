"""The fan-out with a clock that is only a number: pacing, repetition, and a thousand units."""

import heapq
import random

import pytest
from fieldbeat.host_tools.fan_out import FanOut

COMMAND, OTHER = b"\1" * 8, b"\2" * 8
EMERGENCY, DRILL, DAILY = (2, 1), (1, 3), (0, 4)
HOUR = 3600.0


def fan_out(count=1, expires_s=HOUR, rank=EMERGENCY, **options):
    made = FanOut(**options)
    for n in range(count):
        made.add(COMMAND, f"sp-{n}", rank, expires_s, 0.0)
    return made


def sent(made, now_s):
    return [each.unit for each in made.due(now_s)]


def times_sent(made, until_s):
    """Return when a single delivery is sent, by asking only when `next_s` says so."""
    times: list[float] = []
    while (now_s := made.next_s()) is not None and now_s <= until_s:
        times += [now_s] * len(made.due(now_s))
    return times


def test_a_command_is_repeated_ever_less_often_until_it_expires():
    times = times_sent(fan_out(expires_s=600.0), 10_000)
    waits = [b - a for a, b in zip(times, times[1:], strict=False)]
    assert waits[:4] == [pytest.approx(1.15**n) for n in range(4)] and max(waits) == 60
    assert waits == sorted(waits)
    assert 540 < times[-1] < 600


def test_a_receipt_ends_it():
    made = fan_out(2)
    assert sent(made, 0) == ["sp-0", "sp-1"]
    made.heard(COMMAND, "sp-0")
    assert sent(made, 1) == ["sp-1"]
    made.heard(COMMAND, "sp-1")
    made.heard(COMMAND, "sp-1")
    made.heard(OTHER, "nobody")
    assert made.next_s() is None and len(made) == 0


def test_a_refusal_for_now_does_not_end_it():
    made = fan_out()
    times_sent(made, 300)
    for n in range(2):
        made.spoke("sp-0", 301.0)
        assert sent(made, 310.0 + 2 * n) == ["sp-0"]
        made.refused(COMMAND, "sp-0")
        made.spoke("sp-0", 310.1 + 2 * n)
        assert sent(made, 311.1 + 2 * n) == []
    made.refused(OTHER, "nobody")
    made.heard(COMMAND, "sp-0")
    assert len(made) == 0


def test_an_expired_command_is_not_sent():
    made = fan_out(expires_s=5.0)
    assert sent(made, 5.0) == [] and len(made) == 0
    assert made.next_s() is None


def test_what_is_cancelled_is_not_sent():
    made = fan_out(3)
    made.add(OTHER, "sp-0", EMERGENCY, HOUR, 0.0)
    made.drop([COMMAND])
    assert [(each.command, each.unit) for each in made.due(0)] == [(OTHER, "sp-0")]


def test_the_rate_is_held():
    made = fan_out(1000, rate_hz=200, burst=20)
    assert len(made.due(0)) == 20
    assert made.due(0) == [] and made.next_s() == pytest.approx(0.005)
    assert len(made.due(0.1)) == 20
    assert len(made.due(0.25)) == 20  # a pause gives no more than a burst
    count = sum(len(made.due(0.25 + n / 100)) for n in range(1, 101))
    assert count == pytest.approx(200, abs=2)


def test_the_rate_is_held_by_a_clock_of_unix_seconds():
    made = FanOut(rate_hz=2000, burst=1)
    for n in range(500):
        made.add(COMMAND, f"sp-{n}", EMERGENCY, 2e9, 1.8e9 + 0.123)
    now_s, asked = 1.8e9 + 0.123, 0
    units = set()
    while len(units) < 500:
        now_s, asked = max(now_s, made.next_s()), asked + 1
        units |= set(sent(made, now_s))
    assert asked < 600 and now_s - 1.8e9 - 0.123 == pytest.approx(0.25, abs=0.01)


def test_a_caller_takes_what_he_can():
    made = fan_out(30)
    assert len(made.due(0, most=7)) == 7 and len(made.due(0, most=7)) == 7
    assert len(made.due(0)) == 16


def test_the_highest_goes_first():
    made = FanOut(rate_hz=10, burst=1)
    for command, rank in ((b"daily", DAILY), (b"drill", DRILL), (b"flood", EMERGENCY)):
        made.add(command, "sp-0", rank, HOUR, 0.0)
    made.add(b"storm", "sp-0", (2, 2), HOUR, 0.0)
    order = [each.command for n in range(4) for each in made.due(n / 10)]
    assert order == [b"flood", b"storm", b"drill", b"daily"]


def test_units_that_were_not_tried_go_before_repetitions():
    made = fan_out(30, rate_hz=10, burst=1)  # all tried after 3 s, the first repetition due at 1 s
    units = [each.unit for n in range(60) for each in made.due(n / 10)]
    assert units[:30] == [f"sp-{n}" for n in range(30)]
    assert set(units[30:]) <= set(units[:30])


def test_an_emergency_overtakes_a_drill_that_is_under_way():
    made = fan_out(1000, rank=DRILL, rate_hz=1000, burst=50)
    assert len(made.due(0)) == 50
    made.add(OTHER, "sp-7", EMERGENCY, HOUR, 0.01)
    assert made.due(0.02)[0].command == OTHER


def test_who_has_no_address_waits_until_it_speaks():
    made = FanOut()
    made.add(COMMAND, "sp-0", EMERGENCY, HOUR, 0.0, reachable=False)
    assert made.next_s() is None and made.due(50) == []
    made.spoke("sp-0", 60.0)
    made.spoke("nobody", 60.0)
    assert sent(made, 60.0) == ["sp-0"]


def test_who_speaks_after_a_silence_is_told_at_once_and_not_flooded():
    made = fan_out()
    times_sent(made, 300)
    made.spoke("sp-0", 301.0)
    assert sent(made, 301.0) == ["sp-0"]
    for n in range(10):
        made.spoke("sp-0", 301.1 + n / 100)
    assert sent(made, 301.9) == [] and sent(made, 302.0) == ["sp-0"]


def test_a_known_delivery_is_not_added_again():
    made = fan_out()
    assert sent(made, 0) == ["sp-0"]
    made.add(COMMAND, "sp-0", EMERGENCY, HOUR, 0.1)
    assert len(made) == 1 and sent(made, 0.5) == []


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_every_open_delivery_stays_scheduled(seed):
    """Random events; then silence, in which each open delivery must still be sent."""
    chance, now_s = random.Random(seed), 0.0
    made = FanOut(rate_hz=100, burst=5)
    for _ in range(400):
        now_s += chance.choice((0, 0.01, 0.5))
        command, unit = bytes((chance.randrange(3),)), f"sp-{chance.randrange(8)}"
        match chance.randrange(5):
            case 0:
                made.add(command, unit, chance.choice((EMERGENCY, DAILY)), 1e6, now_s)
            case 1:
                made.heard(command, unit)
            case 2:
                made.spoke(unit, now_s)
            case 3:
                made.drop([command])
            case 4:
                made.due(now_s)
    made.add(b"last", "sp-0", DAILY, 1e6, now_s)
    left = set(made._open)
    seen = set()
    while seen != left:
        now_s = max(now_s, made.next_s())
        seen |= {(each.command, each.unit) for each in made.due(now_s)}
    for command, unit in left:
        made.heard(command, unit)
    assert made.next_s() is None and not made._of_unit


# A county in virtual time


class County:
    """Units behind lines that lose datagrams both ways; what they get they receipt."""

    def __init__(self, units, loss, seed, delay_s=(0.02, 0.2)):
        self.chance = random.Random(seed)
        self.loss, self.delay_s = loss, delay_s
        self.fan_out = fan_out(units)
        self.arrivals: list[tuple[float, str]] = []  # heap: when a receipt is here
        self.datagrams = 0

    def lost(self):
        return self.chance.random() < self.loss

    def send(self, now_s):
        for delivery in self.fan_out.due(now_s):
            self.datagrams += 1
            if not self.lost() and not self.lost():
                trip_s = self.chance.uniform(*self.delay_s) + self.chance.uniform(*self.delay_s)
                heapq.heappush(self.arrivals, (now_s + trip_s, delivery.unit))

    def run(self):
        """Return when the last receipt is here."""
        now_s = 0.0
        while len(self.fan_out):
            self.send(now_s)
            times = [self.fan_out.next_s()] + [at for at, _ in self.arrivals[:1]]
            now_s = max(now_s, min(at for at in times if at is not None))
            while self.arrivals and self.arrivals[0][0] <= now_s:
                self.fan_out.heard(COMMAND, heapq.heappop(self.arrivals)[1])
        return now_s


@pytest.mark.parametrize(
    ("units", "loss", "limit_s", "most"),
    [(1000, 0.0, 3, 1.0), (1000, 0.1, 10, 1.35), (10_000, 0.0, 20, 1.0), (10_000, 0.1, 20, 1.35)],
)
def test_how_soon_all_receipts_are_there(units, loss, limit_s, most):
    county = County(units, loss, seed=7)
    took_s = county.run()
    print(f"\n{units} units, {loss:.0%} loss: all receipts after {took_s:.2f} s", end="")
    print(f", {county.datagrams / units:.2f} datagrams a unit")
    assert took_s < limit_s
    assert county.datagrams <= most * units


def test_a_thousand_units_at_ten_percent_loss_whatever_the_seed():
    took = sorted(County(1000, 0.1, seed).run() for seed in range(40))
    print(f"\n1000 units, 10% loss, 40 seeds: median {took[20]:.2f} s, longest {took[-1]:.2f} s")
    assert took[37] < 10  # the others: a unit that seven datagrams in a row did not reach


def test_a_slow_network_costs_few_datagrams_more():
    county = County(1000, 0.0, seed=1, delay_s=(0.4, 1.5))  # NB-IoT in good coverage
    took_s = county.run()
    print(
        f"\n1000 units over NB-IoT: {took_s:.2f} s, {county.datagrams / 1000:.2f} datagrams each"
    )
    assert took_s < 5 and county.datagrams < 2500


def test_who_sleeps_is_told_while_it_is_awake_and_not_else():
    made = FanOut()
    made.add(COMMAND, "river", DAILY, 2 * HOUR, 0.0, awake_s=10.0)
    assert times_sent(made, HOUR) == []
    made.spoke("river", HOUR)
    times = times_sent(made, 2 * HOUR)
    assert len(times) == 7 and times[0] == HOUR and times[-1] < HOUR + 10
    made.spoke("river", HOUR + 60)  # it has not heard it
    assert times_sent(made, HOUR + 60) == [HOUR + 60]
    made.heard(COMMAND, "river")
    assert times_sent(made, 2 * HOUR) == []


def test_a_unit_that_listens_now_and_then_gets_first_what_was_ordered_first():
    made = FanOut()
    made.add(COMMAND, "gh-1", DAILY, HOUR, 0.0, awake_s=10.0)
    made.spoke("gh-1", 1.0)
    assert [each.command for each in made.due(1.0)] == [COMMAND]  # it had no room for it
    made.add(OTHER, "gh-1", DAILY, HOUR, 30.0, awake_s=10.0)
    made.spoke("gh-1", 60.0)
    assert [each.command for each in made.due(60.0)] == [COMMAND, OTHER]


def test_a_clock_that_is_set_back_holds_nothing_up():
    made = fan_out(expires_s=1e9)
    ahead_s = 31_536_000.0
    assert sent(made, ahead_s) == ["sp-0"]
    assert sent(made, 10.0) == ["sp-0"]
    made.spoke("sp-0", 10.1)
    assert sent(made, 13.0) == ["sp-0"]
