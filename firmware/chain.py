# The chain over the outbox's records, see protocols/trace.py. Loaded only where the config has a
# table [trace]. Its value stands at the begin of each segment, so that after a reset it is
# reckoned again over what the segments hold.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const
from protocols.trace import link

from . import later

_STATE = const("firmware.chain_state protocols.cbor protocols.cbor_reader")


class Chain:
    def __init__(self):
        self.value = None  # before record `next`; None until it is known
        self.next = 0
        self.noted = False  # whether a segment that is held tells it

    def add(self, rn, record):
        if self.value:
            if rn > self.next:
                self._gap(self.next, rn - 1, self.value)
            self.value = link(self.value, rn, record)
            self.next = rn + 1

    # --- while the outbox is mounted

    # What a segment says. An append that failed may have left its record in the one before.
    def at(self, rn, value):
        if self.value and rn > self.next:
            self._gap(self.next, rn - 1, value)
        self.value, self.next, self.noted = bytes(value), rn, True

    def mounted(self, next_rn):
        later.call(_STATE, "mounted", self, next_rn)

    # --- what the next root has to tell, because whoever has not all records could not see it

    def _gap(self, first, last, after):
        later.call(_STATE, "note", first, last, self.value, after)

    # The oldest segment is about to go.
    def give_up(self, *args):
        later.call(_STATE, "give_up", *args)
