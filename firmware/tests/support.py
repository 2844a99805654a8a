# Stand-ins for the hardware and a clock that jumps, for the tests on both interpreters.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc
import os
import sys
import time

from firmware import civil

if hasattr(time, "tzset"):  # MicroPython knows UTC only
    os.environ["TZ"] = "UTC"
    time.tzset()

MICROPYTHON = sys.implementation.name == "micropython"
_PERIOD = 1 << 30  # of ticks_ms on an ESP32; the 64-bit interpreter's own is longer


class ResetNow(SystemExit):  # what machine.reset() does to the program: no task catches it
    pass


# A board: what survives a reset (NVS, RTC) and what was done to it. The stand-ins below speak of
# the last one made.
class World:
    current = None

    def __init__(self, start_ms=1000000000):
        World.current = self
        self.nvs = {}
        self.nvs_writes = 0
        self.rtc = [(2000, 1, 1, 5, 0, 0, 0, 0), b""]  # datetime when it was set, memory
        self.rtc_set_ms = start_ms
        self.cause = Machine.PWRON_RESET
        self.wdt_ms = None
        self.fed = 0
        self.made = []  # what the board created: (class name, arguments, keywords)
        self.adc_uv = 0
        _install(start_ms)

    # The clock moves without anything else happening.
    def pass_ms(self, ms):
        _clock[0] += ms

    def now_ms(self):
        return _clock[0]


_clock = [0]


def _raw_ms():
    return _clock[0]


def _ticks_ms():
    return _clock[0] % _PERIOD


def _ticks_diff(end, start):
    return (end - start + _PERIOD // 2) % _PERIOD - _PERIOD // 2


def _ticks_add(ticks, delta):
    return (ticks + delta) % _PERIOD


class NVS:
    def __init__(self, namespace):
        self._data = World.current.nvs.setdefault(namespace, {})

    def get_i32(self, key):
        return self._get(key, int)

    def get_blob(self, key, buffer):
        value = self._get(key, bytes)
        if len(value) > len(buffer):
            raise OSError(-0x110C, "ESP_ERR_NVS_INVALID_LENGTH")
        buffer[: len(value)] = value
        return len(value)

    def set_i32(self, key, value):
        if not -0x80000000 <= value <= 0x7FFFFFFF:
            raise OverflowError
        self._set(key, value)

    def set_blob(self, key, value):
        self._set(key, bytes(value))

    def erase_key(self, key):
        self._get(key, (int, bytes))
        del self._data[key]

    def commit(self):
        pass

    def _get(self, key, kind):
        if not isinstance(self._data.get(key), kind):
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        return self._data[key]

    def _set(self, key, value):
        if len(key) > 15:
            raise OSError(-0x1109, "ESP_ERR_NVS_KEY_TOO_LONG")
        World.current.nvs_writes += 1
        self._data[key] = value


class RTC:  # runs on through resets
    def datetime(self, value=None):
        rtc = World.current.rtc
        if value is not None:
            rtc[0] = value
            World.current.rtc_set_ms = _clock[0]
        year, month, day, _, hour, minute, second, us = rtc[0]
        if year < 2024:
            return rtc[0]
        start = civil.from_iso(
            "%04d-%02d-%02dT%02d:%02d:%02d" % (year, month, day, hour, minute, second)
        )
        seconds = start + (_clock[0] - World.current.rtc_set_ms) // 1000
        text = civil.to_iso(seconds)
        date = [int(text[i:j]) for i, j in ((0, 4), (5, 7), (8, 10))]
        clock = [int(text[i : i + 2]) for i in (11, 14, 17)]
        return tuple(date + [seconds // 86400 % 7] + clock + [us])

    def memory(self, value=None):
        if value is not None:
            World.current.rtc[1] = bytes(value)
        return World.current.rtc[1]


class WDT:
    def __init__(self, id=0, timeout=5000):
        World.current.wdt_ms = timeout

    def feed(self):
        World.current.fed += 1


class _Made:
    def __init__(self, *args, **keywords):
        World.current.made.append((type(self).__name__, args, keywords))
        self.args = args


class Pin(_Made):
    IN, OUT, PULL_UP, OPEN_DRAIN = 1, 3, 2, 7
    IRQ_RISING, IRQ_FALLING = 1, 2

    def irq(self, handler, trigger):
        self.handler, self.trigger = handler, trigger

    def value(self, level=None):
        return 0


class I2C(_Made):
    def writeto(self, address, data, stop=True):
        raise OSError(19)  # ENODEV: nothing answers

    def readfrom_into(self, address, buffer, stop=True):
        raise OSError(19)


class I2S(_Made):
    TX, MONO = 2, 0

    def init(self, **settings):
        pass

    def deinit(self):
        pass


class UART(_Made):
    def any(self):
        return 0

    def write(self, data):
        return len(data)

    def flush(self):
        pass


class PWM(_Made):
    def duty_u16(self, value):
        pass


class ADC(_Made):
    ATTN_11DB = 3

    def read_uv(self):
        return World.current.adc_uv


class Machine:
    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5
    Pin, I2C, I2S, UART, ADC, PWM, RTC, WDT = Pin, I2C, I2S, UART, ADC, PWM, RTC, WDT

    @staticmethod
    def reset():
        raise ResetNow

    @staticmethod
    def reset_cause():
        return World.current.cause

    @staticmethod
    def unique_id():
        return b"\x02\x00\x00\x00\x00\x01"


class Esp32:
    NVS = NVS


class _Time:  # MicroPython's own time module cannot be changed
    pass


def _print_exception(error, file=None):
    import traceback

    traceback.print_exception(error, file=file)


async def _sleep_ms(ms):
    await asyncio.sleep(ms / 1000)


async def _wait_for_ms(awaitable, ms):
    return await asyncio.wait_for(awaitable, ms / 1000)


def _install(start_ms):
    sys.modules["machine"] = Machine
    sys.modules["esp32"] = Esp32
    module = time
    if MICROPYTHON:
        start_ms += time.ticks_ms()  # the interpreter queues with its own clock: stay ahead of it
        module = sys.modules["time"] = _Time()
        for name in dir(time):
            if name[0] != "_":
                setattr(module, name, getattr(time, name))
        asyncio.core.ticks = _raw_ms
        asyncio.core._io_queue.poller = _Poller()
    else:
        asyncio.sleep_ms = _sleep_ms
        asyncio.wait_for_ms = _wait_for_ms
        gc.mem_free = gc.mem_alloc = lambda: 100000
        sys.print_exception = _print_exception
    _clock[0] = start_ms
    module.ticks_ms, module.ticks_diff, module.ticks_add = _ticks_ms, _ticks_diff, _ticks_add


class _Poller:  # of MicroPython's asyncio: waiting is what moves the clock
    def ipoll(self, ms):
        if ms > 0:
            _clock[0] += ms
        return ()

    def register(self, *args):
        pass


# Runs a coroutine in a loop whose waits take no time.
def run(coroutine):
    if MICROPYTHON:
        asyncio.new_event_loop()
        asyncio.core._io_queue.poller = _Poller()
        return asyncio.run(coroutine)
    loop = _host_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def _host_loop():
    import selectors

    class Selector(selectors.DefaultSelector):
        def select(self, timeout=None):
            if timeout:
                _clock[0] += max(1, round(timeout * 1000))
            return super().select(0)

    loop = asyncio.SelectorEventLoop(Selector())
    loop.time = lambda: _clock[0] / 1000
    return loop


# --- files

_made = [0]


def temp_dir():
    # Under /tmp, a new one at each call; remove_tree() takes it away.
    while True:
        _made[0] += 1
        path = "/tmp/fieldbeat_%d_%d" % (id(_made) % 1000000, _made[0])
        try:
            os.mkdir(path)
            return path
        except OSError:
            continue


def remove_tree(path):
    for name in os.listdir(path):
        inner = path + "/" + name
        if os.stat(inner)[0] & 0x4000:
            remove_tree(inner)
        else:
            os.remove(inner)
    os.rmdir(path)


_install(1000000000)
World()
