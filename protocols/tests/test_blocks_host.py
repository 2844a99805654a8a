"""Block transfer under random links and random bytes."""

import random
import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from protocols import blocks, cbor
from protocols.block_receiver import Receiver
from protocols.block_sender import Sender
from protocols.blocks import BlockError
from protocols.tests.transfer import Object

# What is put together of the messages' own keys and values gets past the first check far more
# often than random bytes do.
VALUES = (
    st.integers(-1, 8)
    | st.integers(0, 2**64)
    | st.binary(max_size=8)
    | st.binary(min_size=32, max_size=32)
    | st.none()
    | st.booleans()
    | st.floats()
    | st.lists(st.integers(0, 3), max_size=2)
)
MAPS = st.dictionaries(st.integers(0, 13) | st.text(max_size=1), VALUES, max_size=8)
UINTS = st.sampled_from([0, 1, 2, 3, 4, 5, 7, 63, 64, 65, 255, 65535, 65536, 2**32 - 1, 2**32])
HEADERS = st.fixed_dictionaries(
    dict.fromkeys((0, 1, 2, 4, 5, 9), UINTS) | {3: st.binary(min_size=32, max_size=32)}
)
THING = Object()
CHECK = THING.header.check()
CHUNKS = st.fixed_dictionaries(
    {0: st.just(7), 6: UINTS, 7: st.binary(max_size=6), 8: st.just(CHECK)}, optional={9: UINTS}
)
STATUSES = st.fixed_dictionaries(
    {0: st.just(7), 8: st.just(CHECK), 9: UINTS}, optional={10: UINTS, 11: UINTS, 12: UINTS}
)
MESSAGES = (
    (MAPS | HEADERS | CHUNKS | STATUSES).map(cbor.encode)
    | st.binary(max_size=40)
    | st.builds(
        lambda fields, at, byte: bytes_changed(cbor.encode(fields), at, byte),
        HEADERS | CHUNKS | STATUSES,
        st.integers(0, 60),
        st.integers(0, 255),
    )
)


def bytes_changed(data: bytes, at: int, byte: int) -> bytes:
    at %= len(data)
    return data[:at] + bytes((byte,)) + data[at + 1 :]


@given(MESSAGES)
def test_any_bytes_give_a_message_or_block_error(data: bytes) -> None:
    try:
        message, ask = blocks.parse(data)
    except BlockError as error:
        assert error.reason == "message"
        return
    if isinstance(message, blocks.Header):
        assert ask is not None and blocks.encode_header(message, ask) == data
    elif isinstance(message, blocks.Chunk):
        fields = {0: message.object, 6: message.index, 7: message.data, 8: message.check}
        assert cbor.encode(fields if ask is None else fields | {9: ask}) == data
    else:
        assert ask is not None and message.object <= 0xFFFFFFFF


@given(st.lists(MESSAGES, max_size=12))
def test_no_messages_break_either_end(messages: list[bytes]) -> None:
    thing = Object()
    sender, receiver = thing.sender(), thing.receiver()
    sender.next(0)
    receiver.receive(blocks.encode_header(thing.header, 1))
    for data in messages:
        thing.wanted = len(data) < 70
        receiver.receive(data)
        sender.receive(data, 0)
        sender.next(0)
        thing.receiver(receiver.export())
        thing.sender(sender.export())


@given(st.binary(max_size=30) | st.lists(VALUES, max_size=10).map(cbor.encode))
def test_any_state_is_taken_or_refused(state: bytes) -> None:
    for make in (THING.sender, THING.receiver):
        try:
            end = make(state)
        except BlockError as error:
            assert error.reason == "state"
        else:
            assert end.export()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 150), st.integers(1, 40), st.floats(0, 0.6))
def test_a_link_that_loses_repeats_and_reorders(
    seed: int, count: int, window: int, loss: float
) -> None:
    chance = random.Random(seed)
    thing = Object(count=count)
    sender, receiver = thing.sender(window=window), thing.receiver()
    up: list[bytes] = []
    down: list[bytes] = []
    now_ms = 0
    for _ in range(20000):
        if sender.result is not None:
            break
        message = sender.next(now_ms)
        if message:
            up += [message] * (chance.random() >= loss) * (1 + (chance.random() < 0.1))
        if up and chance.random() < 0.5:
            answer = receiver.receive(up.pop(chance.randrange(min(4, len(up)))))
            if answer and chance.random() >= loss:
                down.append(answer)
        if down and chance.random() < 0.5:
            sender.receive(down.pop(chance.randrange(min(4, len(down)))), now_ms)
        if chance.random() < 0.01:
            sender = thing.sender(sender.export(), window=window)
        if chance.random() < 0.01:
            receiver = thing.receiver(receiver.export())
        if message is None and not up and not down:
            now_ms += sender.wait_ms(now_ms) or 0
    assert sender.result == receiver.result == blocks.DONE and thing.arrived()
    assert "hash" not in receiver.refused


def test_neither_end_holds_the_object() -> None:
    size, chunk = 4_000_000, 900
    part = bytes(chunk)

    def read(offset: int, n: int) -> bytes:
        return part[:n]

    header = blocks.describe(1, size, chunk, read, 0, blocks.UPDATE)
    tracemalloc.start()
    sender = Sender(header, read, window=32)
    receiver = Receiver(lambda header: True, lambda offset, data: None, read)
    while sender.result is None:
        answer = receiver.receive(sender.next(0))
        if answer:
            sender.receive(answer, 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sender.result == blocks.DONE
    assert peak < 20_000


def test_claims_allocate_nothing() -> None:
    huge = blocks.Header(7, 0xFFFFFFFF, 0xFFFF, bytes(32), 0, 1)
    accepted = huge._replace(length=0xFFFF * 0xFFFF)
    header = blocks.encode_header(accepted, 1)
    message = blocks.encode_chunk(accepted, 0, b"")
    receiver = Receiver(lambda header: True, lambda offset, data: None, lambda offset, size: b"")
    tracemalloc.start()
    assert receiver.receive(header)
    receiver.receive(message)
    receiver.receive(blocks.encode_header(huge, 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert receiver.refused == {"size": 1, "message": 1}
    assert peak < 20_000
