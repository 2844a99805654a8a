# Datagrams through an NB-IoT modem that owns the IP stack and is driven by AT commands.
# SPDX-License-Identifier: Apache-2.0
from drivers.errors import ModemError
from protocols.compat import const

from . import CarrierError

# A cell search from cold in bad coverage; beyond it, sleeping until the next wake costs less.
_ATTACH_TIMEOUT_MS = const(120000)
_AFTER_ANSWER = const(2)


class ModemUDP:
    timeout_ms = 10000  # NB-IoT in deep coverage

    def __init__(self, modem, config, clock, counters):
        self.MTU = modem.MAX_DATAGRAM
        self._modem = modem
        self._config = config["uplink"]
        self._clock = clock
        self._counters = counters
        self._status = {}

    def tasks(self, wake):
        return ()

    async def open(self):
        modem, config = self._modem, self._config
        try:
            await modem.start()
            await modem.attach(config["apn"], _ATTACH_TIMEOUT_MS)
            self._status = await modem.signal()
            if not self._clock.synced:
                # Good to some seconds: enough until the server tells its own.
                seconds = await modem.network_time()
                if seconds is not None:
                    self._clock.set(seconds, "modem")
            await modem.open_udp(config["host"], config["port"])
        except ModemError as error:
            raise CarrierError(error.reason)

    async def send(self, datagram, last):
        # Release assistance with the last one: the radio is let go after one downlink, instead of
        # being kept connected for the network's inactivity time of 10 to 20 s.
        try:
            await self._modem.send(datagram, _AFTER_ANSWER if last else 0)
        except ModemError as error:
            raise CarrierError(error.reason)

    async def receive(self, timeout_ms):
        try:
            return await self._modem.receive(timeout_ms)
        except ModemError as error:
            raise CarrierError(error.reason)

    async def close(self):
        # Whatever the modem says now, the wake is over; start() wakes or restarts it.
        for step in (self._modem.close, self._modem.sleep):
            try:
                await step()
            except ModemError:
                pass
        self._count()

    def _count(self):
        counts = self._modem.counters
        for reason in counts:
            self._counters.count(reason, counts[reason])
        counts.clear()

    def status(self):
        # As of the last time it was open.
        return dict(self._status)
