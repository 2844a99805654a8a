# A whole unit with a camera whose pictures a test makes, and a server that keeps them.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from drivers.errors import DriverError
from firmware import parts
from firmware.tests import support_node
from protocols import blocks, cbor, frame
from protocols.block_receiver import Receiver
from protocols.compat import sha256

TABLE = {"every_s": 3600, "at_s": 600}
PICTURE = bytes(range(256)) * 12  # 3072 bytes


class Shot:
    width, height, quality = 320, 240, 60

    def __init__(self, camera, data, region):
        self._camera = camera
        self._data = data
        self._at = 0
        self.region = region
        self.size = camera.says or len(data)

    async def readinto(self, buffer):
        if self._camera.cut and self._at >= self._camera.cut:
            raise DriverError("picture_cut")
        n = min(len(buffer), len(self._data) - self._at)
        buffer[:n] = self._data[self._at : self._at + n]
        self._at += n
        return n

    async def close(self):
        self._camera.open -= 1


class Camera:
    CHANNELS = ()

    def __init__(self):
        self.taken = []  # (budget, region)
        self.silent = 0  # shots that fail
        self.cut = 0  # bytes after which a shot ends with an error
        self.says = 0  # its size, if that is not true
        self.open = 0
        self.picture = PICTURE
        self.still = False  # the same picture each time

    async def probe(self):
        pass

    async def read(self):
        return ()

    async def capture(self, budget_bytes, region=None):
        self.taken.append((budget_bytes, region))
        if self.silent:
            self.silent -= 1
            raise DriverError("camera_silent")
        self.open += 1
        data = self.picture[:budget_bytes]
        if not self.still:
            data = bytes((len(self.taken),)) + data[1:]
        return Shot(self, data, region)


class Collector(support_node.Collector):
    def __init__(self):
        super().__init__()
        self.receiver = None
        self.pictures = {}  # sha256: bytes
        self.chunks = 0  # that came
        self.order = []  # of what came: class of each frame
        self.loses = 0  # every so many of the blocks up is lost, 0: none
        self.stops_after = None  # chunks, until it is silent
        self._came = 0
        self._data = bytearray()

    def take(self, datagram, t):
        cls = frame.parse(datagram).cls
        self.order.append(cls)
        if cls != frame.BLOCK:
            return super().take(datagram, t)
        _, _, message = self.keys.open(frame.UP, datagram)
        if self.silent:
            return None
        self._came += 1
        if self.loses and self._came % self.loses == 0:
            return None
        if isinstance(blocks.parse(message)[0], blocks.Chunk):
            if self.stops_after is not None and self.chunks >= self.stops_after:
                return None
            self.chunks += 1
        elif self.stops_after is not None and self.chunks >= self.stops_after:
            return None
        return self._block(message)

    def _block(self, message):
        if not self.receiver:
            self.receiver = Receiver(self._wanted, self._write, self._read)
        status = self.receiver.receive(message)
        if self.receiver.result == blocks.DONE:
            data = bytes(self._data[: self.receiver.header.length])
            self.pictures[sha256(data).digest()] = data
        if status is None:
            return None
        self._piv += 1
        return self.keys.seal(frame.BLOCK, frame.DOWN, self._piv, status)

    def _wanted(self, header):
        self._data = bytearray(header.length)
        return True

    def _write(self, offset, data):
        self._data[offset : offset + len(data)] = data

    def _read(self, offset, size):
        return bytes(self._data[offset : offset + size])


class Unit(support_node.Unit):
    def __init__(self, regions=True, **table):
        super().__init__()
        self.camera = Camera()
        self.collector = Collector()
        parts.PARTS["test_camera"] = lambda board, entry: self.camera
        fitted = dict(support_node.BOARD["fitted"])
        fitted["camera"] = {"part": "test_camera"}
        if regions:
            fitted["camera"]["regions"] = {"gauge": [0, 0, 64, 64]}
        board = dict(support_node.BOARD)
        board["fitted"] = fitted
        profile = dict(support_node.PROFILE)
        profile["role"] = "camera"
        config = dict(support_node.CONFIG)
        config["pictures"] = dict(TABLE)
        config["pictures"].update(table)
        for name, value in (("board", board), ("profile", profile), ("config", config)):
            self.write(name + ".cbor", cbor.encode(value))

    def run(self, seconds):
        # CPython's locks stay with the loop in which somebody waited for them first.
        self.node.parts_lock = self.node.sampler.lock = asyncio.Lock()
        self.node.uplink._lock = asyncio.Lock()
        super().run(seconds)

    @property
    def pictures(self):
        return self.node.role.pictures

    def count(self, reason):
        return self.node.counters.snapshot().get(reason, 0)
