# One relay of a relay board on RS485, by Modbus RTU: which coil it is, is data in drivers/maps/.
# SPDX-License-Identifier: Apache-2.0
#
# The board has its own supply and keeps its coils when this chip resets or hangs, and when its
# line is cut: they are put to rest at each start. A board that knows a time (`timed_coil` of its
# map) is told to close for some seconds, again and again, and opens by itself. What it answers to
# a write is the request again, which a transceiver that hears itself sends, too: only what is read
# back counts.
from protocols import modbus_coils
from protocols.compat import const
from protocols.modbus import ModbusError

from .errors import DriverError
from .output import Output

_WHOLE = const(100)
_HOLD_S = const(25)  # in tenths of a second a byte: some boards take no more
_RENEW_S = const(8)  # so that two of its turns may be missed
_TIMES = const(2)  # the first may meet the answer of another one


class ModbusRelay(Output):
    SLOW = True

    # output: its number on the board, from 1.
    def __init__(self, rs485, address, map, output):
        if not 1 <= output <= map["outputs"]:
            raise ValueError("relay %d: the board has %d" % (output, map["outputs"]))
        self._rs485 = rs485
        self._address = address
        self._coil = map["coil"] + output - 1
        self._timed = None
        if "timed_coil" in map:
            self._timed = map["timed_coil"] + output - 1
            self._unit_ms = map["timed_unit_ms"]
            self.renew_s = _RENEW_S

    # most_s: it may be on for so long if nobody tells it again.
    async def put(self, value, most_s=_HOLD_S):
        if value and self._timed is not None:
            units = max(1, min(most_s, _HOLD_S) * 1000 // self._unit_ms)
            request = modbus_coils.timed_request(self._address, self._timed, units)
        else:
            request = modbus_coils.write_request(self._address, self._coil, value)
        self._checked(modbus_coils.check_written, await self._rs485.transact(request))
        if await self._is_on() != bool(value):
            raise DriverError("actuator_no_effect", "relay %d stays as it was" % self._coil)
        self.value = value

    async def read(self):
        return (_WHOLE if await self._is_on() else 0,)

    # For a reset that nobody waits with: without an answer.
    def off(self):
        for _ in range(_TIMES):
            self._rs485.tell(modbus_coils.write_request(self._address, self._coil, 0))
        self.value = 0

    async def _is_on(self):
        request = modbus_coils.read_request(self._address, self._coil)
        return self._checked(modbus_coils.parse_read, await self._rs485.transact(request))

    def _checked(self, parse, reply):
        try:
            return parse(reply, self._address)
        except ModbusError as error:
            reason = "sensor_crc" if error.code is None else "sensor_identity"
            raise DriverError(reason, "%s, reply %s" % (error, reply.hex()))
