"""What may be wrong with a unit: what to look for, what it means in plain words, what to do next.

The words of +CEREG, +CSQ, +CESQ and +CME ERROR are those of 3GPP TS 27.007. A pattern is looked
for in the lines of `doctor_evidence.py`; what its groups find stands in the sentence as {0}, {1}.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import dataclass

from .language import tr

REMARK = 20  # a weight below it is no fault
# Causes that a place without a network or a server has, too; a SIM that is refused is none.
NOBODY_THERE = frozenset(
    ("no_signal", "weak", "searching", "not_searching", "out_of_coverage", "detached")
    + ("no_service", "net_timeout", "no_address", "no_answer", "paused", "silent")
)


@dataclass(frozen=True)
class Rule:
    """A cause. `weight` ranks it, 0 to 100; `also` is another pattern that some line must have."""

    cause: str
    weight: int
    pattern: str
    sentence: str
    action: str
    also: str = ""


def rules() -> list[Rule]:
    """Return all rules, in the language of who reads."""
    return [
        *_registry(),
        *_start(),
        *_power(),
        *_sim(),
        *_network(),
        *_modem(),
        *_server(),
        *_inside(),
    ]


def no_network() -> tuple[str, str]:
    """Return what is said where all may be well but for the place: a sentence, what to do."""
    return (
        tr(
            "Where there is no network or no server yet this is normal: the unit keeps what it"
            " measures, and sends it when there is one."
        ),
        tr("if there is none here, nothing: with --no-network it is not counted as a fault"),
    )


def _registry() -> list[Rule]:
    return [
        Rule(
            *("replaced", 100, r"^registry replaced (\S+) (\S+) (\S+)"),
            tr("This board (MAC {1}) was {0}, and was replaced by the board with MAC {2}."),
            tr("put it aside"),
        ),
    ]


def _start() -> list[Rule]:
    again = tr("read crash.txt in the bundle (--bundle), and flash a newer image")
    write = tr(
        "write it: 'fieldbeat flash --port PORT IMAGE' and 'fieldbeat provision', or the line"
        " 'fieldbeat batch ...' of its plan, which does both"
    )
    return [
        Rule(
            *("prompt", 95, r"^port prompt"),
            tr("The unit stands at the MicroPython prompt: somebody has stopped its program."),
            tr("press Ctrl-D in 'fieldbeat console', or its button EN"),
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
        Rule(
            *("hang_at_once", 92, r"^story ended watchdog while setting up"),
            tr("The program hangs while it sets up, and the watchdog resets it."),
            tr("disconnect sensors and modem one by one and reset; then flash a newer image"),
        ),
        Rule(
            *("hang", 90, r"^story ended watchdog while (.+)"),
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


def _cme() -> list[tuple[int, str, int, str, str]]:
    card = tr("take the SIM out, look at its contacts and its side, and put it in again")
    contract = tr("ask the network operator about this SIM: blocked, NB-IoT, APN, roaming")
    setting = tr("compare the modem, its firmware and its settings with docs/parts.md")
    return [
        (3, "cme_3", 60, tr("The modem does not allow this now."), setting),
        (4, "cme_4", 60, tr("The modem does not know this function."), setting),
        (10, "no_sim", 90, tr("The modem finds no SIM."), card),
        (11, "sim_pin", 90, tr("The SIM wants a PIN."), tr("switch its PIN off, in a telephone")),
        (12, "sim_puk", 90, tr("The SIM is locked and wants its PUK."), contract),
        (13, "sim_failure", 89, tr("The SIM has failed."), tr("try another SIM")),
        (14, "sim_busy", 62, tr("The SIM is busy."), tr("wait a minute and reset the unit")),
        (15, "sim_wrong", 89, tr("It is a wrong SIM for this modem."), tr("try another SIM")),
        (16, "sim_password", 88, tr("The SIM refused a password."), contract),
        (20, "memory_full", 58, tr("The memory of the modem is full."), setting),
        (23, "memory", 58, tr("The memory of the modem has failed."), tr("change the modem")),
        (30, "no_service", 82, tr("There is no network service here."), tr("see the antenna")),
        (31, "net_timeout", 80, tr("The network does not answer in time."), tr("see the antenna")),
        (32, "net_barred", 84, tr("The network allows emergency calls only."), contract),
        (50, "bad_parameter", 72, tr("The modem refused a wrong parameter."), setting),
        (51, "bad_parameter", 70, tr("The modem found a number that it does not know."), setting),
        (53, "bad_parameter", 70, tr("The modem found a wrong parameter."), setting),
        (100, "cme_unknown", 59, tr("The modem failed, and does not know why."), setting),
        (103, "sim_barred", 87, tr("The network does not know this SIM (illegal MS)."), contract),
        (106, "modem_barred", 87, tr("The network bars this modem (illegal ME)."), contract),
        (107, "no_data", 86, tr("Data services are not allowed for this SIM."), contract),
        (111, "network_barred", 86, tr("This network is not allowed for this SIM."), contract),
        (112, "area_barred", 86, tr("This area is not allowed for this SIM."), contract),
        (113, "roaming_barred", 86, tr("Roaming is not allowed for this SIM."), contract),
        (132, "service", 84, tr("The network has no such service."), contract),
        (133, "service", 85, tr("This SIM has no contract for this service."), contract),
        (134, "service", 70, tr("The service is out of order for now."), tr("wait, try later")),
        (148, "net_error", 76, tr("The network refused the data connection."), contract),
        (149, "apn_password", 85, tr("User or password of the APN is wrong."), contract),
    ]


def _sim() -> list[Rule]:
    numbered = [
        Rule(cause, weight, rf"^at .*\+CME ERROR: ?{number}$", sentence, action)
        for number, cause, weight, sentence, action in _cme()
    ]
    known = "|".join(str(row[0]) for row in _cme())
    return [
        *numbered,
        Rule(
            *("cme", 60, rf"^at (?:AT)?(.*) -> \+CME ERROR: ?(?! ?(?:{known})$)(.+)"),
            tr("The modem refused {0} with error {1}."),
            tr("look the number up in the manual of the modem (3GPP TS 27.007, 9.2)"),
        ),
        Rule(
            *("sim_pin", 88, r"^at \+CPIN: ?SIM PIN"),
            tr("The SIM wants a PIN."),
            tr("switch its PIN off, in a telephone"),
        ),
        Rule(
            *("sim_puk", 90, r"^at \+CPIN: ?SIM PUK"),
            tr("The SIM is locked and wants its PUK."),
            tr("ask the network operator for the PUK, or for another SIM"),
        ),
        Rule(
            *("sim_not_ready", 80, r"^at \+CPIN: ?(?! ?READY| ?SIM P)(.*)"),
            tr("The SIM is not ready: {0}"),
            tr("take the SIM out, look at its contacts and its side, and put it in again"),
        ),
    ]


def _network() -> list[Rule]:
    hears = r"^at (?:\+CSQ: ?99,|\+CESQ: ?(?:\d+,){5}255)"

    def stat(number: str) -> str:
        """As the answer to a question, or unasked: +CEREG: 0,2 and +CEREG: 2."""
        return rf'^at \+CEREG: ?(?:\d,{number}(?:,|$)|{number}(?:,"|$))'

    antenna = tr("screw the antenna on, turn or raise it, try another place")
    return [
        Rule(
            *("no_signal", 86, hears),
            tr("The modem hears no network at all: no antenna, no coverage, or wrong bands."),
            antenna,
        ),
        Rule(
            *("wrong_band", 88, r"^at \+[QNC]BAND: ?(?!0$)(\S+)"),
            tr("The modem hears no network, and looks in band {0} only."),
            tr("ask the network operator for its NB-IoT bands; set them in [modem] bands"),
            also=hears,
        ),
        Rule(
            *("searching", 81, stat("2")),
            tr("The modem searches and finds no network that takes it."),
            antenna + tr("; then ask the operator whether the SIM may use NB-IoT"),
        ),
        Rule(
            *("not_searching", 78, stat("0")),
            tr("The modem is not registered and does not search."),
            tr("reset the unit; if it stays so, look at SIM and APN"),
        ),
        Rule(
            *("denied", 87, stat("3")),
            tr("The network refuses this SIM."),
            tr("ask the network operator: is the SIM active, is NB-IoT in its contract, roaming?"),
        ),
        Rule(
            *("out_of_coverage", 79, stat("4")),
            tr("The modem has lost the network: out of coverage."),
            antenna,
        ),
        Rule(
            *("sms_only", 83, stat("[67]")),
            tr("The network registers this SIM for short messages only."),
            tr("ask the network operator for a contract with data"),
        ),
        Rule(
            *("emergency_only", 84, stat("8")),
            tr("The network registers this SIM for emergencies only."),
            tr("ask the network operator: is the SIM active?"),
        ),
        Rule(
            *("roams", 8, stat("5")),
            tr("The unit is in another network than its own: it roams."),
            tr("nothing, unless the contract makes that dear"),
        ),
        Rule(
            *("weak", 50, r"^at (?:\+CSQ: ?[0-3],|\+CESQ: ?(?:\d+,){5}1?\d$)"),
            tr("The signal is very weak: sending takes long and often fails."),
            antenna,
        ),
        Rule(
            *("detached", 77, r"^at \+CGATT: ?0"),
            tr("The modem is registered, but has no data connection."),
            tr("compare the APN in the configuration with the contract of the SIM"),
        ),
        Rule(
            *("searching", 66, r"^wake reg_searching|^counter reg_searching"),
            tr("The modem found no network in time."),
            antenna,
        ),
        Rule(
            *("denied", 68, r"^wake reg_denied|^counter reg_denied"),
            tr("The network has refused this SIM."),
            tr("ask the network operator: is the SIM active, is NB-IoT in its contract, roaming?"),
        ),
    ]


def _modem() -> list[Rule]:
    wires = tr("see the modem's supply, TX and RX, and its power key; then type 'modem'")
    return [
        Rule(
            *("modem_silent", 84, r"^wake modem_silent"),
            tr("The modem does not answer."),
            wires,
        ),
        Rule(
            *("modem_silent", 45, r"^counter modem_silent (\d+)"),
            tr("The modem did not answer {0} times."),
            wires,
        ),
        Rule(
            *("modem_reset", 65, r"^counter modem_reset (\d+)|^wake modem_reset"),
            tr("The modem restarts by itself: mostly its supply breaks down when it sends."),
            tr("measure the modem's supply while it sends; a capacitor near it helps"),
        ),
        Rule(
            *("socket", 74, r"^at (\+QIOPEN: ?0, ?(?!(?:0|56[35])$).+|\+CSOCON.*ERROR.*)"),
            tr("The modem cannot open a way to the server: {0}"),
            tr("compare host and port in the configuration; may this SIM reach that address?"),
        ),
        Rule(
            *("send_failed", 64, r"SEND FAIL|^wake send_failed"),
            tr("The modem could not send."),
            tr("see the antenna; a weak signal is the most frequent reason"),
        ),
        Rule(
            *("modem_error", 40, r"^wake modem_error"),
            tr("The modem refused what it was asked for."),
            tr("see the AT lines in the bundle"),
        ),
    ]


def _server() -> list[Rule]:
    # As +QIOPEN, +CDNSGIP and +QDNS tell it, also of a unit whose app has no reason for it yet.
    no_address = r"^wake network_no_route|^at (?:\+QIOPEN: ?0, ?565|\+CDNSGIP: ?0|\+QDNS.*FAIL)"
    name = tr(
        "is the host in the configuration spelled right, and does its name exist? If it does, ask"
        " the network operator whether this SIM reaches the internet"
    )
    return [
        Rule(
            *("revoked", 93, r"^registry state (revoked|retired)"),
            tr("The registry says that this unit is {0}: its reports are refused."),
            tr("give it a new key with 'fieldbeat rekey', if it is to speak again"),
        ),
        Rule(
            *("key", 86, r"^store refused frame_"),
            tr("The collector refuses what the unit sends: its key is not the registry's."),
            tr("run 'fieldbeat provision --rekey' on this port"),
        ),
        Rule(
            *("no_address", 75, r"^config uplink\.host = (\S+)"),
            tr("The name of the collector, {0}, was not found: no name server knows it."),
            name,
            also=no_address,
        ),
        Rule(
            *("no_address", 74, no_address),
            tr("The name of the collector was not found: no name server knows it."),
            name,
        ),
        Rule(
            *("no_answer", 73, r"^wake no_ack"),
            tr("The unit sends, and nobody answers."),
            tr("see that 'fieldbeat collect' runs and that its UDP port is open to the outside"),
        ),
        Rule(
            *("budget", 62, r"^wake budget_spent|^counter budget_spent (\d+)"),
            tr("The unit has used up the bytes that it may send a day."),
            tr("wait until tomorrow, or raise budget_bytes_day"),
        ),
        Rule(
            *("paused", 30, r"^counter attach_paused (\d+)"),
            tr("After failures the unit pauses before it tries again."),
            tr("type 'uplink' on its console to try now"),
        ),
    ]


def _inside() -> list[Rule]:
    return [
        Rule(
            *("sensor", 48, r"^sensor (\S+) .*\((?:comm|sensor)[ _]fault"),
            tr("The sensor of {0} gives no value that can be believed."),
            tr("type 'read' with its part on the console; see plug, address and supply"),
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
            tr("A task of the program was restarted {0} times."),
            tr("see crash.txt in the bundle"),
        ),
        Rule(
            *("silent", 42, r"^store silent (\S+)"),
            tr("The collector has not heard the unit since {0}."),
            tr("the causes above say why; 'fieldbeat show --gaps' says what is missing"),
        ),
    ]
