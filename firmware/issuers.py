# Whose commands are obeyed, in NVS: public keys, which of their counters were used, and the ring
# of ids. See protocols/authority.py.
# SPDX-License-Identifier: Apache-2.0
import esp32

from protocols import cbor
from protocols.authority import ISSUERS_MAX
from protocols.command import issuer_kid
from protocols.compat import const

from . import later

_FORM = const("issuers: give CBOR, [[algorithm, key, {0: class, 1: level}], ...] of up to %d: %s")
_P256 = const("protocols.p256")
_SM2 = const("protocols.sm2")
_TOO_SHORT = const(-0x110C)  # ESP_ERR_NVS_INVALID_LENGTH
# The first that suffices: of 1 issuer, of 6, of 16 with algorithm, key, rights and floor each.
_SIZES = const((128, 600, 1536))


# Takes over a list of [algorithm, key, rights], as provisioning writes it; ValueError for another.
def replace(data):
    try:
        _check(data)
    except ValueError as error:
        raise ValueError(_FORM % (ISSUERS_MAX, error))
    store = Issuers()
    if store.list() != data:
        store.store_list(data)


def _check(data):
    from protocols.command_alert import parse_issuer

    items = cbor.decode(data)
    if not isinstance(items, list) or len(items) > ISSUERS_MAX:
        raise ValueError("no such list")
    if not are_points(map(parse_issuer, items)):
        raise ValueError("a key is no point of its curve")


# A key that is no point would verify nothing: a loudspeaker that has it alone is silent.
def are_points(items):
    from protocols import cose, ecc

    for algorithm, key, _ in items:
        curve = later.load(_P256 if algorithm == cose.ES256 else _SM2, "CURVE")
        if not ecc.is_on_curve(curve, *ecc.two_numbers(key)):
            return False
    return True


class Issuers:
    def __init__(self, nvs=None):
        self._nvs = nvs or esp32.NVS("fieldbeat")

    # {kid: [algorithm, key, rights]}
    def keys(self):
        items = self.list()
        items = cbor.decode(items) if items else ()
        return {issuer_kid(item[0], item[1]): item for item in items}

    def store_keys(self, issuers):
        self.store_list(cbor.encode(list(issuers.values())))

    # The same as it was written, or nothing.
    def list(self):
        return self._load("issuers")

    def store_list(self, data):
        self._store("issuers", data)

    # {kid: [highest, bits]}
    def seen(self):
        data = self._load("iss_seen")
        return cbor.decode(data) if data else {}

    def store_seen(self, counters):
        self._store("iss_seen", cbor.encode(counters))

    # The kids of who was revoked over the air, one after the other.
    def revoked(self):
        return self._load("iss_gone")

    def store_revoked(self, kids):
        self._store("iss_gone", kids)

    def ring(self):
        return self._load("cmd_ring")

    def store_ring(self, ring):
        self._store("cmd_ring", ring)

    def _load(self, name):
        for size in _SIZES:
            buffer = bytearray(size)
            try:
                return bytes(buffer[: self._nvs.get_blob(name, buffer)])
            except OSError as error:
                if error.args[0] != _TOO_SHORT:  # but ESP_ERR_NVS_NOT_FOUND
                    break
        return b""

    def _store(self, name, data):
        self._nvs.set_blob(name, data)
        self._nvs.commit()
