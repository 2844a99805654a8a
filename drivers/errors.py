# What a driver raises: one reason that is counted and reported, and a detail for the log.
# SPDX-License-Identifier: Apache-2.0


class DriverError(Exception):
    # `reason` is a name of protocols/reasons.py.
    def __init__(self, reason, detail=""):
        super().__init__(reason + ": " + detail if detail else reason)
        self.reason = reason


class SensorError(DriverError):
    pass


class ModemError(DriverError):
    pass
