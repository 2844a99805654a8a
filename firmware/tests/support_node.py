# A whole unit on files of its own: real node, outbox, sampler and uplink; a modem that hands its
# datagrams to a small collector; a console that the test types on.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.at import Session
from drivers.errors import ModemError
from firmware import parts
from firmware.node import Node
from firmware.secrets import Secrets
from firmware.tests.support import World, remove_tree, run, temp_dir
from protocols import ack_writer, cbor, event, event_reader, frame, packing_reader
from protocols.bits import get_varint
from protocols.report_reader import peek

MASTER, KID = bytes(range(16)), b"\x00\x07"
START = 13176000  # 2024-06-01T12:00:00Z, when the unit is switched on

BOARD = {
    "id": "b",
    "buses": {
        "i2c0": {"kind": "i2c", "id": 0, "scl": 22, "sda": 21, "freq_hz": 100000},
        "modem": {"kind": "uart", "uart": 2, "tx": 17, "rx": 16, "baud": 115200},
    },
    "modem": {"part": "test", "bus": "modem", "pwrkey": 4, "reset": 5},
    "fitted": {
        "air": {"part": "sht4x", "bus": "i2c0", "address": 68},
        "battery": {"part": "battery", "pin": 34, "numerator": 2, "denominator": 1},
    },
}


def channel(name, source, unit, scale, low, high):
    return {
        "name": name,
        "from": source,
        "unit": unit,
        "scale": scale,
        "minimum": low,
        "maximum": high,
        "dead_band": 0,
    }


PROFILE = {
    "id": "p",
    "schema": {"id": 3, "version": 1},
    "interval_s": 300,
    "report_samples": 12,
    "channels": [
        channel("battery", "battery.voltage", "V", 1000, 0, 20000),
        channel("air", "air.temperature", "Cel", 100, -4000, 8500),
        channel("rsrp", "modem.rsrp", "dBm", 1, -156, -31),
    ],
}
CONFIG = {
    "node": {"name": "gh-1", "site": "s", "board": "b", "profile": "p"},
    "uplink": {"host": "192.0.2.1", "port": 5683, "interval_s": 3600, "apn": "iot"},
    "sampling": {"interval_s": 300, "report_samples": 12},
}


def provision():
    secrets = Secrets()
    for name, value in (("master", MASTER), ("kid", KID), ("epoch", 1), ("unit", "u")):
        secrets.put(name, value)


class Collector:
    # Keeps the records of one unit and answers as the real one does.
    def __init__(self):
        self.keys = frame.KeySet(MASTER, KID, 1)
        self.records = {}  # rn: record
        self.wakes = []  # when an answer was asked for
        self.floor = 1
        self.silent = False
        self.wanted = ()
        self._piv = 0

    def take(self, datagram, t):
        cls, _, plaintext = self.keys.open(frame.UP, datagram)
        assert cls == frame.TELEMETRY
        records, last = packing_reader.unpack(plaintext)
        if last:
            self.wakes.append(t)
        if self.silent:
            return None
        for record in records:
            self._store(record)
        return self._answer(t) if last else None

    def _store(self, record):
        rn = get_varint(record, 1)[0] if record[0] == 0 else peek(record)[1]
        self.records[rn] = record
        if record[0] == 0:
            _, kind, _, body = event_reader.decode(record)
            if kind == event.HEALTH:
                self.floor = max(self.floor, body[event.HEALTH_FLOOR])

    def _answer(self, t):
        cumulative = self.floor - 1
        while cumulative + 1 in self.records:
            cumulative += 1
        ahead = [rn - cumulative - 1 for rn in self.records if rn > cumulative]
        bitmap = sum(1 << n for n in ahead if n < 32)
        plaintext = ack_writer.encode(cumulative, bitmap, t, schemas=list(self.wanted))
        self._piv += 1
        return self.keys.seal(frame.ACK, frame.DOWN, self._piv, plaintext)

    def events(self, kind):
        found = [event_reader.decode(r) for rn, r in sorted(self.records.items()) if r[0] == 0]
        return [body for _, own, _, body in found if own == kind]

    def reports(self):
        return [record for _, record in sorted(self.records.items()) if record[0]]


class Modem:
    session = Session(80)

    async def look(self):
        pass

    MAX_DATAGRAM = 512

    def __init__(self, unit):
        self._unit = unit
        self._inbox = []
        self._way_ms = 0
        self.counters = {}

    def forget(self):  # as later.Later has it
        pass

    async def start(self):
        if self._unit.modem_reason:
            raise ModemError(self._unit.modem_reason)

    async def attach(self, apn, timeout_ms):
        await asyncio.sleep_ms(2000)

    async def signal(self):
        return {"rsrp_dbm": -97}

    async def network_time(self):
        return self._unit.time()

    async def open_udp(self, host, port):
        self._inbox = []

    async def send(self, data, release=False):
        self._way_ms = self._unit.next_way_ms()
        await asyncio.sleep_ms(self._way_ms)
        answer = self._unit.collector.take(bytes(data), self._unit.time())
        if answer:
            self._inbox.append(answer)

    async def receive(self, timeout_ms):
        if self._inbox:
            await asyncio.sleep_ms(self._way_ms)
            return self._inbox.pop(0)
        await asyncio.sleep_ms(timeout_ms)
        return None

    async def close(self):
        pass

    async def sleep(self):
        pass


class Stream:
    def __init__(self):
        self.typed = []
        self.shown = b""

    async def read(self):
        while not self.typed:
            await asyncio.sleep_ms(1000)
        return self.typed.pop(0)

    def write(self, data):
        self.shown += data


class Unit:
    def __init__(self, provisioned=True):
        self.world = World()
        self.world.adc_uv = 2050000
        self.root = temp_dir()
        self.collector = Collector()
        self.modem_reason = None
        self.ways_ms = [750]  # how long a datagram and its answer travel, in turn
        self._switched_on_ms = self.world.now_ms()
        for name, value in (("board", BOARD), ("profile", PROFILE), ("config", CONFIG)):
            self.write(name + ".cbor", cbor.encode(value))
        self.write("app.cbor", cbor.encode({"version": "1.2", "build_id": "x"}))
        if provisioned:
            provision()
        parts.MODEMS["test"] = lambda make, *lines: Modem(self)
        self.stream = self.node = None

    def write(self, name, data):
        with open(self.root + "/" + name, "wb") as file:
            file.write(data)

    def next_way_ms(self):
        self.ways_ms = self.ways_ms[1:] + self.ways_ms[:1]
        return self.ways_ms[-1]

    # What a clock on the wall says.
    def time(self):
        return START + (self.world.now_ms() - self._switched_on_ms) // 1000

    def boot(self, cause=1):
        self.world.cause = cause
        self.stream = Stream()
        self.node = Node(self.root, self.stream)
        return self.node

    def run(self, seconds):
        async def story():
            task = asyncio.create_task(self.node.run())
            await asyncio.sleep_ms(seconds * 1000)
            task.cancel()

        run(story())

    # Runs for some seconds after a line was typed; what the console showed.
    def type(self, line, seconds=5):
        async def story():
            task = asyncio.create_task(self.node.run())
            self.stream.typed.append(line.encode() + b"\r")
            await asyncio.sleep_ms(seconds * 1000)
            task.cancel()

        self.stream.shown = b""
        run(story())
        return self.stream.shown.decode()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        remove_tree(self.root)
