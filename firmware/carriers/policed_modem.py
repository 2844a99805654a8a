# A modem with a policy, the table [modem] of a config. What is needed once in a wake is apart, in
# modem_rules.py, and loaded for it.
# SPDX-License-Identifier: Apache-2.0
from drivers.errors import ModemError
from protocols.compat import const

from .. import later
from ..budget import Budget
from . import CarrierError
from .modem_udp import ModemUDP

_RULES = const("firmware.modem_rules firmware.sleep_store protocols.cbor protocols.cbor_reader")
_SETTLE_S = const(20)  # from a sampling time to its values
_SILENCE_S = const(1800)  # as of the uplink, whose wake it may be


class PolicedModem(ModemUDP):
    def __init__(self, modem, node):
        super().__init__(modem, node.config, node.clock, node.counters)
        self._node = node
        self._policy = policy = node.config["modem"]
        modem.POWER = policy["settings"]
        self._hurry = False
        self._asked = False  # and nobody has answered yet
        self._repeats = Budget(node.clock, policy["retry_bytes_day"])

    # The next wake is a person's wish.
    def hurry(self):
        self._hurry = True

    async def open(self):
        self._asked = False
        later.call(_RULES, "permit", self._node, self._hurry)
        self._hurry = False
        reason = None
        try:
            bands = self._policy.pop("bands", None)  # once after a boot: the modem keeps them
            if bands:
                restart = self._policy.get("restart")
                await later.call(_RULES, "choose_bands", self.modem, bands, restart)
            await super().open()
        except (ModemError, CarrierError) as error:
            reason = error.reason
        later.call(_RULES, "opened", self._node, reason)
        if reason:
            raise CarrierError(reason)

    async def send(self, datagram, last):
        if last and self._asked and not self._may_repeat(len(datagram)):
            self._counters.count("budget_spent")  # and nobody will answer
            return
        self._asked = last
        try:
            await self.modem.send(datagram, self._policy["release"] if last else 0)
        except ModemError as error:
            raise CarrierError(error.reason)

    def _may_repeat(self, size):
        may = self._repeats.affords(size)
        if may:
            self._repeats.spend(size)
        return may

    async def receive(self, timeout_ms):
        data = await super().receive(timeout_ms)
        self._asked = self._asked and data is None
        return data

    # The task that sees the battery fall. wake(beat): of the role.
    def tasks(self, wake):
        async def watch(beat):
            clock, interval_s = self._clock, self._node.config["sampling"]["interval_s"]
            while True:
                t = (clock.now() // interval_s + 1) * interval_s + min(_SETTLE_S, interval_s // 2)
                if await clock.until(t, beat) and later.call(_RULES, "gasps", self._node):
                    await wake(beat)

        return (("gasp", watch, _SILENCE_S),) if self._policy["last_gasp_mv"] else ()
