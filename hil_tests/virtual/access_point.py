"""A Wi-Fi access point: its password, and what can become of it.

    lan.wifi["village"] = AccessPoint("secret12")
    lan.wifi["village"].faults.away = True

Figures are hypotheses: a station misses its beacons for 6 s (ESP-IDF's default) until it says so.
Does not model channels, roaming, rates, encryption, or that an access point refuses strangers.
"""

from __future__ import annotations

from random import Random

BEACONS_US = 6_000_000
NEAR_DBM, WEAK_DBM = -55, -88
WEAK_LOSS = 0.4  # of datagrams, each way


class AccessPoint:
    """`password` is empty for an open network.

    Faults: `away` (no power: who is joined hears nothing more and notices after 6 s), `weak` (far
    away: many datagrams are lost), `no_way_out` (joined and in order, but nothing beyond it
    answers; neighbours do).
    """

    def __init__(self, password: str = "") -> None:
        from .models.faults import Faults  # the models import the network

        self.password = password
        self.faults = Faults(away=False, weak=False, no_way_out=False)

    @property
    def dbm(self) -> int:
        """How strong it is received."""
        return WEAK_DBM if self.faults.weak else NEAR_DBM

    def loses(self, random: Random) -> bool:
        """Decide the fate of one datagram, in either direction."""
        if self.faults.away:
            return bool(self.faults.take("away"))
        return bool(self.faults.weak) and random.random() < WEAK_LOSS and self.faults.take("weak")
