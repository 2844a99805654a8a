"""A unit in memory, for tests of what is done to it over its serial port."""

import hashlib

from fieldbeat.host_tools import unit_code
from fieldbeat.host_tools.smp_link import LinkError
from fieldbeat.host_tools.wifi_password import check_value
from fieldbeat.protocols.frame import KeySet


class Unit:
    """A unit in memory behind a link that breaks at an operation, before or after its effect."""

    port = "/dev/ttyUSB0"

    def __init__(self, mac=b"\x02\0\0\0\0\1"):
        self.nvs = {"id/mac": mac}
        self.files = {}
        self.keys_received = []
        self.written = []  # names
        self.break_at, self.effect = None, True
        self.operations = 0
        self.safe_mode = {}  # what its status has about that
        self.is_unlocked = False
        self.resets = 0

    def _operate(self, effect):
        self.operations += 1
        breaks = self.operations == self.break_at
        if breaks and not self.effect:
            raise LinkError("the port was lost", "run it again")
        result = effect()
        if breaks:
            raise LinkError("the port was lost", "run it again")
        return result

    def wait(self):
        self._operate(lambda: None)

    def echo(self, text):
        return self._operate(lambda: text)

    def information(self):
        return self._operate(lambda: "fieldbeat 0.1.0")

    def read_setting(self, name):
        return self._operate(lambda: self._read(name))

    def write_setting(self, name, value):
        self._operate(lambda: self._write(name, value))

    def commit_settings(self):
        self._operate(lambda: self.files.update({"/config.cbor": self.files["/config.new"]}))

    def upload(self, path, data):
        self._operate(lambda: self.files.update({path: data}))

    def download(self, path):
        return self._operate(lambda: self.files.get(path))

    def status(self):
        return self._operate(lambda: {"unit": "gh-1", "lock": self._lock_state()} | self.safe_mode)

    def run(self, argv):
        if argv == ["lock"]:
            return self._operate(self._lock)
        return self._operate(lambda: self._unlock(*argv))

    def reset(self):
        self.resets += 1
        self._operate(self._lock)

    def _lock(self):
        self.is_unlocked = False
        return "locked", 0

    def _lock_state(self):
        is_open = self.is_unlocked or "key/code" not in self.nvs
        return "open" if is_open else "locked"

    def _unlock(self, verb, code):
        assert verb == "unlock"
        kept = self.nvs["key/code"]
        rounds = int.from_bytes(kept[8:10], "big")
        self.is_unlocked = unit_code.for_unit(code, kept[:8], rounds) == kept
        return ("unlocked", 0) if self.is_unlocked else ("wrong code", 1)

    def _read(self, name):
        if name == "key/check":
            keys = self.keyset()
            return keys and keys.check_value()
        if name == "key/wifi_check":
            return check_value(
                self.nvs["key/master"], self.nvs.get("key/wifi_password", b"").decode()
            )
        if name == "config/sha256":
            config = self.files.get("/config.cbor")
            return config and hashlib.sha256(config).digest()
        if name == "key/code":
            return name in self.nvs and unit_code.check_value(self.nvs[name]) or None
        assert name not in ("key/master", "key/wifi_password")
        return self.nvs.get(name)

    def _write(self, name, value):
        assert self._lock_state() == "open"
        if name == "key/master":
            value, self.nvs["id/epoch"], self.nvs["id/kid"] = value[:16], value[16:20], value[20:]
            self.keys_received.append(value)
        self.nvs[name] = value[32:] if name == "key/trace" else value  # its public half
        self.written.append(name)

    def keyset(self):
        if "key/master" not in self.nvs or "id/kid" not in self.nvs:
            return None
        epoch = int.from_bytes(self.nvs.get("id/epoch", b""), "big")
        return KeySet(self.nvs["key/master"], self.nvs["id/kid"], epoch)
