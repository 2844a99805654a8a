# Datagrams through an NB-IoT modem that owns the IP stack and is driven by AT commands.
# SPDX-License-Identifier: Apache-2.0
from drivers.errors import ModemError
from protocols.compat import const

from .. import flight
from . import CarrierError

# A cell search from cold in bad coverage; beyond it, sleeping until the next wake costs less.
_ATTACH_TIMEOUT_MS = const(120000)
_AFTER_ANSWER = const(2)
# Steps, as in host_tools/flight_records.py.
_START = const(0x200)
_ATTACH = const(0x201)
_OPEN = const(0x202)
_SEND = const(0x203)
_RECEIVE = const(0x204)


class ModemUDP:
    timeout_ms = 10000  # NB-IoT in deep coverage

    # forget(): of a modem whose code, 18 kB of heap, is loaded for a wake. Each wake sets it up
    # anew anyway, as it may have lost its supply.
    def __init__(self, modem, config, clock, counters, forget=None):
        self.MTU = modem.MAX_DATAGRAM
        self.modem = modem
        self._config = config["uplink"]
        self._clock = clock
        self._counters = counters
        self._status = {}
        self._forget = forget
        if forget:
            forget()

    def tasks(self, wake):
        return ()

    async def open(self):
        modem, config = self.modem, self._config
        try:
            modem.session.listen = flight.feed
            flight.keep(_START)
            await modem.start()
            flight.keep(_ATTACH)
            await modem.attach(config["apn"], _ATTACH_TIMEOUT_MS)
            self._status = await modem.signal()
            if not self._clock.synced:
                # Good to some seconds: enough until the server tells its own.
                seconds = await modem.network_time()
                if seconds is not None:
                    self._clock.set(seconds, "modem")
            flight.keep(_OPEN)
            await modem.open_udp(config["host"], config["port"])
        except ModemError as error:
            if error.reason == "reg_searching":
                await self._look(modem)
            raise CarrierError(error.reason)

    # The flight recorder sees it.
    async def _look(self, modem):
        try:
            await modem.look()
        except ModemError:
            pass

    async def send(self, datagram, last):
        # Release assistance with the last one: the radio is let go after one downlink, instead of
        # being kept connected for the network's inactivity time of 10 to 20 s.
        flight.keep(_SEND)
        try:
            await self.modem.send(datagram, _AFTER_ANSWER if last else 0)
        except ModemError as error:
            raise CarrierError(error.reason)

    async def receive(self, timeout_ms):
        flight.keep(_RECEIVE)
        try:
            return await self.modem.receive(timeout_ms)
        except ModemError as error:
            raise CarrierError(error.reason)

    async def close(self):
        # Whatever the modem says now, the wake is over; start() wakes or restarts it.
        for step in (self.modem.close, self.modem.sleep):
            try:
                await step()
            except ModemError:
                pass
        self._count()
        if self._forget:
            self._forget()

    def _count(self):
        counts = self.modem.counters
        for reason in counts:
            self._counters.count(reason, counts[reason])
        counts.clear()

    def status(self):
        # As of the last time it was open.
        return dict(self._status)
