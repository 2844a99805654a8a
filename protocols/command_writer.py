# Writes what command.py reads, and the messages around it for a signer. A device never does.
# SPDX-License-Identifier: Apache-2.0
from . import cbor, cose
from .command import (
    ALARM_RULES,
    ALERT,
    CANCEL,
    ISSUERS,
    OPERATE,
    PICTURE,
    RECORD,
    SELFTEST,
    STATUS,
    Command,
    parse,
)
from .compat import sha256


def command(kind, id, target, expires, args=None, not_before=0, counter=None, sent=None):
    return Command(kind, id, target, not_before, expires, counter, args, sent)


def to_map(command):
    # What has its default is left out.
    body = {0: command.command, 1: command.id, 2: command.target, 4: command.expires}
    args = _args_map(command.command, command.args)
    if command.not_before:
        body[3] = command.not_before
    if command.counter is not None:
        body[5] = command.counter
    if args:
        body[6] = args
    if command.sent is not None:
        body[7] = list(command.sent)
    return body


def encode(command):
    # -> bytes that command.decode() reads; CommandError for what it would refuse
    data = to_map(command)
    parse(data)
    return cbor.encode(data)


def sign(payload, algorithm, kid, signer):
    # -> COSE_Sign1. signer(bytes to be signed) -> r | s
    protected = cose.protect({cose.ALG: algorithm, cose.KID: kid})
    signature = signer(cose.structure(cose.SIGN1, protected, b"", payload))
    return cose.encode(cose.SIGN1, protected, {}, payload, signature)


def countersign(first, algorithm, kid, signer):
    # -> the plaintext of two issuers. first: what sign() gave of the other one
    return cbor.encode([first, sign(sha256(first).digest(), algorithm, kid, signer)])


def alert_map(alert):
    args = {0: alert.cls, 1: alert.level, 2: alert.content}
    if alert.repeat != 1:
        args[3] = alert.repeat
    if alert.volume is not None:
        args[4] = alert.volume
    if alert.event:
        args[5] = alert.event
    if alert.silent:
        args[6] = True
    return args


def rule_map(rule):
    # Of an alarm rule, for the args of ALARM_RULES.
    item = {0: rule.number, 1: rule.channel, 2: rule.unit, 3: rule.scale, 4: rule.threshold}
    if rule.below:
        item[5] = True
    if rule.hysteresis:
        item[6] = rule.hysteresis
    if rule.hold_s:
        item[7] = rule.hold_s
    item.update({8: rule.pause_s, 9: rule.window_s, 10: alert_map(rule.alert)})
    return item


def _args_map(kind, args):
    if kind == ALERT:
        return alert_map(args)
    if kind == CANCEL or kind == ALARM_RULES:
        return {0: args}
    if kind == SELFTEST:
        return {6: True} if args else {}
    if kind == ISSUERS:
        return {key: items for key, items in enumerate(args) if items}
    if kind in (PICTURE, OPERATE, RECORD):
        return {key: value for key, value in enumerate(args) if value is not None}
    assert kind == STATUS
    return {}
