# What is kept in the RTC's memory: it comes back whole, or it is counted and nothing comes back.
# SPDX-License-Identifier: Apache-2.0
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.sleep_store import SleepStore
from firmware.tests.support import World

NOON = 13176000
KEPT = {"rain": 1234, "sleep": [1, -2, b"\x00\xff", {"a": None}, "text"], "flags": b""}


def filled():
    world = World()
    clock = Clock(Counters())
    clock.set(NOON, "server")
    store = SleepStore(Counters())
    for name, value in KEPT.items():
        assert store.put(name, value)
    return world


def opened():
    counters = Counters()
    store = SleepStore(counters)
    store.get("rain")
    return store, counters.snapshot()


def test_what_was_put_comes_back_and_the_clock_stays():
    world = filled()
    store, counts = opened()
    assert {name: store.get(name) for name in KEPT} == KEPT and counts == {}
    assert store.get("other") is None and store.get("other", 7) == 7
    world.pass_ms(5000)
    clock = Clock(Counters())
    assert (clock.now(), clock.source) == (NOON + 5, "server")


def test_two_of_them_agree():
    filled()
    first, second = SleepStore(), SleepStore()
    first.put("sleep", None)
    second.put("rain", 1235)
    assert first.get("rain") == 1235 and second.get("sleep") is None


def test_the_clock_may_be_set_while_something_is_kept():
    world = filled()
    clock = Clock(Counters())
    clock.set(NOON + 100, "server")
    assert opened()[0].get("rain") == 1234
    assert world.rtc[1][:4] == b"fb1\x03"


def test_memory_that_knows_the_clock_alone_is_no_damage():
    World()
    Clock(Counters()).set(NOON, "modem")
    store, counts = opened()
    assert store.get("rain") is None and counts == {}
    assert store.put("rain", None) and len(World.current.rtc[1]) == 4
    assert store.put("rain", 1) and store.put("rain", None) and len(World.current.rtc[1]) == 4


def test_without_a_clock_it_is_kept_as_well():
    World()
    store, _ = opened()
    assert store.put("rain", 5)
    clock = Clock(Counters())
    assert not clock.synced and opened()[0].get("rain") == 5


def test_every_damaged_bit_is_noticed_and_costs_the_clock_nothing():
    world = filled()
    whole = world.rtc[1]
    for at in range(4, len(whole)):
        for bit in range(8):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            world.rtc[1] = bytes(damaged)
            store, counts = opened()
            assert store.get("rain") is None and counts == {"rtc_corrupt": 1}, (at, bit)
            assert Clock(Counters()).source == "server"


def test_every_torn_end_is_noticed():
    world = filled()
    whole = world.rtc[1]
    for size in range(5, len(whole)):
        world.rtc[1] = whole[:size]
        assert opened()[1] == {"rtc_corrupt": 1}, size


def test_of_another_version_nothing_is_taken_and_nothing_is_counted():
    import struct

    from protocols import cbor
    from protocols.compat import crc32

    world = filled()
    data = b"\x02" + cbor.encode({"rain": 1})
    world.rtc[1] = world.rtc[1][:4] + data + struct.pack("<I", crc32(data))
    store, counts = opened()
    assert store.get("rain") is None and counts == {}


def test_what_does_not_fit_leaves_what_was_there():
    world = filled()
    before = world.rtc[1]
    store, _ = opened()
    assert not store.put("big", bytes(2048)) and world.rtc[1] == before
    assert store.put("big", None) and world.rtc[1] == before
    fits = 2048 - len(before) - 7  # text of 4 bytes, head of 3
    assert not store.put("big", bytes(fits + 1))
    assert store.put("big", bytes(fits)) and len(world.rtc[1]) == 2048
