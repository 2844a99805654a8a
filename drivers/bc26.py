# Quectel BC26: NB-IoT, MediaTek chip set.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

from . import at
from .quectel import Quectel

_APN_MS = const(5000)  # AT manual: +QCGDEFCONT, maximum response time 5 s


class BC26(Quectel):
    BOOT_LINES = ("F1:",)  # "F1: 0000 0000", the boot loader's first line
    # Hypotheses after the hardware design guide: PWRKEY low for 0.5 to 1 s, RESET for 50 ms or
    # more, the first "AT" is answered within some seconds.
    POWER_KEY_MS = 700
    RESET_MS = 100
    BOOT_MS = 6000
    # Hypothesis: manuals of Quectel's modems name 512 or 1024 where hex is in the command line.
    MAX_DATAGRAM = 512

    async def _define_apn(self, apn):
        # "" leaves it to the network, which on NB-IoT mostly has one default.
        if not apn:
            return
        current = await self.ask(at.read("+QCGDEFCONT"), "+QCGDEFCONT", at.fields)
        if current[1:2] == [apn]:
            return
        await self.ask(at.assign("+QCGDEFCONT", "IP", apn), timeout_ms=_APN_MS)
        # It is stored, and used after a restart, which may begin before its OK has been read.
        self._down()
        await self.attempt(at.assign("+QRST", 1))
        await asyncio.sleep_ms(self.BOOT_MS)
        await self.start()

    async def _assist_release(self, rai):
        await self.attempt(at.assign("+QNBIOTRAI", rai))
