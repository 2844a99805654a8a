# SPDX-License-Identifier: Apache-2.0
from drivers.amplifier import Amplifier
from drivers.errors import DriverError
from drivers.tests.support import Clock, fails, run


class Bench:
    # Writes down what the amplifier and the codec do, with the time.
    def __init__(self, **options):
        self.clock = Clock()
        self.log = []
        self.failed = 0
        if options.pop("codec", False):
            options["codec"] = self
        mute, relay, fault = [Line(self, name) for name in ("mute", "relay", "fault")]
        clocks = Clocks(self)
        self.amplifier = Amplifier(clocks, mute, relay, settle_ms=80, fault=fault, **options)
        self.log.clear()

    def note(self, what):
        self.log.append("%d %s" % (self.clock.elapsed_ms, what))

    async def start(self):
        self.note("codec starts")

    def stop(self):
        self.note("codec stops")

    def take(self):
        log, self.log = self.log, []
        return log


class Line:
    def __init__(self, bench, name):
        self.bench = bench
        self.name = name

    def value(self, level=None):
        if level is None:
            return self.bench.failed
        return self.bench.note("%s %d" % (self.name, level))


class Clocks:
    def __init__(self, bench):
        self.bench = bench

    def start(self):
        self.bench.note("clocks run")

    def stop(self):
        self.bench.note("clocks stop")


ON = ["0 mute 1", "0 relay 1", "0 clocks run", "80 mute 0"]
OFF = ["80 mute 1", "100 clocks stop", "100 relay 0"]


def test_on_and_off_in_the_order_in_which_nothing_clicks():
    bench = Bench()
    run(bench.clock, bench.amplifier.on())
    assert bench.take() == ON and bench.amplifier.is_on
    run(bench.clock, bench.amplifier.on())
    assert bench.take() == []
    assert run(bench.clock, bench.amplifier.read()) == (1,)
    run(bench.clock, bench.amplifier.off())
    assert bench.take() == OFF and not bench.amplifier.is_on


def test_a_codec_is_set_up_between_clocks_and_sound():
    bench = Bench(codec=True)
    run(bench.clock, bench.amplifier.on())
    assert bench.take() == ON[:3] + ["0 codec starts"] + ON[3:]
    run(bench.clock, bench.amplifier.off())
    assert bench.take() == OFF[:1] + ["100 codec stops"] + OFF[1:]


def test_one_that_failed_stays_muted():
    bench = Bench()
    bench.failed = 1
    assert fails(DriverError, bench.clock, bench.amplifier.on()).reason == "amp_fault"
    assert bench.take() == ON[:3] and not bench.amplifier.is_on
    run(bench.clock, bench.amplifier.off())
    assert bench.take() == OFF
