# What a unit signs once a day of the chain in trace.py.
# SPDX-License-Identifier: Apache-2.0
#
# What is signed is a COSE_Sign1 (RFC 9052, 4.4) whose parts are all in the event, the payload
# detached: Sig_structure ["Signature1", protected, h'', payload] with
#
#   protected   {1: -7, 4: key id}        ES256
#   payload     [unit's name, its kid, rn, the event's map without the signature]
#
# s of a signature is at most n / 2: there is one form of it.
from . import cbor
from .compat import const, sha256

KEY_ID_SIZE = const(8)

_ALG = const(1)
_KID = const(4)
_ES256 = -7
_KEY = const(4)  # as in event.py
_SIGNATURE = const(5)


# public: x | y
def key_id(public):
    return sha256(public).digest()[:KEY_ID_SIZE]


# -> (protected header, payload) of a ROOT event; fields: its map, with type and time
def parts(unit, kid, rn, fields):
    fields = {key: value for key, value in fields.items() if key != _SIGNATURE}
    protected = cbor.encode({_ALG: _ES256, _KID: fields[_KEY]})
    return protected, cbor.encode([unit, kid, rn, fields])


# -> the bytes that are signed
def signed(unit, kid, rn, fields):
    protected, payload = parts(unit, kid, rn, fields)
    return cbor.encode(["Signature1", protected, b"", payload])
