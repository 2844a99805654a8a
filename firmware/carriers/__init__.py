# A carrier moves one datagram, nothing else:
#   MTU, async open(), async send(datagram, last), async receive(timeout_ms) -> bytes or None,
#   async close() which never raises, status() -> dict
# What send() gets is a view that holds until it returns. And `timeout_ms`: an answer may take this
# long, however impatient the config is. Where there are several roads, both are those of the road
# in use, and MTU is the largest when the carrier is made.
# SPDX-License-Identifier: Apache-2.0


class CarrierError(Exception):
    # `reason` is a name of protocols/reasons.py; the carrier has counted it.
    def __init__(self, reason):
        super().__init__(reason)
        self.reason = reason
