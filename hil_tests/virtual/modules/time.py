# The ESP32's time module over the clock of the bench: epoch 2000, ticks that wrap at 2^30.
# SPDX-License-Identifier: Apache-2.0
import _link
import utime as _unix
from micropython import const

_HALF = const(1 << 29)
_MASK = const((1 << 30) - 1)
_EPOCH_2000 = const(946684800)

# Set by the bootstrap: the RTC's reading, us since 2000, when the board's clock was 0; and the
# reading of the ticks then, so that a test can start shortly before they wrap.
rtc_us = 0
ticks_start_us = 0


def ticks_ms():
    return (_link.tick() + ticks_start_us) // 1000 & _MASK


def ticks_us():
    return _link.tick() + ticks_start_us & _MASK


ticks_cpu = ticks_us


def ticks_add(ticks, delta):
    if not -_HALF < delta < _HALF:
        raise OverflowError("ticks interval overflow")
    return ticks + delta & _MASK


def ticks_diff(end, start):
    return (end - start + _HALF & _MASK) - _HALF


def sleep_us(us):
    if us > 0:
        _link.wait(_link.now + us)


def sleep_ms(ms):
    sleep_us(ms * 1000)


def sleep(seconds):
    sleep_us(int(seconds * 1000000))


def time_ns():
    return (_link.tick() + rtc_us) * 1000


def time():
    return (_link.tick() + rtc_us) // 1000000


def gmtime(seconds=None):
    return _unix.gmtime((time() if seconds is None else int(seconds)) + _EPOCH_2000)[:8]


localtime = gmtime


def mktime(date):
    return int(_unix.mktime(tuple(date[:8]))) - _EPOCH_2000
