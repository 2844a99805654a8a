# Signs the day: one ROOT event over all that was told before it. Loaded for that alone.
# SPDX-License-Identifier: Apache-2.0
import os

import esp32

from protocols import trace_signed
from protocols.compat import const
from protocols.event_writer import encode
from protocols.p256_sign import sign

from . import chain_state, trace_key

# As in protocols/event.py.
_ROOT = const(14)
_TYPE = const(0)
_TIME = const(1)
_FIRST = const(2)
_CHAIN = const(3)
_KEY = const(4)
_SIGNATURE = const(5)
_GAPS = const(6)
_SYNCED = const(7)


# The day of the last root, which can be this one.
def tell(node, day):
    last_day, last_rn = chain_state.load()[:2]
    if last_day == day and last_rn:
        return day
    if node.outbox.settled(last_rn):
        chain_state.arrived()
    gaps = chain_state.load()[2]
    secret, public = trace_key.load(esp32.NVS("fieldbeat"))
    if not secret:
        node.log("no key to sign with: run fieldbeat provision again", "trace")
        return day
    kid, _, unit = node.secrets.identity()
    fields = {
        _TYPE: _ROOT,
        _TIME: node.clock.now(),
        _FIRST: last_rn + 1,
        _CHAIN: node.outbox.chain.value,
        _KEY: trace_signed.key_id(public),
        _SYNCED: node.clock.synced,
    }
    if gaps:
        fields[_GAPS] = gaps

    def build(rn):
        message = trace_signed.signed(unit, kid, rn, fields)
        fields[_SIGNATURE] = trace_key.at_a_stretch(sign, secret, message, os.urandom)
        t = fields.pop(_TIME)
        del fields[_TYPE]
        return encode(rn, _ROOT, t, fields)

    try:
        rn = node.outbox.append(build)
    except OSError:
        node.counters.count("fs_corrupt")
        return last_day
    chain_state.told(day, rn, gaps)
    return day
