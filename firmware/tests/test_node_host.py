# A unit from power-on through days: its first words, its rhythm, and a bad network.
# SPDX-License-Identifier: Apache-2.0
from firmware.tests.support_node import CONFIG, START, Unit
from protocols import cbor, event, report_reader, schema, schema_map
from protocols.compat import sha256

HOUR = 3600


def blocks_of(unit):
    layout = unit.node.sampler.schema
    return [report_reader.decode(r, lambda id: layout) for r in unit.collector.reports()]


def test_the_first_wake_tells_who_started_and_how_to_read_it():
    with Unit() as unit:
        node = unit.boot()
        unit.run(60)
        assert node.safe_mode_reason is None
        boot, layout = unit.collector.events(event.BOOT)[0], unit.collector.events(event.SCHEMA)[0]
        known = schema_map.from_map(layout[event.SCHEMA_MAP])
        assert boot == {
            event.BOOT_CAUSE: "power",
            event.BOOT_VERSION: "1.2",
            event.BOOT_CONFIG_HASH: sha256(cbor.encode(CONFIG)).digest()[:8],
            event.BOOT_SYNCED: False,
            event.BOOT_SCHEMAS: {3: schema_map.hash_of(known)},
        }
        assert [c.name for c in known.columns] == ["battery", "air", "rsrp"]
        assert (node.clock.source, abs(node.clock.now() - unit.time()) <= 2) == ("server", True)
        # At first contact it adds how it is; the next wake takes that along.
        assert node.outbox.depth == 1


def test_a_day_and_more_is_complete():
    with Unit() as unit:
        node = unit.boot()
        unit.run(26 * HOUR)
        blocks = blocks_of(unit)
        times = [t for block in blocks for t in block.times]
        # What is in RAM is at most a batch.
        assert times == list(range(START + 300, times[-1] + 1, 300))
        assert times[-1] >= START + 24 * HOUR
        assert all(block.synced for block in blocks)
        assert set(blocks[5].columns[0]) == {4100} and set(blocks[5].columns[2]) == {-97}
        assert list(blocks[5].columns[1]) == [None] * 12
        assert list(blocks[5].qualities[1]) == [schema.COMM_FAULT] * 12
        assert sorted(unit.collector.records) == list(range(1, len(unit.collector.records) + 1))
        assert len(unit.collector.events(event.SCHEMA)) == 2  # boot, and a day of uptime
        health = unit.collector.events(event.HEALTH)
        assert len(health) == 2 and health[1][event.HEALTH_BATTERY_MV] == 4100
        assert health[1][event.HEALTH_SIGNAL] == {"rsrp_dbm": -97}
        assert node.counters.snapshot().get("task_restart") is None
        assert unit.world.wdt_ms == 120000 and unit.world.fed >= 26 * HOUR // 60


def test_deep_coverage_moves_no_clock_and_costs_no_sample():
    for ways_ms in ([1000, 8000, 1000, 9000, 2000, 10000], [4000, 9000]):
        with Unit() as unit:
            unit.ways_ms = ways_ms
            node = unit.boot()
            unit.run(12 * HOUR)
            counts = node.counters.snapshot()
            assert "clock_jump" not in counts, counts
            blocks = blocks_of(unit)
            assert {len(block.times) for block in blocks} == {12}
            times = [t for block in blocks for t in block.times]
            assert times == list(range(START + 300, times[-1] + 1, 300))
            assert abs(node.clock.now() - unit.time()) <= 5


def test_wakes_are_aligned_and_a_time_of_the_units_own():
    with Unit() as unit:
        node = unit.boot()
        unit.run(5 * HOUR)
        wakes = unit.collector.wakes[1:]
        first = node.role.next_wake(START)
        assert len(wakes) == 5
        for n, t in enumerate(wakes):
            assert 0 <= t - first - n * HOUR < 6  # attaching takes some seconds
        for t in (START, first - 1, first, first + 1, first + HOUR):
            following = node.role.next_wake(t)
            assert t < following <= t + HOUR and (following - first) % HOUR == 0


def test_a_silent_server_costs_one_try_an_interval_and_no_data():
    with Unit() as unit:
        unit.collector.silent = True
        node = unit.boot()
        unit.run(6 * HOUR)
        assert len(unit.collector.wakes) <= 2 * 7
        assert node.outbox.depth > 6 and node.counters.snapshot()["no_ack"] <= 2 * 7
        unit.collector.silent = False
        unit.run(2 * HOUR)
        assert sorted(unit.collector.records) == list(range(1, len(unit.collector.records) + 1))


def test_a_dead_modem_does_not_stop_the_sampling():
    with Unit() as unit:
        unit.modem_reason = "modem_silent"
        node = unit.boot()
        unit.run(3 * HOUR)
        assert node.safe_mode_reason is None and node.outbox.depth >= 2 + 2
        assert node.uplink.outcome == "modem_silent"


def test_a_reset_goes_on_where_it_was():
    with Unit() as unit:
        unit.boot()
        unit.run(3 * HOUR)
        sent = len(unit.collector.records)
        node = unit.boot(cause=3)
        unit.run(60)
        assert unit.collector.events(event.BOOT)[-1][event.BOOT_CAUSE] == "watchdog"
        assert unit.collector.events(event.BOOT)[-1][event.BOOT_SYNCED]
        counts = node.counters.snapshot()
        assert counts["watchdog"] == 1 and "clock_jump" not in counts
        assert len(unit.collector.records) >= sent + 2
        assert sorted(unit.collector.records) == list(range(1, len(unit.collector.records) + 1))


def test_the_server_asks_for_the_schema():
    with Unit() as unit:
        unit.boot()
        unit.collector.wanted = (3, 9)
        unit.run(60)
        unit.collector.wanted = ()
        unit.run(HOUR + 900)
        assert len(unit.collector.events(event.SCHEMA)) >= 2


def test_a_host_that_waits_for_what_is_gone_is_told():
    with Unit() as unit:
        unit.world.nvs["fieldbeat"]["rn_limit"] = 500  # the file system was made anew
        node = unit.boot()
        assert node.outbox.next_rn == 500
        unit.run(3 * HOUR)
        assert unit.collector.floor >= 500
        assert node.outbox.floor > 502 and node.outbox.depth <= 1
