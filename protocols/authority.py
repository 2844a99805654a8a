# Whether a command may be obeyed: who signed it, for whom, how often and when.
# SPDX-License-Identifier: Apache-2.0
#
# The plaintext of a frame of class 1 is one of
#   the map of command.py           what the frame alone authenticates: status; where signed_from
#                                   is DRILL also daily alerts, cancels of them, self-tests
#   COSE_Sign1                      with that map as its payload: all else; rules and issuers count
#                                   as emergencies of level 1
#   [bytes, bytes]                  two of those: the payload of the second is the SHA-256 of the
#                                   first, for what two issuers have to want
#
# Of an issuer's counters each is accepted once, in any order within 64: what was overtaken on its
# way is not lost. A repetition is known by its id, before any signature is computed.
from collections import namedtuple

from . import cbor, cose
from .command import (
    ALARM_RULES,
    ALERT,
    DAILY,
    EMERGENCY,
    ISSUERS,
    STATUS,
    CommandError,
    decode,
    issuer_kid,
)
from .compat import const, sha256
from .replay import Window

REPEATED = const("repeated")  # the one reason of a verdict that is not of reasons.py

ISSUERS_MAX = const(16)
_ARMED_MAX_S = const(30 * 86400)
_RING = const(64)
_ENTRY = const(9)  # id, stage: as in unended.py
_REASONS = {"kid": "cmd_issuer", "algorithm": "cmd_signature", "signature": "cmd_signature"}

# To be obeyed only without a reason; counters ({kid: [highest, bits]}) are stored right after.
Verdict = namedtuple("Verdict", ("command", "issuers", "reason", "counters"))


class Authority:
    # issuers: kid -> [algorithm, key, {rights, floor}], see command.py; counters: kid ->
    # [highest, bits] of replay.py; two_for: the (class, level) that need two issuers; signed_from:
    # the lowest class that needs one (by default whatever sounds); ring: of an authority before
    # this one
    def __init__(self, issuers, counters, two_for=(), signed_from=DAILY, ring=b""):
        self.issuers = issuers
        self.counters = counters
        self.ring = ring
        self._two_for = two_for
        self._signed_from = signed_from

    def check(self, plaintext, kid, groups, now, synced):
        # -> Verdict. A command that is no command is None in it.
        command = None
        issuers = ()
        counters = {}
        reason = None
        try:
            messages, digest = _messages(plaintext)
            command = decode(messages[0].payload if messages else plaintext)
            if self.seen(command.id) is not None:
                return Verdict(command, (), REPEATED, {})
            if digest is not None and messages[1].payload != digest:
                raise CommandError("issuers", "cmd_second_issuer")
            issuers = self._signers(messages)
            self._check_rights(command, issuers)
            if not is_target(command.target, kid, groups):
                raise CommandError("target", "cmd_target")
            if issuers:
                counters[issuers[0]] = self._count(issuers[0], command.counter)
            _check_window(command, now, synced)
        except CommandError as error:
            reason = error.reason
            counters = {}
        return Verdict(command, issuers, reason, counters)

    def accept(self, verdict):
        # The counters, to be stored once what is to be done is kept: a power cut in between costs
        # a repetition, not the command. Those of who was revoked stay as long as there is room,
        # so that their old commands serve nobody if they come back.
        self.counters.update(verdict.counters)
        if len(self.counters) > ISSUERS_MAX:
            for issuer in list(self.counters):
                if issuer not in self.issuers:
                    del self.counters[issuer]

    def seen(self, id):
        # -> the stage that was last noted of a command, or None
        at = self._find(id)
        return None if at < 0 else self.ring[at + _ENTRY - 1]

    def note(self, id, stage):
        # Only of what was accepted, so that nobody else's command can use its id up.
        at = self._find(id)
        ring = self.ring if at < 0 else self.ring[:at] + self.ring[at + _ENTRY :]
        self.ring = (ring + id + bytes((stage,)))[-_RING * _ENTRY :]

    def may(self, issuers, cls, level):
        # Whether each of them may order such an alert, as things are now.
        for issuer in issuers:
            if issuer not in self.issuers or not self._covers(issuer, cls, level):
                return False
        return True

    def may_cancel(self, verdict, alert):
        # Who may send an alert may cancel it; one of two issuers is enough, to end what is false.
        # An alert that is not here (None) may be one of the highest.
        cls, level = (EMERGENCY, 1) if alert is None else (alert.cls, alert.level)
        if cls < self._signed_from:
            return True
        return any([self._covers(issuer, cls, level) for issuer in verdict.issuers])

    def issuers_after(self, command):
        # -> issuers as an ISSUERS command wants them, to be stored and set; None if they would be
        # too many, or nobody left who may change them.
        add, revoke = command.args
        issuers = dict(self.issuers)
        for issuer in revoke:
            issuers.pop(issuer, None)
        for item in add:
            kid = issuer_kid(item[0], item[1])
            floor = self.issuers.get(kid, item)[2].get(2, -1)
            if floor > item[2].get(2, -1):  # a command that comes late lets it not sink
                item[2][2] = floor
            issuers[kid] = item
        full = [item for item in issuers.values() if item[2][0] == EMERGENCY and item[2][1] == 1]
        needed = 2 if (EMERGENCY, 1) in self._two_for else 1
        return issuers if len(full) >= needed and len(issuers) <= ISSUERS_MAX else None

    def _find(self, id):
        at = self.ring.find(id)
        while at % _ENTRY and at > 0:
            at = self.ring.find(id, at + 1)
        return at

    def _signers(self, messages):
        issuers = []
        for message in messages:
            try:
                cose.check1(message, self.issuers)
            except cose.CoseError as error:
                raise CommandError("signature", _REASONS[error.reason])
            issuers.append(cose.header(message, cose.KID))
        return tuple(issuers)

    def _check_rights(self, command, issuers):
        cls, level = _rank(command)
        if not issuers and cls >= self._signed_from:
            raise CommandError("unsigned", "cmd_unsigned")
        for issuer in issuers:
            if not self._covers(issuer, cls, level):
                raise CommandError("rights", "cmd_rights")
        needed = 2 if (cls, level) in self._two_for else len(issuers)
        if len(set(issuers)) < needed:
            raise CommandError("issuers", "cmd_second_issuer")

    def _covers(self, issuer, cls, level):
        rights = self.issuers[issuer][2]
        return cls <= rights[0] and level >= rights[1]

    def _count(self, issuer, counter):
        # -> what is to be stored of an issuer's counters. Those up to the floor were of commands
        # that had ended when this unit was told of him: it may have seen none of them, and whoever
        # tells it the time may tell it that of then.
        window = Window(*self.counters.get(issuer, ()))
        floor = self.issuers[issuer][2].get(2, -1)
        if counter is None or counter <= floor or not window.check(counter):
            raise CommandError("counter", "cmd_counter")
        window.accept(counter)
        return [window.high, window.bits]


def is_target(target, kid, groups):
    if isinstance(target, list):
        return any([is_target(item, kid, groups) for item in target])
    return target is True or target == kid or target in groups


def _messages(plaintext):
    # -> the COSE_Sign1 of one or two issuers, none around a map, and what the second has to sign
    major = plaintext[0] >> 5 if plaintext else 5
    if major == 5:  # a map, or nothing
        return [], None
    try:
        if major != 4:
            return [cose.decode(plaintext, cose.SIGN1)], None
        pair = cbor.decode(plaintext)
        if len(pair) != 2 or not all([isinstance(item, bytes) for item in pair]):
            raise CommandError("issuers")
        messages = [cose.decode(item, cose.SIGN1) for item in pair]
    except CommandError:
        raise
    except ValueError:  # CBORError and CoseError
        raise CommandError("message")
    return messages, sha256(pair[0]).digest()


def _rank(command):
    # -> (class, level) that an issuer needs
    if command.command == ALERT:
        return command.args.cls, command.args.level
    if command.command == ALARM_RULES or command.command == ISSUERS:
        return EMERGENCY, 1
    return -1 if command.command == STATUS else DAILY, 4


def _check_window(command, now, synced):
    if not synced:
        raise CommandError("time", "cmd_no_time")
    if command.expires <= now:
        raise CommandError("window", "cmd_expired")
    if command.not_before - now > _ARMED_MAX_S:
        raise CommandError("window", "cmd_early")
