# How long 40 kB take over the model of an NB-IoT link, in virtual time.
# SPDX-License-Identifier: Apache-2.0
from protocols.tests import link

PICTURE = 40000
SEEDS = 20


def mean_seconds(measure, loss):
    return sum(measure(PICTURE, loss, seed) for seed in range(1, SEEDS + 1)) / SEEDS


def test_without_loss():
    seconds = link.transfer_seconds(PICTURE, 0, 1)
    assert seconds <= 14
    assert 107 < link.block1_seconds(PICTURE, 0, 1) < 108
    # No faster than the bits: a model that cheats would show here.
    assert seconds > PICTURE * 8 / link.UP_BPS + 1.2


def test_ten_percent_lost():
    # Of the first retry not before 10 s: the second question makes that rare.
    assert mean_seconds(link.transfer_seconds, 0.1) <= 18
    assert mean_seconds(link.block1_seconds, 0.1) > 150


def test_what_the_link_carries():
    run, _ = link.transfer(PICTURE, 0, 1)
    assert run.up.datagrams == 45 and run.up.bytes < 42800
    assert run.receiver.duplicates == 0 and run.sender.unanswered == 0


def test_what_a_bad_link_carries():
    run, _ = link.transfer(PICTURE, 0.1, 1)
    assert run.up.datagrams < 55
    assert run.receiver.duplicates <= 2
