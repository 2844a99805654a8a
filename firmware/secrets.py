# Identity, keys and the counters that keys depend on, in NVS. The master goes in and never out.
# SPDX-License-Identifier: Apache-2.0
import struct

import esp32

from protocols.compat import const
from protocols.frame import KeySet
from protocols.replay import Window
from protocols.sequence import Sequence

from . import later

_WRITER = const("firmware.secret_writer")


class Secrets:
    def __init__(self, nvs=None):
        self._nvs = nvs or esp32.NVS("fieldbeat")
        self.window = None  # of the downlink, once it was read: whoever floods us costs no flash

    # (kid bytes or None, epoch, unit name)
    def identity(self):
        _, kid, epoch = self._keys()
        return kid, epoch, str(self._blob("unit", 64) or b"", "utf-8")

    # None until the unit is provisioned.
    def keyset(self):
        master, kid, epoch = self._keys()
        return KeySet(master, kid, epoch) if master and kid else None

    # Four bytes that tell two keys apart and say nothing about either.
    def check_value(self):
        keys = self.keyset()
        return keys.check_value() if keys else None

    # (master, kid, epoch): of one blob, so that no power cut comes between them; or of the three
    # that an NVS image has, and a unit that is given them one by one.
    def _keys(self):
        key = self._blob("key", 24)
        if key:
            return key[:16], key[20:], int.from_bytes(key[16:20], "big")
        return self._blob("master", 16), self._blob("kid", 4), self._int("epoch")

    # What provisioning may write.
    def put(self, name, value):
        later.call(_WRITER, "put", self, self._nvs, name, value)

    # The sender's sequence numbers; the limit is in NVS before a number below it is used.
    def sequence(self):
        name = "seq_limit"
        return Sequence(lambda: self._int(name), lambda limit: self._store(name, limit))

    # The replay window of the downlink. One blob, because two keys could be cut apart.
    def window_load(self):
        if self.window is None:
            blob = self._blob("rx_window", 16)
            # 12 bytes were written before numbers of more than 31 bits were thought of.
            state = struct.unpack(">qQ" if len(blob) == 16 else ">iQ", blob) if blob else ()
            self.window = Window(*state)
        return self.window

    def window_store(self, window):
        self.window = window
        self._nvs.set_blob("rx_window", struct.pack(">qQ", window.high, window.bits))
        self._nvs.commit()

    # The limit that outbox record numbers never fall below, see Outbox.
    def rn_load(self):
        return self._int("rn_limit") or 1

    def rn_store(self, limit):
        self._store("rn_limit", limit)

    # Boots since the last proof of health, see boot.py.
    def tries(self):
        return self._int("tries")

    # The app has proven itself: boot.py goes on with its slot.
    def healthy(self):
        for name in ("tries", "fell"):
            if self._int(name):
                self._store(name, 0)

    def _store(self, name, value):
        self._nvs.set_i32(name, value)
        self._nvs.commit()

    def _int(self, name):
        try:
            return self._nvs.get_i32(name)
        except OSError:  # ESP_ERR_NVS_NOT_FOUND
            return 0

    def _blob(self, name, size):
        buffer = bytearray(size)
        try:
            return bytes(buffer[: self._nvs.get_blob(name, buffer)])
        except OSError:
            return None
