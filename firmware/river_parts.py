# The parts of a river station: what few boards have, loaded for them.
# SPDX-License-Identifier: Apache-2.0
from .parts import register_map
from .wiring import Kept, given, input_pin


# A bus: what opens the camera on it, since it takes a lot of current from then on.
def _dvp(entry):
    def make():
        from camera import Camera, GrabMode, PixelFormat  # type: ignore[import-not-found]

        pins = {
            key + "_pin": entry[key] for key in ("vsync", "href", "pclk", "xclk", "sda", "scl")
        }
        return Camera(
            data_pins=entry["data"],
            xclk_freq=entry["xclk_hz"],
            pixel_format=PixelFormat.JPEG,
            grab_mode=GrabMode.LATEST,
            fb_count=1,
            init=False,
            **pins,
        )

    return make


def _dvp_camera(board, entry):
    from drivers.dvp_camera import DVPCamera

    return DVPCamera(board.bus(entry["bus"]), register_map(entry["map"]), entry.get("regions"))


def _vc0706(board, entry):
    from drivers.vc0706 import VC0706

    return VC0706(board.bus(entry["bus"]), register_map(entry["map"]), entry.get("regions"))


def _rain_gauge(board, entry):
    from drivers.rain_gauge import RainGauge

    pin = input_pin(entry["pin"], entry.get("pull"))
    return RainGauge(pin, Kept(board, entry), **given(entry, "tip_um", "active", "debounce_ms"))


def _current_loop(board, entry):
    from drivers.current_loop import CurrentLoop

    data = register_map(entry["map"])
    loop = CurrentLoop(board.adc(entry["pin"]), entry["shunt_mohm"], data["channel"])
    return level(loop, data, entry)


# The part, with a level if its map says how to have one.
def level(part, data, entry):
    if "level" not in data:
        return part
    from drivers.level import Level

    return Level(part, data["level"], **given(entry, "datum_mm", "rise_mm_s"))


# make(board, entry of "fitted") -> driver; of the bus: make(entry of "buses")
PARTS = {
    "dvp": _dvp,
    "current_loop": _current_loop,
    "dvp_camera": _dvp_camera,
    "rain_gauge": _rain_gauge,
    "vc0706": _vc0706,
}


def maker(name):
    return PARTS[name]
