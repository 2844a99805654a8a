# A radio that finds no network: programs may switch it off and ask, nothing more is modelled.
# SPDX-License-Identifier: Apache-2.0
import _link

STA_IF = 0
AP_IF = 1
STAT_IDLE = 1000
STAT_NO_AP_FOUND = 201


class WLAN:
    IF_STA = STA_IF
    IF_AP = AP_IF

    def __init__(self, interface=STA_IF):
        self._active = False

    def active(self, on=None):
        if on is not None:
            self._active = bool(on)
        return self._active

    def connect(self, *args, **kwargs):
        pass

    def disconnect(self):
        pass

    def isconnected(self):
        return False

    def status(self, what=None):
        return STAT_NO_AP_FOUND if self._active else STAT_IDLE

    def scan(self):
        return []

    def ifconfig(self):
        return ("0.0.0.0",) * 4

    def config(self, what):
        if what == "mac":
            return _link.mac
        raise ValueError("unknown config param")
