# Decides what the rules of control_rules.py want, which a unit loads for each look.
# SPDX-License-Identifier: Apache-2.0
from array import array

from .compat import const

# As in control_rules.py, whose names would take heap; a test compares them.
_LEVEL = const(0)
_CLOCK = const(1)
_RUNS = const(2)
_EVERY = const(3)
_MIDNIGHT = const(0)
_SUNRISE = const(1)
_SUNSET = const(2)
# What decided.
_IDLE = const(0)  # no rule applies
_RULE = const(1)
_BLIND = const(2)
_ORDER = const(3)

_DAY_S = const(86400)
_NONE = const(-2)
_SPENT = const(-1)
_HOLDS = const(-1)
_UNKNOWN = const(-0x80000000)
_NUMBER = const(0)
_ACTUATOR = const(1)
_OVERRIDES = const(2)
_LOW = const(3)
_HIGH = const(4)
_IF_BLIND = const(5)
_ALONG = const(6)
_DOSE = const(7)
_CONDITIONS = const(8)


# What rules remember from one look to the next, in few bytes: the inputs and when they were seen,
# of each condition since when it is beyond (0: it is not; 1 more than the second; _HOLDS), of each
# rule the last demand of `along` and the input when its dose began.
def memory(rules, conditions, inputs):
    sizes = (inputs, _UNKNOWN), (inputs, 0), (conditions, 0), (rules, _NONE), (rules, _NONE)
    return [array("i", [value] * size) for size, value in sizes]


class Rules:
    # rules: to be gone through once a look. idle: the value of each actuator that no rule wants.
    # stale_s: how long an input that is missing counts as what it was. kept: a memory() of them.
    def __init__(self, rules, inputs, idle, stale_s, kept=None):
        self._rules = rules
        self._idle = idle
        self._stale_s = stale_s
        if kept is None:
            conditions = sum([len(rule[_CONDITIONS]) for rule in rules])
            kept = memory(len(rules), conditions, inputs)
        self._values, self._seen_s, self._states, self._demands, self._doses = kept
        self._at = 0  # in the states: where those of the rule at hand begin
        self.values = list(idle)
        self.causes = [_IDLE] * len(idle)
        self.numbers = [0] * len(idle)  # of the rule, where one decided

    # values: by input, None without one. clock: (second of the local day, sunrise, sunset), None
    # where it is not set. running: by actuator. orders: by actuator, None without one.
    # What was decided is in values, causes and numbers.
    def decide(self, now_s, values, clock, running, orders):
        self._see(now_s, values)
        causes, idle = self.causes, self._idle
        for actuator in range(len(idle)):
            self.values[actuator] = idle[actuator]
            causes[actuator] = _IDLE
            self.numbers[actuator] = 0
        self._at = 0
        for index, rule in enumerate(self._rules):
            actuator = rule[_ACTUATOR]
            applies = self._applies(index, rule, now_s, clock, running)
            order = orders[actuator]
            if causes[actuator] == _IDLE and order is not None and not rule[_OVERRIDES]:
                self._take(actuator, order, _ORDER, 0)
            if causes[actuator] != _IDLE:
                continue
            if applies:
                self._take(actuator, self._demand(index, rule), _RULE, rule[_NUMBER])
            elif applies is None and rule[_IF_BLIND] is not None:
                self._take(actuator, rule[_IF_BLIND], _BLIND, rule[_NUMBER])
        for actuator, order in enumerate(orders):
            if causes[actuator] == _IDLE and order is not None:
                self._take(actuator, order, _ORDER, 0)

    # Of a rule's conditions, in their order: True, False, or None where nobody knows.
    def truths(self, index, now_s, clock, running):
        self._at = sum([len(rule[_CONDITIONS]) for rule in self._rules[:index]])
        return self._truths(self._rules[index], now_s, clock, running)

    def _truths(self, rule, now_s, clock, running):
        found = []
        for entry in rule[_CONDITIONS]:
            found.append(self._holds(entry, now_s, clock, running))
            self._at += 1
        return found

    def _take(self, actuator, value, cause, number):
        self.values[actuator] = value
        self.causes[actuator] = cause
        self.numbers[actuator] = number

    def _see(self, now_s, values):
        for index, value in enumerate(values):
            if value is not None:
                self._values[index] = value
                self._seen_s[index] = now_s
            elif now_s - self._seen_s[index] > self._stale_s:
                self._values[index] = _UNKNOWN

    # -> counts, None where nobody knows
    def _value(self, index):
        value = self._values[index]
        return None if value == _UNKNOWN else value

    # -> True, False, or None where it depends on what nobody knows. All are looked at, since they
    # remember.
    def _applies(self, index, rule, now_s, clock, running):
        truths = self._truths(rule, now_s, clock, running)
        along = rule[_ALONG]
        fails = False in truths
        unknown = None in truths or (along and self._value(along[0]) is None)
        applies = False if fails else None if unknown else True
        if not applies:
            self._demands[index] = _NONE
        return self._dosed(index, rule[_DOSE], applies) if rule[_DOSE] else applies

    def _dosed(self, index, dose, value):
        if value is False:
            self._doses[index] = _NONE
        if not value or self._doses[index] == _SPENT:
            return value and False
        total = self._value(dose[0])
        if total is None:
            return None
        start = self._doses[index]
        if start == _NONE or total < start:  # a counter that begins anew
            start = self._doses[index] = total
        if total - start >= dose[1]:
            self._doses[index] = _SPENT
            return False
        return True

    def _holds(self, entry, now_s, clock, running):
        kind = entry[0]
        if kind == _LEVEL:
            return self._level(entry, now_s)
        if kind == _CLOCK:
            return None if clock is None else _within(entry, clock)
        if kind == _RUNS:
            return bool(running[entry[1]]) == entry[2]
        return now_s % entry[2] < entry[1]

    def _level(self, entry, now_s):
        _, channel, threshold, back, below, hold_s = entry
        value, state = self._value(channel), self._states[self._at]
        if value is None:
            self._states[self._at] = 0
            return None
        beyond = threshold - value if below else value - threshold
        if state == _HOLDS:
            state = _HOLDS if beyond > -back else 0
        elif beyond <= 0:
            state = 0
        else:
            since_s = state - 1 if state else now_s
            state = _HOLDS if now_s - since_s >= hold_s else since_s + 1
        self._states[self._at] = state
        return state == _HOLDS

    # In steps, and not for less than one: a motor would follow each digit of the sensor.
    def _demand(self, index, rule):
        along, low, high = rule[_ALONG], rule[_LOW], rule[_HIGH]
        if not along:
            return low
        channel, begin, end, step = along
        way = self._value(channel) - begin
        span = end - begin
        if way * span <= 0:
            demand = low
        elif abs(way) >= abs(span):
            demand = high
        else:
            before = self._demands[index]
            exact = low + (high - low) * way // span
            if before != _NONE and abs(exact - before) < step:
                return before
            demand = (exact + step // 2) // step * step
            demand = max(min(low, high), min(max(low, high), demand))
        self._demands[index] = demand
        return demand


# Over midnight too: 22:00 .. 04:00; to midnight is to 24:00.
def _within(entry, clock):
    begin = (_base(entry[1], clock) + entry[2]) % _DAY_S
    end = (_base(entry[3], clock) + entry[4]) % _DAY_S or _DAY_S
    now = clock[0]
    return begin <= now < end if begin <= end else now >= begin or now < end


def _base(kind, clock):
    return clock[kind] if kind else 0
