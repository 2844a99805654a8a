"""Light and deep sleep of a virtual board: what ends, what is kept, what wakes it and says so."""

from types import SimpleNamespace

from fieldbeat.hil_tests.bare_desk import BareDesk
from fieldbeat.hil_tests.small_image import MANIFEST, image
from fieldbeat.hil_tests.virtual.board import VirtualBoard
from fieldbeat.hil_tests.virtual.models.contact import Contact
from fieldbeat.hil_tests.virtual.sleep import GPIO
from fieldbeat.hil_tests.virtual.world import World

MAC = bytes.fromhex("02fb00000001")
RAIN, DOOR = 33, 32  # pins


class Desk(BareDesk):
    """A board with two contacts, which are high while they are active."""

    def __init__(self, workdir):
        world = World(1)
        self.rain, self.door = Contact(world, 1), Contact(world, 1)
        fitted = SimpleNamespace(inputs={RAIN: self.rain, DOOR: self.door})
        super().__init__(world, VirtualBoard(world, MANIFEST, workdir, MAC, fitted))

    def run(self, main, seconds):
        self.board.flash.load(0, image({"main.py": main}))
        self.board.power_on()
        self.world.run_for(seconds)
        return self.printed()


DEEP = """
import esp32, machine, time
if machine.reset_cause() == machine.DEEPSLEEP_RESET:
    print("woken", machine.wake_reason(), len(machine.RTC().memory()))
machine.RTC().memory(bytes(2048))
{}
time.sleep(1)
machine.deepsleep({})
"""


def test_deep_sleep_ends_the_program_and_the_timer_starts_it_anew(desk):
    printed = desk.run(DEEP.format("", 60_000), 130)
    assert printed == ["woken 4 2048", "woken 4 2048"]
    assert desk.board.resets == [1, 4, 4]


def test_without_a_timer_it_sleeps_until_a_pin_wakes_it(desk):
    armed = "esp32.wake_on_ext0(machine.Pin(33, machine.Pin.IN), esp32.WAKEUP_ANY_HIGH)"
    assert desk.run(DEEP.format(armed, -1), 86_400) == []
    assert desk.board.state == "sleep" and desk.board.processor.interpreter is None
    desk.rain.set(True)
    desk.world.run_for(1)
    assert desk.printed() == ["woken 2 2048"]


def test_a_pin_that_has_its_level_already_wakes_at_once(desk):
    armed = "esp32.wake_on_ext0(machine.Pin(33, machine.Pin.IN), esp32.WAKEUP_ANY_HIGH)"
    desk.rain.set(True)
    assert desk.run(DEEP.format(armed, -1), 7)[:3] == ["woken 2 2048"] * 3


ARM_TWO = "esp32.wake_on_ext1([machine.Pin(n, machine.Pin.IN) for n in (32, 33)], esp32.{})"


def test_ext1_wakes_when_any_of_its_pins_is_high(desk):
    desk.run(DEEP.format(ARM_TWO.format("WAKEUP_ANY_HIGH"), 3_600_000), 10)
    desk.door.set(True)
    desk.world.run_for(0.5)
    desk.door.set(False)
    desk.world.run_for(10)
    assert desk.printed() == ["woken 3 2048"]


def test_ext1_wakes_when_all_of_its_pins_are_low(desk):
    desk.rain.set(True)
    desk.door.set(True)
    desk.run(DEEP.format(ARM_TWO.format("WAKEUP_ALL_LOW"), 3_600_000), 10)
    desk.rain.set(False)
    desk.world.run_for(10)
    assert desk.printed() == []
    desk.door.set(False)
    desk.world.run_for(1)
    assert desk.printed() == ["woken 3 2048"]


def test_a_reset_has_no_wake_reason_and_pins_are_armed_for_one_program(desk):
    armed = "if machine.reset_cause() == 1: " + ARM_TWO.format("WAKEUP_ANY_HIGH")
    desk.run(DEEP.format(armed, -1), 10)
    desk.rain.set(True)  # wakes it once; the program after that has armed nothing
    desk.world.run_for(10)
    assert desk.printed() == ["woken 3 2048"]
    desk.rain.set(False)
    desk.board.reset()
    desk.world.run_for(10)
    main = "import machine\nprint(machine.reset_cause(), machine.wake_reason())\n"
    assert desk.board.resets == [1, 4, 1]
    desk.board.power_off()
    assert "1 0" in desk.run(main, 2)


def test_pins_that_sleep_too_cannot_wake(desk):
    printed = desk.run(
        "import esp32, machine\n"
        "for arm in (lambda: esp32.wake_on_ext0(machine.Pin(5), True),\n"
        "            lambda: esp32.wake_on_ext1((machine.Pin(33), machine.Pin(17)), True)):\n"
        "    try:\n"
        "        arm()\n"
        "    except ValueError as error:\n"
        "        print(error)\n",
        2,
    )
    assert printed == ["invalid pin", "invalid pin"]


def test_rtc_memory_has_2048_bytes_which_a_reset_keeps_and_a_power_cut_takes(desk):
    main = (
        "import machine\n"
        "rtc = machine.RTC()\n"
        "print(len(rtc.memory()), rtc.memory()[-3:])\n"
        "if machine.reset_cause() == 1:\n"
        "    rtc.memory(bytes(2045) + b'end')\n"
        "    try:\n"
        "        rtc.memory(bytes(2049))\n"
        "    except ValueError as error:\n"
        "        print(error)\n"
        "    machine.reset()\n"
        "rtc.memory(b'')\n"
        "print(rtc.memory())\n"
    )
    assert desk.run(main, 3) == ["0 b''", "buffer too long", "2048 b'end'", "b''"]
    assert desk.board.resets == [1, 2]
    desk.board.power_off()
    at = len(desk.printed())
    desk.board.power_on()
    desk.world.run_for(3)
    assert desk.printed()[at:][0] == "0 b''"


LIGHT = """
import esp32, machine, time
{}
kept = [1, 2, 3]
machine.WDT(timeout=5000)
t = time.ticks_ms()
machine.lightsleep({})
print("awake", time.ticks_diff(time.ticks_ms(), t) // 1000, machine.wake_reason(), kept)
print(machine.reset_cause())
time.sleep(4)
print("alive")
time.sleep(3)
"""


def test_light_sleep_keeps_the_program_and_stops_its_watchdog(desk):
    printed = desk.run(LIGHT.format("", 3_600_000), 3_606)
    assert printed == ["awake 3600 4 [1, 2, 3]", "1", "alive"]
    desk.world.run_for(1)  # time is up
    assert desk.board.resets == [1, 3]


def test_a_pin_ends_light_sleep(desk):
    armed = "esp32.wake_on_gpio((machine.Pin(33, machine.Pin.IN),), esp32.WAKEUP_ANY_HIGH)"
    desk.run(LIGHT.format(armed, -1), 100)
    assert desk.printed() == [] and desk.board.state == "light sleep"
    desk.rain.set(True)
    desk.world.run_for(1)
    assert desk.printed()[0] == f"awake 99 {GPIO} [1, 2, 3]"


def test_what_the_console_hears_in_light_sleep_is_lost_and_may_wake(desk):
    desk.run(LIGHT.format("", 50_000), 10)
    desk.board.console_write(b"hello")
    desk.world.run_for(10)
    assert desk.board.state == "light sleep" and desk.board.hardware.sleep.lost == 5
    desk.board.power_off()
    armed = "esp32.wake_on_gpio((machine.Pin(3),), esp32.WAKEUP_ALL_LOW)"
    desk.run(LIGHT.format(armed, -1), 10)
    desk.board.console_write(b"x")
    desk.world.run_for(1)
    assert desk.printed()[-2] == f"awake 9 {GPIO} [1, 2, 3]"
    assert not desk.board.console.stdin


def test_ordinary_pins_cannot_end_deep_sleep(desk):
    armed = "esp32.wake_on_gpio((machine.Pin(33, machine.Pin.IN),), esp32.WAKEUP_ANY_HIGH)"
    desk.run(DEEP.format(armed, 60_000), 10)
    desk.rain.set(True)
    desk.world.run_for(30)
    assert desk.printed() == []


def test_the_timeline_is_told(desk):
    told = []
    desk.world.listeners.append(lambda us, who, what, more: told.append((what, more)))
    armed = "esp32.wake_on_ext0(machine.Pin(33, machine.Pin.IN), True)"
    desk.run(DEEP.format(armed, 2_000), 3)
    desk.rain.set(True)
    desk.world.run_for(2)
    assert ("state", "sleep") in told and ("woken", "EXT0") in told
