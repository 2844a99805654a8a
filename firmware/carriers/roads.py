# Two roads to one server: Wi-Fi while somebody answers over it, NB-IoT while nobody does. Both are
# listened to all the time; the server answers where it heard the unit last.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from ..budget import Budget
from . import CarrierError

_WIFI = const("wifi")
_NBIOT = const("nbiot")
_GOOD = const(("acked", "partly"))
_OURS = const(("not_provisioned", "budget_spent", "fs_corrupt"))  # no road is to blame

_LOOK_MS = const(1000)  # at the Wi-Fi that is in use; at one that is not
_LOOK_AGAIN_MS = const(5000)
_POLL_MS = const(1000)
_OPEN_S = const(60)  # until a wake is given up because no road is open
_LINK_S = const(15)  # association and DHCP
# A lost Wi-Fi is tried again after this, each time after twice as long, up to the limit; anew from
# the beginning when it has worked for a while.
_AGAIN_S = const(30)
_AGAIN_MAX_S = const(600)
_WORKED_S = const(600)
# A question that nobody answered over NB-IoT is asked again soon, for the way back closes.
_SOON_S = const(10)
_SOON = const(3)
_SILENCE_S = const(150)


class Roads:
    # wifi: a UDPSocket, whose link this file makes; station: its interface, active; join() starts
    # to look for the access point. modem: an AlwaysModem. on_change(): ask the server now.
    def __init__(self, wifi, station, join, modem, config, clock, counters, on_change):
        self.road = _WIFI
        self._roads = {_WIFI: wifi, _NBIOT: modem}
        self._wifi = wifi
        self.modem = modem
        self._station = station
        self._join = join
        self._clock = clock
        self._counters = counters
        self._on_change = on_change
        table = config["nbiot"]
        self._keepalives_s = {_WIFI: wifi.keepalive_s, _NBIOT: table["keepalive_s"]}
        self._budget = Budget(clock, table["budget_bytes_day"])
        self._asked = None  # the road of the last wake
        self._told = _WIFI  # the road that HEALTH has told
        self._trouble = None  # what is wrong with the Wi-Fi
        self._failed = 0  # questions in a row that nobody answered over NB-IoT
        self._try_until_s = None  # while an access point is looked for
        self._again_s = _AGAIN_S
        self._due_s = 0  # when the Wi-Fi is tried next
        self._proven_s = None  # since when the server answers over it

    def tasks(self):
        return (("roads", self._watch, _SILENCE_S),) + self._wifi.tasks() + self.modem.tasks()

    # --- what the uplink finds

    @property
    def MTU(self):
        return self._roads[self.road].MTU

    @property
    def timeout_ms(self):
        return self._roads[self.road].timeout_ms

    @property
    def keepalive_s(self):
        soon = self.road == _NBIOT and 0 < self._failed <= _SOON
        return _SOON_S if soon else self._keepalives_s[self.road]

    async def open(self):
        if self.road == _NBIOT and not self.modem.ready:
            self.modem.want()
        for _ in range(_OPEN_S * 1000 // _POLL_MS):
            self._asked = self.road
            if self.road == _NBIOT:
                if not self._budget.affords(self.MTU):
                    self._counters.count("budget_spent")
                    raise CarrierError("budget_spent")
                if self.modem.ready:
                    return
            elif self._wifi.linked:
                await self._wifi.open()
                if self.road == _WIFI:
                    return
            await asyncio.sleep_ms(_POLL_MS)
        if self.road == _NBIOT:  # counted when it happened
            raise CarrierError(self.modem.reason)
        self._counters.count("network_down")
        raise CarrierError("network_down")

    async def send(self, datagram, last):
        if self.road != self._asked:  # changed since open(), which was counted
            raise CarrierError("network_down")
        if self.road == _NBIOT:
            self._budget.spend(len(datagram))
        await self._roads[self.road].send(datagram, last)

    async def receive(self, timeout_ms):
        data = await self._wifi.receive(timeout_ms)  # both have one inbox
        if data is None and self.road != self._asked:
            raise CarrierError("network_down")
        return data

    async def close(self):
        await self.modem.close()

    def status(self):
        status = dict(self.modem.status())
        status["road"] = self.road
        if self._wifi.linked:
            status["rssi_dbm"] = self._station.status("rssi")
        if self._trouble:
            status["wifi"] = self._trouble
        return status

    # What became of a wake. -> True if it was the first good one on another road.
    def judge(self, outcome):
        road = self._asked
        if road != self.road or outcome in _OURS:
            return False
        good = outcome in _GOOD
        self._roads[road].judge(outcome)
        if road == _NBIOT:
            self._failed = 0 if good else self._failed + 1
        elif good:
            self._trouble = None
            if self._proven_s is None:
                self._proven_s = self._clock.uptime_s()
        else:
            self._leave("wifi_no_answer")
        if not good or road == self._told:
            return False
        self._told = road
        return True

    # --- which road

    async def _watch(self, beat):
        self._try()
        while True:
            beat()
            await asyncio.sleep_ms(_LOOK_MS if self.road == _WIFI else _LOOK_AGAIN_MS)
            now_s, linked = self._clock.uptime_s(), self._wifi.linked
            if linked:
                self._try_until_s = None
            if self.road == _WIFI:
                if not linked and (self._try_until_s is None or now_s >= self._try_until_s):
                    self._leave("wifi_link_lost")
            elif linked:
                if now_s >= self._due_s:
                    self._change(_WIFI, "wifi_link_back")
            elif self._try_until_s is not None:
                if now_s >= self._try_until_s:
                    self._give_up()
            elif now_s >= self._due_s:
                self._try()

    def _try(self):
        self._try_until_s = self._clock.uptime_s() + _LINK_S
        self._join()

    # Not found in its time. The radio would go on looking all the time, and would ask an access
    # point that refuses the password until that locks it out.
    def _give_up(self):
        import network

        refused = self._station.status() == network.STAT_WRONG_PASSWORD
        self._trouble = "wifi_password" if refused else "wifi_link_lost"
        if refused:
            self._counters.count("wifi_password")
        self._try_until_s = None
        self._station.disconnect()
        self._wait()

    # A link that is there stays, whoever answers over it: a live stream may come that way.
    def _leave(self, reason):
        now_s = self._clock.uptime_s()
        if self._proven_s is not None and now_s - self._proven_s >= _WORKED_S:
            self._again_s = _AGAIN_S
        self._proven_s = None
        self._trouble = reason
        if self._wifi.linked:
            self._wait()
        else:
            self._give_up()
        self._change(_NBIOT, reason)
        self.modem.want()

    def _wait(self):
        self._due_s = self._clock.uptime_s() + self._again_s
        self._again_s = min(2 * self._again_s, _AGAIN_MAX_S)

    def _change(self, road, reason):
        self._counters.count(reason)
        self.road = road
        self._failed = 0
        self._wifi.inbox.give_up()  # nobody will answer over the other one
        self._on_change()
