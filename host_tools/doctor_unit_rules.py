"""What may be wrong with the unit itself: its program, its supply, its parts."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .doctor_rule import Rule
from .language import tr


def rules() -> list[Rule]:
    """Return the rules, in the language of who reads."""
    return [*_out_of_use(), *_without_program(), *_crashed(), *_does_nothing(), *_power()]


def _out_of_use() -> list[Rule]:
    return [
        Rule(
            *("replaced", 100, r"^registry replaced (\S+) (\S+) (\S+)"),
            tr("This board (MAC {1}) was {0}, and was replaced by the board with MAC {2}."),
            tr("put it aside"),
        ),
    ]


def _without_program() -> list[Rule]:
    write = tr(
        "write it: 'fieldbeat flash --port PORT IMAGE' and 'fieldbeat provision', or the line"
        " 'fieldbeat batch ...' of its plan, which does both"
    )
    return [
        Rule(
            *("prompt", 95, r"^port prompt"),
            tr(
                "The unit stands at the MicroPython prompt: its program was stopped, "
                "or cannot be loaded."
            ),
            tr(
                "press Ctrl-D in 'fieldbeat console', or its button EN; if it stands there again, "
                "write it anew: 'fieldbeat flash' with its image, or its plan's line with "
                "--again UNIT (what it has not sent is lost)"
            ),
        ),
        Rule(
            *("bare", 97, r"^console .*(?:invalid header: 0xffffffff|flash read err, 1000)"),
            tr("The board is bare: its flash is new or erased, and no program is in it."),
            write,
        ),
        Rule(
            *("no_program", 96, r"^port empty"),
            tr("The boot loader finds no program in the flash: it was written in part, or wrong."),
            write,
        ),
    ]


def _crashed() -> list[Rule]:
    again = tr("read crash.txt in the bundle (--bundle), and flash a newer image")
    return [
        Rule(
            *("hang_at_once", 92, r"^story ended watchdog while setting up"),
            tr("The program hangs while it sets up, and the watchdog resets it."),
            tr("disconnect sensors and modem one by one and reset; then flash a newer image"),
        ),
        Rule(
            *("hang", 90, r"^story ended watchdog while (?!setting up$)(.+)"),
            tr("The program hung while {0}, until the watchdog reset it."),
            tr("disconnect the part that it worked with and reset; send the bundle to support"),
        ),
        Rule(
            *("task_hang", 88, r"^story late (.+)"),
            tr("The task '{0}' was silent for too long, and the watchdog reset the unit."),
            tr("send the bundle to support; its traceback and last steps are in it"),
        ),
        Rule(
            *("crash_loop", 89, r"safe mode.*(boots failed|fails again and again|cannot start)"),
            tr("The program failed again and again, so the unit went into safe mode."),
            again,
        ),
        Rule(
            *("crash", 70, r"^crash (\S.*)"),
            tr("The program has crashed: {0}"),
            again,
        ),
        Rule(
            *("watchdog", 75, r"^story boot watchdog"),
            tr("The watchdog has reset the unit: its program hung between two steps."),
            tr("send the bundle to support"),
        ),
    ]


def _does_nothing() -> list[Rule]:
    return [
        Rule(
            *("bad_data", 93, r"^status safe mode .*(config|board|profile)\S*\.cbor"),
            tr("The data of the unit cannot be used, so it runs its console only."),
            tr("run 'fieldbeat provision' again; if that does not help, 'fieldbeat flash'"),
        ),
        Rule(
            *("not_provisioned", 80, r"it has no keys yet|not_provisioned"),
            tr("The unit has no keys, so it measures and sends nothing."),
            tr("run 'fieldbeat provision' on this port"),
        ),
        Rule(
            *("sleeps", 10, r"^port held", tr("The unit sleeps between its tasks and is silent.")),
            tr("nothing: it sleeps as its configuration says; it wakes by itself or by EN"),
            also=r"^config power\.sleep = deep",
        ),
        Rule(
            *("hang_silent", 89, r"^port held"),
            tr("The unit did not answer before it was reset: its program hung or slept."),
            tr(
                "the reset has started it again, so nothing now; run doctor again after ten"
                " minutes. If it is silent then, send the bundle (--bundle) to support"
            ),
        ),
    ]


def _power() -> list[Rule]:
    supply = tr("measure the supply while it sends (peaks of 0.5 A), look at plugs and battery")
    return [
        Rule(
            *("brown_out", 94, r"(?i)brownout detector"),
            tr("The supply voltage broke down: the chip's own detector has reset it."),
            supply,
        ),
        Rule(
            *("brown_out", 91, r"^story ended (?:dip|power) while (.+)"),
            tr("The supply broke down while the unit was {0}."),
            supply,
        ),
        Rule(
            *("power_dips", 55, r"^story boot dip"),
            tr("The supply was away for a moment, or somebody pressed EN."),
            tr("if nobody did, look at plugs, fuse and battery"),
        ),
        Rule(
            *("battery", 85, r"^rail (\d+) mV low|^counter battery_low|^wake battery_low"),
            tr("The battery is low."),
            tr("charge or change it; see the solar panel and its plug"),
        ),
    ]


def inside() -> list[Rule]:
    """Return the rules of what a unit that works has counted of itself and its parts."""
    return [
        Rule(
            *("sensor", 48, r"^sensor (\S+) .*\((?:comm|sensor)[ _]fault"),
            tr("The sensor of {0} gives no value that can be believed."),
            tr("type 'read' with its part on the console; see plug, address and supply"),
        ),
        Rule(
            *("deaf", 91, r"^selftest FAIL speaker\.issuers \D*(\d+)"),
            tr("It would be silent in an emergency: of those who may order one it obeys {0}."),
            tr(
                "see 'fieldbeat issuer list'; then 'fieldbeat provision' on this port, or"
                " 'fieldbeat issuer send --unit NAME'"
            ),
        ),
        Rule(
            *("strangers", 92, r"^registry strangers (.+)"),
            tr("It obeys {0}, who is not in office here: others can make it speak."),
            tr("see 'fieldbeat issuer list'; then 'fieldbeat provision' on this port"),
        ),
        Rule(
            *("bus", 35, r"^counter (i2c_nack|sensor_timeout|sensor_crc) (\d+)"),
            tr("Sensors did not answer or were not understood ({0}, {1} times)."),
            tr("run 'fieldbeat check sensors' on this port"),
        ),
        Rule(
            *("flash", 67, r"^counter (fs_corrupt|outbox_corrupt) (\d+)"),
            tr("The flash has given back what was not written ({0}, {1} times)."),
            tr("bring the data home with 'fieldbeat swap' if it goes on, and change the board"),
        ),
        Rule(
            *("outbox_full", 52, r"^counter outbox_full"),
            tr("More waits than the flash can hold: the oldest records are lost."),
            tr("look for why nothing was sent; the causes above"),
        ),
        Rule(
            *("restarts", 38, r"^counter task_restart (\d+)"),
            tr("Tasks of the program were restarted ({0} in all)."),
            tr("see crash.txt in the bundle"),
        ),
        Rule(
            *("silent", 42, r"^store silent (\S+)"),
            tr("The collector has not heard the unit since {0}."),
            tr("the causes above say why; 'fieldbeat show --gaps' says what is missing"),
        ),
    ]
