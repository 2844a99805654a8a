# What few programs use of the ESP32's modules: loaded when it is asked for, as it takes heap here
# and none on a chip. A class holds the further methods of the class of that name in machine.
# SPDX-License-Identifier: Apache-2.0
import sys
from collections import namedtuple

import _link
from micropython import const
from umachine import *

_OP_UART_PENDING = const(28)

# machine


def __getattr__(name):
    if name != "I2S":
        raise AttributeError(name)
    from _i2s import I2S

    return I2S


def method(instance, name):
    function = getattr(globals()[type(instance).__name__], name)
    if isinstance(function, int):
        return function
    return lambda *args, **options: function(instance, *args, **options)


def soft_reset():
    raise SystemExit


def freq(hz=None):
    return 160000000


def idle():
    _link.wait(_link.now + 1000)  # until the next tick of the system


def disable_irq():
    return 0


def enable_irq(state=0):
    pass


class Pin:
    def on(self):
        self.value(1)

    def off(self):
        self.value(0)


class I2C:
    def scan(self):
        found = []
        for address in range(8, 120):
            try:
                self.writeto(address, b"")
                found.append(address)
            except OSError:
                pass
        return found

    def readfrom(self, address, n, stop=True):
        return self._transfer(address, b"", n)

    def writevto(self, address, vector, stop=True):
        return self.writeto(address, b"".join(bytes(part) for part in vector))

    def readfrom_mem(self, address, register, n, *, addrsize=8):
        return self._transfer(address, register.to_bytes(addrsize // 8, "big"), n)

    def readfrom_mem_into(self, address, register, buf, *, addrsize=8):
        buf[:] = self.readfrom_mem(address, register, len(buf), addrsize=addrsize)

    def writeto_mem(self, address, register, buf, *, addrsize=8):
        self._transfer(address, register.to_bytes(addrsize // 8, "big") + bytes(buf))


def SoftI2C(scl, sda, *, freq=400000, timeout=50000):
    import machine

    return machine.I2C(0, scl=scl, sda=sda, freq=freq, timeout=timeout)


class UART:
    def deinit(self):
        pass

    def readline(self):
        return self.read(-1, b"\n")

    def txdone(self):
        return _link.call(_OP_UART_PENDING, self._id) == 0


class ADC:
    def atten(self, atten):
        self._atten = atten

    def width(self, bits):
        pass

    def read_u16(self):
        return self.read_uv() * 65535 // (950000, 1250000, 1750000, 3300000)[self._atten]

    def read(self):
        return self.read_u16() >> 4


class RTC:
    def init(self, fields):
        self.datetime(fields)


# esp32

HEAP_DATA = 4
HEAP_EXEC = 1


def idf_heap_info(capabilities):
    return [(120000, 90000, 60000, 80000)]  # total, free, largest free, lowest free since boot


def raw_temperature():
    return 128


def mcu_temperature():
    return 40


# os


def uname():
    release = ".".join(str(part) for part in sys.implementation.version[:3])
    fields = namedtuple("uname", "sysname nodename release version machine")
    return fields("esp32", "esp32", release, sys.version, "fieldbeat virtual board")
