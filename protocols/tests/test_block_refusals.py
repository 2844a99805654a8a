# What each end of a transfer refuses: it is counted, and changes nothing.
# SPDX-License-Identifier: Apache-2.0
from protocols import blocks, cbor
from protocols.blocks import BlockError
from protocols.tests.support import raises
from protocols.tests.transfer import Object, all_messages, run


def refusals(thing):
    header = thing.header
    other = Object(number=8).header
    chunk = blocks.encode_chunk
    yield "foreign", chunk(other, 0, bytes(5))
    yield "index", chunk(header, 4, bytes(5))
    yield "index", chunk(header, 0xFFFF, bytes(5), 1)
    for index, size in ((0, 4), (0, 6), (0, 0), (3, 2), (3, 4), (3, 5)):
        yield "size", chunk(header, index, bytes(size))
    yield "message", b""
    yield "message", chunk(header, 0, bytes(5)) + b"\0"
    yield "message", chunk(header, 0, bytes(5))[:-1]
    yield "message", cbor.encode([7, 0, bytes(5), 0])
    yield "message", blocks.encode_status(7, header.check(), 1, 0)
    good = {0: 7, 6: 0, 7: bytes(5), 8: header.check()}
    for key, value in ((0, -1), (0, 1 << 32), (6, 1 << 16), (6, True), (8, 1 << 16), (9, None)):
        yield "message", cbor.encode(changed(good, key, value))
    for key, value in ((6, None), (6, 0.0), (7, "abcde"), (7, [0] * 5), (13, 0), ("a", 0)):
        yield "message", cbor.encode(changed(good, key, value))
    good = {0: 7, 1: 18, 2: 5, 3: bytes(32), 4: 0, 5: 1, 9: 1}
    for key, value in (
        (2, 0),
        (1, 1 << 32),
        (2, 1 << 16),
        (3, bytes(31)),
        (3, "a" * 32),
        (5, 256),
    ):
        yield "message", cbor.encode(changed(good, key, value))
    yield "message", cbor.encode(changed(good, 6, 0))
    yield "message", cbor.encode(changed(changed(good, 1, 0xFFFFFFFF), 2, 0xFFFF - 1))
    for key in good:
        yield "message", cbor.encode({k: v for k, v in good.items() if k != key})


def changed(fields, key, value):
    fields = dict(fields)
    fields[key] = value
    return fields


def test_what_a_receiver_refuses_is_counted_and_changes_nothing():
    thing = Object()
    receiver = thing.receiver()
    receiver.receive(all_messages(thing.header, thing.read)[0])
    before = receiver.export()
    expected = {}
    for reason, message in refusals(thing):
        assert receiver.receive(message) is None
        expected[reason] = expected.get(reason, 0) + 1
        assert receiver.refused == expected
        assert receiver.export() == before and not any(thing.copy)
    assert len(expected) == 4
    run(thing.sender(), receiver)
    assert thing.arrived()


def test_what_a_sender_refuses():
    thing = Object()
    check = thing.header.check()
    sender = thing.sender()
    first = sender.next(0)
    expected = {}
    for reason, message in (
        ("foreign", blocks.encode_status(8, check, 1, 4, 0, blocks.DONE)),
        ("foreign", blocks.encode_status(7, check ^ 1, 1, 4, 0, blocks.DONE)),
        ("stale", blocks.encode_status(7, check, 0, 0)),
        ("stale", blocks.encode_status(7, check, 2, 0)),
        ("index", blocks.encode_status(7, check, 1, 5)),
        ("message", first),
        ("message", b"\xff"),
        ("message", cbor.encode({0: 7, 8: check, 9: 1, 10: 0, 11: 1 << 64})),
    ):
        before = sender.export()
        sender.receive(message, 0)
        expected[reason] = expected.get(reason, 0) + 1
        assert sender.refused == expected
        assert sender.result is None and sender.export() == before
    run(sender, thing.receiver())
    assert thing.arrived()


def test_damaged_states_are_refused():
    thing = Object()
    sender, receiver = thing.sender(), thing.receiver()
    run(sender, receiver)
    for make, state in ((thing.sender, sender.export()), (thing.receiver, receiver.export())):
        fields = cbor.decode(state)
        for size in range(len(state)):
            assert raises(BlockError, make, state[:size]).reason == "state"
        for i in range(len(fields)):
            if make == thing.sender and i < 2:
                continue  # of another object
            for value in (-1, 1 << 64, "a", [], True):
                bad = cbor.encode(fields[:i] + [value] + fields[i + 1 :])
                assert raises(BlockError, make, bad).reason == "state", (i, value)
        for value in ({}, [], [0], fields + [0]):
            assert raises(BlockError, make, cbor.encode(value)).reason == "state"
    raises(BlockError, thing.receiver, cbor.encode([1, 0, 0, None]))
    assert thing.receiver(cbor.encode([0, 0, 0, None])).header is None
