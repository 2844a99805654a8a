# The stand-ins for machine and esp32 are in place before a test imports the firmware.
# SPDX-License-Identifier: Apache-2.0
from . import support as support
