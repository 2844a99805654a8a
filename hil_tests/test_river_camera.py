"""Pictures on a virtual board: drivers, models, and the truth about what was seen."""

from __future__ import annotations

import ast
from typing import Any

import cv2
import numpy as np
import pytest
from fieldbeat.host_tools import boards, partition_table

from .app_image import app_image
from .river_site import BOARDS
from .small_image import read_file_bytes
from .virtual.bench import Bench

DVP, UART = BOARDS
FULL = {DVP: (800, 600), UART: (640, 480)}
PROGRAM = """
import asyncio, gc, sys
sys.path.insert(0, "/a")
from protocols import cbor
from drivers.errors import DriverError
from firmware.board import Board
with open("/board.cbor", "rb") as file:
    board = Board(cbor.decode(file.read()))
if MODULE:
    __import__(MODULE)
camera = board.part("camera", {"regions": {"gauge": REGION}})
level = board.part("river", {"datum_mm": 4200})
buffer = bytearray(512)
async def picture(budget, region=None):
    gc.collect()
    before, most = gc.mem_alloc(), 0
    try:
        shot = await camera.capture(budget, region)
        with open("/shot.jpg", "wb") as file:
            size = 0
            while True:
                n = await shot.readinto(buffer)
                if not n:
                    break
                file.write(memoryview(buffer)[:n])
                size += n
                gc.collect()
                most = max(most, gc.mem_alloc() - before)
        await shot.close()
        print([size, shot.size, shot.width, shot.height, shot.quality, most])
    except DriverError as error:
        print([error.reason])
async def main():
    MAIN
asyncio.run(main())
print("END")
"""


class Camera(Bench):
    """One river board that takes pictures, and what it wrote of them."""

    def __init__(self, board: str, *steps: str, **options: Any) -> None:
        super().__init__(seed=7, start="2024-06-01T04:00:00Z", **options)  # noon
        self.board = self.add_board(board, power=False)
        self.parts = self.board.fitted.parts
        self.view = self.parts["view"]
        self.faults = self.parts["camera"].faults
        self.region = self.view.site.gauge_region(FULL[board])
        self.spec = boards.load(board)
        main = "\n    ".join(steps)
        # On a chip the module of a DVP camera is C, here it would be counted to the heap.
        module = "camera" if board == DVP else ""
        program = PROGRAM.replace("MAIN", main).replace("MODULE", repr(module))
        program = program.replace("REGION", repr(list(self.region)))
        self.board.flash.load(0, app_image(board, program))

    def shots(self, seconds: float = 900) -> list[list[Any]]:
        """Runs the program; [size, told size, width, height, quality, heap] or [reason] each."""
        self.board.power_on()
        ended = self.run_until(lambda: b"END" in self.board.output, seconds)
        assert ended and b"Traceback" not in self.board.output, self.board.output.decode()
        lines = self.board.output.decode().splitlines()
        return [ast.literal_eval(line) for line in lines if line.startswith("[")]

    @property
    def file(self) -> bytes:
        """The last picture, as it stands on the board's flash."""
        vfs = partition_table.find(self.spec.partition_table(), "vfs")
        data = bytes(self.board.flash.data[vfs.offset : vfs.offset + vfs.size])
        return read_file_bytes(data, "shot.jpg")

    @property
    def picture(self) -> np.ndarray:
        """The same, decoded."""
        found = cv2.imdecode(np.frombuffer(self.file, np.uint8), cv2.IMREAD_COLOR)
        assert found is not None
        return found


def alike(found: np.ndarray, seen: np.ndarray) -> float:
    """Mean difference of two pictures, in grey levels."""
    return float(np.abs(found.astype(int) - seen.astype(int)).mean())


@pytest.mark.parametrize("board", BOARDS)
def test_a_picture_fits_its_budget_and_shows_what_there_was(board):
    with Camera(board, "await picture(3000)", "await picture(9000)") as bench:
        small, larger = bench.shots()
        assert small[0] == small[1] <= 3000 and tuple(small[2:4]) == (160, 120)
        assert 4500 <= larger[0] == larger[1] <= 9000 and tuple(larger[2:4]) == (320, 240)
        assert len(bench.file) == larger[0] and bench.file.endswith(b"\xff\xd9")
        found = bench.picture
        assert found.shape == (240, 320, 3)
        assert alike(found, bench.view._picture) < 12
        assert max(small[5], larger[5]) < 8_000  # of the heap, whatever the picture's size
        assert bench.parts["camera"].taken >= 2


@pytest.mark.parametrize("board", BOARDS)
def test_the_gauge_alone_in_all_its_detail(board):
    steps = (
        "from drivers import cropped_shot",
        "await picture(6000, 'gauge')",
        "await picture(60000)",
    )
    with Camera(board, *steps) as bench:
        gauge, whole = bench.shots()
        left, top, width, height = bench.region
        assert gauge[0] == gauge[1] <= 6000
        assert 0 <= gauge[2] - width <= 32 and 0 <= gauge[3] - height <= 32
        assert tuple(whole[2:4]) == FULL[board]
        # Of the heap, once the code is there.
        assert gauge[5] < 16_000 and whole[5] < 8_000


def test_a_region_is_the_very_part_of_the_picture(tmp_path):
    with Camera(UART, "await picture(9000, 'gauge')") as bench:
        [[size, *_]] = bench.shots()
        left, top, width, height = bench.region
        left, top = left // 16 * 16, top // 8 * 8
        part = bench.picture
        seen = bench.view._picture[top : top + part.shape[0], left : left + part.shape[1]]
        assert size > 1500 and alike(part, seen) < 12


def test_a_darker_evening_and_a_picture_of_each_moment():
    steps = ("await picture(9000)", "await asyncio.sleep(70)", "await picture(9000)")
    with Camera(DVP, *steps) as bench:
        bench.scene.river.storm(0, (30,), step_s=600)
        first, second = bench.shots()
        assert first[0] != second[0]
        assert len({moment // 60_000_000 for moment, _ in bench.view.truth}) > 1


@pytest.mark.parametrize(
    ("board", "fault", "value", "reason"),
    [
        (UART, "silent", True, "camera_silent"),
        (UART, "half", True, "picture_cut"),
        (UART, "length_off", -400, "picture_cut"),
        (UART, "no_frame", True, "picture_bad"),
        (UART, "refuse", True, "camera_garbled"),
        (UART, "garbage", b"\xff" * 100, "camera_garbled"),
        (DVP, "absent", True, "camera_silent"),
        (DVP, "no_frame", True, "camera_silent"),
        (DVP, "half", True, "picture_cut"),
        (DVP, "garbage", True, "picture_bad"),
    ],
)
def test_a_fault_becomes_its_reason(board, fault, value, reason):
    with Camera(board, "await picture(4000)") as bench:
        setattr(bench.faults, fault, value)
        assert bench.shots() == [[reason]]
        assert bench.faults.unfired() == []


@pytest.mark.parametrize(
    ("fault", "value", "times"),
    [("drop", True, 2), ("garbage", b"\x00\xff", 6), ("length_off", 24, 2)],
)
def test_what_a_second_look_mends_costs_no_picture(fault, value, times):
    with Camera(UART, "await picture(4000)") as bench:
        bench.faults.limit(fault, times, value)
        [[size, told, *_]] = bench.shots()
        assert size == told and bench.picture.shape == (120, 160, 3)
        assert bench.faults.fired[fault] == times


def test_camera_and_level_sensor_take_turns_on_one_uart():
    steps = (
        "print([(await level.read())[0]])",
        "shot = await camera.capture(4000)",
        "later = asyncio.create_task(level.read())",
        "await asyncio.sleep(3)",
        "print([later.done(), await shot.readinto(buffer)])",
        "await shot.close()",
        "print([(await later)[0]])",
        "await picture(4000)",
    )
    with Camera(UART, *steps) as bench:
        first, between, second, shot = bench.shots()
        assert first[0] == pytest.approx(600, abs=4) and second[0] == pytest.approx(600, abs=4)
        assert between[0] is False and between[1] > 0 and shot[0] == shot[1]


def test_the_module_that_a_program_finds():
    steps = (
        "from camera import Camera, FrameSize, GainCeiling, GrabMode, PixelFormat",
        "import machine",
        "machine.Pin(45, machine.Pin.OUT, value=1)",  # its supply
        "made = board.bus('dvp0')()",
        "made.init()",
        "made.reconfigure(frame_size=FrameSize.QVGA)",
        "made.set_quality(80)",
        "made.set_vflip(True)",
        "frame = made.capture()",
        "print([made.get_quality(), made.get_vflip(), made.get_pixel_width(), len(frame) > 1000])",
        "is_jpeg = bytes(frame[:2]) == b'\\xff\\xd8'",
        "print([is_jpeg, made.get_sensor_name(), made.frame_available()])",
        "made.deinit()",
        "try:",
        "    made.capture()",
        "except OSError as error:",
        "    print([str(error)])",
    )
    with Camera(DVP, *steps) as bench:
        settings, frame, closed = bench.shots()
        assert settings == [80, True, 320, True] and frame == [True, "OV2640", True]
        assert closed == ["Camera is not initialized"] and not bench.parts["camera"].is_on
