# The replay window against a set, and sequence numbers against cuts at every step.
# SPDX-License-Identifier: Apache-2.0
from protocols.replay import SIZE, Window
from protocols.sequence import Sequence
from protocols.tests.support import raises


def test_each_number_once():
    window = Window()
    for piv in (0, 5, 3, 69, 6):
        assert window.check(piv)
        window.accept(piv)
        assert not window.check(piv)
    assert window.high == 69
    assert not window.check(5)  # 64 below the highest: left of the window
    assert window.check(7) and window.check(68) and window.check(70)


def test_against_a_set():
    # A linear congruential generator makes steps forward and back.
    window = Window()
    accepted = set()
    state = 1
    piv = 0
    for _ in range(3000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
        piv = max(0, piv + (state >> 16) % 41 - 17)
        high = max(accepted) if accepted else -1
        expected = piv > high or (high - piv < SIZE and piv not in accepted)
        assert window.check(piv) == expected
        if expected:
            window.accept(piv)
            accepted.add(piv)
        # As a reboot would restore it.
        window = Window(window.high, window.bits)
    assert len(accepted) > 1000


def test_a_jump_forgets_all():
    window = Window()
    window.accept(1)
    window.accept(1 << 39)
    assert window.bits == 1
    assert not window.check(1)
    assert window.check((1 << 39) - SIZE + 1)
    assert not window.check((1 << 39) - SIZE)


class Flash:
    # Fails in the middle of store number n: before the write, or after it.
    def __init__(self, fail_at, after):
        self.limit = 0
        self.stores = 0
        self.fail_at = fail_at
        self.after = after

    def load(self):
        return self.limit

    def store(self, limit):
        self.stores += 1
        fails = self.stores == self.fail_at
        if not fails or self.after:
            self.limit = limit
        if fails:
            raise OSError(5)


def test_no_number_twice_whatever_fails():
    for block in (1, 2, 4):
        for fail_at in range(1, 6):
            for after in (False, True):
                for reset_every in range(1, 10):
                    flash = Flash(fail_at, after)
                    sequence = Sequence(flash.load, flash.store, block)
                    given = []
                    for step in range(24):
                        try:
                            given.append(sequence.next())
                        except OSError:
                            pass
                        if step % reset_every == reset_every - 1:
                            sequence = Sequence(flash.load, flash.store, block)
                    assert len(set(given)) == len(given)
                    assert given == sorted(given)
                    assert flash.stores >= fail_at


def test_one_store_a_block():
    flash = Flash(0, False)
    sequence = Sequence(flash.load, flash.store, 256)
    assert [sequence.next() for _ in range(256)] == list(range(256))
    assert (flash.stores, flash.limit) == (1, 256)
    assert sequence.next() == 256
    assert (flash.stores, flash.limit) == (2, 512)
    assert Sequence(flash.load, flash.store).next() == 512


def test_a_failed_store_gives_no_number():
    flash = Flash(1, False)
    sequence = Sequence(flash.load, flash.store)
    raises(OSError, sequence.next)
    assert sequence.next() == 0
