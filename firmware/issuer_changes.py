# Whom this unit obeys from now on, as an order wants it. Who was revoked stays so: what was lost
# on its way, or held back, must not bring a stolen key back when it comes after all.
# SPDX-License-Identifier: Apache-2.0
from protocols.command import issuer_kid
from protocols.compat import const

from .issuers import Issuers, are_points

_KID = const(8)
_KEPT = const(512)  # bytes: the last 64


# -> None, or the reason why it obeys those of before
def change(authority, counters, command):
    store = Issuers()
    add, revoke = command.args
    revoked = store.revoked()
    for item in add:
        kid = issuer_kid(item[0], item[1])
        if kid not in authority.issuers and _has(revoked, kid):  # by cable he may be back
            return "cmd_overtaken"
    issuers = authority.issuers_after(command)
    if issuers is None or not are_points(add):
        return "cmd_rights"
    new = [kid for kid in revoke if not _has(revoked, kid)]
    if new:
        try:
            store.store_revoked((revoked + b"".join(new))[-_KEPT:])
        except (OSError, MemoryError):  # he is revoked all the same
            counters.count("fs_corrupt")
    store.store_keys(issuers)
    authority.issuers = issuers
    return None


def _has(kids, kid):
    return any([kids[at : at + _KID] == kid for at in range(0, len(kids), _KID)])
