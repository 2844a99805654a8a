# SPDX-License-Identifier: Apache-2.0
import drivers.a02yyuw
import drivers.surface
from drivers.a02yyuw import A02YYUW
from drivers.errors import SensorError
from drivers.tests.support import UART, Clock, fails, on_stream, run

GOLDEN = bytes.fromhex("FF07A1A7")  # 1953 mm
DAY_S = 86400


def frame(mm):
    return bytes((0xFF, mm >> 8, mm & 0xFF, (0xFF + (mm >> 8) + mm) & 0xFF))


class Sensor:
    # Sends a frame every 100 ms, of what `at(seconds since the start)` says.
    def __init__(self, at, chunk=64, **options):
        self.clock = Clock()
        self.at = at if callable(at) else lambda s: at
        self.uart = UART(self.clock, lambda data: (), chunk)
        self.driver = on_stream(A02YYUW, self.uart, **options)
        self.passed_ms = 0

    def wait(self, seconds):
        # Nobody reads meanwhile; what is long ago has left the buffer.
        self.passed_ms += seconds * 1000
        self.clock.now_ms += seconds * 1000
        self.uart._arrivals = []

    def _send(self, seconds):
        for ms in range(100, seconds * 1000, 100):
            data = self.at((self.passed_ms + ms) / 1000)
            if data is not None:
                self.uart.arrive(ms, frame(data) if isinstance(data, int) else data)

    def _do(self, action, coroutine):
        self._send(3)
        drivers.a02yyuw.time = drivers.surface.time = self.clock
        before_ms = self.clock.now_ms
        try:
            return action(coroutine)
        finally:
            self.passed_ms += self.clock.now_ms - before_ms
            self.uart._arrivals = []

    def read(self):
        return self._do(lambda coroutine: run(self.clock, coroutine), self.driver.read())

    def reason(self):
        return self._do(
            lambda coroutine: fails(SensorError, self.clock, coroutine), self.driver.read()
        ).reason


def test_golden_frame():
    assert frame(1953) == GOLDEN
    sensor = Sensor(GOLDEN, datum_mm=5000)
    assert sensor.read() == (3047, 1953)
    assert sensor.uart.sent == b""  # nothing is ever written
    assert sensor.clock.elapsed_ms == 500  # five frames
    assert [name for name, _, _ in A02YYUW.CHANNELS] == ["level", "distance"]


def test_without_a_datum_there_is_no_level():
    assert Sensor(1953).read() == (None, 1953)


def test_a_level_below_the_zero_of_the_gauge():
    assert Sensor(4000, datum_mm=3500).read() == (-500, 4000)


def test_in_any_pieces_and_from_the_middle_of_a_frame():
    for chunk in (1, 2, 3, 5, 64):
        for cut in range(4):
            sensor = Sensor(1953, chunk, datum_mm=5000)
            sensor.uart.arrive(50, GOLDEN[cut:])
            assert sensor.read() == (3047, 1953)


def test_heads_among_the_data():
    for mm in (0x00FF, 0x07FF, 0x1100, 0x0FFF):
        assert Sensor(mm).read() == (None, mm)


def test_what_waited_in_the_buffer_does_not_count():
    sensor = Sensor(2000)
    sensor.uart.arrive(0, frame(1000) * 20)
    assert sensor.read() == (None, 2000)


def test_the_one_in_the_middle_counts():
    values = [2000, 300, 2004, 4400, 2002]
    sensor = Sensor(lambda s: values[round(s * 10) % 5])
    assert sensor.read() == (None, 2002)


def test_a_silent_one():
    sensor = Sensor(lambda s: None)
    assert sensor.reason() == "sensor_timeout"
    assert sensor.clock.elapsed_ms == 2000


def test_wrong_sums():
    assert Sensor(bytes.fromhex("FF07A1A8")).reason() == "sensor_crc"
    # One in two is enough within the limit.
    sensor = Sensor(lambda s: 1953 if round(s * 10) % 2 else bytes.fromhex("FF07A1A8"))
    assert sensor.read() == (None, 1953)


def test_out_of_its_range():
    for mm in (0, 29, 4501, 0xFFFF):
        assert Sensor(mm).reason() == "sensor_range"
    for mm in (30, 4500):
        assert Sensor(mm).read() == (None, mm)


def test_a_line_that_babbles_ends():
    sensor = Sensor(b"\x55" * 20)
    assert sensor.reason() == "sensor_crc"
    assert sensor.clock.elapsed_ms <= 2000


def test_as_fast_as_water_may_rise():
    sensor = Sensor(lambda s: 3000 - int(18 * s), datum_mm=5000)
    last = 0
    for _ in range(20):
        level, _ = sensor.read()
        assert level > last
        last = level
        sensor.wait(5)


def test_a_spike_is_refused_and_what_comes_after_it_is_not():
    sensor = Sensor(lambda s: 800 if 7 < s < 12 else 3000)
    told = []
    for _ in range(6):
        try:
            told.append(sensor.read()[1])
        except SensorError as error:
            told.append(error.reason)
        sensor.wait(4)
    assert told == [3000, 3000, "sensor_range", 3000, 3000, 3000]


def test_a_jump_that_lasts_is_believed_after_half_a_minute():
    sensor = Sensor(lambda s: 3000 if s < 5 else 1500)
    assert sensor.read() == (None, 3000)
    sensor.wait(5)
    begin_ms = sensor.passed_ms
    while sensor.passed_ms - begin_ms < 29000:
        assert sensor.reason() == "sensor_range"
        sensor.wait(3)
    sensor.wait(3)
    assert sensor.read() == (None, 1500)


def test_jumps_here_and_there_are_never_believed():
    sensor = Sensor(3000)
    sensor.read()
    for n in range(15):
        sensor.at = lambda s, n=n: 800 if n % 2 else 1600
        assert sensor.reason() == "sensor_range"
        sensor.wait(2)
    sensor.at = lambda s: 3000
    assert sensor.read() == (None, 3000)


def test_one_that_is_frozen():
    sensor = Sensor(1953)
    for _ in range(24):
        assert sensor.read() == (None, 1953)
        sensor.wait(3600)
    assert sensor.reason() == "sensor_range"
    sensor.wait(3600)
    assert sensor.reason() == "sensor_range"
    sensor.at = lambda s: 1954
    assert sensor.read() == (None, 1954)
