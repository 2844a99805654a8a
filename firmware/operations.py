# Tells what somebody has done: an OPERATION event. Loaded for that alone.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const
from protocols.event_writer import encode
from protocols.operation import check, thousandths

# As in protocols/event.py.
_OPERATION = const(13)
_KIND = const(2)
_SOURCE = const(7)
_ISSUER = const(8)
_SYNCED = const(9)
_SERIAL = const(1)
_COMMAND = const(2)


# fields: of protocols/operation.py, in its order. -> rn, None if it could not be stored
def tell(node, source, issuer, fields):
    fields = check(*fields)
    body = {_KIND + i: value for i, value in enumerate(fields) if value is not None}
    body[_SOURCE] = source
    if issuer:
        body[_ISSUER] = issuer
    body[_SYNCED] = node.clock.synced
    t = node.clock.now()
    try:
        return node.outbox.append(lambda rn: encode(rn, _OPERATION, t, body))
    except OSError:
        node.counters.count("fs_corrupt")
        return None


# By a command that somebody has signed. -> the reason why not
def record(node, command, verdict):
    issuer = verdict.issuers[0] if verdict.issuers else None
    return None if tell(node, _COMMAND, issuer, command.args) else "fs_corrupt"


# As it was typed: KIND [AMOUNT UNIT] [BATCH]
def typed(node, args):
    if len(args) not in (1, 2, 3, 4):
        raise ValueError("type operation KIND [AMOUNT UNIT] [BATCH]")
    amount = unit = None
    rest = args[1:]
    if len(rest) > 1:
        amount, unit = thousandths(rest[0]), rest[1]
        if "-" in unit or "_" in unit:  # a batch: what is signed cannot be taken back
            raise ValueError("unit: %s is none, type it after the number" % unit)
        rest = rest[2:]
    return tell(node, _SERIAL, None, (args[0], rest[0] if rest else None, amount, unit))
