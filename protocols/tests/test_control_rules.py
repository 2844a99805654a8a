# Rules of control: each kind of condition, who has the actuator, and what nobody knows.
# SPDX-License-Identifier: Apache-2.0
from protocols import control_rules as rules_of
from protocols.control_rules import BLIND, CLOCK, EVERY, IDLE, LEVEL, ORDER, RULE, RUNS, Rules
from protocols.derived import DAY_RISE, DAY_SUM, DEFICIT, SINCE, Derived, deficit_pa

NOON = (43200, 21600, 64800)  # second of the day, sunrise, sunset


def rule(number=1, actuator=0, overrides=False, low=100, high=100, blind=None, along=None,
         dose=None, conditions=()):  # fmt: skip
    return [number, actuator, overrides, low, high, blind, along, dose, list(conditions)]


class Unit:
    # Rules with the arguments that a case is not about.
    def __init__(self, *rules, inputs=2, idle=(0, 0)):
        self.rules = Rules(rules, inputs, idle, 90)

    def decide(self, now_s, values=(0, 0), clock=NOON, running=(0, 0), orders=(None, None)):
        self.rules.decide(now_s, values, clock, running, orders)
        return self.rules.values[0], self.rules.causes[0]


def test_a_level_holds_and_comes_back():
    unit = Unit(rule(conditions=[[LEVEL, 0, 260, 15, False, 60]]))
    story = (  # second, value, what is decided
        (0, 250, 0),
        (30, 261, 0),
        (60, 261, 0),
        (90, 270, 100),  # for 60 s
        (120, 246, 100),
        (150, 245, 0),  # back by 15
        (180, 261, 0),
        (210, 260, 0),  # not beyond: the hold begins anew
        (240, 261, 0),
        (300, 261, 100),
    )
    for second, value, wanted in story:
        assert unit.decide(second, (value, 0))[0] == wanted, second


def test_a_level_below():
    unit = Unit(rule(conditions=[[LEVEL, 1, 100, 5, True, 0]]))
    told = [unit.decide(second, (0, value))[0] for second, value in enumerate((100, 99, 104, 105))]
    assert told == [0, 100, 100, 0]


def test_the_clock_over_midnight_and_by_the_sun():
    unit = Unit(rule(conditions=[[CLOCK, 0, 79200, 0, 14400]]))  # 22:00 to 04:00
    for hour in range(24):
        clock = (hour * 3600, 21600, 64800)
        assert bool(unit.decide(hour, clock=clock)[0]) == (hour >= 22 or hour < 4), hour
    # from half an hour after sunrise until an hour before sunset
    unit = Unit(rule(conditions=[[CLOCK, 1, 1800, 2, -3600]]))
    for minute in range(0, 1440, 10):
        clock = (minute * 60, 21600, 64800)
        assert bool(unit.decide(minute, clock=clock)[0]) == (390 <= minute < 1020), minute
    unit = Unit(rule(conditions=[[CLOCK, 1, 0, 2, 0]]))
    assert unit.decide(0, clock=(43200, 43200, 43200))[0] == 0  # the sun does not rise
    assert unit.decide(0, clock=(43200, 0, 86400))[0] == 100  # nor set
    unit = Unit(rule(conditions=[[CLOCK, 0, 72000, 0, 86400]]))  # 20:00 to 24:00
    assert [unit.decide(s, clock=(s, 0, 0))[0] for s in (0, 71999, 72000, 86399)] == [
        0,
        0,
        100,
        100,
    ]


def test_without_a_clock_nobody_knows():
    day = [CLOCK, 1, 0, 2, 0]
    unit = Unit(rule(blind=30, conditions=[day]))
    assert unit.decide(0, clock=None) == (30, BLIND)
    unit = Unit(rule(conditions=[day]))
    assert unit.decide(0, clock=None) == (0, IDLE)
    # What cannot hold whatever the clock says is not blind.
    unit = Unit(rule(blind=30, conditions=[day, [LEVEL, 0, 260, 15, False, 0]]))
    assert unit.decide(0, (250, 0), clock=None) == (0, IDLE)


def test_an_input_that_is_gone_counts_for_a_while():
    unit = Unit(rule(blind=40, conditions=[[LEVEL, 0, 260, 15, False, 0]]))
    assert unit.decide(0, (None, 0)) == (40, BLIND)  # never seen
    assert unit.decide(30, (270, 0)) == (100, RULE)
    assert unit.decide(120, (None, 0)) == (100, RULE)
    assert unit.decide(121, (None, 0)) == (40, BLIND)
    assert unit.decide(150, (250, 0)) == (0, IDLE)
    assert unit.decide(180, (255, 0)) == (0, IDLE)  # blind, it has forgotten that it held


def test_by_others_and_by_turns():
    unit = Unit(rule(conditions=[[RUNS, 1, True]]))
    assert [unit.decide(0, running=(0, value))[0] for value in (0, 55)] == [0, 100]
    unit = Unit(rule(conditions=[[EVERY, 30, 600]]))
    assert [bool(unit.decide(s)[0]) for s in (0, 29, 30, 599, 600)] == [1, 1, 0, 0, 1]


def test_the_first_that_applies_has_it():
    hot = [LEVEL, 0, 260, 0, False, 0]
    wind = [LEVEL, 1, 100, 0, False, 0]
    unit = Unit(
        rule(1, overrides=True, low=0, conditions=[wind]),
        rule(2, low=80, conditions=[hot]),
        rule(3, low=20),
    )
    told = []
    for orders in ((None, None), (55, None)):
        for values in ((0, 0), (300, 0), (0, 200), (300, 200)):
            told.append(unit.decide(0, values, orders=orders) + (unit.rules.numbers[0],))
    assert told == [
        (20, RULE, 3),
        (80, RULE, 2),
        (0, RULE, 1),
        (0, RULE, 1),
        (55, ORDER, 0),
        (55, ORDER, 0),
        (0, RULE, 1),  # an order cannot overrule it
        (0, RULE, 1),
    ]
    unit = Unit()
    assert unit.decide(0) == (0, IDLE)
    assert unit.decide(0, orders=(0, None)) == (0, ORDER)


def test_along_goes_in_steps_and_not_for_a_digit():
    unit = Unit(rule(low=0, high=100, along=[0, 240, 300, 10]))
    story = ((230, 0), (240, 0), (245, 0), (246, 10), (252, 20), (247, 20), (241, 0), (300, 100))
    for second, (value, wanted) in enumerate(story):
        assert unit.decide(second, (value, 0))[0] == wanted, (second, value)
    down = Unit(rule(low=100, high=20, along=[0, 300, 240, 20]))  # less with more
    assert [down.decide(s, (v, 0))[0] for s, v in enumerate((310, 270, 230))] == [100, 60, 20]
    odd = Unit(rule(low=15, high=70, along=[0, 240, 300, 40]))  # steps beyond the ends
    assert [odd.decide(s, (v, 0))[0] for s, v in enumerate((299, 310, 250))] == [70, 70, 40]
    blind = Unit(rule(low=0, high=100, blind=50, along=[0, 240, 300, 10]))
    assert blind.decide(0, (None, 0)) == (50, BLIND)


def test_a_dose_is_given_once():
    dry = [LEVEL, 0, 300, 50, True, 0]
    unit = Unit(rule(dose=[1, 20], conditions=[dry]))
    story = (  # moisture, litres, decided
        (310, 1000, 0),
        (290, 1000, 100),
        (290, 1019, 100),
        (290, 1020, 0),
        (290, 1020, 0),  # dry as before: it takes its time
        (360, 1020, 0),
        (290, 1020, 100),
        (290, 5, 100),  # the meter begins anew
        (290, 24, 100),
        (290, 25, 0),
    )
    for second, (moisture, litres, wanted) in enumerate(story):
        assert unit.decide(second, (moisture, litres))[0] == wanted, second
    blind = Unit(rule(dose=[1, 20], blind=0, conditions=[dry]))
    assert blind.decide(0, (290, None)) == (0, BLIND)


def test_truths_tell_why():
    unit = Unit(
        rule(conditions=[[LEVEL, 0, 260, 15, False, 0], [RUNS, 1, True], [CLOCK, 1, 0, 2, 0]])
    )
    unit.decide(0, (270, 0), clock=None)
    assert unit.rules.truths(0, 0, None, (0, 0)) == [True, False, None]


def test_derived_values():
    # FAO-56, annex 2, table 2.3: 3.168 kPa at 25 Cel; Magnus is within 0.3 per cent.
    assert abs(deficit_pa(2500, 100, 0, 10) - 3168) < 10
    assert abs(deficit_pa(2500, 100, 600, 10) - 1267) < 4
    assert deficit_pa(2500, 100, 1010, 10) == 0
    derived = Derived([[DEFICIT, 0, 100, 1, 10], [DAY_SUM, 2, 3600], [DAY_RISE, 3]])
    assert derived.reckon(0, 7, [2500, None, 40, 900]) == [None, 0, 0]
    assert derived.reckon(600, 7, [2500, 1000, 60, 905]) == [0, 10, 5]
    assert derived.reckon(1200, 7, [2500, 1000, None, 2]) == [0, None, 5]  # a meter that is new
    assert derived.reckon(1800, 7, [2500, 1000, 60, None]) == [0, 20, None]
    kept = derived.keep()
    assert derived.reckon(2400, 8, [2500, 1000, 0, 12]) == [0, 0, 10]
    again = Derived([[DEFICIT, 0, 100, 1, 10], [DAY_SUM, 2, 3600], [DAY_RISE, 3]])
    again.resume(kept)
    assert again.reckon(5, 7, [2500, 1000, 0, 3])[1:] == [20, 5]
    assert again.reckon(10, None, [2500, 1000, 0, 3])[1:] == [20, 5]
    again.resume(kept)
    assert again.reckon(15, 9, [2500, 1000, 0, 3])[1:] == [0, 0]


def test_how_long_ago_a_counter_grew():
    derived = Derived([[SINCE, 0]])
    assert derived.reckon(0, 7, [40]) == [0]  # nobody knows: as if it just had
    assert derived.reckon(600, 7, [40]) == [600]
    assert derived.reckon(700, 8, [40]) == [700]  # a new day is none to it
    assert derived.reckon(730, 8, [41]) == [0]
    assert derived.reckon(760, 8, [None]) == [None]
    assert derived.reckon(790, 8, [41]) == [60]
    assert derived.reckon(820, 8, [0]) == [90]  # emptied
    assert derived.reckon(850, 8, [1]) == [0]
    assert derived.reckon(10_000, 8, [1]) == [900]  # who did not look cannot tell
    kept = derived.keep()
    again = Derived([[SINCE, 0]])
    again.resume(kept)
    assert again.reckon(5, 8, [1]) == [900]
    now_s = 5
    for _ in range(200):
        now_s += 900
        found = again.reckon(now_s, None, [1])
    assert found == [86_400]


def test_the_codes_are_apart():
    assert len({IDLE, RULE, BLIND, ORDER}) == len({LEVEL, CLOCK, RUNS, EVERY}) == 4
    assert (rules_of.MIDNIGHT, rules_of.SUNRISE, rules_of.SUNSET) == (0, 1, 2)
