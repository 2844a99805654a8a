# The module of micropython-camera-API as far as stations use it: JPEG alone. The bench has the
# sensor (../camera_port.py); a frame lies in memory beside the heap, which it shares.
# SPDX-License-Identifier: Apache-2.0
import _link
import uctypes
import uos
from micropython import const

_OP_CAMERA_OPEN = const(52)
_OP_CAMERA_CLOSE = const(53)
_OP_CAMERA_CAPTURE = const(54)

_SETTINGS = (
    "contrast brightness saturation sharpness denoise gainceiling colorbar whitebal gain_ctrl "
    "exposure_ctrl hmirror vflip aec2 awb_gain agc_gain aec_value special_effect wb_mode ae_level "
    "dcw bpc wpc raw_gma lenc"
).split()


class PixelFormat:
    RGB565, YUV422, YUV420, GRAYSCALE, JPEG, RGB888, RAW, RGB444, RGB555 = range(9)


class GrabMode:
    WHEN_EMPTY, LATEST = range(2)


class GainCeiling:
    X2, X4, X8, X16, X32, X64, X128 = range(7)


class FrameSize:
    R96X96, QQVGA, R128x128, QCIF, HQVGA, R240X240, QVGA, R320X320, CIF, HVGA, VGA = range(11)
    SVGA, XGA, HD, SXGA, UXGA = range(11, 16)


_SIZES = {1: (160, 120), 6: (320, 240), 10: (640, 480), 11: (800, 600), 12: (1024, 768)}


class Camera:
    def __init__(
        self,
        *,
        data_pins,
        pclk_pin,
        vsync_pin,
        href_pin,
        sda_pin,
        scl_pin,
        xclk_pin,
        xclk_freq=20000000,
        powerdown_pin=-1,
        reset_pin=-1,
        pixel_format=PixelFormat.RGB565,
        frame_size=FrameSize.QQVGA,
        jpeg_quality=85,
        fb_count=1,
        grab_mode=GrabMode.WHEN_EMPTY,
        init=True,
    ):
        if len(data_pins) != 8:
            raise ValueError("data_pins must have 8 elements")
        pins = pclk_pin, vsync_pin, href_pin, sda_pin, scl_pin, xclk_pin
        self._pins = bytes(data_pins) + bytes(pins)
        self._set = {"grab_mode": grab_mode, "fb_count": fb_count}
        self._open = False
        self.set_quality(jpeg_quality)
        self.reconfigure(frame_size=frame_size, pixel_format=pixel_format)
        self.init()
        if self.capture() is None:
            self.deinit()
            raise OSError("Failed to capture initial frame")
        if not init:
            self.deinit()

    def init(self):
        if not self._open:
            try:
                _link.call(_OP_CAMERA_OPEN, 0, self._pins)
            except OSError:
                raise OSError("Failed to initialize camera")
            self._open = True

    def deinit(self):
        self._open = False
        _link.call(_OP_CAMERA_CLOSE)

    def reconfigure(self, *, frame_size=None, pixel_format=None, grab_mode=None, fb_count=None):
        if pixel_format is not None and pixel_format != PixelFormat.JPEG:
            raise ValueError("the virtual board's camera knows JPEG alone")
        if frame_size is not None:
            if frame_size not in _SIZES:
                raise ValueError("the virtual board's camera has no such size")
            self._size = frame_size
        for name, value in (("grab_mode", grab_mode), ("fb_count", fb_count)):
            if value is not None:
                self._set[name] = value

    # A memoryview of the frame buffer, None without a frame.
    def capture(self):
        if not self._open:
            raise OSError("Camera is not initialized")
        n = _link.call(_OP_CAMERA_CAPTURE, self._quality << 8 | self._size)
        return memoryview(_frame(n)) if n else None

    def free_buffer(self):
        pass

    def frame_available(self):
        return self._open

    def set_quality(self, value):
        if not 0 <= value <= 100:
            raise ValueError("jpeg quality must be in range 0-100")
        self._quality = value

    def get_quality(self):
        return self._quality

    def set_frame_size(self, value):
        self.reconfigure(frame_size=value)

    def get_frame_size(self):
        return self._size

    def get_pixel_width(self):
        return _SIZES[self._size][0]

    def get_pixel_height(self):
        return _SIZES[self._size][1]

    def get_pixel_format(self):
        return PixelFormat.JPEG

    def get_max_frame_size(self):
        return FrameSize.UXGA

    def get_sensor_name(self):
        return "OV2640"

    # What changes nothing here is kept.
    def __getattr__(self, name):
        kind, _, setting = name.partition("_")
        if kind == "get" and (setting in _SETTINGS or setting in self._set):
            return lambda: self._set.get(setting, 0)
        if kind == "set" and setting in _SETTINGS:
            return lambda value: self._set.__setitem__(setting, value)
        raise AttributeError(name)


# Without that memory (an interpreter of one's own) the frame takes heap.
def _frame(n):
    place = uos.getenv("FIELDBEAT_FRAME")
    if place:
        return uctypes.bytearray_at(int(place), n)
    with open("/dev/fd/" + uos.getenv("FIELDBEAT_FRAME_FD"), "rb") as file:
        return file.read(n)
