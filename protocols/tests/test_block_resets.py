# Transfers over resets of either end: at every step, and around every write.
# SPDX-License-Identifier: Apache-2.0
from protocols import blocks, cbor
from protocols.tests.transfer import RETRY_MS, Object, run


class Reset(Exception):
    pass


def steps_of_a_transfer():
    thing = Object()
    return run(thing.sender(), thing.receiver())[0]


def reset_run(thing, sender, receiver, at, sender_from, receiver_from, lost):
    # As run(), with a reset of either end before datagram number `at`: from "last" state, from
    # the "first" one that was exported, from None, or "no" reset.
    n = now_ms = 0
    saved_sender = [sender.export()]
    saved_receiver = [receiver.export()]
    done = False
    while sender.result is None:
        if n >= at and not done:
            done = True
            if sender_from != "no":
                sender = thing.sender(restore(saved_sender, sender_from))
            if receiver_from != "no":
                receiver = thing.receiver(restore(saved_receiver, receiver_from))
        message = sender.next(now_ms)
        if message is None:
            now_ms += sender.wait_ms(now_ms)
            continue
        n += 1
        answer = None if lost >> n & 1 else receiver.receive(message)
        saved_receiver.append(receiver.export())
        if answer:
            n += 1
            if not lost >> n & 1:
                sender.receive(answer, 0)
                saved_sender.append(sender.export())
        assert n < 100
    assert done
    return sender, receiver


def restore(saved, how):
    return {"last": saved[-1], "first": saved[0], "none": None}[how]


def test_a_reset_of_either_end_at_every_step():
    kinds = ("no", "last", "first", "none")
    for at in range(steps_of_a_transfer() - 1):  # the last two are a question and the end
        for sender_from in kinds:
            for receiver_from in kinds:
                for lost in (0, 1 << at, 1 << at + 1, 3 << at, 5 << at):
                    thing = Object()
                    ends = thing.sender(), thing.receiver()
                    sender, receiver = reset_run(
                        thing, ends[0], ends[1], at, sender_from, receiver_from, lost
                    )
                    assert sender.result == receiver.result == blocks.DONE and thing.arrived()
                    assert "hash" not in receiver.refused


class Rebooting(Object):
    # The receiving end: its power fails in write number `at`, before or after the data is safe.
    def __init__(self, at, after):
        super().__init__()
        self.writes = 0
        self._at = at
        self._after = after
        self.present = self.receiver()
        self._state = self.present.export()

    def write(self, offset, data):
        self.writes += 1
        if self.writes == self._at and not self._after:
            raise Reset
        super().write(offset, data)
        if self.writes == self._at:
            raise Reset

    def receive(self, message):
        try:
            answer = self.present.receive(message)
        except Reset:
            self.present = self.receiver(self._state)
            return None
        self._state = self.present.export()
        return answer


def test_a_reset_before_or_after_every_write():
    for at in range(1, 5):
        for after in (False, True):
            thing = Rebooting(at, after)
            sender = thing.sender()
            run(sender, thing)
            assert thing.writes == 5
            assert sender.result == thing.present.result == blocks.DONE and thing.arrived()


def test_a_resumed_transfer_sends_only_what_is_missing():
    thing = Object(count=20)
    sender, receiver = thing.sender(), thing.receiver()
    for _ in range(12):
        answer = receiver.receive(sender.next(0))
        if answer:
            sender.receive(answer, 0)
    sent = receiver.base
    assert sent >= 10
    sender, receiver = thing.sender(sender.export()), thing.receiver(receiver.export())
    first = sender.next(0)
    assert isinstance(blocks.parse(first)[0], blocks.Header)
    assert sender.next(0) is None and sender.wait_ms(0) == RETRY_MS
    sender.receive(receiver.receive(first), 0)
    run(sender, receiver)
    assert receiver.duplicates == 0 and thing.arrived()
    assert len(thing.asked) == 1


def test_a_receiver_that_was_reset_after_its_end_says_so_again():
    thing = Object()
    receiver = thing.receiver()
    run(thing.sender(), receiver)
    receiver = thing.receiver(receiver.export())
    sender = thing.sender()
    assert run(sender, receiver)[0] == 2
    assert sender.result == blocks.DONE


def test_all_was_stored_but_not_yet_checked():
    # A reset between the last write and the hash.
    thing = Object()
    receiver = thing.receiver()
    run(thing.sender(), receiver)
    state = cbor.decode(receiver.export())
    receiver = thing.receiver(cbor.encode(state[:-1] + [None]))
    sender = thing.sender()
    run(sender, receiver)
    assert sender.result == receiver.result == blocks.DONE
