# A node that has only what the console, the shell and the SMP server ask it for.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc

from drivers.errors import SensorError
from firmware import config_check
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.secrets import Secrets
from firmware.shell import Shell
from firmware.smp_server import SMPServer
from firmware.tests import support
from protocols import cbor, smp
from protocols.schema import Column, Schema

MASTER = bytes(range(0x40, 0x50))
CONFIG = {
    "node": {
        "name": "gh-01",
        "site": "north",
        "board": "greenhouse_esp32",
        "profile": "greenhouse",
    },
    "uplink": {"host": "collector.example", "port": 5685, "interval_s": 3600, "apn": "iot"},
    "sampling": {"interval_s": 300, "report_samples": 12},
    "fitted": {"light": {"enabled": False}},
}

if not support.MICROPYTHON:
    gc.mem_free = lambda: 100000
    gc.mem_alloc = lambda: 60000


class Air:
    CHANNELS = (("temperature", "Cel", 100), ("humidity", "%RH", 100))

    def __init__(self, failure=None):
        self.failure = failure

    async def probe(self):
        if self.failure:
            raise SensorError(self.failure, "no answer at 0x44")

    async def read(self):
        return -5, None


class Camera(Air):
    CHANNELS = ()

    async def read(self):
        return ()


class Outbox:
    depth = 2
    size_bytes = 164
    floor = 31


class Carrier:
    def status(self):
        return {"rsrp_dbm": -97}


class Uplink:
    def __init__(self, outbox):
        self.carrier = Carrier()
        self.outcome = "none"
        self.acks = True
        self._outbox = outbox

    async def wake(self):
        self.outcome = "acked" if self.acks else "no_ack"
        if self.acks:
            self._outbox.depth = 0
        return self.acks


class Sampler:
    schema = Schema(
        1,
        1,
        300,
        (
            Column("soil_ph", "pH", 10, 0, 140, 0),
            Column("air_temperature", "Cel", 100, -4000, 8500, 0),
        ),
    )
    channels = ()
    last = {"air_temperature": (-305, 0, 1000), "soil_ph": (None, 5, 1000)}


class KeptShell(Shell):
    # In place of later.Later, which makes a new one when it is needed.
    def forget(self):
        pass


class Node:
    version = "0.1.0"
    mac = b"\x02\x00\x00\x00\x00\x01"
    safe_mode_reason = None
    role = None
    actuators = None

    def __init__(self):
        self.world = support.World()
        self.root = support.temp_dir()
        self.config = config_check.check(cbor.decode(config_bytes()))
        self.counters = Counters()
        self.clock = Clock(self.counters)
        self.secrets = Secrets()
        self.outbox = Outbox()
        self.uplink = Uplink(self.outbox)
        self.sampler = Sampler()
        self.parts_lock = asyncio.Lock()
        self.tasks = {"sampler": None, "console": None}
        self.log_lines = []
        self.reboots = 0
        self.lock = [0, 0]
        self.slot = None
        self.config_hash = bytes(range(8))
        self.console = self  # of which a verb sets the prompt, and which it tells meanwhile
        self.told = []
        self.shell = KeptShell(self)
        self.server = SMPServer(self, self.shell, self.root)

    def tell(self, text):
        self.told.append(text)

    def log(self, text):
        self.log_lines.append(text)

    def parts(self):
        return {"air": Air(), "camera": Camera(), "co2": Air("i2c_nack"), "light": None}

    def make_room(self):
        pass

    def woke(self):
        pass

    def reboot(self):
        self.reboots += 1

    def provision(self):
        for name, value in (("unit", "gh-01"), ("kid", b"\x00\x07"), ("epoch", 3)):
            self.secrets.put(name, value)
        self.secrets.put("master", MASTER)

    def write(self, name, data):
        with open(self.root + name, "wb") as file:
            file.write(data)

    def read(self, name):
        with open(self.root + name, "rb") as file:
            return file.read()

    # The body of the answer to one request, as version 2 unless told otherwise.
    def ask(self, op, group, cmd, body, version=1):
        request = smp.pack(op, group, 9, cmd, body, version)
        answer = support.run(self.server.handle(request))
        assert smp.version(answer) == version
        answered_op, answered_group, seq, answered_cmd, body = smp.unpack(answer)
        assert (answered_op, answered_group, seq, answered_cmd) == (op + 1, group, 9, cmd)
        return body

    def execute(self, line):
        return support.run(self.shell.execute(line.split()))

    def close(self):
        support.remove_tree(self.root)


def config_bytes(**changes):
    config = dict(CONFIG)
    config.update(changes)
    return cbor.encode(config)
