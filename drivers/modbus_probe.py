# A probe or transmitter on Modbus RTU whose registers are data: drivers/maps/*.json.
# SPDX-License-Identifier: Apache-2.0
from protocols import modbus
from protocols.compat import const

from .errors import SensorError

_ILLEGAL_DATA_ADDRESS = const(2)


class ModbusProbe:
    def __init__(self, rs485, address, map):
        self._rs485 = rs485
        self._address = address
        self._function = map["function"]
        registers = map["registers"]
        self.CHANNELS = tuple((r["name"], r["unit"], r["scale"]) for r in registers)
        numbers = [r["register"] for r in registers]
        self._first = min(numbers)
        self._count = max(numbers) - self._first + 1
        # (where its two bytes begin in the answer, whether it has a sign), one a channel
        self._places = [(2 * (r["register"] - self._first), r.get("signed")) for r in registers]

    async def probe(self):
        await self.read()

    async def read(self):
        data = await self._transact()
        return tuple(_value(data, *place) for place in self._places)

    async def _transact(self):
        # One request for the whole span: a probe takes 50 to 200 ms for each.
        arguments = self._address, self._function
        request = modbus.read_request(*arguments, self._first, self._count)
        reply = await self._rs485.transact(request)
        try:
            return modbus.parse_response(reply, *arguments, self._count)
        except modbus.ModbusError as error:
            raise SensorError(_reason(error), "%s, reply %s" % (error, reply.hex()))


def _value(data, start, signed):
    value = data[start] << 8 | data[start + 1]
    return value - 0x10000 if signed and value & 0x8000 else value


def _reason(error):
    # An exception reply is a healthy frame: a missing register is a probe of another map.
    if error.code is None:
        return "sensor_crc"
    return "sensor_identity" if error.code == _ILLEGAL_DATA_ADDRESS else "sensor_range"
