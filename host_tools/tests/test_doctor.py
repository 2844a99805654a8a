"""The rules of `doctor`: each line of a modem has its sentence, the likeliest cause is first."""

import json
import tempfile
import zipfile
from dataclasses import asdict
from pathlib import Path

import cbor2
import pytest
from fieldbeat.host_tools import doctor_bundle, doctor_reading, doctor_rules, files, flight_records
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.doctor import diagnose
from fieldbeat.host_tools.doctor_evidence import Evidence
from fieldbeat.host_tools.doctor_masks import masked
from fieldbeat.host_tools.doctor_rules import rules
from fieldbeat.host_tools.errors import CannotTry


def ring(*told):
    """A recorder's file: (code, value or text)."""
    return b"".join(
        cbor2.dumps([code, 0, value] if isinstance(value, int) else [code, value])
        for code, value in told
    )


def dialogue(*lines):
    """A recorder's file of AT lines; those that begin with AT were sent."""
    codes = [flight_records.SENT if line[:2] == "AT" else flight_records.HEARD for line in lines]
    return ring(*((code, line.encode()) for code, line in zip(codes, lines, strict=True)))


STEP, BOOT = flight_records.STEP, flight_records.BOOT


def judge(evidence, **more):
    """What is found, of the unit and of its bundle alike: no mask changes what is judged."""
    found = diagnose(evidence.lines(), **more)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "judged.zip"
        doctor_bundle.write(file, evidence, found)
        assert doctor_bundle.read(file) == (evidence.unit, evidence.lines())
        assert diagnose(doctor_bundle.read(file)[1], **more) == found
        with zipfile.ZipFile(file) as bundle:
            assert json.loads(bundle.read("findings.json")) == [asdict(each) for each in found]
    seen = [each.seen for each in found if not each.about]
    assert all(seen) and len(set(seen)) == len(seen), found  # no sign is told twice
    return found


def causes(data, **more):
    found = [each.cause for each in judge(Evidence(files={"flight.cbor": data}, **more))]
    return [cause for cause in found if cause != "no_network"]  # a remark on what is told


def test_a_loudspeaker_that_obeys_too_few_is_found():
    told = "ok speaker supply and clips are well\nFAIL speaker.issuers obeys 1 who may order an"
    found = judge(Evidence(verbs={"selftest": f"{told} emergency, needs 2: fieldbeat issuer"}))
    assert [each.cause for each in found] == ["deaf"] and "it obeys 1" in found[0].sentence
    assert judge(Evidence(verbs={"selftest": told.replace("FAIL", "ok")})) == []


@pytest.mark.parametrize(
    "line, cause",
    [
        ("+CEREG: 0,0", "not_searching"),
        ("+CEREG: 0,2", "searching"),
        ("+CEREG: 0,3", "denied"),
        ("+CEREG: 3", "denied"),
        ('+CEREG: 2,"0001","01A2D101",9', "searching"),
        ("+CEREG: 0,4", "out_of_coverage"),
        ("+CEREG: 0,5", "roams"),
        ("+CEREG: 0,7", "sms_only"),
        ("+CEREG: 0,8", "emergency_only"),
        ("+CSQ: 99,99", "no_signal"),
        ("+CSQ: 2,99", "weak"),
        ("+CESQ: 99,99,255,255,255,255", "no_signal"),
        ("+CESQ: 10,0,255,255,2,12", "weak"),
        ("+CGATT: 0", "detached"),
        ("+CPIN: SIM PIN", "sim_pin"),
        ("+QIOPEN: 0,566", "socket"),
        ("+QIOPEN: 0,565", "no_address"),
        ("+CDNSGIP: 0,8", "no_address"),
        ("+QDNS:QUERY_DNS_FAILED", "no_address"),
    ],
)
def test_what_a_modem_says_has_its_cause(line, cause):
    assert causes(dialogue("AT+X", line, "OK")) == [cause]


@pytest.mark.parametrize(
    "line",
    [
        "+CEREG: 0,1",
        "+CEREG: 2,1",
        "+CPIN: READY",
        "+CSQ: 20,0",
        "+QIOPEN: 0,0",
        "+QIOPEN: 0,563",
        "+QBAND: 0",
    ],
)
def test_what_is_well_has_none(line):
    assert causes(dialogue("AT+X", line, "OK")) == []


@pytest.mark.parametrize("number", [3, 4, 10, 11, 12, 13, 14, 15, 16, 30, 50, 100, 111, 148, 567])
def test_every_error_has_a_sentence(number):
    data = dialogue("AT+CFUN=1", f"+CME ERROR: {number}")
    assert len(causes(data)) == 1
    finding = judge(Evidence(files={"flight.cbor": data}))[0]
    assert finding.is_fault and finding.sentence and finding.action


def test_what_was_mended_since_does_not_count():
    assert (
        causes(dialogue("AT+CEREG?", "+CEREG: 0,2", "OK", "AT+CEREG?", "+CEREG: 0,1", "OK")) == []
    )
    assert causes(dialogue("AT+CFUN=1", "+CME ERROR: 10", "AT+CFUN=1", "OK")) == []


def test_a_wrong_band_is_likelier_than_no_antenna():
    lines = dialogue(
        "AT+CESQ", "+CESQ: 99,99,255,255,255,255", "OK", "AT+QBAND?", "+QBAND: 8", "OK"
    )
    assert causes(lines)[0] == "wrong_band"


@pytest.mark.parametrize(
    "told, cause",
    [
        ([(STEP, 0x300), (BOOT, 3)], "hang_at_once"),
        ([(STEP, 0x201), (BOOT, 3 | 0x100)], "hang"),
        ([(BOOT, 3)], "watchdog"),
        ([(STEP, 0x203), (BOOT, 0x101)], "brown_out"),
        ([(BOOT, 0x101)], "power_dips"),
        ([(flight_records.LATE, b"uplink"), (BOOT, 3)], "task_hang"),
        ([(flight_records.RAIL, 3900), (flight_records.RAIL, 3100)], "battery"),
        ([(flight_records.WAKE, b"modem_silent")], "modem_silent"),
        ([(flight_records.WAKE, b"no_ack")], "no_answer"),
    ],
)
def test_what_the_recorder_tells(told, cause):
    assert causes(ring(*told))[0] == cause


def judged(data, **more):
    """(cause, whether it is a fault) of all that is found."""
    found = judge(Evidence(files={"flight.cbor": data}), **more)
    return [(finding.cause, finding.is_fault) for finding in found]


def test_a_village_without_a_network_is_normal_if_somebody_says_so():
    lonely = ring((flight_records.WAKE, b"no_ack"))
    assert judged(lonely) == [("no_answer", True), ("no_network", False)]
    assert judged(lonely, nobody_there=True) == [("no_network", False), ("no_answer", False)]
    for known in (False, True):  # who has said so is not told to say so
        (remark,) = (
            each
            for each in judge(Evidence(files={"flight.cbor": lonely}), nobody_there=known)
            if each.cause == "no_network"
        )
        assert ("with --no-network it is" in remark.action) == (not known)
    assert judged(ring((flight_records.WAKE, b"acked")), nobody_there=True) == []
    searching = dialogue("AT+CEREG?", "+CEREG: 0,2", "OK")
    assert not any(is_fault for _, is_fault in judged(searching, nobody_there=True))
    refused = dialogue("AT+CEREG?", "+CEREG: 0,2", "OK", "AT+CPIN?", "+CME ERROR: 10")
    told = judged(refused, nobody_there=True)
    assert told[0] == ("no_sim", True) and told[1:] == [
        ("no_network", False),
        ("searching", False),
    ]


def test_a_name_that_nobody_knows_is_told_with_the_host():
    config = {"uplink": {"host": "collector.example.org"}}
    old = dialogue("AT+CDNSGIP=...", "+CDNSGIP: 0,8") + ring((flight_records.WAKE, b"modem_error"))
    for data in (old, ring((flight_records.WAKE, b"network_no_route"))):
        evidence = Evidence(config=config, files={"flight.cbor": data})
        found = judge(evidence)
        assert [each.cause for each in found] == ["no_address", "no_network"]
        assert "collector.example.org" in found[0].sentence and found[0].is_fault
        assert not any(each.is_fault for each in judge(evidence, nobody_there=True))


def test_a_program_that_hangs_is_told_before_a_place_where_nobody_hears_it():
    lonely = ring((flight_records.WAKE, b"no_ack"))
    searching = dialogue("AT+CESQ", "+CESQ: 99,99,255,255,255,255", "OK")
    for data in (lonely, searching, lonely + searching):
        found = judge(Evidence(port="held", files={"flight.cbor": data}))
        assert found[0].cause == "hang_silent" and "the reset has started it" in found[0].action
    last = ring((STEP, 0x201), (BOOT, 3 | 0x100))  # what it hung at says more
    assert [each.cause for each in judge(Evidence(port="held", files={"flight.cbor": last}))] == [
        "hang"
    ]


def test_what_is_normal_without_a_network_is_a_cause_of_some_rule():
    assert {rule.cause for rule in rules()} >= doctor_rules.NOBODY_THERE


@pytest.mark.parametrize(
    "said, cause",
    [
        ("invalid header: 0xffffffff", "bare"),
        ("flash read err, 1000", "bare"),
        ("invalid header: 0x00000000", "no_program"),
        ("E (57) boot: No bootable app partitions in the partition table", "no_program"),
    ],
)
def test_a_board_without_a_program(said, cause):
    (found,) = judge(Evidence(port="empty", console=f"rst:0x1\n{said}\n"))
    assert found.cause == cause and "fieldbeat flash" in found.action


@pytest.mark.parametrize(
    "told, expected",
    [
        ([(STEP, 0x300), (BOOT, 3)], ["hang_at_once"]),
        ([(STEP, 0x201), (BOOT, 3), (STEP, 0x300), (BOOT, 3)], ["hang_at_once", "hang"]),
        ([(flight_records.LATE, b"uplink"), (BOOT, 3)], ["task_hang"]),
        (
            [
                (flight_records.SENT, b"AT+CFUN=1"),
                (flight_records.HEARD, b"+CME ERROR: 50"),
                (flight_records.WAKE, b"modem_error"),
            ],
            ["bad_parameter"],
        ),
    ],
)
def test_a_sign_belongs_to_one_cause(told, expected):
    assert causes(ring(*told)) == expected


def test_data_that_cannot_be_used_are_no_crash_as_well():
    status = "safe mode  cannot start: ValueError('/config.cbor is torn'); see /crash.txt"
    (found,) = judge(Evidence(verbs={"status": status}))
    assert found.cause == "bad_data"


def test_what_is_normal_without_a_network_is_named_and_not_told_again(
    tmp_path, capsys, monkeypatch
):
    data = dialogue("AT+CEREG?", "+CEREG: 0,2", "OK") + ring((flight_records.WAKE, b"no_ack"))
    evidence = Evidence(unit="gh-07", files={"flight.cbor": data})
    monkeypatch.setattr(doctor_reading, "read_port", lambda *_: evidence)
    here = ["--registry", str(tmp_path / "none"), "--db", str(tmp_path / "none")]
    assert main(["doctor", "--port", "/dev/ttyUSB0", *here]) == 1
    said = capsys.readouterr().out
    assert said.count("+CEREG: 0,2") == said.count("wake no_ack") == 1
    assert "3. Where there is no network" in said and said.endswith("about: 1, 2\n")


def test_a_boot_that_doctor_made_itself_is_no_event():
    held = flight_records.HELD.encode()
    assert causes(ring((STEP, 0x203), (BOOT, 0x101), (flight_records.SAFE, held))) == []


def test_a_torn_recorder_is_read_as_far_as_it_goes():
    data = ring((flight_records.WAKE, b"no_ack")) + b"\x83\x18"
    assert causes(data) == ["no_answer"]
    assert causes(b"\xff\xfe garbage") == []


def test_the_supply_is_named_before_what_follows_from_it():
    data = ring((STEP, 0x203), (BOOT, 0x101), (flight_records.WAKE, b"modem_silent"))
    assert causes(data)[0] == "brown_out"


def test_no_rule_is_without_words():
    for rule in rules():
        assert 0 < rule.weight <= 100 and rule.sentence and rule.action and rule.pattern


@pytest.mark.parametrize(
    "text, left",
    [
        ("imsi 460001234567890", "imsi 46000...90"),
        ("iccid 89860012345678901234", "iccid 89860...34"),
        ("key 00112233445566778899aabbccddeeff", "key 0011..."),
        ("wifi.password = hunter2", "wifi.password = ***"),
        ('AT+QCGAUTH=1,1,"me","pw"', "AT+QCGAUTH=***"),
        ('AT*MCGDEFCONT="IP","apn","user","pw"', "AT*MCGDEFCONT=***"),
        ('*MCGDEFCONT: "IP","apn","user","pw"', "*MCGDEFCONT: ***"),
        ('at AT+CPIN="1234" -> +CME ERROR: 16', "at AT+CPIN=*** -> +CME ERROR: 16"),
        ("key 00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff at last", "key 00:11... at last"),
        ("mac aa:bb:cc:dd:ee:ff", "mac aa:bb:cc:dd:ee:ff"),
        (
            "2026-11-27 07:37:17 to 2026-11-27 08:00:00",
            "2026-11-27 07:37:17 to 2026-11-27 08:00:00",
        ),
        ("password: my secret phrase\nuptime 5 s", "password: ***\nuptime 5 s"),
        ("asks for the PIN\nuptime 5 s", "asks for the PIN\nuptime 5 s"),
        ("AT+CPIN?", "AT+CPIN?"),
        ("+CPIN: SIM PIN", "+CPIN: SIM PIN"),
        ("+CPIN: SIM PUK", "+CPIN: SIM PUK"),
        ("fieldbeat> unlock 7ZK4-0M1X", "fieldbeat> unlock ***"),
        ("see 'unlock CODE'", "see 'unlock CODE'"),
        ("config uplink.interval_s = 3600", "config uplink.interval_s = 3600"),
    ],
)
def test_what_is_masked(text, left):
    assert masked(text) == left


def test_what_the_verb_prints_is_masked(tmp_path, capsys, monkeypatch):
    crash = b"after 1 s:\nOSError: wrong password hunter2 22\n"
    evidence = Evidence(unit="gh-07", files={"crash.txt": crash})
    evidence.missing.append("log: key 00112233445566778899aabbccddeeff")
    monkeypatch.setattr(doctor_reading, "read_port", lambda *_: evidence)
    here = ["--registry", str(tmp_path / "none"), "--db", str(tmp_path / "none")]
    for more in ([], ["--json"]):
        assert main(["doctor", "--port", "/dev/ttyUSB0", *here, *more]) == 1
        said = capsys.readouterr().out
        assert "wrong password ***" in said and "key 0011..." in said
        assert "hunter" not in said and " 22" not in said and "4455" not in said


def test_a_bundle_takes_the_place_of_another_whole_or_not_at_all(tmp_path, monkeypatch):
    file = tmp_path / "gh-07.zip"
    doctor_bundle.write(file, Evidence(unit="gh-07"), [])
    before = file.read_bytes()

    def pulled(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.os, "replace", pulled)
    with pytest.raises(CannotTry, match="cannot be written: Input/output error"):
        doctor_bundle.write(file, Evidence(unit="gh-08"), [])
    assert file.read_bytes() == before and list(tmp_path.iterdir()) == [file]


def test_no_code_that_was_typed_is_in_a_bundle(tmp_path):
    file = tmp_path / "gh-07.zip"
    evidence = Evidence(unit="gh-07", console=">>> unlock 7ZK4-0M1X\r\n", verbs={"log": "7 a"})
    evidence.verbs["log"] += "\nunlock 7zk40m1x"
    doctor_bundle.write(file, evidence, [])
    with zipfile.ZipFile(file) as bundle:
        whole = b"".join(bundle.read(name) for name in bundle.namelist()).lower()
    assert b"unlock ***" in whole and b"7zk4" not in whole


def test_a_zip_that_doctor_did_not_write_is_refused(tmp_path):
    file = tmp_path / "gh-07.zip"
    doctor_bundle.write(file, Evidence(unit="gh-07"), [])
    assert doctor_bundle.read(file)[0] == "gh-07"
    whole = file.read_bytes()
    refused = 0
    for at in range(len(whole)):  # of some flags, methods and sizes zipfile raises what it likes
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :])
        try:
            doctor_bundle.read(file)
        except CannotTry:
            refused += 1
    assert refused > len(whole) // 4


def test_the_verb_says_what_it_needs(capsys, tmp_path):
    assert main(["doctor"]) == 2
    assert "--bundle-from" in capsys.readouterr().err
    assert main(["doctor", "--bundle-from", str(tmp_path / "none.zip")]) == 2
    assert "no bundle" in capsys.readouterr().err
