# The ESP32's network module: a Wi-Fi station and Ethernet, which the bench has (../nic.py).
# SPDX-License-Identifier: Apache-2.0
import struct

import _link
from micropython import const

_OP_NIC_SET = const(32)
_OP_NIC_CONNECT = const(33)
_OP_NIC_STATE = const(34)

_WIFI = const(0)
_ETHERNET = const(1)
_MASK = const("255.255.255.0")
_ROUTER = const("192.0.2.1")
_NOWHERE = const("0.0.0.0")

STA_IF, AP_IF = 0, 1
STAT_IDLE, STAT_CONNECTING, STAT_GOT_IP = 1000, 1001, 1010
STAT_BEACON_TIMEOUT, STAT_NO_AP_FOUND, STAT_WRONG_PASSWORD, STAT_ASSOC_FAIL = range(200, 204)
ETH_INITIALIZED, ETH_STARTED, ETH_STOPPED, ETH_CONNECTED, ETH_DISCONNECTED, ETH_GOT_IP = range(6)
PHY_LAN8710, PHY_LAN8720, PHY_IP101, PHY_RTL8201, PHY_DP83848 = range(5)


class _Interface:
    _kind = _WIFI

    # Active, status, dBm, address.
    def _state(self):
        return struct.unpack("<BHb4s", _link.call(_OP_NIC_STATE, self._kind))

    def _address(self):
        return ".".join(str(byte) for byte in self._state()[3])

    def active(self, on=None):
        if on is not None:
            _link.call(_OP_NIC_SET, self._kind | bool(on) << 8)
        return bool(self._state()[0])

    def isconnected(self):
        return self._address() != _NOWHERE

    def status(self, what=None):
        return self._state()[2 if what == "rssi" else 1]

    def ifconfig(self, fixed=None):
        if fixed not in (None, "dhcp"):
            raise ValueError("the virtual board has no static addresses")
        address = self._address()
        if address == _NOWHERE:
            return (_NOWHERE,) * 4
        return (address, _MASK, _ROUTER, _ROUTER)

    def ipconfig(self, what=None, **settings):
        address, mask, router, _ = self.ifconfig()
        if what is None:
            return None
        facts = {"addr4": (address, mask), "gw4": router, "has_dhcp4": address != _NOWHERE}
        return facts[what]

    def config(self, what=None, **settings):
        if what == "mac":
            return _link.mac
        if what is not None:
            raise ValueError("unknown config param")
        return None


class WLAN(_Interface):
    IF_STA, IF_AP = STA_IF, AP_IF
    PM_NONE, PM_PERFORMANCE, PM_POWERSAVE = range(3)

    def __init__(self, interface=STA_IF):
        if interface != STA_IF:
            raise ValueError("the virtual board is no access point")

    def connect(self, ssid="", key="", *, bssid=None):
        if not self._state()[0]:
            raise OSError("Wifi Not Started")
        _link.call(_OP_NIC_CONNECT, self._kind, (ssid + "\0" + (key or "")).encode())

    def disconnect(self):
        _link.call(_OP_NIC_CONNECT, self._kind, b"\0")

    def scan(self):
        return []


class LAN(_Interface):
    _kind = _ETHERNET

    def __init__(self, id=0, *, mdc=None, mdio=None, phy_type=None, phy_addr=None, **pins):
        if None in (mdc, mdio, phy_type, phy_addr):
            raise ValueError("mdc, mdio, phy_type and phy_addr are needed")
        self._state()  # or there is no PHY


def hostname(name=None):
    return "fieldbeat"
