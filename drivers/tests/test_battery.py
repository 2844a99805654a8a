# SPDX-License-Identifier: Apache-2.0
from drivers.battery import Battery
from drivers.tests.support import Clock, run


class ADC:
    def __init__(self, *values):
        self.values = list(values)

    def read_uv(self):
        self.values.append(self.values.pop(0))
        return self.values[-1]


def test_divider_and_mean():
    assert run(Clock(), Battery(ADC(1850000), 2, 1).read()) == (3700,)
    assert run(Clock(), Battery(ADC(1840000, 1860000), 2, 1).read()) == (3700,)
    assert run(Clock(), Battery(ADC(3300000), 147, 47).read()) == (10321,)
    assert run(Clock(), Battery(ADC(0)).read()) == (0,)
