# Alarm rules: their form, and when they fire, against a model that knows no states.
# SPDX-License-Identifier: Apache-2.0
import random
from binascii import unhexlify

from protocols import alarm_rules, cbor, command, command_writer
from protocols.alarm_rules import RULES_MAX, Rule, parse
from protocols.alarm_watch import BLIND_S, GAP_S, Watch
from protocols.command import CommandError
from protocols.compat import HOST
from protocols.tests.support import raises, vectors

ALERT = {0: 2, 1: 1, 2: [[0, 1, 3000], [1, "flood"]]}
FLOOD = {0: 1, 1: "level", 2: "m", 3: 1000, 4: 3200, 6: 100, 7: 120, 8: 1800, 9: 900, 10: ALERT}


FIELDS = (
    "number channel unit scale threshold below hysteresis hold_s pause_s window_s alert"
).split()


def rule(**changes):  # MicroPython's namedtuple has no _replace()
    values = zip(FIELDS, parse([FLOOD])[0])
    return Rule(*[changes.get(name, value) for name, value in values])


def with_key(key, value):
    changed = dict(FLOOD)
    changed[key] = value
    return changed


# --- the form


def test_a_rule_and_its_defaults():
    found = rule()
    assert found[:10] == (1, "level", "m", 1000, 3200, False, 100, 120, 1800, 900)
    assert found.alert == command.parse_alert(ALERT)
    less = {key: value for key, value in FLOOD.items() if key not in (6, 7)}
    assert parse([less])[0][5:8] == (False, 0, 0)
    assert parse([]) == []


def test_golden():
    count = 0
    for data, reason, meaning in vectors("alarm_rules.hex"):
        items = cbor.decode(unhexlify(data))
        if reason == "ok":
            assert [command_writer.rule_map(rule) for rule in parse(items)] == items, meaning
        else:
            assert raises(CommandError, parse, items).reason == reason, meaning
        count += 1
    assert count > 25


def test_the_writer_gives_what_the_reader_takes():
    for item in (FLOOD, with_key(5, True), {k: v for k, v in FLOOD.items() if k not in (6, 7)}):
        again = command_writer.rule_map(parse([item])[0])
        assert again == item and cbor.decode(cbor.encode(again)) == item


def test_the_ends_of_every_range():
    for key, low, high in (
        (0, 1, 255),
        (3, 1, 1000000),
        (4, -0x7FFFFFFF, 0x7FFFFFFF),
        (6, 0, 0x7FFFFFFF),
        (7, 0, 86400),
        (8, 60, 604800),
        (9, 10, 86400),
    ):
        for value in (low, high):
            parse([with_key(key, value)])
        for value in (low - 1, high + 1):
            assert raises(CommandError, parse, [with_key(key, value)]).reason == "cmd_form"
    for text in ("a", "water_level_2", "a" * 32):
        parse([with_key(1, text)])
    for text in ("", "a" * 33, "Level", "a-b", "\xe4"):
        raises(CommandError, parse, [with_key(1, text)])
    parse([with_key(2, "")])
    raises(CommandError, parse, [with_key(2, "m" * 17)])


def test_every_key_of_another_type_and_missing():
    for key in FLOOD:
        for wrong in (None, 1.5, b"bytes", {}, [], {0: 0}, [None], 1 << 32):
            raises(CommandError, parse, [with_key(key, wrong)])
        if key not in (6, 7):
            raises(CommandError, parse, [{k: v for k, v in FLOOD.items() if k != key}])
    for wrong in (1, 0, "true", None):
        raises(CommandError, parse, [with_key(5, wrong)])
    for key in (11, -1, "0", None, False):
        raises(CommandError, parse, [with_key(key, 0) if key else {key: 1}])
    for wrong in (None, {}, FLOOD, "text", [[FLOOD]], [None]):
        raises(CommandError, parse, wrong)


def test_how_many_and_each_number_once():
    rules = [with_key(0, n + 1) for n in range(RULES_MAX)]
    assert len(parse(rules)) == 16
    raises(CommandError, parse, rules + [with_key(0, 17)])
    raises(CommandError, parse, [FLOOD, FLOOD])


def test_a_rule_plays_no_stream():
    for step in ([3, 0, 5004, b"", 60], [3, 11, 5004, b"\xef\0\0\1", 60]):
        alert = dict(ALERT)
        alert[2] = [[0, 1, 3000], step]
        raises(CommandError, parse, [with_key(10, alert)])


# --- when it fires


def fired(rule, readings):
    # readings: [(s, value), ...] -> the times at which it fired
    watch = Watch(rule, 0)
    return [t for t, value in readings if watch.update(t, value)]


# When a rule must have fired, from nothing but its words: no states, only the readings before.
def model(rule, readings):
    seen = [(t, value) for t, value in readings if value is not None]
    times = []
    for n in range(len(seen)):
        t = seen[n][0]
        sign = -1 if rule.below else 1
        if sign * (seen[n][1] - rule.threshold) <= 0:
            continue
        first = n  # of those without a break before this one
        while (
            first
            and sign * (seen[first - 1][1] - rule.threshold) > 0
            and seen[first][0] - seen[first - 1][0] <= GAP_S
        ):
            first -= 1
        if t - seen[first][0] < rule.hold_s:
            continue
        if times:
            if t - times[-1] < rule.pause_s:
                continue
            since = [k for k in range(n + 1) if seen[k][0] > times[-1]]
            back = [
                k
                for k in since
                if sign * (seen[k][1] - rule.threshold) <= -rule.hysteresis
                or seen[k][0] - seen[k - 1][0] > BLIND_S
            ]
            if not back:
                continue
        times.append(t)
    return times


# Far below, within the hysteresis, just beyond, far beyond, nothing.
VALUES = (3000, 3100, 3150, 3200, 3201, 4000, None)
SHORT = (3100, 3200, 3201, None)


def sequences(values, length):
    if not length:
        yield ()
        return
    for rest in sequences(values, length - 1):
        for value in values:
            yield rest + (value,)


def test_every_sequence_of_readings():
    count = 0
    for hold_s in (0, 10, 20):
        for pause_s in (0, 25):  # shorter than parse() allows, so that few readings meet its end
            flood = rule(hold_s=hold_s, pause_s=pause_s)
            low = rule(hold_s=hold_s, pause_s=pause_s, below=True, threshold=-3200)
            for values in sequences(SHORT, 6):
                readings = [(10 * n, value) for n, value in enumerate(values)]
                expected = model(flood, readings)
                assert fired(flood, readings) == expected, (hold_s, pause_s, values)
                mirror = [(t, None if value is None else -value) for t, value in readings]
                assert fired(low, mirror) == expected, (hold_s, pause_s, values)
                count += len(expected)
    assert count > 5000


def test_random_readings_at_random_times():
    random.seed(7)
    steps = (1, 5, 5, 5, 29, 30, 31, 60, 599, 601)
    count = 0
    for _ in range(2000 if HOST else 300):
        flood = rule(
            hold_s=random.choice((0, 5, 30, 60)),
            pause_s=random.choice((60, 300)),
            hysteresis=random.choice((0, 50, 100)),
        )
        t, readings = 0, []
        for _ in range(60):
            t += random.choice(steps)
            readings.append((t, random.choice(VALUES)))
        expected = model(flood, readings)
        assert fired(flood, readings) == expected, (flood, readings)
        count += len(expected)
    assert count > 500


def every(seconds, values, begin=0):
    return [(begin + seconds * n, value) for n, value in enumerate(values)]


def test_above_for_two_minutes():
    flood = rule()
    assert fired(flood, every(5, [3200] * 100)) == []  # at it is not above it
    assert fired(flood, every(5, [3201] * 100)) == [120]
    assert fired(flood, every(5, [3201] * 23 + [3200] + [3201] * 40)) == [240]


def test_armed_again_after_the_hysteresis_and_the_pause():
    flood = rule(hold_s=0, pause_s=600)
    near = [3300] + [3101, 3300] * 200
    assert fired(flood, every(5, near)) == [0]  # it was never back
    assert fired(flood, every(5, [3300, 3100] + [3300] * 200)) == [0, 600]


def test_what_a_missing_reading_does():
    flood = rule(hold_s=60)
    none = [None] * 5
    assert fired(flood, every(5, [None] * 1000)) == []
    assert fired(flood, every(5, ([3300] + none) * 20)) == [60]  # 30 s apart: it goes on
    assert fired(flood, every(5, ([3300] + none + [None]) * 20)) == []  # 35 s: nobody knows
    # It fires by a reading, never by a silence after which the hold would be over.
    assert fired(flood, every(5, [3300] * 11 + none + [3300])) == [80]
    assert fired(flood, every(5, [3300] * 11 + none + [3200])) == []


def test_a_rule_is_not_spent_by_a_sensor_that_was_away():
    flood = rule(hold_s=60, pause_s=60)
    before = every(5, [3300] * 20)
    for away_s, expected in ((BLIND_S, [60]), (BLIND_S + 5, [60, 95 + BLIND_S + 5 + 60])):
        after = every(5, [3300] * 100, 95 + away_s)
        assert fired(flood, before + after) == expected


def test_it_tells_that_it_is_blind():
    watch = Watch(rule(), 100)
    assert not watch.is_blind(100 + BLIND_S) and watch.is_blind(101 + BLIND_S)
    watch.update(2000, 3000)
    watch.update(2000 + BLIND_S, None)
    assert not watch.is_blind(2000 + BLIND_S) and watch.is_blind(2001 + BLIND_S)


def test_the_constants_of_the_form_are_those_of_the_wire():
    assert (alarm_rules.PAUSE_MIN_S, alarm_rules.WINDOW_MIN_S, GAP_S, BLIND_S) == (60, 10, 30, 600)
