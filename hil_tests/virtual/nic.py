"""A network interface of a board: Ethernet with a PHY, or a Wi-Fi station; DHCP on both.

Figures are hypotheses: auto-negotiation 1.5 to 2.5 s, association 0.5 to 2 s, DHCP 0.2 to 1 s.
Does not model power saving, roaming, or static addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .access_point import BEACONS_US

if TYPE_CHECKING:
    from .access_point import AccessPoint
    from .lan import Lan
    from .sockets import Sockets

WIFI, ETHERNET = 0, 1
KINDS = {"wifi": WIFI, "ethernet": ETHERNET}  # the keys of a board's manifest
LINK_US = {ETHERNET: (1_500_000, 2_500_000), WIFI: (500_000, 2_000_000)}
DHCP_US = (200_000, 1_000_000)
GIVE_UP_US = 3_000_000  # a station that looks for its access point

# network.ETH_... and network.STAT_... of the ESP32 port
INITIALIZED, STARTED, STOPPED, CONNECTED, DISCONNECTED, GOT_IP = range(6)
IDLE, CONNECTING, STATION_GOT_IP = 1000, 1001, 1010
BEACON_TIMEOUT, NO_AP_FOUND, WRONG_PASSWORD = 200, 201, 202


class Nic:
    """One interface; `sockets` are those of its board while that runs.

    Faults: `unplugged` (no cable, or no antenna), `no_dhcp` (nobody gives it an address),
    `wrong_key` (the access point refuses the password).
    """

    def __init__(self, lan: Lan | None, kind: int, address: str) -> None:
        from .models.faults import Faults  # the models import the network

        self.lan = lan
        self.kind = kind
        self.address = address
        self.faults = Faults(unplugged=False, no_dhcp=False, wrong_key=False)
        self.sockets: Sockets | None = None
        self.active = False
        self.stopped()

    def stopped(self) -> None:
        """Forget everything, as a reset does."""
        self.active = False
        self.ssid: str | None = None
        self.key = ""
        self.groups: set[str] = set()
        self.asked_us = self.begun_us = 0
        self._link_us = self._dhcp_us = 0  # how long each takes this time
        self._joined = False  # it has had an address of this access point
        self._heard_us = 0  # when that was heard last

    def set_active(self, on: bool) -> None:
        """Switch it on or off; a station waits for connect() then."""
        if on != self.active:
            self.stopped()
            self.active = on
            self._begin()

    def connect(self, ssid: str, key: str) -> None:
        """Look for an access point and join it."""
        self.ssid, self.key = ssid, key
        self._joined = False
        self._begin()
        self.asked_us = self.begun_us

    def disconnect(self) -> None:
        """Leave the access point."""
        self.ssid, self._joined = None, False

    @property
    def access_point(self) -> AccessPoint | None:
        """The one that it is told to join, if there is one of that name."""
        return None if self.lan is None else self.lan.wifi.get(self.ssid or "")

    def _begin(self) -> None:
        if self.lan is not None:
            self.begun_us = self.lan.world.now_us
            self._link_us = self.lan.random.randrange(*LINK_US[self.kind])
            self._dhcp_us = self._link_us + self.lan.random.randrange(*DHCP_US)

    @property
    def status(self) -> int:
        """What the program is told: one of the numbers above."""
        return self._ethernet() if self.kind == ETHERNET else self._station()

    def _ethernet(self) -> int:
        if not self.active:
            return INITIALIZED
        if self.faults.take("unplugged"):
            self._begin()  # all anew when the cable is back
            return DISCONNECTED
        age_us = self._age_us()
        if age_us < self._link_us:
            return STARTED
        return CONNECTED if age_us < self._dhcp_us or self.faults.take("no_dhcp") else GOT_IP

    def _station(self) -> int:
        lan = self.lan
        if not self.active or (lan is not None and self.ssid is None):
            return IDLE
        if lan is None:  # a radio without antenna
            return NO_AP_FOUND
        now_us, point = lan.world.now_us, self.access_point
        if point is None or self.faults.take("unplugged") or point.faults.take("away"):
            if self._joined and now_us - self._heard_us < BEACONS_US:
                return STATION_GOT_IP  # it has not noticed yet
            if self._joined:
                self._joined, self.asked_us = False, now_us
            self._begin()  # all anew when it is there again
            return CONNECTING if now_us - self.asked_us < GIVE_UP_US else NO_AP_FOUND
        if self.key != point.password or self.faults.take("wrong_key"):
            return CONNECTING if self._age_us() < self._link_us else WRONG_PASSWORD
        if self._age_us() < self._dhcp_us or self.faults.take("no_dhcp"):
            return CONNECTING
        self._joined, self._heard_us = True, now_us
        return STATION_GOT_IP

    def _age_us(self) -> int:
        assert self.lan is not None
        return self.lan.world.now_us - self.begun_us

    @property
    def ready(self) -> bool:
        """True while it has an address."""
        return self.status in (GOT_IP, STATION_GOT_IP)

    @property
    def dbm(self) -> int:
        """The strength of the access point that it has joined."""
        point = self.access_point
        return point.dbm if point and self.status == STATION_GOT_IP else 0

    def loses(self) -> bool:
        """Decide the fate of one datagram on the air, in either direction."""
        point = self.access_point if self.kind == WIFI else None
        if point is None or self.lan is None or not point.loses(self.lan.random):
            return False
        self.lan.counts["wifi_lost"] += 1
        return True

    def is_cut_off(self) -> bool:
        """Tell whether a datagram to or from beyond the router is lost there."""
        point = self.access_point if self.kind == WIFI else None
        return point is not None and bool(point.faults.take("no_way_out"))

    def hears(self, host: str) -> bool:
        """True if a datagram to this address is for this interface."""
        return host == self.address or host.endswith(".255") or host in self.groups

    def take(self, port: int, data: bytes, source: tuple[str, int]) -> str:
        """Hand a datagram to the board's program; tells what became of it."""
        if self.sockets is None or not self.ready:
            return "refused"
        return "lost" if self.loses() else self.sockets.take(port, data, source)
