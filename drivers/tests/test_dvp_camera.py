# SPDX-License-Identifier: Apache-2.0
import json

from drivers.dvp_camera import DVPCamera
from drivers.errors import DriverError
from drivers.tests.support import Clock, fails, run
from drivers.tests.test_camera import by_quality, everything, jpeg

with open("drivers/maps/ov2640.json") as file:
    DATA = json.load(file)
WIDTHS = {size["code"]: size["width"] for size in DATA["sizes"]}


# The module's class as far as the driver uses it; what was set counts one frame later.
class Module:
    def __init__(self):
        self.log = []
        self.quality = self.wanted = 85
        self.fails = {}
        self.make = by_quality

    def __call__(self):
        self.log.append("made")
        return self

    def init(self):
        self.log.append("init")
        if "init" in self.fails:
            raise self.fails["init"]

    def deinit(self):
        self.log.append("deinit")

    def reconfigure(self, frame_size):
        self.width = WIDTHS[frame_size]
        self.log.append(self.width)

    def set_quality(self, quality):
        self.wanted = quality

    def free_buffer(self):
        pass

    def capture(self):
        self.log.append("capture")
        picture = self.fails.get("capture", self.make(self.width, self.quality))
        self.quality = self.wanted
        if isinstance(picture, Exception):
            raise picture
        return picture and memoryview(picture)


def rig():
    module = Module()
    return module, DVPCamera(module, DATA)


def reason(camera):
    return fails(DriverError, Clock(), camera.capture(4000)).reason


def test_a_picture_from_the_power_on_to_the_power_off():
    module, camera = rig()
    assert module.log == []  # nothing takes current before the first picture
    shot = run(Clock(), camera.capture(4000))
    assert module.log[:3] == ["made", "init", 160] and "deinit" not in module.log
    assert module.log.count("capture") >= DATA["settle_frames"] + 2
    assert module.quality == shot.quality
    assert run(Clock(), everything(shot)) == by_quality(160, shot.quality)
    assert module.log[-1] == "deinit"
    run(Clock(), camera.capture(4000))
    assert module.log.count("made") == 1


def test_no_camera_no_frame_and_a_bad_one():
    for what, failure, expected in (
        ("init", OSError("Failed to initialize"), "camera_silent"),
        ("capture", RuntimeError("timeout"), "camera_silent"),
        ("capture", None, "camera_silent"),
        ("capture", b"", "camera_silent"),
        ("capture", bytes(500), "picture_bad"),
        ("capture", jpeg(500)[:300], "picture_cut"),
    ):
        module, camera = rig()
        module.fails[what] = failure
        assert reason(camera) == expected
        assert module.log[-1] == "deinit"
        module.fails.clear()
        assert run(Clock(), camera.capture(4000)).size  # the next one is not to blame


def test_a_module_that_cannot_be_opened():
    def make():
        raise OSError("Failed to capture initial frame")

    assert reason(DVPCamera(make, DATA)) == "camera_silent"
