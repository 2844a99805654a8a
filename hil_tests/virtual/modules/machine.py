# The ESP32's machine module: each operation goes to the bench, which has the models. What programs
# rarely use of it is in _rare.py, so that a program keeps its heap.
# SPDX-License-Identifier: Apache-2.0
import struct

import _link
from micropython import const
from umachine import PinBase

_OP_RESET = const(3)
_OP_RTC_SET = const(16)
_OP_RTC_MEMORY = const(17)
_OP_PIN_MODE = const(18)
_OP_PIN_SET = const(19)
_OP_PIN_GET = const(20)
_OP_ADC_READ = const(21)
_OP_I2C_INIT = const(22)
_OP_I2C_TRANSFER = const(23)
_OP_UART_INIT = const(24)
_OP_UART_ANY = const(25)
_OP_UART_READ = const(26)
_OP_UART_WRITE = const(27)
_OP_WDT_INIT = const(29)
_OP_WDT_FEED = const(30)
_OP_UART_FLUSH = const(31)
_LEAD_US = const(1000)
_PAYLOAD = const(512)
_RTC_BYTES = const(2048)

# By the arguments of the ESP32 port.
_I2C_PINS = const(((18, 19), (25, 26)))  # scl, sda
_UART_PINS = const(((1, 3), (10, 9), (17, 16)))  # tx, rx
_FULL_SCALE_UV = const((950000, 1250000, 1750000, 3300000))  # by attenuation

# The numbers of reset_cause() are here, since boot.py asks for them.
PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = range(1, 6)


def __getattr__(name):
    if name == "Counter":  # MicroPython 1.25 has none
        raise AttributeError(name)
    module = "_sleep" if "sleep" in name or "wake" in name.lower() else "_rare"
    if name == "PWM":
        module = "_pwm"
    return getattr(__import__(module), name)


def reset():
    _link.call(_OP_RESET)


def reset_cause():
    return _link.reset_cause & 255  # what has woken it stands above


def unique_id():
    return _link.mac


class _Part:
    def __getattr__(self, name):
        import _rare

        return _rare.method(self, name)


class Pin(PinBase):
    __getattr__ = _Part.__getattr__
    IN, OUT = 1, 3
    PULL_UP = 2

    def __init__(self, id, mode=-1, pull=-1, value=None, **options):
        if not isinstance(id, int) or not 0 <= id < 49:
            raise ValueError("invalid pin")
        self.id = id
        self.init(mode, pull, value)

    def init(self, mode=-1, pull=-1, value=None, **options):
        if value is not None:
            self.value(value)
        if mode != -1 or pull != -1:
            _link.call(_OP_PIN_MODE, self.id, bytes((mode & 0xFF, pull & 0xFF)))

    def value(self, level=None):
        if level is None:
            return _link.call(_OP_PIN_GET, self.id)
        return _link.post(_OP_PIN_SET, self.id, b"\1" if level else b"\0")

    __call__ = value

    IRQ_RISING, IRQ_FALLING = 1, 2

    def irq(self, handler=None, trigger=3, **options):
        import _pin_irq

        _pin_irq.set_handler(self, handler, trigger)


def _pin_number(pin):
    return pin if isinstance(pin, int) else pin.id


class I2C(_Part):
    def __init__(self, id, *, scl=None, sda=None, freq=400000, timeout=50000):
        self._id = id
        default = _I2C_PINS[id & 1]
        scl = default[0] if scl is None else _pin_number(scl)
        sda = default[1] if sda is None else _pin_number(sda)
        _link.call(_OP_I2C_INIT, id, struct.pack("<BBI", scl, sda, freq))

    def _transfer(self, address, written=b"", n=0):
        head = struct.pack("<BH", self._id, n)
        return _link.call(_OP_I2C_TRANSFER, address, head + written) or b""

    def readfrom_into(self, address, buf, stop=True):
        buf[:] = self._transfer(address, b"", len(buf))

    def writeto(self, address, buf, stop=True):
        self._transfer(address, bytes(buf))
        return len(buf)


class UART(_Part):
    def __init__(self, id, baudrate=115200, *args, **options):
        if not 0 <= id < 3:
            raise ValueError("UART(%d) doesn't exist" % id)
        self._id = id
        self.wait_mask = 1 << id
        self._tx, self._rx = _UART_PINS[id]
        self._timeout_us = self._timeout_char_us = 0
        self._txbuf = self._rxbuf = 256
        self.init(baudrate, *args, **options)

    def init(self, baudrate=None, bits=8, parity=None, stop=1, *, tx=None, rx=None, **options):
        if baudrate:
            self._baud = baudrate
        if tx is not None:
            self._tx = _pin_number(tx)
        if rx is not None:
            self._rx = _pin_number(rx)
        self._timeout_us = options.get("timeout", 0) * 1000
        self._timeout_char_us = options.get("timeout_char", 0) * 1000
        self._txbuf = options.get("txbuf", self._txbuf)
        self._rxbuf = options.get("rxbuf", self._rxbuf)
        bits_on_line = 1 + bits + (parity is not None) + stop
        self._free_us = 0  # the line is busy until then at the latest
        self._byte_us = bits_on_line * 1000000 // self._baud + 1
        self._room_us = (self._txbuf + 128) * (self._byte_us - 1)
        _link.call(
            _OP_UART_INIT,
            self._id,
            struct.pack(
                "<BBBIHH", self._tx, self._rx, bits_on_line, self._baud, self._txbuf, self._rxbuf
            ),
        )

    def buffered(self):
        return False

    def any(self):
        # Between two waits nothing arrives.
        if _link.inputs & self.wait_mask or _link.now - _link.told >= _LEAD_US:
            return _link.call(_OP_UART_ANY, self._id)
        _link.now += 10
        return 0

    def _some(self, n, until=b""):
        if _link.held and _link.held_by == self.wait_mask and not until:
            return self._held(n)
        head = struct.pack("<H", n)
        return _link.call(_OP_UART_READ, self._id, head + until) or b""

    # Of what the wait before has brought along; the bench learns later that it is taken.
    def _held(self, n):
        data = _link.held
        if n < len(data):
            data, _link.held = data[:n], data[n:]
        else:
            _link.held = b""
            _link.inputs &= ~self.wait_mask
        _link.post(_OP_UART_READ, self._id, len(data).to_bytes(2, "little"))
        return data

    def read(self, n=-1, until=b""):
        # The first byte may take `timeout`, each later one `timeout_char`.
        want = 65535 if n is None or n < 0 else n
        data = self._some(want, until)
        while len(data) < want and not (until and data.endswith(until)):
            patience_us = self._timeout_char_us if data else self._timeout_us
            if not (patience_us and _link.wait(_link.now + patience_us, self.wait_mask)):
                break
            data += self._some(want - len(data), until)
        return data or None

    def readinto(self, buf, n=None):
        data = self.read(len(buf) if n is None else n)
        if data is None:
            return None
        buf[: len(data)] = data
        return len(data)

    def write(self, data):
        n = len(data)
        free_us = max(self._free_us, _link.now) + n * self._byte_us
        # What fits into the buffer holds nobody, so that nothing has to be told.
        if n <= _PAYLOAD and free_us - _link.now + _LEAD_US < self._room_us:
            _link.post(_OP_UART_WRITE, self._id, data)
        else:
            view = memoryview(data)
            for at in range(0, n, _PAYLOAD):
                _link.call(_OP_UART_WRITE, self._id, view[at : at + _PAYLOAD])
        self._free_us = free_us  # or earlier
        return n

    def flush(self):
        _link.call(_OP_UART_FLUSH, self._id)


class ADC(_Part):
    ATTN_11DB = 3

    def __init__(self, pin, *, atten=0):
        self._pin = _pin_number(pin)
        self._atten = atten

    def read_uv(self):
        return min(_link.call(_OP_ADC_READ, self._pin), _FULL_SCALE_UV[self._atten])


class RTC(_Part):
    def datetime(self, fields=None):
        import time

        if fields is None:
            us = time.time_ns() // 1000
            y, mo, d, h, mi, s, weekday, _ = time.gmtime(us // 1000000)
            return (y, mo, d, weekday, h, mi, s, us % 1000000)
        y, mo, d, _, h, mi, s, us = fields
        now_us = time.mktime((y, mo, d, h, mi, s, 0, 0)) * 1000000 + us
        time.rtc_us = now_us - _link.now
        _link.call(_OP_RTC_SET, 0, struct.pack("<q", time.rtc_us))
        return None

    def memory(self, data=None):
        if data is None:
            return _link.call(_OP_RTC_MEMORY) or b""
        if len(data) > _RTC_BYTES:
            raise ValueError("buffer too long")
        for at in range(0, len(data) or 1, _PAYLOAD):
            _link.call(_OP_RTC_MEMORY, at + 1, data[at : at + _PAYLOAD])
        return None


class WDT:
    def __init__(self, id=0, timeout=5000):
        _link.call(_OP_WDT_INIT, timeout)

    def feed(self):
        _link.post(_OP_WDT_FEED)
