# What the ring of an authority tells of commands that did not end.
# SPDX-License-Identifier: Apache-2.0
from protocols import receipt
from protocols.authority import Authority
from protocols.unended import unended


def _id(n):
    return bytes((n,)) * 8


def test_what_was_accepted_and_did_not_end_is_told_oldest_first():
    speaker = Authority({}, {})
    assert list(unended(speaker.ring)) == []
    speaker.note(_id(3), receipt.ACCEPTED)
    speaker.note(_id(1), receipt.ACCEPTED)
    speaker.note(_id(2), receipt.ACCEPTED)
    speaker.note(_id(3), receipt.STARTED)
    assert list(unended(speaker.ring)) == [_id(1), _id(2), _id(3)]


def test_what_has_ended_is_not_told():
    speaker = Authority({}, {})
    final = [stage for stage in range(16) if receipt.is_final(stage)]
    for n in range(60):  # of 64 that the ring holds
        speaker.note(_id(n), receipt.ACCEPTED)
        if n != 40:
            speaker.note(_id(n), final[n % len(final)])
    assert len(final) >= 4 and list(unended(speaker.ring)) == [_id(40)]
