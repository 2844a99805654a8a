# No (key, PIV) pair seals twice, wherever the power fails; and the campaign would see it.
# SPDX-License-Identifier: Apache-2.0
from protocols.sequence import Sequence
from protocols.tests import sequence_campaign as campaign
from protocols.tests.sequence_campaign import Campaign


def check(result, resets):
    assert result.repeated == 0
    assert sum(result.resets.values()) >= resets
    assert all(result.resets.values())
    assert result.refused and result.sealed > resets


def test_every_history_of_two_lives():
    for block in (1, 2, 3):
        check(Campaign(campaign.sound(block), block).every_history(2), 100)


def test_a_long_history():
    for block in (1, 4):
        check(Campaign(campaign.sound(block), block).long_history(120, block), 120)
    result = Campaign(campaign.sound(256), 256).long_history(50, 1)
    assert result.repeated == 0 and result.sealed > 256


class UsesBeforeItStores(Sequence):
    def next(self):
        if self._next > self._limit:
            self._limit = self._next + self._block
            self._store(self._limit)
        piv = self._next
        self._next = piv + 1
        return piv


class StoresOneTooFew(Sequence):
    def next(self):
        if self._next >= self._limit:
            self._store(self._next + self._block - 1)
            self._limit = self._next + self._block
        piv = self._next
        self._next = piv + 1
        return piv


class KnowsTheLimitBeforeItIsStored(Sequence):
    def next(self):
        if self._next >= self._limit:
            self._limit = self._next + self._block
            self._store(self._limit)
        piv = self._next
        self._next = piv + 1
        return piv


def of(kind, block):
    return lambda nvs: kind(
        lambda: campaign.load(nvs), lambda limit: campaign.store(nvs, limit), block
    )


def never_reads_again(block):
    return lambda nvs: Sequence(lambda: 0, lambda limit: campaign.store(nvs, limit), block)


def never_commits(block):
    return lambda nvs: Sequence(
        lambda: campaign.load(nvs), lambda limit: nvs.set_i32("seq_limit", limit), block
    )


def goes_on_after_a_refusal(block):
    def make(nvs):
        def store(limit):
            try:
                campaign.store(nvs, limit)
            except OSError:
                pass

        return Sequence(lambda: campaign.load(nvs), store, block)

    return make


def test_known_faults_show_in_the_histories():
    for block in (1, 2, 3):
        for make in (
            of(UsesBeforeItStores, block),
            of(StoresOneTooFew, block),
            of(KnowsTheLimitBeforeItIsStored, block),
            never_reads_again(block),
            never_commits(block),
            goes_on_after_a_refusal(block),
        ):
            assert Campaign(make, block).every_history(2).repeated


def test_known_faults_show_in_a_long_history():
    for make in (
        of(UsesBeforeItStores, 4),
        of(StoresOneTooFew, 4),
        never_reads_again(4),
        never_commits(4),
        goes_on_after_a_refusal(4),
    ):
        assert Campaign(make, 4).long_history(100, 4).repeated
