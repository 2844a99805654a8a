# A probe or transmitter on Modbus RTU whose registers are data: drivers/maps/*.json.
# SPDX-License-Identifier: Apache-2.0
from protocols import modbus
from protocols.compat import const

from .errors import SensorError

_ILLEGAL_DATA_ADDRESS = const(2)


class ModbusProbe:
    # map: one of drivers/maps, or the layout() of one, with which it does not know its channels.
    def __init__(self, rs485, address, map):
        self._rs485 = rs485
        self._address = address
        if isinstance(map, dict):
            self.CHANNELS = channels(map)
            map = layout(map)
        self._function, self._spans, self._places = map

    async def probe(self):
        await self.read()

    async def read(self):
        data = b""
        for span in self._spans:
            data += await self._transact(*span)
        return tuple(_value(data, *place) for place in self._places)

    async def _transact(self, first, count):
        arguments = self._address, self._function
        request = modbus.read_request(*arguments, first, count)
        reply = await self._rs485.transact(request)
        try:
            return modbus.parse_response(reply, *arguments, count)
        except modbus.ModbusError as error:
            raise SensorError(_reason(error), "%s, reply %s" % (error, reply.hex()))


def channels(map):
    return tuple((r["name"], r["unit"], r["scale"]) for r in map["registers"])


# What it takes to read: the function; spans: one request for registers without a gap, since a
# probe takes 50 to 200 ms for each, and one in a gap may be refused; of each channel where its
# bytes begin in all answers together, its words, low one first, signed.
def layout(map):
    registers = map["registers"]
    spans = _spans(registers)
    return map["function"], spans, [_place(spans, r) for r in registers]


# -> [[first register, how many]]
def _spans(registers):
    spans: list = []
    for number, words in sorted((r["register"], r.get("words", 1)) for r in registers):
        if spans and number <= sum(spans[-1]):
            spans[-1][1] = max(spans[-1][1], number + words - spans[-1][0])
        else:
            spans.append([number, words])
    return spans


def _place(spans, register):
    number, before = register["register"], 0
    for first, count in spans:
        if number < first + count:
            place = 2 * (before + number - first)
            break
        before += count
    words = register.get("words", 1)
    return place, words, register.get("low_first"), register.get("signed")


def _value(data, start, words, low_first, signed):
    value = 0
    for word in range(words):
        at = start + 2 * (words - 1 - word if low_first else word)
        value = value << 16 | data[at] << 8 | data[at + 1]
    top = 1 << 16 * words
    return value - top if signed and value & top >> 1 else value


def _reason(error):
    # An exception reply is a healthy frame: a missing register is a probe of another map.
    if error.code is None:
        return "sensor_crc"
    return "sensor_identity" if error.code == _ILLEGAL_DATA_ADDRESS else "sensor_range"
