# A station with [trace]: it signs once a day, and notes what is typed and pressed.
# SPDX-License-Identifier: Apache-2.0
import asyncio
from binascii import unhexlify

from drivers.contact import Contact
from firmware import chain_state, events, operations, trace_key, trace_root
from firmware.chain import Chain
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.outbox import Outbox
from firmware.secrets import Secrets
from firmware.tests.support import World, remove_tree, temp_dir
from firmware.trace import Trace
from protocols import event_reader, p256, trace, trace_signed
from protocols.tests.support import raises

# RFC 6979, A.2.5
SECRET = unhexlify("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721")
PUBLIC = unhexlify(
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
DAY_S = 86400


class Pin:
    def __init__(self):
        self.level = 0

    def value(self):
        return self.level


class Unit:
    # What Trace and the files that it loads find of a node.
    def __init__(self, key=SECRET + PUBLIC):
        self.world = World()
        self.root = temp_dir()
        self.counters = Counters()
        self.secrets = Secrets()
        self.secrets.put("master", bytes(range(16)) + b"\0\0\0\1" + b"\0\1")
        self.secrets.put("unit", "gh-01")
        if key:
            self.secrets.put("trace", key)
        self.clock = Clock(self.counters)
        self.config = {"trace": {"button": {"contact": "button", "kind": "irrigated"}}}
        self.pin = Pin()
        self.parts = {"button": Contact(self.pin)}
        self.logged = []
        self.mount()

    def mount(self):
        directory = self.root + "/outbox"
        self.outbox = Outbox(directory, self.counters, 12288, chain=Chain())
        self.trace = Trace(self, self)

    def log(self, text, name):
        self.logged.append(text)

    def make_room(self):
        pass

    def tell(self, event, *args):
        return getattr(events, event)(self, *args)

    # -> (rn, type, body) of what it has told
    def told(self):
        found = []
        for rn, record in self.outbox.pending():
            _, type, t, body = event_reader.decode(record)
            found.append((rn, type, body))
        return found

    def roots(self):
        return [(rn, body) for rn, type, body in self.told() if type == 14]

    def __enter__(self):
        return self

    def __exit__(self, *args):
        remove_tree(self.root)


def is_signed(unit, rn, record):
    _, type, t, body = event_reader.decode(record)
    fields = dict(body)
    fields.update({0: type, 1: t})
    message = trace_signed.signed("gh-01", b"\0\1", rn, fields)
    return p256.verify(PUBLIC, message, body[5])


def test_a_day_is_signed_once():
    with Unit() as unit:
        unit.clock.set(100 * DAY_S, "server")
        operations.tell(unit, 1, None, ("sown",))
        unit.trace.wake()
        unit.trace.wake()
        ((rn, root),) = unit.roots()
        records = dict(unit.outbox.pending())
        assert is_signed(unit, rn, records[rn])
        assert root[3] == trace.link(trace.START, 1, records[1]) and root[2] == 1
        assert root[4] == trace_signed.key_id(PUBLIC) and root[7] is True
        assert root[6] == [[1, 0, None, bytes(32)]]
        unit.mount()  # a reset
        unit.trace.wake()
        assert len(unit.roots()) == 1
        unit.outbox.ack(2)
        unit.clock.set(101 * DAY_S + 5, "server")
        unit.trace.wake()
        ((rn, root),) = unit.roots()
        assert rn == 3 and root[2] == 3 and 6 not in root


def test_nvs_that_refuses_keeps_nothing_from_going_out():
    def refuse(*state):
        raise OSError(-0x1105)  # ESP_ERR_NVS_NOT_ENOUGH_SPACE

    with Unit() as unit:
        before, chain_state.store = chain_state.store, refuse
        try:
            unit.trace.wake()
        finally:
            chain_state.store = before
        assert unit.counters.snapshot() == {"fs_corrupt": 1}
        unit.trace.wake()  # it is tried at the next wake
        assert chain_state.load()[1] == unit.roots()[-1][0]


def test_without_a_clock_it_signs_after_a_start():
    with Unit() as unit:
        unit.trace.wake()
        assert unit.roots()[0][1][7] is False
        unit.clock.set(100 * DAY_S, "server")
        unit.trace.wake()
        assert [root[7] for _, root in unit.roots()] == [False, True]


def test_without_a_key_it_says_so():
    with Unit(key=None) as unit:
        unit.trace.wake()
        unit.trace.wake()
        assert unit.roots() == [] and len(unit.logged) == 1
        assert "provision" in unit.logged[0]


def test_a_key_goes_in_and_its_secret_not_out():
    with Unit() as unit:
        assert trace_key.public() == PUBLIC
        writes = unit.world.nvs_writes
        unit.secrets.put("trace", SECRET + PUBLIC)
        assert unit.world.nvs_writes == writes
        order = p256.CURVE.n.to_bytes(32, "big")
        one = bytes(31) + b"\1"
        wrong = [b"", SECRET, SECRET + PUBLIC + b"\0", bytes(96), b"\xff" * 96, PUBLIC + SECRET]
        wrong += [one + PUBLIC, bytes(32) + PUBLIC, order + PUBLIC]
        for each in wrong + [SECRET + PUBLIC[32:] + PUBLIC[:32]]:
            error = raises(ValueError, unit.secrets.put, "trace", each)
            assert str(error) == "trace: give 96 bytes, a secret of P-256 and its public key"
        assert unit.world.nvs_writes == writes and trace_key.public() == PUBLIC
        base = p256.CURVE.gx.to_bytes(32, "big") + p256.CURVE.gy.to_bytes(32, "big")
        unit.secrets.put("trace", one + base)
        assert trace_key.public() == base


def test_a_full_log_tells_what_it_gave_up():
    with Unit() as unit:
        unit.trace.wake()
        for _ in range(60):
            unit.outbox.append(lambda rn: bytes(400))
        gaps = chain_state.load()[2]
        assert gaps[-1][0] == 1 and gaps[-1][1] > 1
        unit.clock.set(100 * DAY_S, "server")
        assert trace_root.tell(unit, 100) == 100
        rn = unit.outbox.next_rn - 1
        root = event_reader.decode(dict(unit.outbox.pending())[rn])[3]
        assert root[6] == gaps and chain_state.load() == [100, rn, gaps, len(gaps)]
        unit.outbox.ack(rn)
        assert trace_root.tell(unit, 101) == 101 and chain_state.load() == [101, rn + 1, [], 0]


def test_what_is_typed():
    with Unit() as unit:
        assert operations.typed(unit, ["sprayed"]) == 1
        assert operations.typed(unit, ["irrigated", "2.5", "l", "-"]) == 2
        assert operations.typed(unit, ["harvested", "12", "kg", "tomato-07"]) == 3
        assert operations.typed(unit, ["batch-begin", "tomato-07"]) == 4
        bodies = [body for _, _, body in unit.told()]
        assert bodies[0] == {2: "sprayed", 7: 1, 9: False}
        assert bodies[1] == {2: "irrigated", 4: 2500, 5: "l", 7: 1, 9: False}
        assert bodies[2][3] == "tomato-07" and bodies[2][4] == 12000
        assert operations.typed(unit, ["harvested", "-", "-", "24A"]) == 5
        assert operations.typed(unit, ["harvested", "2024-07"]) == 6
        assert operations.typed(unit, ["irrigated", "-"]) == 7  # of no batch, and none named "-"
        assert [body.get(3) for _, _, body in unit.told()[4:]] == ["24A", "2024-07", None]
        for words in ([], ["A"], ["sown", "1", "l", "a", "b"], ["sown", "1.2345", "l", "-"]):
            raises(ValueError, operations.typed, unit, words)
        raises(ValueError, operations.typed, unit, ["sown", "x", "l", "-"])
        raises(ValueError, operations.typed, unit, ["batch-end"])
        raises(ValueError, operations.typed, unit, ["batch-end", "-"])


def test_where_a_word_was_forgotten_nothing_is_signed():
    forgotten = (
        "harvested 12.5 tomato",  # the unit
        "harvested 12.5 tomato-07 -",
        "harvested 12.5 - tomato",
        "harvested - kg tomato",
        "harvested 12.5 kg",  # the batch, or was kg one?
        "harvested 12.5",  # or both
        "harvested 12.5kg",
        "harvested 07 12.5 kg",  # in another order
    )
    with Unit() as unit:
        for text in forgotten:
            raises(ValueError, operations.typed, unit, text.split())
        assert unit.told() == []


def test_a_button_is_told_once_for_each_time():
    with Unit() as unit:
        ((name, run, silence_s),) = unit.trace.tasks()
        assert name == "button"

        async def press():
            task = asyncio.create_task(run(lambda: None))
            worn = ((1, 20), (0, 20)) * 20  # held down, and the contact chatters for a while
            held = worn + ((1, 1000),) + worn + ((1, 1000),)
            for level, ms in ((0, 500),) + held + ((0, 500), (1, 10), (0, 500), (1, 800)):
                unit.pin.level = level
                await asyncio.sleep_ms(ms)
            task.cancel()

        asyncio.run(press())
        told = [body for _, _, body in unit.told()]
        assert told == [{2: "irrigated", 7: 0, 9: False}] * 2


def test_a_contact_that_never_rests_notes_nothing():
    with Unit() as unit:
        ((_, run, _),) = unit.trace.tasks()

        async def chatter():
            task = asyncio.create_task(run(lambda: None))
            for i in range(150):
                unit.pin.level = i & 1
                await asyncio.sleep_ms(20)
            task.cancel()

        asyncio.run(chatter())
        assert unit.told() == [] and unit.counters.snapshot()["sensor_range"] == 1
