"""The tables `[control]`, `[actuator.NAME]` and `[[rule]]` as a node's file has them.

`control_config.py` says what they mean.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PrivateAttr, model_validator

from .control_volumes import RATE_RULE
from .language import tr
from .validation import Strict

WHOLE = 100
SAFE, SKIP = -1, -2  # what a blind rule does, beside a value
ENDS = {"closed": 0, "open": WHOLE}  # of a motor: a contact that is closed is on
VALUE_RULE = tr("'on', 'off' or a whole number from 0 to 100, a motor's also 'open' or 'closed'")
QUANTITY_RULE = tr("a quantity with its unit, like '26 Cel' or '800 ppm', in quotes")
SPAN_RULE = tr("a time like '5 min'")
LIMIT_RULE = tr("a time like '5 min', or a volume like '50 ml' where the actuator has a rate")
CLOCK_RULE = tr("a time of day like '18:30', 'sunrise' or 'sunset-1:00'")


def _value(given: Any) -> Any:
    return {"off": 0, "on": WHOLE, **ENDS}.get(given, given) if isinstance(given, str) else given


def _blind(given: Any) -> Any:
    if isinstance(given, int) and given < 0:
        raise ValueError(tr("no value"))
    return {"safe": SAFE, "skip": SKIP}.get(given, _value(given))


Quantity = Annotated[str, Field(description=QUANTITY_RULE)]
Span = Annotated[str, Field(description=SPAN_RULE)]
Value = Annotated[int, BeforeValidator(_value), Field(ge=0, le=WHOLE, description=VALUE_RULE)]
Blind = Annotated[
    int,
    BeforeValidator(_blind),
    Field(ge=SKIP, le=WHOLE, description=f"'safe', 'skip', {VALUE_RULE}"),
]


class WithEnds(Strict):
    """A table with values, of which some may be called 'open' or 'closed'."""

    _ends: tuple[str, ...] = PrivateAttr(())

    @property
    def ends(self) -> tuple[str, ...]:
        """The keys whose values are."""
        return self._ends

    @model_validator(mode="wrap")
    @classmethod
    def _noted(cls, given: Any, handler: Any) -> Any:
        made = handler(given)
        if isinstance(given, dict):
            made._ends = tuple(key for key, value in given.items() if str(value) in ENDS)
        return made


class Derived(Strict):
    """A value reckoned from channels: one of four."""

    deficit: list[str] | None = None  # temperature, humidity
    day_sum: str | None = None
    unit: str | None = None  # of a sum
    day_rise: str | None = None  # of a counter
    since_rise: str | None = None  # of a counter


class Control(Strict):
    """How a station looks at its rules.

    Every `look_s`; a channel that fails counts for `stale` as what it was. `utc_offset`: of the
    local standard time, which clocks of rules and the day are in.
    """

    look_s: int = Field(default=30, ge=1, le=600)
    stale: Span = "2 min"
    utc_offset: str = Field(description="the local standard time's, like '+08:00'")
    derived: dict[str, Derived] = {}


class Confirm(Strict):
    """What shows that an actuator runs: a channel above a mark, `within` a time."""

    channel: str
    above: Quantity
    within: Span


class Actuator(WithEnds):
    """What a fitted part may do. `safe`: at boot, at its lease's end, where a rule is blind.

    With `rate`, what a pump gives in a time, `max_run` and `max_day` may be volumes.
    """

    idle: Value = 0
    safe: Value
    lease: str = Field(description="a time like '5 min', after which what nobody asks for ends")
    rate: str | None = Field(default=None, description=RATE_RULE)
    max_run: str | None = Field(default=None, description=LIMIT_RULE)
    min_pause: str | None = Field(default=None, description=SPAN_RULE)
    max_day: str | None = Field(default=None, description=LIMIT_RULE)
    needs: list[str] = []
    switch: str | None = None
    interlock: str | None = None
    confirm: Confirm | None = None


class Along(Strict):
    """A value that follows a channel: from set[0] at `from` to set[1] at `to`, in steps."""

    channel: str
    from_: Quantity = Field(alias="from")
    to: Quantity
    set_: list[Value] = Field(alias="set", min_length=2, max_length=2)
    step: int = Field(default=10, ge=1, le=50)


class Dose(Strict):
    """How much a counter is to grow, once."""

    channel: str
    amount: Quantity


class When(Strict):
    """One condition: of a channel, of the clock, of another actuator, or by turns."""

    channel: str | None = None
    above: str | None = Field(default=None, description=QUANTITY_RULE)
    below: str | None = Field(default=None, description=QUANTITY_RULE)
    back: str | None = Field(default=None, description=QUANTITY_RULE)
    hold: str | None = Field(default=None, description=SPAN_RULE)
    from_: str | None = Field(default=None, alias="from", description=CLOCK_RULE)
    to: str | None = Field(default=None, description=CLOCK_RULE)
    while_: str | None = Field(default=None, alias="while")
    unless: str | None = None
    every: str | None = Field(default=None, description=SPAN_RULE)
    for_: str | None = Field(default=None, alias="for", description=SPAN_RULE)


class Rule(WithEnds):
    """What an actuator does while all of `when` hold."""

    number: int = Field(ge=1, le=255)
    name: str = Field(default="", max_length=80)
    actuator: str
    priority: int = Field(default=50, ge=0, le=100)
    overrides: bool = False
    enabled: bool = True
    set_: Value | None = Field(default=None, alias="set", description=VALUE_RULE)
    along: Along | None = None
    dose: Dose | None = None
    blind: Blind = SAFE
    when: list[When] = []
