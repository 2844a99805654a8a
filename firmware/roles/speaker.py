# The loudspeaker: always on, says what it is told by those who may, and tells that it did.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

from protocols import command as commands
from protocols import receipt
from protocols.compat import const
from protocols.unended import unended

from .. import issuer_changes, later, self_test
from ..alarm_rules import AlarmRules
from ..alerts import Alerts, Held
from ..carriers.choose import choose
from ..commands import Commands
from ..issuers import Issuers
from ..player import Player
from ..uplink import Uplink
from ..watched_sampler import WatchedSampler

_OWNER = const("firmware.owner")
# How long a task may be silent before the watchdog bites.
_SAMPLER_SILENCE_S = const(300)
_TALK_SILENCE_S = const(600)
_ALERT_SILENCE_S = const(150)
_RULES_SILENCE_S = const(300)
_TEST_SILENCE_S = const(150)
_PLAY_S = const(60)  # behind what sounds then


# What is noted of an alert that was cancelled before it came, by who may order such alerts and no
# higher ones: an id that no command has.
def _cancelled_id(id, cls, level):
    return id[:7] + bytes((id[7] ^ (cls * 4 + level),))


def make(node, board, profile):
    return Speaker(node, board, profile)


class Speaker:
    ALWAYS_ON = True  # no safe mode for a task that fails: the others still save somebody

    def __init__(self, node, board, profile):
        self._node = node
        config = node.config
        table = config["speaker"]
        self.parts = board.parts(config["fitted"])
        self.carrier = choose(node, board, self._take, self._moved)
        sampling = config["sampling"]
        clock = node.clock
        self.sampler = WatchedSampler(
            profile,
            self.parts,
            node.parts_lock,
            clock,
            node.counters,
            node.outbox,
            sampling["interval_s"],
            sampling["report_samples"],
            sampling.get("trim"),
        )
        shared = node.outbox, self.carrier, node.secrets, clock, node.counters, config
        self.uplink = Uplink(*shared, on_schemas=self._send_schemas)
        two_for = [(commands.EMERGENCY, n + 1) for n in range(table["two_issuers_level"])]
        groups = table["groups"]
        later.call(_OWNER, "settle", node.root, node.secrets.identity()[2], node.counters)
        self.commands = Commands(
            node.secrets, Issuers(), node.counters, clock, groups, two_for, self
        )
        self.player = Player(self.parts, node.counters, node.root, table["battery_min_mv"])
        self.alerts = Alerts(
            node.root,
            clock,
            node.counters,
            self.player,
            table,
            self.commands.authority.seen,
            self.commands.note,
            self._unended,
            self.commands.authority.may,
            self._tell,
        )
        self.answer = self.alerts.answer
        self.rules = AlarmRules(node, self.sampler, self.alerts)
        self._came_ms = time.ticks_ms()
        self._schedule = None
        if table["self_test_every_s"]:
            when = table["self_test_every_s"], table["self_test_at_s"]
            silent = table["self_test_silent"]
            self._schedule = self_test.Schedule(*when, silent, clock, self._test)

    def tasks(self):
        own = [
            ("alerts", self.alerts.run, _ALERT_SILENCE_S),
            ("player", self.alerts.play, _ALERT_SILENCE_S),
            ("rules", self.rules.run, _RULES_SILENCE_S),
            ("sampler", self.sampler.run, _SAMPLER_SILENCE_S),
            ("talk", self._talk, _TALK_SILENCE_S),
        ]
        if self._schedule:
            own.append(("tests", self._schedule.run, _TEST_SILENCE_S))
        return self.carrier.tasks() + tuple(own)

    # Receipts at once, all else with the next question, which comes soon enough to keep the way
    # back open.
    async def _talk(self, beat):
        self._tell_config()
        while True:
            beat()
            await self.alerts.begun()
            self.alerts.flush()
            await self.uplink.wake(beat, ask=True)
            self._node.woke()
            if self.carrier.judge(self.uplink.outcome):
                self._node.tell("health")
            try:
                keepalive_ms = self.carrier.keepalive_s * 1000
                await asyncio.wait_for_ms(self.alerts.news.wait(), keepalive_ms)
            except asyncio.TimeoutError:
                pass

    # The server does not know the other road before it is asked there.
    def _moved(self):
        self.alerts.news.set()

    def _tell(self, event, body):
        if event == "self_test" and self._schedule:
            self._schedule.note(body)
        self._node.tell(event, body)

    def _tell_config(self):
        issuers = list(self.commands.authority.issuers)
        self._node.tell("speaker", issuers, self.rules.numbers())

    def _test(self, id, alert, not_before, expires):
        self.alerts.submit(Held(id, alert, not_before, expires))

    # Somebody stands there and wants to hear it: the tone of a self-test, now.
    def play(self):
        now_s = self._node.clock.uptime_s()
        held = Held(
            b"play" + now_s.to_bytes(4, "big"),
            self_test.alert(False, self_test.ASKED),
            now_s,
            now_s + _PLAY_S,
        )
        held.by_uptime = True
        self.alerts.submit(held)

    def _send_schemas(self, ids):
        if self.sampler.schema.id in ids:
            self._node.tell("schema")

    # --- what commands.py finds

    def _take(self, datagram):
        self._came_ms = time.ticks_ms()
        try:
            self.commands.take(datagram)
        except Exception as error:  # the next command is not to blame, nor is who listens
            self._node.keep_crash(error, "listen")

    def obey(self, command, verdict):
        kind, id = command.command, command.id
        if kind == commands.ALERT or kind == commands.SELFTEST:
            alert = command.args
            if kind == commands.SELFTEST:
                alert = self_test.alert(alert, self_test.ASKED)
            elif self._was_cancelled(id, alert):
                self.commands.note(id, receipt.CANCELLED)
                self.answer(id, receipt.CANCELLED)
                return
            held = Held(id, alert, command.not_before, command.expires)
            held.issuers = verdict.issuers
            held.hops, held.began_ms = self._hops(command), self._came_ms
            held.hop()  # verified
            self.alerts.submit(held)
            return
        if kind == commands.CANCEL:
            self._cancel(command, verdict)
        elif kind == commands.ISSUERS:
            self.commands.settle(id, self._change_issuers(command))
        elif kind == commands.ALARM_RULES:
            self.commands.settle(id, self.rules.replace(command))
        elif kind == commands.STATUS:
            self._node.tell("health", True)
            self._tell_config()
            # Not noted, for nobody has signed it: the ring keeps ids of what was cancelled, too.
            self.answer(id, receipt.DONE)
        else:
            self.commands.settle(id, "cmd_unknown")

    def _change_issuers(self, command):
        refused = issuer_changes.change(self.commands.authority, self._node.counters, command)
        if not refused:
            self.alerts.drop_revoked()
            self._tell_config()
        return refused

    def _cancel(self, command, verdict):
        wanted = command.args
        authority = self.commands.authority
        alert = self.alerts.find(wanted)
        if authority.may_cancel(verdict, alert):
            if not self.alerts.cancel(wanted):
                self.commands.note(wanted, receipt.CANCELLED)  # should it come later than this
        elif alert is None:
            for issuer in verdict.issuers:
                cls, level = authority.issuers[issuer][2][0], authority.issuers[issuer][2][1]
                self.commands.note(_cancelled_id(wanted, cls, level), receipt.CANCELLED)
        else:
            self.commands.settle(command.id, "cmd_rights")
            return
        self.commands.settle(command.id)

    def _was_cancelled(self, id, alert):
        for cls in range(alert.cls, commands.EMERGENCY + 1):
            for level in range(1, alert.level + 1):
                if self.commands.authority.seen(_cancelled_id(id, cls, level)) is not None:
                    return True
        return False

    def _unended(self):
        return unended(self.commands.authority.ring)

    # The server has not heard of it, or has lost it: what was told last is told again.
    def repeated(self, command):
        stage = self.commands.authority.seen(command.id)
        self.answer(command.id, stage)

    # ms from when it was sent until it came, as good as the two clocks are.
    def _hops(self, command):
        if command.sent is None:
            return None
        seconds, ms = command.sent
        return [max(0, (self._node.clock.now() - seconds) * 1000 - ms)]
