"""What a person does to a sensor to see it answer, and what the answer has to be.

The figures are hypotheses: what the sensors' data sheets give as noise and response time, with
room for a cold hand and a hurried breath. Amounts are in the unit of the channel.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from .language import tr

RISES, FALLS, CHANGES = 1, -1, 0


@dataclass(frozen=True)
class Stimulus:
    """What to do, and the answer: a change by `least` in its `way` within `within_s`.

    Attributes:
        ask: what the person is told, an imperative.
        share: the change may have to be larger: so much of the quiet value.
        family: channels of one family may be mistaken for each other.
        brief: one reading counts, since the answer may be over before the next.
        below, above: a quiet value beyond them calls for `otherwise`.
    """

    ask: str
    way: int
    least: float
    within_s: int
    family: str
    share: float = 0
    brief: bool = False
    below: float | None = None
    above: float | None = None
    otherwise: Stimulus | None = None

    def chosen(self, quiet: float) -> Stimulus:
        """Return what fits where the quiet value is this."""
        low = self.below is not None and quiet < self.below
        high = self.above is not None and quiet > self.above
        return self.otherwise if self.otherwise and (low or high) else self

    def needed(self, quiet: float) -> float:
        """Return by how much the value has to change."""
        return max(self.least, self.share * abs(quiet))


_TEMPERATURE = Stimulus(
    tr("close your hand around the sensor and keep it there"),
    *(RISES, 0.5, 90, "temperature"),
    above=33,
    otherwise=Stimulus(
        tr("put a wet cloth around the sensor and leave it there"), FALLS, 0.5, 90, "temperature"
    ),
)
_HUMIDITY = Stimulus(
    tr("breathe on the sensor, slowly, several times"),
    *(RISES, 3, 45, "humidity"),
    above=92,
    otherwise=Stimulus(
        tr("hold the sensor in dry, warm air (a hair dryer, half a metre away)"),
        *(FALLS, 3, 90, "humidity"),
    ),
)
_CO2 = Stimulus(tr("breathe on the sensor, slowly, for half a minute"), RISES, 150, 90, "co2")
_LIGHT = Stimulus(
    tr("cover the sensor with your hand"),
    *(FALLS, 5, 20, "light"),
    share=0.5,
    below=20,
    otherwise=Stimulus(tr("shine a torch on the sensor"), RISES, 50, 20, "light"),
)
_MOISTURE = Stimulus(
    tr("dip the rods of the probe into water, or put a wet cloth around them"),
    *(RISES, 10, 60, "soil"),
    above=60,
    otherwise=Stimulus(
        tr("pull the probe out of the ground and wipe its rods"), FALLS, 10, 60, "soil"
    ),
)
# A unit doubts a jump of its water for half a minute (drivers/surface.py).
_LEVEL = Stimulus(
    tr("hold a board flat under the sensor, well above the water, and keep it still for a minute"),
    *(RISES, 0.1, 80, "level"),
)
_DEPTH = Stimulus(
    tr("pull the sensor up by a hand's length or more, and keep it there for a minute"),
    *(FALLS, 0.05, 80, "level"),
)
_RAIN = Stimulus(
    tr("tip the bucket of the rain gauge twice, by hand"),
    *(RISES, 0.1, 60, "pulses"),
    brief=True,
)
_FLOW = Stimulus(tr("open the tap"), RISES, 0.2, 45, "pulses")
_WATER = Stimulus(
    tr("open the tap until some litres have run"), RISES, 1, 90, "pulses", brief=True
)
_WIND = Stimulus(
    tr("turn the cups of the wind sensor quickly"), RISES, 1, 30, "pulses", brief=True
)
_VANE = Stimulus(tr("turn the wind vane by a quarter and hold it"), CHANGES, 30, 30, "vane")
_CONTACT = Stimulus(
    tr("operate it (open the door, turn the switch) and leave it so"),
    *(CHANGES, 1, 45, "pulses"),
    brief=True,
)

# By what the part calls the channel. What is not here is only looked at: it must be in its range.
_BY_CHANNEL = {
    "temperature": _TEMPERATURE,
    "humidity": _HUMIDITY,
    "co2": _CO2,
    "illuminance": _LIGHT,
    "moisture": _MOISTURE,
    "level": _LEVEL,
    "rain": _RAIN,
    "flow": _FLOW,
    "volume": _WATER,
    "wind_speed": _WIND,
    "wind_direction": _VANE,
    "active": _CONTACT,
}
# By the kind of the part as well, where that makes a difference.
_BY_PART: dict[tuple[str, str], Stimulus | None] = {
    ("modbus_probe", "temperature"): None,  # in its rods, behind plastic: it takes minutes
    ("current_loop", "level"): _DEPTH,
}
# Kinds of parts that measure; those without a channel in the profile are asked what they have.
MEASURING = (
    *("a02yyuw", "analog_probe", "battery", "bh1750", "bmx280", "contact", "current_loop"),
    *("ds18b20", "flow_meter", "line_monitor", "modbus_probe", "rain_gauge", "scd4x", "sht3x"),
    "sht4x",
)


def of(kind: str, own: str) -> Stimulus | None:
    """Return what can be done about a channel of a kind of part; None: it is only looked at."""
    if (kind, own) in _BY_PART:
        return _BY_PART[kind, own]
    return _BY_CHANNEL.get(own)


def family(own: str) -> str:
    """Return what a channel may be mistaken for, by what its part calls it; '' for nothing."""
    known = _BY_CHANNEL.get(own)
    return known.family if known else ""


# What a driver could not do, by the names of protocols/reasons.py, and what the technician does.
NEXT_STEPS = {
    "i2c_nack": tr("see its plug and its supply, and that SDA and SCL are not exchanged"),
    "sensor_timeout": tr("see its plug and its supply, then its address, and A and B on RS485"),
    "sensor_crc": tr("see its cable: a loose wire, no shield, or two parts of one address"),
    "sensor_identity": tr("another part is there: compare its label with the board's table"),
    "sensor_range": tr("it answers, but what it says cannot be: see what is at the sensor itself"),
}
SEE_WIRING = tr("see its plug, its supply and its address")
