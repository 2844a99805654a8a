# How long a camera was on, for the ledger; loaded where there is one.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

_CAMERA = const(5)  # as in energy.py


def watch(ledger, part):
    capture = part.capture

    async def film(budget_bytes, region=None):
        begun_ms = ledger.now_ms()
        try:
            shot = await capture(budget_bytes, region)
        except BaseException:
            ledger.counts[_CAMERA] += ledger.now_ms() - begun_ms
            raise
        closed = shot.closed

        def end():
            ledger.counts[_CAMERA] += ledger.now_ms() - begun_ms
            if closed:
                closed()

        shot.closed = end
        return shot

    part.capture = film
