# Half-duplex RS485: one request out, one reply in.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

from protocols.compat import const

from .errors import SensorError
from .uart_port import UARTPort

# Modbus RTU: at most 256 bytes; some more for what a floating bus adds in front.
_BUFFER_SIZE = const(272)
# The Modbus serial line guide leaves the reply time-out to the user, 1 s is its typical value.
_REPLY_MS = const(1000)
_TURN_MS = const(30)  # until a short answer begins, and some more


class RS485:
    # `de_pin` drives DE and /RE together; None for a transceiver that turns by itself.
    def __init__(self, uart, de_pin=None, baud=9600):
        self._port = UARTPort(uart)
        self._de = de_pin
        self._buffer = bytearray(_BUFFER_SIZE)
        # Modbus over serial line 2.5.1.1: 3.5 characters of 11 bits end a frame, 1.75 ms above
        # 19,200 baud.
        self._gap_ms = max(2, 38500 // baud + 1)
        # ESP32's UART hands over a short reply only after 10 silent characters.
        self._end_ms = self._gap_ms + 110000 // baud + 1
        self._pass_ms = 110000 // baud + _TURN_MS
        if de_pin:
            de_pin.value(0)

    async def transact(self, request, timeout_ms=_REPLY_MS):
        # Everything heard up to the silence after the reply, junk in front included.
        await asyncio.sleep_ms(self._gap_ms)
        self._discard()
        self.send(request)
        reply = memoryview(self._buffer)
        size = await self._port.readinto(reply, timeout_ms)
        if not size:
            raise SensorError("sensor_timeout", "no reply on RS485: check address, A/B, power")
        while size < _BUFFER_SIZE:
            more = await self._port.readinto(reply[size:], self._end_ms)
            if not more:
                break
            size += more
        return bytes(reply[:size])

    # Blocking: nobody waits for the answer, of ten bytes, but the next request must not meet it.
    def tell(self, request):
        time.sleep_ms(self._gap_ms)
        self.send(request)
        time.sleep_ms(self._pass_ms)

    def _discard(self):
        # A late reply to an earlier request must not answer this one.
        while self._port.uart.any():
            self._port.uart.readinto(self._buffer)

    def send(self, request):
        # Blocking (8 ms for 8 bytes at 9,600 baud): DE must fall before the answer's first bit,
        # which may come after 3.5 characters. Another task in between would cost it.
        if self._de:
            self._de.value(1)
        try:
            self._port.uart.write(request)
            self._port.uart.flush()
        finally:
            if self._de:
                self._de.value(0)
