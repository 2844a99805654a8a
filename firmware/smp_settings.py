# SMP group 3: identity and key of the unit, and taking over a new configuration.
# SPDX-License-Identifier: Apache-2.0
import os

from protocols import smp
from protocols.compat import const, sha256

from . import later
from .smp_request import Refused, field

# As in protocols/smp_codes.py.
_GROUP_SETTINGS = const(3)
_SETTINGS_READ_WRITE = const(0)
_SETTINGS_DELETE = const(1)
_SETTINGS_COMMIT = const(2)
_SETTINGS_LOAD_SAVE = const(3)

# Names of enum settings_mgmt_ret_code_t in Zephyr.
_NAME_TOO_LONG = const(2)
_NOT_FOUND = const(3)
_READ_NOT_SUPPORTED = const(4)
_ROOT_NOT_FOUND = const(5)
_WRITE_NOT_SUPPORTED = const(6)
_DELETE_NOT_SUPPORTED = const(7)

# A third of the free heap, for the commit alone.
_CONFIG = const("firmware.config protocols.cbor_reader")
_ISSUERS = const(
    "firmware.issuers protocols.authority protocols.command protocols.command_alert"
    " protocols.cbor_reader"
)
_WIFI = const("firmware.wifi_secret")
_TRACE = const("firmware.trace_key")
_LOCK = const("firmware.lock")
_NAME_LIMIT = const(32)
_WRITABLE = {
    "id/unit": "unit",
    "id/kid": "kid",
    "id/epoch": "epoch",
    "key/master": "master",
    "key/issuers": "issuers",
    "key/wifi_password": "wifi_password",
    "key/trace": "trace",
    "key/code": "code",
}
_READ_ONLY = const(("id/mac", "key/check", "key/wifi_check", "config/sha256"))
_WRITE_ONLY = const(("key/master", "key/wifi_password"))


def _epoch(data):
    if len(data) != 4:
        raise ValueError("epoch: give 4 bytes, big-endian")
    return int.from_bytes(data, "big")


class SettingsGroup:
    ID = _GROUP_SETTINGS

    def __init__(self, server):
        self._secrets = server.node.secrets
        self._mac = server.node.mac
        self._root = server.root
        self._committed = False
        # command: (read, write)
        self.commands = {
            _SETTINGS_READ_WRITE: (self._read, self._write),
            _SETTINGS_DELETE: (None, self._delete),
            _SETTINGS_COMMIT: (None, self._commit),
            # What is written is stored at once; there is no copy to load or to save.
            _SETTINGS_LOAD_SAVE: (self._nothing, self._nothing),
        }

    def _name(self, body):
        name = field(body, "name", str)
        if len(name) > _NAME_LIMIT:
            raise Refused(smp.EINVAL, _NAME_TOO_LONG)
        if name in _WRITABLE or name in _READ_ONLY:
            return name
        roots = ("id", "key", "config")
        known_root = name.split("/")[0] in roots
        raise Refused(smp.ENOENT, _NOT_FOUND if known_root else _ROOT_NOT_FOUND)

    async def _read(self, body):
        name = self._name(body)
        if name in _WRITE_ONLY:
            raise Refused(smp.EACCESSDENIED, _READ_NOT_SUPPORTED)
        value = self._config_hash() if name == "config/sha256" else self._identity(name)
        if not value:
            raise Refused(smp.ENOENT, _NOT_FOUND)
        return {"val": value[: field(body, "max_size", int, len(value))]}

    def _identity(self, name):
        if name == "id/mac":
            return self._mac
        if name == "key/check":
            return self._secrets.check_value()
        if name == "key/wifi_check":
            return later.call(_WIFI, "check_value")
        if name == "key/trace":  # the public one, never the secret
            return later.call(_TRACE, "public")
        if name == "key/code":
            return later.call(_LOCK, "check_value")
        if name == "key/issuers":
            return later.call(_ISSUERS, "Issuers").list()
        kid, epoch, unit = self._secrets.identity()
        if name == "id/kid":
            return kid
        return epoch.to_bytes(4, "big") if name == "id/epoch" else unit.encode()

    def _config_hash(self):
        try:
            with open(self._root + "/config.cbor", "rb") as file:
                return sha256(file.read()).digest()
        except OSError:
            return None

    async def _write(self, body):
        name, data = self._name(body), field(body, "val", bytes)
        if name not in _WRITABLE:
            raise Refused(smp.EACCESSDENIED, _WRITE_NOT_SUPPORTED)
        try:
            self._secrets.put(_WRITABLE[name], _epoch(data) if name == "id/epoch" else data)
        except ValueError as error:
            raise Refused(smp.EINVAL, text=str(error))
        return {}

    async def _delete(self, body):
        self._name(body)
        raise Refused(smp.EACCESSDENIED, _DELETE_NOT_SUPPORTED)

    async def _commit(self, body):
        try:
            os.stat(self._root + "/config.new")
        except OSError:
            if self._committed:  # the answer was lost
                return {}
            raise Refused(smp.ENOENT, text="nothing to commit: upload /config.new first")
        try:
            later.call(_CONFIG, "commit", self._root, self._secrets.identity()[2])
        except ValueError as error:
            raise Refused(smp.EINVAL, text=str(error))
        self._committed = True
        return {}

    async def _nothing(self, body):
        return {}
