# One device on an I2C bus: its address, and bus errors turned into counted reasons.
# SPDX-License-Identifier: Apache-2.0
import errno

from .errors import SensorError


class I2CDevice:
    def __init__(self, bus, address):
        self._bus = bus
        self._address = address

    def _write(self, data):
        try:
            self._bus.writeto(self._address, data)
        except OSError as error:
            raise self._error(error)

    def _readinto(self, buffer):
        try:
            self._bus.readfrom_into(self._address, buffer)
        except OSError as error:
            raise self._error(error)

    def _error(self, error):
        # ESP32 tells a bus that is held low (ETIMEDOUT) from a device that does not answer.
        reason = "sensor_timeout" if error.args[0] == errno.ETIMEDOUT else "i2c_nack"
        return SensorError(reason, "address 0x%02x: check wiring and power" % self._address)
