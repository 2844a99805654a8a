# Who may make a loudspeaker sound: every golden command, then counters, cancels and rotation.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import authority, command, command_writer
from protocols.authority import REPEATED, Authority, is_target
from protocols.command import DAILY, DRILL, EMERGENCY, Alert
from protocols.receipt import ACCEPTED, DONE
from protocols.tests.support import vectors

KID = b"\x00\x2a"
GROUPS = (7,)
NOW = 78000000
ISSUERS = {
    unhexlify(kid): [int(algorithm), unhexlify(key), eval(rights)]
    for _, algorithm, key, rights, kid, _ in vectors("issuer.hex")
}
FIRST, SECOND, DRILLS, SM2 = [unhexlify(line[4]) for line in vectors("issuer.hex")]


# Looked up when it is asked for: all of them take a good part of the heap.
def command_of(meaning):
    for line in vectors("command.hex"):
        if line[3] == meaning:
            return b"" if line[0] == "-" else unhexlify(line[0])
    raise KeyError(meaning)


SIGNED = "an emergency of level 2, signed with ES256"  # counter 1
BY_SM2 = "the same, signed with SM2"
BY_TWO = "an emergency of level 1, signed by two"  # counter 2
SILENT = "a silent drill with a live stream"
ROTATION = "an issuer is added, another one revoked"
DAILY_ALERT = "a daily alert, a tone and a clip, to one unit"
CANCEL = "the alert before that is cancelled"
STATUS = "status of every unit"


def unit(counters=None, signed_from=DRILL, **more):
    return Authority(dict(ISSUERS), counters or {}, {(EMERGENCY, 1)}, signed_from, **more)


def check(unit, meaning, kid=KID, groups=GROUPS, now=NOW, synced=True):
    return unit.check(command_of(meaning), kid, groups, now, synced)


def test_golden():
    for _, body, reason, meaning in vectors("command.hex"):
        verdict = check(unit(), meaning)
        assert (verdict.reason or "ok") == reason, (meaning, verdict.reason)
        if reason != "ok":
            assert verdict.counters == {}, meaning
        if body != "-" and reason != "cmd_unknown":
            assert command_writer.to_map(verdict.command) == eval(body), meaning
        else:
            assert verdict.command is None


def test_who_signed():
    for meaning, issuers in (
        (STATUS, ()),
        (SIGNED, (FIRST,)),
        (BY_SM2, (SM2,)),
        (BY_TWO, (FIRST, SECOND)),
        (SILENT, (DRILLS,)),
        (ROTATION, (SECOND, FIRST)),
    ):
        verdict = check(unit(), meaning)
        assert verdict.issuers == issuers, meaning
        assert list(verdict.counters) == list(issuers[:1]), meaning


def test_a_counter_serves_once():
    speaker = unit()
    verdict = check(speaker, SIGNED)
    assert verdict.counters == {FIRST: [1, 1]}
    assert check(speaker, SIGNED) == verdict  # nothing was accepted yet
    speaker.accept(verdict)
    assert check(speaker, SIGNED).reason == "cmd_counter"
    verdict = check(speaker, BY_TWO)
    assert verdict.counters == {FIRST: [2, 3]}
    assert check(speaker, BY_SM2).reason is None  # each issuer counts for itself


def test_a_command_that_was_overtaken_is_accepted_once():
    speaker = unit()
    speaker.accept(check(speaker, BY_TWO))
    verdict = check(speaker, SIGNED)
    assert verdict.reason is None and verdict.counters == {FIRST: [2, 3]}
    speaker.accept(verdict)
    assert check(speaker, SIGNED).reason == check(speaker, BY_TWO).reason == "cmd_counter"


def test_counters_of_long_ago():
    for counters, reason in (
        ([1, 1], "cmd_counter"),
        ([5, 1], None),
        ([5, 0b10001], "cmd_counter"),
        ([64, 1], None),
        ([65, 1], "cmd_counter"),
    ):
        assert check(unit({FIRST: counters}), SIGNED).reason == reason, counters


def with_floor(floor):
    algorithm, key, rights = ISSUERS[FIRST]
    return [algorithm, key, {0: rights[0], 1: rights[1], 2: floor}]


def test_a_unit_that_is_new_refuses_what_had_ended_before():
    # Whoever has the collector repeats it, and tells the time of then.
    assert check(unit(), SIGNED).reason is None
    speaker = unit()
    speaker.issuers[FIRST] = with_floor(1)
    assert check(speaker, SIGNED).reason == "cmd_counter"
    verdict = check(speaker, BY_TWO)  # the next one counts
    assert (verdict.reason, verdict.counters) == (None, {FIRST: [2, 1]})
    speaker.accept(verdict)
    assert check(speaker, SIGNED).reason == check(speaker, BY_TWO).reason == "cmd_counter"
    assert check(speaker, BY_SM2).reason is None  # the floor is of one issuer


def test_a_floor_and_what_was_seen_are_both_refused():
    for floor, counters, reason in (
        (0, {}, None),
        (0, {FIRST: [5, 1]}, None),
        (0, {FIRST: [64, 1]}, None),
        (1, {FIRST: [5, 1]}, "cmd_counter"),
        (0, {FIRST: [5, 0b10001]}, "cmd_counter"),
        (0, {FIRST: [65, 1]}, "cmd_counter"),
        (0xFFFFFFFF, {}, "cmd_counter"),
    ):
        speaker = unit(counters)
        speaker.issuers[FIRST] = with_floor(floor)
        assert check(speaker, SIGNED).reason == reason, (floor, counters)


def test_counters_of_the_revoked_make_room():
    revoked = {bytes((n,)) * 8: [n, 1] for n in range(authority.ISSUERS_MAX - 1)}
    speaker = unit(dict(revoked))
    speaker.accept(check(speaker, SIGNED))
    assert len(speaker.counters) == authority.ISSUERS_MAX
    speaker.accept(check(speaker, BY_SM2))
    assert speaker.counters == {FIRST: [1, 1], SM2: [1, 1]}


def test_what_is_refused_uses_no_counter_up():
    for where in ({"kid": b"\0\1", "groups": ()}, {"now": NOW + 3600}, {"synced": False}):
        verdict = check(unit(), DAILY_ALERT, **where)
        assert verdict.reason in ("cmd_target", "cmd_expired", "cmd_no_time")
        assert verdict.counters == {}
    assert check(unit(), SIGNED, synced=False)[1:] == ((FIRST,), "cmd_no_time", {})


def test_the_window():
    armed = "text in GB2312, three times in 10 minutes, to a unit and a group"
    for meaning, now, reason in (
        (SIGNED, NOW + 3599, None),
        (SIGNED, NOW + 3600, "cmd_expired"),
        (SIGNED, 0, None),  # not before: at once
        (armed, NOW + 600 - 30 * 86400, None),
        (armed, NOW + 599 - 30 * 86400, "cmd_early"),
    ):
        assert check(unit(), meaning, now=now).reason == reason, (meaning, now)


def test_the_first_reason_counts():
    # Everything is wrong; what a stranger may learn comes last.
    wrong = {"kid": b"\0\1", "groups": (), "now": NOW + 9999, "synced": False}
    for meaning, counters, reason in (
        ("of a stranger", {}, "cmd_issuer"),
        ("of one who may order drills only", {}, "cmd_rights"),
        ("level 1, signed by one", {}, "cmd_second_issuer"),
        (DAILY_ALERT, {}, "cmd_target"),
    ):
        assert check(unit(counters), meaning, **wrong).reason == reason, meaning
    wrong["kid"] = KID
    assert check(unit({FIRST: [1, 1]}), SIGNED, **wrong).reason == "cmd_counter"
    assert check(unit(), SIGNED, **wrong).reason == "cmd_no_time"


def test_targets():
    for target, yes in (
        (True, True),
        (KID, True),
        (b"\0\x2b", False),
        (7, True),
        (1, False),
        (0, False),
        ([b"\0\x2b", 7], True),
        ([b"\0\x2b", KID], True),
        ([8, 9], False),
    ):
        assert is_target(target, KID, GROUPS) is yes, target
    assert not is_target(0, KID, ())


def test_whatever_sounds_is_signed_unless_a_site_says_otherwise():
    strict = Authority(dict(ISSUERS), {})
    for meaning in (DAILY_ALERT, CANCEL):
        assert check(strict, meaning).reason == "cmd_unsigned"


def test_what_a_site_wants_signed():
    for meaning in (DAILY_ALERT, CANCEL):
        assert check(unit(signed_from=DAILY), meaning).reason == "cmd_unsigned"
    assert check(unit(signed_from=DAILY), STATUS).reason is None
    assert check(unit(signed_from=EMERGENCY), "of a stranger").reason == "cmd_issuer"


def test_no_two_issuers_needed():
    speaker = Authority(ISSUERS, {})
    assert check(speaker, "level 1, signed by one").reason is None
    assert check(speaker, BY_TWO).reason is None
    assert check(speaker, "level 1, signed by one twice").reason == "cmd_second_issuer"


def test_a_repetition():
    speaker = unit()
    verdict = check(speaker, SIGNED)
    id = verdict.command.id
    speaker.accept(verdict)
    assert speaker.seen(id) is None
    for stage in (ACCEPTED, DONE):
        speaker.note(id, stage)
        verdict = check(speaker, SIGNED)
        assert (verdict.reason, verdict.issuers, verdict.counters) == (REPEATED, (), {})
        assert speaker.seen(id) == stage
    again = unit(ring=speaker.ring)
    assert check(again, SIGNED).reason == REPEATED


def test_the_ring_forgets_the_oldest():
    speaker = unit()
    for n in range(70):
        speaker.note(bytes((n,)) * 8, n % 8)
    speaker.note(bytes((6,)) * 8, 3)
    assert [n for n in range(70) if speaker.seen(bytes((n,)) * 8) is None] == list(range(6))
    assert speaker.seen(bytes((6,)) * 8) == 3
    assert len(speaker.ring) == 64 * 9
    assert speaker.seen(bytes((10,)) * 7 + b"\2") is None  # across two entries


def test_who_may_cancel():
    signed = {"first": (FIRST,), "drills": (DRILLS,), "sm2": (SM2,), "frame": ()}
    verdict = check(unit(), CANCEL)
    for alert, allowed in (
        (_alert(DAILY, 1), ("first", "drills", "sm2", "frame")),
        (_alert(DRILL, 1), ("first", "drills")),
        (_alert(DRILL, 2), ("first", "drills", "sm2")),
        (_alert(EMERGENCY, 1), ("first",)),
        (_alert(EMERGENCY, 2), ("first", "sm2")),
        (None, ("first",)),
    ):
        for name, issuers in signed.items():
            by = authority.Verdict(verdict.command, issuers, None, {})
            assert unit().may_cancel(by, alert) is (name in allowed), (alert, name)


def _alert(cls, level):
    return Alert(cls, level, [], 1, None, "", False)


def test_who_may_still():
    authority = unit()
    assert authority.may((), EMERGENCY, 1)  # what the unit does by itself
    assert authority.may((FIRST,), EMERGENCY, 1) and authority.may((FIRST, SECOND), EMERGENCY, 1)
    assert authority.may((DRILLS,), DRILL, 1) and not authority.may((DRILLS,), EMERGENCY, 4)
    assert not authority.may((FIRST, DRILLS), EMERGENCY, 1)
    del authority.issuers[SECOND]
    assert authority.may((FIRST,), EMERGENCY, 1)
    assert not authority.may((FIRST, SECOND), EMERGENCY, 1)
    assert not authority.may((SECOND,), DAILY, 4)


def test_issuers_are_rotated():
    speaker = unit()
    issuers = speaker.issuers_after(check(speaker, ROTATION).command)
    assert DRILLS not in issuers and len(issuers) == 4
    assert check(speaker, "of a stranger").reason == "cmd_issuer"
    speaker.issuers = issuers
    assert check(speaker, "of a stranger").reason is None
    assert check(speaker, SILENT).reason == "cmd_issuer"


def test_those_who_may_change_issuers_never_become_too_few():
    speaker = unit()
    for revoked, allowed in (([FIRST], False), ([SECOND], False), ([DRILLS, SM2, bytes(8)], True)):
        assert (speaker.issuers_after(_issuers([], revoked)) is not None) is allowed
    speaker = Authority(ISSUERS, {})
    assert speaker.issuers_after(_issuers([], [FIRST])) is not None
    assert speaker.issuers_after(_issuers([], [FIRST, SECOND])) is None
    weaker = list(ISSUERS[FIRST][:2]) + [{0: EMERGENCY, 1: 2}]
    assert speaker.issuers_after(_issuers([weaker], [SECOND])) is None


def test_a_floor_does_not_sink_over_the_air():
    speaker = unit()
    for told, floor in ((7, 7), (9, 9), (8, 9), (None, 9)):
        item = with_floor(told) if told else ISSUERS[FIRST]
        item = list(item[:2]) + [dict(item[2])]  # as it is decoded
        speaker.issuers = speaker.issuers_after(_issuers([item], [SM2]))
        assert speaker.issuers[FIRST][2] == {0: EMERGENCY, 1: 1, 2: floor}, told
    after = speaker.issuers_after(_issuers([list(ISSUERS[FIRST][:2]) + [{0: 2, 1: 1}]], [FIRST]))
    assert after[FIRST][2][2] == 9


def test_who_has_a_floor_may_change_issuers():
    speaker = unit()
    for kid in (FIRST, SECOND):
        item = speaker.issuers[kid]
        speaker.issuers[kid] = list(item[:2]) + [{0: EMERGENCY, 1: 1, 2: 1}]
    verdict = check(speaker, "an issuer is added with a floor")
    after = speaker.issuers_after(verdict.command)
    (added,) = [item for kid, item in after.items() if kid not in ISSUERS]
    assert verdict.reason is None and added[2] == {0: EMERGENCY, 1: 2, 2: 77000000}


def test_issuers_have_room():
    speaker = unit()
    for n in range(authority.ISSUERS_MAX - len(ISSUERS) + 1):
        added = _issuers([[-7, bytes((n,)) * 64, {0: DAILY, 1: 1}]], [])
        after = speaker.issuers_after(added)
        if after is not None:
            speaker.issuers = after
    assert after is None and len(speaker.issuers) == authority.ISSUERS_MAX


def _issuers(add, revoke):
    return command_writer.command(command.ISSUERS, bytes(8), True, 1, (add, revoke))
