# SPDX-License-Identifier: Apache-2.0
import drivers.line_monitor
from drivers.line_monitor import LineMonitor
from drivers.tests.support import Clock, run


class ADC:
    def __init__(self):
        self.ma = 0

    def read_uv(self):
        return self.ma * 2000 + 999


def play(*currents, every_ms=20, **options):
    clock, adc = Clock(), ADC()
    drivers.line_monitor.time = clock
    line = LineMonitor(adc, 1, 2, **options)
    line.begin()
    for adc.ma in currents:
        line.sample()
        clock.now_ms += every_ms
    return line.proof().hex()


def test_current_through_the_divider():
    adc = ADC()
    drivers.line_monitor.time = Clock()
    line = LineMonitor(adc, 1, 2)
    adc.ma = 321
    assert run(Clock(), line.read()) == (321,)


def test_proof_is_kind_level_and_share():
    assert play() == "010000"
    assert play(0, 29, 10) == "010000"
    assert play(500, 500, 500) == "017fff"
    assert play(0, 30, 250, 0, threshold_ma=30) == "01237f"  # mean of 30 and 250: 140
    assert play(2000, full_scale_ma=1000) == "01ffff"
    assert play(*[0] * 999, 40) == "010a01"  # once is not never


def test_samples_that_come_too_often_do_not_count():
    assert play(0, *[400] * 9, every_ms=2) == "010000"
    assert play(0, *[400] * 10, every_ms=2) == "01667f"
