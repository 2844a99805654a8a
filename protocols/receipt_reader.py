# Reads what receipt.py writes. A device never does.
# SPDX-License-Identifier: Apache-2.0
from collections import namedtuple

from .cbor import is_uint
from .compat import const

_HOPS = const(9)

Receipt = namedtuple(
    "Receipt", ("id", "stage", "reason", "proof", "start", "end", "source", "hops")
)


class ReceiptError(ValueError):
    pass


def parse(body):
    # body: what event_reader.decode() gives. Later keys are passed over.
    receipt = Receipt(*[body.get(key) for key in range(2, _HOPS + 1)])
    if not (isinstance(receipt.id, bytes) and len(receipt.id) == 8 and is_uint(receipt.stage)):
        raise ReceiptError("a receipt has the id of a command and a stage")
    for number in (receipt.reason, receipt.start, receipt.end, receipt.source):
        if number is not None and not is_uint(number):
            raise ReceiptError("reason, times and source of a receipt are numbers")
    proof, hops = receipt.proof, receipt.hops
    if proof is not None and not (isinstance(proof, bytes) and len(proof) == 3):
        raise ReceiptError("the proof of a receipt has 3 bytes")
    if hops is not None and not (isinstance(hops, list) and all([is_uint(ms) for ms in hops])):
        raise ReceiptError("the hops of a receipt are in ms")
    return receipt
