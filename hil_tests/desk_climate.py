"""The climate of a desk: whoever runs `fieldbeat bench up` types what it shall be.

air 30          the air has 30 Cel from now on
wind auto       the wind is as recorded again
rain 0.6        so many mm more have fallen
"""

from __future__ import annotations

import math

from fieldbeat.host_tools.language import tr

from .virtual.bench import Bench
from .virtual.scene import Scene

# What is typed -> the channel that is held, its unit, from and to.
HELD = {
    "air": ("air_temperature", "Cel", -30, 60),
    "humidity": ("air_humidity", "%", 0, 100),
    "light": ("illuminance", "lx", 0, 150_000),
    "soil": ("soil_moisture", "%", 0, 100),
    "wind": ("wind_speed", "m/s", 0, 50),
}
RAIN_MOST_MM = 100


def orders() -> str:
    """What may be typed."""
    return tr(
        "type 'air 30' (Cel), 'humidity 60', 'light 20000' (lx), 'soil 20' (%), 'wind 14' (m/s), "
        "each also with 'auto', or 'rain 0.6' (mm more)"
    )


def has_climate(bench: Bench) -> bool:
    """Whether a board of the bench stands in a house: a river station has a sensor of air, too."""
    return any("soil" in each.fitted.parts for each in bench.boards.values() if each.fitted)


def order(scene: Scene, now_us: int, text: str) -> str:
    """Does what was typed and returns what to say of it."""
    verb, _, given = text.strip().partition(" ")
    if verb in HELD and given == "auto":
        scene.held.pop(HELD[verb][0], None)
        return tr("{verb} is as recorded").format(verb=verb)
    try:
        amount = float(given)
    except ValueError:
        return orders()
    if verb == "rain" and 0 < amount <= RAIN_MOST_MM:
        scene.hold("rain", scene.value("rain", now_us) + amount)
        return tr("{amount:g} mm more have fallen").format(amount=amount)
    if verb not in HELD or not math.isfinite(amount):
        return orders()
    channel, unit, low, high = HELD[verb]
    if not low <= amount <= high:
        return orders()
    scene.hold(channel, amount)
    told = tr("{verb} is {amount:g} {unit} until you type '{verb} auto'")
    return told.format(verb=verb, amount=amount, unit=unit)
