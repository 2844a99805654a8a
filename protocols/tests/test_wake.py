# One whole wake, from samples to sealed datagrams and back: the golden frames of the wire format.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import ack, blocks, event, event_reader, frame, packing, report, schema_map
from protocols.packing_reader import unpack
from protocols.report_reader import decode
from protocols.schema import COMM_FAULT, NORMAL, OUT_OF_RANGE, Column, Schema
from protocols.tests.support import vectors

T0 = 78000000
AIR = Schema(
    1,
    1,
    300,
    [
        Column("air_temperature", "Cel", 100, -4000, 8500, 0),
        Column("co2", "ppm", 1, 300, 10000, 0),
    ],
)
TEMPERATURE = [2215, 2218, 2221, 2219, 2217, 2216, 2216, 2214, 2211, 2209, 8500, 2206]
CO2 = [612, 615, 611, 608, None, None, 604, 601, 603, 598, 597, 596]
HEALTH = {2: 90112, 3: {6: 2}, 4: 4000, 5: {"rsrp_dbm": -97}, 6: 3912, 7: 3, 8: 1}


def hour():
    batch = report.Batch(AIR, 12)
    for i in range(12):
        late = 1 if i in (3, 7) else 0
        qualities = (OUT_OF_RANGE if i == 10 else NORMAL, NORMAL if CO2[i] else COMM_FAULT)
        batch.add(T0 + 300 * i + late, (TEMPERATURE[i], CO2[i]), qualities)
    return batch.encode(3)


def next_two():
    batch = report.Batch(AIR, 2)
    batch.add(T0 + 3600, (2205, 595))
    batch.add(T0 + 3900, (2204, 595))
    return batch.encode(4)


def records():
    boot = {2: "power", 3: "0.1.0", 4: bytes(range(8)), 5: True, 6: {1: schema_map.hash_of(AIR)}}
    return (
        event.encode(1, event.BOOT, T0, boot),
        event.encode(2, event.SCHEMA, T0, {event.SCHEMA_MAP: schema_map.to_map(AIR)}),
        hour(),
        next_two(),
        event.encode(5, event.HEALTH, T0 + 3900, HEALTH),
    )


def wake():
    # -> for each datagram (class, direction, PIV, with epoch, plaintext, frame, key set)
    result = []
    for fields in vectors("wake.hex"):
        keys = frame.KeySet(unhexlify(fields[0]), unhexlify(fields[1]), int(fields[2]))
        cls, direction, piv, with_epoch = [int(field) for field in fields[3:7]]
        plaintext, sealed, check = [unhexlify(field) for field in fields[7:10]]
        assert keys.check_value() == check
        result.append((cls, direction, piv, bool(with_epoch), plaintext, sealed, keys))
    return result


def test_the_frames():
    assert len(wake()) == 4
    for cls, direction, piv, with_epoch, plaintext, sealed, keys in wake():
        assert keys.seal(cls, direction, piv, plaintext, with_epoch) == sealed
        assert keys.open(direction, sealed) == (cls, piv, plaintext)


def test_what_was_sent():
    made = records()
    plaintexts = [line[4] for line in wake()]
    assert packing.pack(made[:2], False) == plaintexts[0]
    assert packing.pack(made[2:], True) == plaintexts[1]


def test_what_arrives():
    first, second, answer, block = [line[4] for line in wake()]
    (boot, schema_event), last = unpack(first)
    assert not last
    rn, type, t, body = event_reader.decode(schema_event)
    assert (rn, type, t) == (2, event.SCHEMA, T0)
    schema = schema_map.from_map(body[event.SCHEMA_MAP])
    hashes = event_reader.decode(boot)[3][event.BOOT_SCHEMAS]
    assert hashes == {schema.id: schema_map.hash_of(schema)}

    (one, two, health), last = unpack(second)
    assert last
    one = decode(one, lambda id: schema)
    assert one.columns == [TEMPERATURE, CO2]
    assert one.qualities[0][9:] == [0, OUT_OF_RANGE, 0]
    assert one.qualities[1] == [0] * 4 + [COMM_FAULT] * 2 + [0] * 6
    assert one.times == [T0 + 300 * i + (i in (3, 7)) for i in range(12)]
    assert decode(two, lambda id: schema).columns == [[2205, 2204], [595, 595]]
    assert event_reader.decode(health) == (5, event.HEALTH, T0 + 3900, HEALTH)

    stored = ack.decode(answer)
    assert ack.covers(stored, 5) and not ack.covers(stored, 6) and stored.time == T0 + 3905
    header, ask = blocks.parse(block)
    assert (header.object, header.length, ask) == (7, 10, 1)
