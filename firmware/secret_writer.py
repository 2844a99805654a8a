# What provisioning writes into a unit's NVS: loaded for that alone, reading it is secrets.py.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const
from protocols.replay import Window

from . import later

_WIFI = const("firmware.wifi_secret")
_TRACE = const("firmware.trace_key protocols.p256 protocols.ecc")
_LOCK = const("firmware.lock")
_ISSUERS = const(
    "firmware.issuers protocols.authority protocols.command protocols.command_alert"
    " protocols.cbor_reader protocols.cose protocols.ecc protocols.p256 protocols.sm2"
    " protocols.sm3"
)


# Raises ValueError that says what to give instead; epoch and kid may follow the master in one
# value. Writing what is there changes nothing: an interrupted provisioning can be repeated. It
# looks into the secrets, who show the master to nobody else.
def put(secrets, nvs, name, value):
    if name == "issuers":
        later.call(_ISSUERS, "replace", bytes(value))
    elif name == "wifi_password":
        later.call(_WIFI, "replace", bytes(value))
    elif name == "trace":
        later.call(_TRACE, "replace", bytes(value))
    elif name == "code":
        later.call(_LOCK, "replace", bytes(value))
    elif name == "unit":
        _put_name(secrets, nvs, value)
    else:
        _put_key(secrets, nvs, name, value)


def _put_name(secrets, nvs, value):
    value = value.encode() if isinstance(value, str) else bytes(value)
    strange = value.lstrip(b"abcdefghijklmnopqrstuvwxyz0123456789-")
    if strange or value[:1] in (b"", b"-") or len(value) > 32:
        raise ValueError("unit: give 1 to 32 lower-case letters, digits and -, which is not first")
    if value != secrets._blob("unit", 64):
        nvs.set_blob("unit", value)
        nvs.commit()


def _put_key(secrets, nvs, name, value):
    old = master, kid, epoch = secrets._keys()
    first = 0  # before it was given one
    if name == "epoch":
        epoch, first = value, 1
    elif name == "kid":
        kid = bytes(value)
    elif name == "master":
        master = bytes(value[:16])
        if len(value) > 16:
            epoch, kid, first = int.from_bytes(value[16:20], "big"), bytes(value[20:]), 1
    else:
        raise ValueError(
            name + ": give one of master, kid, epoch, unit, issuers, wifi_password, trace, code"
        )
    if master is not None and (len(master) != 16 or not any(master)):
        raise ValueError("master: give 16 random bytes; epoch and kid may follow")
    if kid is not None and len(kid) not in (2, 4):
        raise ValueError("kid: give 2 or 4 bytes")
    if not isinstance(epoch, int) or not first <= epoch <= 0x7FFFFFFF:
        raise ValueError("epoch: give an integer of 1 to 2147483647")
    if (master, kid, epoch) == old:
        return
    # In one: a power cut between them would leave a unit with neither key.
    if master and kid:
        nvs.set_blob("key", master + epoch.to_bytes(4, "big") + kid)
    elif name == "epoch":
        nvs.set_i32(name, value)
    else:
        nvs.set_blob(name, bytes(value))
    # Other keys: what the old ones have seen says nothing about these.
    secrets.window_store(Window())
