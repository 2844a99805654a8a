# Rules of control: what each actuator is to do, by what the channels, the clock and others say.
# SPDX-License-Identifier: Apache-2.0
#
# A rule applies while all its conditions hold. The first that applies has the actuator: they come
# in the order of their priority, those that a person's order cannot overrule first.
#
#   rule       [number, actuator, overrides, low, high, blind, along, dose, conditions]
#   along      [input, from, to, step]: from low at `from` to high at `to`; else null, and low
#   dose       [input, counts]: until the input has grown by so much, once; else null
#   blind      the value where nobody knows whether the rule applies; null: as if it did not
#   condition  [LEVEL, input, threshold, back, below, hold]: beyond for so many s, and until it is
#              back by so much
#              [CLOCK, base, s, base, s]: from .. to, in seconds after midnight, sunrise or sunset
#              [RUNS, actuator, bool]
#              [EVERY, s, period]: the first s of each period, by the uptime
#
# Inputs, actuators by index; numbers in counts of the channel. Nothing here knows a clock or a
# part, so what is simulated on a host is what a unit does.
from .compat import const
from .control_engine import Rules, memory  # noqa: F401

LEVEL = const(0)
CLOCK = const(1)
RUNS = const(2)
EVERY = const(3)

MIDNIGHT = const(0)
SUNRISE = const(1)
SUNSET = const(2)

# What decided.
IDLE = const(0)  # no rule applies
RULE = const(1)
BLIND = const(2)
ORDER = const(3)
