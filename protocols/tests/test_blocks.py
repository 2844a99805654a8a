# The two ends of a transfer against each other: every loss, order and repetition, every size.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import blocks
from protocols.block_receiver import Receiver
from protocols.block_sender import Sender
from protocols.blocks import BlockError
from protocols.tests.link import picture
from protocols.tests.support import raises, vectors
from protocols.tests.transfer import RETRY_MS, Object, all_messages, run, status


def test_golden():
    kinds = {"header": blocks.Header, "chunk": blocks.Chunk, "status": blocks.Status}
    check = 0
    for data, kind, given, ask, meaning in vectors("block.hex"):
        data, fields, ask = unhexlify(data), kinds[kind](*eval(given)), eval(ask)
        if kind == "header":
            header, check = fields, fields.check()
            made = blocks.encode_header(header, ask)
        elif kind == "chunk":
            made = blocks.encode_chunk(header, fields.index, fields.data, ask)
        else:
            made = blocks.encode_status(
                fields.object, fields.check, ask, fields.base, fields.bitmap, fields.result
            )
        assert made == data, meaning
        assert kind == "header" or fields.check == check
        assert blocks.parse(data) == (fields, ask), meaning


def test_a_chunk_fits_its_room_at_the_largest_numbers():
    size = blocks.chunk_size(980)
    header = blocks.Header(0xFFFFFFFF, 0xFFFF * size, size, b"\xff" * 32, 0, 1)
    assert len(blocks.encode_chunk(header, 0xFFFF, bytes(size), 0xFFFFFFFF)) == 980


def test_objects_of_every_small_size():
    for length in range(0, 23):
        thing = Object(number=length)
        thing.data = picture(length)
        thing.copy = bytearray(length)
        thing.header = blocks.describe(length, length, 5, thing.read, 0, blocks.PICTURE)
        sender, receiver = thing.sender(), thing.receiver()
        _, ms = run(sender, receiver)
        assert sender.result == receiver.result == blocks.DONE and thing.arrived()
        assert (ms, receiver.refused, sender.refused) == (0, {}, {})


def test_every_loss_of_the_first_ten_datagrams():
    for window in (1, 2, 5):
        for lost in range(1 << 10):
            thing = Object(count=3)
            sender, receiver = thing.sender(window=window), thing.receiver()
            run(sender, receiver, lost)
            assert sender.result == receiver.result == blocks.DONE and thing.arrived()
            assert thing.asked == [thing.header]


def test_one_loss_is_repaired_without_silence_and_costs_one_chunk():
    # Number 0 is the header, 1 its answer; then chunks of which each second one is answered.
    thing = Object(count=12)
    clean, _ = run(thing.sender(window=4), thing.receiver())
    for lost in range(clean - 4):
        thing = Object(count=12)
        sender = thing.sender(window=4)
        n, ms = run(sender, thing.receiver(), 1 << lost)
        assert thing.arrived() and n <= clean + 4
        assert ms == 0


def orders(items):
    if not items:
        yield items
    for i in range(len(items)):
        for rest in orders(items[:i] + items[i + 1 :]):
            yield [items[i]] + rest


def test_every_order_and_each_message_twice():
    thing = Object(count=4)
    for messages in orders(all_messages(thing.header, thing.read)):
        for twice in (False, True):
            thing = Object(count=4)
            receiver = thing.receiver()
            for message in messages:
                receiver.receive(message)
                if twice:
                    receiver.receive(message)
            ahead_of_header = messages.index(all_messages(thing.header, thing.read)[0])
            assert receiver.refused.get("foreign", 0) == ahead_of_header * (2 if twice else 1)
            assert receiver.duplicates == (4 - ahead_of_header if twice else 0)
            sender = thing.sender()
            run(sender, receiver)
            assert sender.result == blocks.DONE and thing.arrived()


def test_answers_in_any_order_do_no_harm():
    for order in orders([0, 1, 2, 3]):
        thing = Object(count=3)
        sender, receiver = thing.sender(window=8), thing.receiver()
        answers = []
        message = sender.next(0)
        while message:
            answer = receiver.receive(message)
            if answer:
                answers.append(answer)
            message = sender.next(0)
        stale = [blocks.encode_status(7, thing.header.check(), 1, 0), answers[0]]
        held = (stale + answers)[-4:]
        for n in order:
            sender.receive(held[n], 0)
            sender.receive(held[n], 0)
        assert sender.result == blocks.DONE and thing.arrived()


class Spoilt(Object):
    # A storage that turns a bit the first `times` times that chunk 1 is written.
    def __init__(self, times):
        super().__init__()
        self._times = times

    def write(self, offset, data):
        super().write(offset, data)
        if offset == 5 and self._times:
            self._times -= 1
            self.copy[6] ^= 1


def test_a_spoilt_storage_is_filled_again_and_given_up():
    for times, result in ((1, blocks.DONE), (2, blocks.WRONG_HASH)):
        thing = Spoilt(times)
        receiver = thing.receiver()
        sender = thing.sender()
        run(sender, receiver)
        assert receiver.refused == {"hash": times}
        assert sender.result == receiver.result == result
        again = thing.receiver(receiver.export())
        sender = thing.sender()
        run(sender, again)
        assert sender.result == again.result == result
        thing.copy[:] = bytes(len(thing.copy))
        again.receive(all_messages(thing.header, thing.read)[1])
        assert not any(thing.copy) and again.duplicates == 1


def test_an_unwanted_object_ends_at_once():
    thing = Object()
    thing.wanted = False
    for messages in (2, 4):  # with and without the loss of the first answer
        receiver = thing.receiver()
        sender = thing.sender()
        run(sender, receiver, 0b10 if messages == 4 else 0)
        assert sender.result == blocks.UNWANTED and receiver.header is None
        assert sender.next(0) is None and sender.wait_ms(0) is None
        assert receiver.refused["unwanted"] >= 1 and not any(thing.copy)


def test_an_unwanted_object_leaves_the_present_one_alone():
    thing, other = Object(), Object(number=8)
    receiver = thing.receiver()
    half = all_messages(thing.header, thing.read)
    for message in half[:3]:
        receiver.receive(message)
    thing.wanted = False
    answer = receiver.receive(blocks.encode_header(other.header, 1))
    assert status(answer).result == blocks.UNWANTED
    for message in half[3:]:
        receiver.receive(message)
    assert receiver.result == blocks.DONE and thing.arrived()


def test_an_object_that_changes_under_its_number_starts_again():
    for cut in range(0, 6):
        old, new = Object(seed=1), Object(seed=2)
        new.copy = old.copy
        assert old.header.object == new.header.object and old.header != new.header
        receiver = new.receiver()
        late = all_messages(old.header, old.read)
        for message in late[:cut]:
            receiver.receive(message)
        sent = old.sender()
        run(sent, old.receiver())
        old.copy[:] = bytes(len(old.copy))
        sender = new.sender(sent.export())  # of no use, and no harm
        assert sender.export() == new.sender().export()
        receiver.receive(sender.next(0))
        for message in late[1:]:  # the old one's chunks come late
            answer = receiver.receive(message)
            assert status(answer).base is None
            sender.receive(answer, 0)
        assert receiver.refused["foreign"] >= 4 and sender.refused == {"foreign": 4}
        sender.receive(blocks.encode_status(7, old.header.check(), 1, 4, 0, blocks.DONE), 0)
        assert sender.result is None
        run(sender, receiver)
        assert sender.result == blocks.DONE and new.arrived()
        assert "hash" not in receiver.refused


def test_another_chunk_size_starts_again():
    thing = Object()
    receiver = thing.receiver()
    for message in all_messages(thing.header, thing.read)[:3]:
        receiver.receive(message)
    header = blocks.describe(7, len(thing.data), 6, thing.read, 9, blocks.LOG)
    sender = Sender(header, thing.read)
    run(sender, receiver)
    assert sender.result == blocks.DONE and thing.arrived() and len(thing.asked) == 2


def test_a_chunk_far_ahead_waits():
    thing = Object(count=blocks.SPAN + 2)
    messages = all_messages(thing.header, thing.read)
    receiver = thing.receiver()
    receiver.receive(messages[0])
    assert status(receiver.receive(messages[-1])).bitmap == 0
    assert receiver.refused == {"ahead": 1}
    assert status(receiver.receive(messages[-2])).bitmap == 1 << blocks.SPAN - 1
    for message in messages[2:-2]:
        answer = receiver.receive(message)
    assert status(answer).bitmap == (1 << blocks.SPAN) - 1
    assert status(receiver.receive(messages[1])).base == blocks.SPAN + 1
    receiver.receive(messages[-1])
    assert receiver.result == blocks.DONE and thing.arrived()


def test_a_sender_never_goes_beyond_the_span_or_the_window():
    thing = Object(count=200)
    for window in (1, 3, 16, 500):
        sender, receiver = thing.sender(window=window), thing.receiver()
        message = sender.next(0)
        receiver.receive(message)
        flying = []
        message = sender.next(0)
        while message:
            message = blocks.parse(message)[0]
            if isinstance(message, blocks.Chunk):
                flying.append(message.index)
            message = sender.next(0)
        assert flying == list(range(min(window, blocks.SPAN + 1)))


def is_header(message):
    return isinstance(blocks.parse(message)[0], blocks.Header)


def test_a_header_goes_twice_and_a_lost_one_comes_back_once():
    thing = Object(count=12)
    sender, receiver = thing.sender(window=8), thing.receiver()
    for _ in range(2):
        assert is_header(sender.next(0))  # lost
    answers = [receiver.receive(sender.next(0)) for _ in range(8)]
    answers = [answer for answer in answers if answer]
    assert len(answers) == 8
    for answer in answers:
        assert status(answer).base is None
        sender.receive(answer, 0)
        if answer == answers[0]:
            assert is_header(sender.next(0)) and is_header(sender.next(0))
        assert not is_header(sender.next(0))
    run(sender, receiver)
    assert thing.arrived()


def chunk_of(message):
    return None if is_header(message) else blocks.parse(message)[0].index


def test_a_chunk_that_was_lost_goes_twice_where_nothing_else_is_to_be_sent():
    thing = Object(count=6)
    sender, receiver = thing.sender(window=12), thing.receiver()
    messages = []
    while sender.wait_ms(0) == 0:
        messages.append(sender.next(0))
    answers = [receiver.receive(m) for m in messages if chunk_of(m) not in (1, 4)]
    sender.receive([answer for answer in answers if answer][-1], 0)
    again = []
    while sender.wait_ms(0) == 0:
        again.append(chunk_of(sender.next(0)))
    assert [index for index in again if index is not None] == [1, 4, 1, 4]


def test_silence_after_an_answer_is_asked_into_once_by_how_long_answers_take():
    for answer_ms, soon_ms in ((300, 1300), (2500, 3500), (19000, 20000)):
        thing = Object(count=2)
        sender, receiver = thing.sender(window=4), thing.receiver()
        answer = receiver.receive(sender.next(0))
        sender.receive(answer, answer_ms)
        now = answer_ms
        while sender.wait_ms(now) == 0:
            sender.next(now)  # all of it is lost
        waits = []
        for _ in range(3):
            waits.append(sender.wait_ms(now))
            now += waits[-1]
            assert is_header(sender.next(now))
        assert waits == [soon_ms, RETRY_MS, 2 * RETRY_MS] and sender.unanswered == 2


def test_silence_is_asked_into_ever_more_rarely():
    for start in (0, (1 << 30) - 15000):
        thing = Object(count=1)
        sender = thing.sender()
        now = start
        first = sender.next(now)
        for _ in range(3):  # once more, the chunk, and the second question
            assert sender.next(now)
        waits = []
        for _ in range(5):
            assert sender.next(now) is None
            wait = sender.wait_ms(now)
            assert sender.next(now + wait - 1) is None
            now += wait
            waits.append(wait // RETRY_MS)
            again = sender.next(now)
            assert len(again) == len(first) and blocks.parse(again)[0] == thing.header
        assert waits == [1, 2, 4, 8, 8] and sender.unanswered == 5
        assert sender.next(now) is None
        sender.receive(thing.receiver().receive(again), now)
        assert sender.unanswered == 0 and sender.wait_ms(now) == 0


def test_a_clock_that_wraps_does_not_stop_a_transfer():
    sender = Object(count=1).sender()
    for _ in range(4):
        sender.next((1 << 30) - 1)
    assert sender.wait_ms(5) == 0 and sender.next(5)
    assert sender.wait_ms(5) == 2 * RETRY_MS


def test_a_source_that_has_shrunk_is_told():
    thing = Object()
    sender = thing.sender()
    sender.next(0)
    sender.next(0)
    thing.data = b""
    assert raises(BlockError, sender.next, 0).reason == "source"


def test_a_failed_write_marks_nothing():
    thing = Object()

    def write(offset, data):
        raise OSError(28)

    receiver = Receiver(thing.want, write, thing.reread)
    messages = all_messages(thing.header, thing.read)
    receiver.receive(messages[0])
    for message in messages[1:]:
        raises(OSError, receiver.receive, message)
    assert (receiver.base, receiver.bits) == (0, 0)
