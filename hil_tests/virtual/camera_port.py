"""The parallel camera port of a chip: its pins, and the PSRAM in which a frame lies.

That memory is shared with the interpreter, beside its heap, as on a chip: the program gets a
memoryview of it and may copy out of it what it likes, until the frame is given back.
Not modelled: formats other than JPEG, several frame buffers, the sensor's other settings.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .hardware import Hardware

FRAME_BYTES = 256 << 10
FRAME_US = 160_000  # between two frames: OV2640 at SVGA, two buffers fewer than for more
ESP_ERR_NOT_FOUND = -0x105
ESP_ERR_INVALID_STATE = -0x103
PINS = ("pclk", "vsync", "href", "sda", "scl", "xclk")


class CameraPort:
    """What the module `camera` of the board asks for; see op_..."""

    def __init__(self, hardware: Hardware, manifest: dict[str, Any], fitted: Any) -> None:
        self.hardware = hardware
        self.sensors: dict[str, Any] = dict(getattr(fitted, "cameras", {}))
        self.wiring = {
            tuple(bus["data"]) + tuple(bus[key] for key in PINS): name
            for name, bus in manifest.get("buses", {}).items()
            if bus.get("kind") == "dvp"
        }
        self.frame_fd = os.memfd_create("fieldbeat-frame") if self.sensors else None
        if self.frame_fd is not None:
            os.ftruncate(self.frame_fd, FRAME_BYTES)
        self.sensor: Any = None

    def close(self) -> None:
        """Gives the memory back."""
        if self.frame_fd is not None:
            os.close(self.frame_fd)
            self.frame_fd = None

    def reset(self) -> None:
        """The program has ended."""
        self.op_camera_close(0, b"")

    def op_camera_open(self, _argument: int, payload: bytes) -> None:
        """Starts the sensor on these pins."""
        self.op_camera_close(0, b"")
        sensor = self.sensors.get(self.wiring.get(tuple(payload), ""))
        if sensor is None or not sensor.start():
            raise OSError(ESP_ERR_NOT_FOUND, "no camera on these pins")
        self.sensor = sensor

    def op_camera_close(self, _argument: int, _payload: bytes) -> None:
        if self.sensor is not None:
            self.sensor.stop()
            self.sensor = None

    def op_camera_capture(self, settings: int, _payload: bytes) -> int:
        """Puts the next frame into memory; returns its bytes. `settings`: quality << 8 | size."""
        if self.sensor is None:
            raise OSError(ESP_ERR_INVALID_STATE, "it was closed")
        self.hardware.busy_us += FRAME_US
        data = self.sensor.frame(settings & 0xFF, settings >> 8)
        assert self.frame_fd is not None
        if len(data) > FRAME_BYTES:
            return 0
        os.pwrite(self.frame_fd, data, 0)
        return len(data)
