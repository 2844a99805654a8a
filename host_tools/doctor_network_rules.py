"""What may be wrong between a unit and its collector: SIM, network, modem, server.

The words of +CEREG, +CSQ, +CESQ and +CME ERROR are those of 3GPP TS 27.007.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from .doctor_rule import Rule
from .language import tr


def rules() -> list[Rule]:
    """Return the rules, in the language of who reads."""
    return [
        *_sim(),
        *_hears_nothing(),
        *_registration(),
        *_attach(),
        *_modem(),
        *_server(),
    ]


def _cme() -> list[tuple[int, str, int, str, str]]:
    """Return of each error its number, cause, weight, sentence and action."""
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


def _see_antenna() -> str:
    return tr("screw the antenna on, turn or raise it, try another place")


def _hears_nothing() -> list[Rule]:
    hears = r"^at (?:\+CSQ: ?99,|\+CESQ: ?(?:\d+,){5}255)"
    antenna = _see_antenna()
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
    ]


def _registration() -> list[Rule]:
    antenna = _see_antenna()

    def stat(number: str) -> str:
        """As the answer to a question, or unasked: +CEREG: 0,2 and +CEREG: 2."""
        return rf'^at \+CEREG: ?(?:\d,{number}(?:,|$)|{number}(?:,"|$))'

    return [
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
    ]


def _attach() -> list[Rule]:
    antenna = _see_antenna()
    return [
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
