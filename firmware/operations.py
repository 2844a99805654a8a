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
_DIGITS = const("0123456789.")
_NONE = const(", - for what there is none of")


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


# As it was typed. What is signed cannot be taken back: where a word was forgotten, no other one is
# taken for it.
def typed(node, args):
    amount = unit = batch = None
    if len(args) == 4:
        amount, unit, batch = [None if word == "-" else word for word in args[1:]]
        amount = amount and thousandths(amount)
        if unit and (unit[:1] in _DIGITS or _is_name(unit)):
            raise ValueError("unit: %s is none, type it after the number" % unit)
    elif len(args) == 2:
        batch = None if args[1] == "-" else args[1]
        if batch and batch[:1] in _DIGITS and not _is_name(batch):
            raise ValueError("%s is a batch, or an amount? type AMOUNT UNIT BATCH" % batch + _NONE)
    elif len(args) != 1:
        raise ValueError("type operation KIND, KIND BATCH or KIND AMOUNT UNIT BATCH" + _NONE)
    return tell(node, _SERIAL, None, (args[0], batch, amount, unit))


# Units have neither, most batches do.
def _is_name(word):
    return "-" in word or "_" in word
