# Alarm rules at work: what they watch, what they sound, and how they are kept on flash.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import os

from protocols import cbor
from protocols.alarm_rules import parse
from protocols.alarm_watch import Watch
from protocols.command import CLIP
from protocols.compat import const, crc32

from .alerts import Held

# crc32 over the rest, 4 bytes; [when they were sent, rules as they came]
_FILE = const("/alarm_rules.cbor")
_ENOENT = const(2)
_EVERY_S = const(5)
_IDLE_S = const(50)  # without rules: a beat for the watchdog
_ID_MARK = const(b"rule")  # of an alert's id: the rest is the record number of its ALARM event
_NO_RECORD = const(0x80)  # above all record numbers


class _Entry:
    def __init__(self, rule, now_s):
        self.watch = Watch(rule, now_s)
        self.id = None  # of what it sounded last
        self.is_blind = False


class AlarmRules:
    # node: root, clock, counters, tell() and log(); sampler: look() and measures(); alerts: takes
    # what is to be sounded
    def __init__(self, node, sampler, alerts):
        self._node = node
        self._sampler = sampler
        self._alerts = alerts
        self._path = node.root + _FILE
        self._sent = [0, 0]
        self._entries = []
        self._changed = asyncio.Event()
        self._load()

    # Takes the rules of a command in place of its own -> None, or the reason why it keeps those.
    # All or none: who sent them is there to mend them.
    def replace(self, command):
        rules = parse(command.args)
        sent = command.sent or [0, 0]
        if sent < self._sent:  # it was held back on its way
            return "rules_older"
        for rule in rules:
            problem = self._problem(rule) or self._missing_clip(rule)
            if problem:
                return problem
        try:
            self._store(sent, command.args)
        except OSError:
            self._node.counters.count("fs_corrupt")
            return "fs_corrupt"
        self._sent = sent
        self._adopt(rules)
        return None

    def numbers(self):
        return [entry.watch.rule.number for entry in self._entries]

    async def run(self, beat):
        while True:
            beat()
            if self._entries:
                await self.look()
            try:
                wait_s = _EVERY_S if self._entries else _IDLE_S
                await asyncio.wait_for_ms(self._changed.wait(), wait_s * 1000)
            except asyncio.TimeoutError:
                pass
            self._changed.clear()

    async def look(self):
        names = {entry.watch.rule.channel for entry in self._entries}
        values = await self._sampler.look(names)
        now_s = self._node.clock.uptime_s()
        for entry in self._entries:  # there may be others by now
            value = values.get(entry.watch.rule.channel)
            if entry.watch.update(now_s, value):
                self._fire(entry, value, now_s)
            self._tell_if_blind(entry, now_s)

    def _fire(self, entry, value, now_s):
        rule = entry.watch.rule
        entry.id = self._tell(rule, value)
        held = Held(entry.id, rule.alert, now_s, now_s + rule.window_s)
        held.by_uptime = True
        try:
            self._alerts.submit(held)
        except Exception:  # it has not sounded: it is not spent
            entry.watch = Watch(rule, now_s)
            raise

    # -> the id of the alert: no record number comes twice. What cannot be told sounds as well.
    def _tell(self, rule, value):
        node = self._node
        node.log("rule %d: %s is %d" % (rule.number, rule.channel, value), "rules")
        try:
            rn = node.tell("alarm", rule, value)
        except Exception as error:
            node.keep_crash(error, "rules")
            rn = None
        if rn is None:
            tail = os.urandom(4)
            return _ID_MARK + bytes((tail[0] | _NO_RECORD,)) + tail[1:]
        return _ID_MARK + rn.to_bytes(4, "big")

    def _tell_if_blind(self, entry, now_s):
        was_blind, entry.is_blind = entry.is_blind, entry.watch.is_blind(now_s)
        if entry.is_blind and not was_blind:
            self._node.counters.count("rule_blind")
            self._node.tell("health", True)

    # --- which rules

    # A rule that was there before goes on: what it sounds sounds on, and it is not armed anew.
    def _adopt(self, rules):
        now_s = self._node.clock.uptime_s()
        before, self._entries = self._entries, []
        for rule in rules:
            same = [entry for entry in before if entry.watch.rule == rule]
            self._entries.append(same[0] if same else _Entry(rule, now_s))
        for entry in before:
            if entry.id and entry not in self._entries:
                self._alerts.cancel(entry.id)
        self._changed.set()

    def _problem(self, rule):
        there = self._sampler.measures(rule.channel, rule.unit, rule.scale)
        return None if there else "rule_channel"

    def _missing_clip(self, rule):
        for step in rule.alert.content:
            if step[0] == CLIP:
                try:
                    os.stat("%s/clips/%s.wav" % (self._node.root, step[1]))
                except OSError:
                    return "clip_missing"
        return None

    # --- on flash

    # A cut leaves the old ones or the new ones: littlefs renames in one piece.
    def _store(self, sent, items):
        content = cbor.encode([sent, items])
        with open(self._path + ".new", "wb") as file:
            file.write(crc32(content).to_bytes(4, "big") + content)
        os.rename(self._path + ".new", self._path)

    # What is damaged protects nobody: it is counted, at each boot until there are new ones.
    def _load(self):
        counters = self._node.counters
        try:
            with open(self._path, "rb") as file:
                data = file.read()
            if crc32(data[4:]) != int.from_bytes(data[:4], "big"):
                raise ValueError
            self._sent, items = cbor.decode(data[4:])
            rules = parse(items)
        except OSError as error:
            if error.args[0] != _ENOENT:
                counters.count("rules_corrupt")
            return
        except ValueError:
            counters.count("rules_corrupt")
            return
        for rule in rules:
            problem = self._problem(rule)  # the profile is another one now
            if problem:
                counters.count(problem)
        self._adopt([rule for rule in rules if not self._problem(rule)])
