# What an actuator may do: leases, longest run, shortest pause, daily maximum, and who needs whom.
# SPDX-License-Identifier: Apache-2.0
#
# A value is 0, at rest, to 100. Whoever wants one asks again and again: what was asked for lives
# as long as its lease, and then the actuator goes to its safe value, whatever has become of who
# asked. Times are of a clock that never jumps. After a start everything counts as just stopped.
from .actuator_engine import Actuator, step  # noqa: F401
from .compat import const

# Why an actuator does what it does: ASKED, or what keeps it from that. Codes of the wire.
ASKED = const(0)
LEASE = const(1)  # nobody asked again: its safe value
SWITCH = const(2)  # its switch stands on manual: a person has it
INTERLOCK = const(3)  # the plant's own controller forbids it
FAULT = const(4)  # it did not do what it was told
MAX_RUN = const(5)
MIN_PAUSE = const(6)
MAX_DAY = const(7)
NEEDS = const(8)  # another one that does not run
