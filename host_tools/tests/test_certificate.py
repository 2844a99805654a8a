"""Certificates: what they say, what pycose makes of them, and all that may be wrong with one."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import replace
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import cbor2
import cddl_verifier
import pytest
from fieldbeat.host_tools import (
    acceptance,
    certificate,
    certificate_page,
    language,
    technicians,
    unit_acceptance,
    unit_labels,
)
from fieldbeat.host_tools.acceptance import FAILED, NOT_TESTED, PASSED, Check
from fieldbeat.host_tools.certificate import Certificate, Damaged, Picture
from fieldbeat.host_tools.certificate_page import CertificateLabel
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.issuer_keys import KeyFileError
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.signing import Signer
from fieldbeat.host_tools.technicians import DAY_S, Technicians
from fieldbeat.protocols import cose
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key
from pycose.messages import Sign1Message

NOW = 1_790_000_000
SECRET = "four words of mine"
CDDL = Path(__file__).parents[2] / "protocols" / "cddl" / "certificate.cddl"
CHECKS = (
    Check("battery.voltage", PASSED, Decimal("4.138"), "V", Decimal("3.5"), Decimal("4.3")),
    Check("modem.rsrp", PASSED, Decimal("-98"), "dBm", Decimal("-125"), Decimal("-44")),
    Check("clock.time", NOT_TESTED, text="not set yet"),
)
BROKEN = Check("air", FAILED, text="sensor_absent: no answer at address 68 <here>")
GOOD = Certificate(
    *("gh-01", "valley", b"\0\1", bytes(6), "greenhouse_esp32", "greenhouse"),
    *("MicroPython 1.25.0", "0.1.0", "1630443b6f04d7a5", bytes(32), "li", NOW, CHECKS),
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture
def units(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    registry = Registry(now=lambda: NOW)
    yield registry
    registry.close()


@pytest.fixture
def known(units):
    return Technicians(units, lambda: NOW)


@pytest.fixture
def signer(units, known, tmp_path):
    known.new("li", 30, SECRET)
    (tmp_path / "pass").write_text(SECRET)
    (tmp_path / "pass").chmod(0o600)
    return Signer(known.get("li"), technicians.open_key(known.get("li"), tmp_path / "pass"))


def signed(signer, what=GOOD):
    return certificate.sign(what, signer.technician, signer.key)


def problems(data, known, **more):
    return certificate.verify(data, known.all(), "it", **more).problems


def test_pycose_verifies_it_and_cbor2_reads_it(signer):
    data = signed(signer)
    assert data[0] == 0xC0 | Sign1Message.cbor_tag
    # CoseMessage.decode() does not know what cbor2 6 makes of a tag: this is the step after it.
    message = Sign1Message.from_cose_obj(cbor2.loads(data[1:]), allow_unknown_attributes=True)
    x, y = signer.technician.key[:32], signer.technician.key[32:]
    message.key = EC2Key(crv="P_256", x=x, y=y)
    assert message.verify_signature()
    assert message.phdr[KID] == signer.technician.kid
    assert message.phdr[Algorithm].fullname == "ES256"
    body = cbor2.loads(message.payload)
    assert body[0] == "fieldbeat certificate 1" and body[1] == "gh-01" and body[13] == NOW
    assert list(body[14][0][:4]) == ["battery.voltage", 0, Decimal("4.138"), "V"]


def test_what_is_written_is_read(signer, known):
    what = replace(
        GOOD, checks=(*CHECKS, BROKEN), pictures=(Picture("gate", "image/png", PNG),),
        firmware_sha256=bytes(32),
    )  # fmt: skip
    found = certificate.verify(signed(signer, what), known.all(), "it", "gh-01")
    assert found.certificate == what and found.problems == []
    assert not found.certificate.passed and GOOD.passed


def test_it_is_as_its_description_has_it(signer):
    cddl = cddl_verifier.Validator(CDDL.read_text())
    payload = certificate.encode(replace(GOOD, pictures=(Picture("gate", "image/png", PNG),)))
    assert cddl.validate(payload).valid
    body = cbor2.loads(payload)
    for key, wrong in (
        (0, "another"),
        (4, b"short"),
        (11, bytes(31)),
        (13, -1),
        (14, []),
        (16, 1),
    ):
        assert not cddl.validate(cbor2.dumps(body | {key: wrong}, canonical=True)).valid, key
    floats = [["x", 0, 4.138, "V", None, None, ""]]
    assert not cddl.validate(cbor2.dumps(body | {14: floats}, canonical=True)).valid


def test_every_changed_byte_is_told(signer, known):
    data = signed(signer)
    for at in range(len(data)):
        for bit in (0x01, 0x80):
            changed = bytearray(data)
            changed[at] ^= bit
            try:
                told = problems(bytes(changed), known)
            except Damaged:
                continue
            assert told, at
    for size in range(0, len(data), 7):
        with pytest.raises(Damaged, match="it is cut short or changed" if size else "is empty"):
            problems(data[:size], known)


def changed_in_the_middle(data):
    return data[:60] + bytes(20) + data[80:]


@pytest.mark.parametrize(
    "spoil, told",
    [
        (lambda data: data[:-20], "gh-01.cert is damaged: it is cut short or changed"),
        (changed_in_the_middle, "gh-01.cert is damaged: it is cut short or changed"),
        (lambda data: b"", "gh-01.cert is empty"),
        (lambda data: b"<!doctype html>", "gh-01.cert is no certificate"),
        (lambda data: data.hex().encode(), "gh-01.cert is no certificate"),
    ],
)
def test_a_damaged_file_is_told_in_words_with_what_to_do(
    signer, known, tmp_path, monkeypatch, capsys, spoil, told
):
    keys = tmp_path / "technicians.json"
    keys.write_bytes(technicians.to_file(known.all()))
    monkeypatch.chdir(tmp_path)
    Path("gh-01.cert").write_bytes(spoil(signed(signer)))
    assert main(["certificate", "verify", "gh-01.cert", "--keys", str(keys)]) == 1
    said = capsys.readouterr().err
    assert f"error: {told}; next: get the file .cert again" in said
    assert not re.search("CBOR|COSE|byte string|premature|decod", said)


@pytest.mark.parametrize("text", ["\x1b[2J", "two\nlines", "\u202eright to left"])
def test_what_would_play_tricks_on_a_terminal_is_refused(signer, text):
    with pytest.raises(Damaged, match="not printable"):
        certificate.verify(signed(signer, replace(GOOD, site=text)), [], "it")
    (found,) = acceptance.parse(f"ok x a{text[0]}b" if text != "two\nlines" else "ok x a\x07b")
    assert found.text == "a?b"


def test_what_nobody_signs_is_refused(signer, known):
    """It would be genuine still, and another file than the one that its label names."""
    message = cose.decode(signed(signer), cose.SIGN1)
    fields = message.protected, message.payload, message.proof
    kid, algorithm = signer.technician.kid, signer.technician.algorithm
    for unprotected in ({99: b"junk"}, {cose.IV: b""}):
        data = cose.encode(cose.SIGN1, fields[0], unprotected, *fields[1:])
        assert cose.check1(
            cose.decode(data, cose.SIGN1), {kid: (algorithm, signer.technician.key)}
        )
        with pytest.raises(Damaged):
            problems(data, known)
    for unprotected in ({}, {cose.KID: kid}, {cose.KID: [1]}):
        protected = cose.protect({cose.ALG: algorithm})
        with pytest.raises(Damaged):
            problems(cose.encode(cose.SIGN1, protected, unprotected, *fields[1:]), known)


def test_a_payload_that_we_would_not_write_is_refused(signer, known):
    body = cbor2.loads(certificate.encode(GOOD))
    row = list(body[14][0])
    for changed in (
        {8: "text"},
        {8: 5},
        {14: {}},
        {14: [[row[0], -1, *row[2:]]]},
        {99: "more"},
    ):
        payload = cbor2.dumps(body | changed, canonical=True)
        protected = cose.protect({cose.ALG: cose.ES256, cose.KID: signer.technician.kid})
        proof = signer.key.sign(cose.structure(cose.SIGN1, protected, b"", payload))
        with pytest.raises(Damaged):
            problems(cose.encode(cose.SIGN1, protected, {}, payload, proof), known)


@pytest.mark.parametrize("number", ["1E+400", "-1E+999999", "1E-999999", "0E+999999"])
@pytest.mark.parametrize("place", ["value", "low", "high"])
def test_a_number_that_no_reader_can_reckon_with_is_refused(signer, known, number, place):
    check = replace(CHECKS[0], **{place: Decimal(number)})
    with pytest.raises(Damaged, match="a value is no number"):
        problems(signed(signer, replace(GOOD, checks=(check,))), known)
    with pytest.raises(Damaged, match="a value is no number"):
        problems(signed(signer, replace(GOOD, at_s=10**400)), known)


def test_what_is_read_can_be_drawn_and_told(signer, known):
    most, least = Decimal(10) ** 40, Decimal("1E-400")
    checks = (
        Check("x", PASSED, most, "V", Decimal(0), least),
        Check("y", PASSED, least, "V", -most, most),
    )
    data = signed(signer, replace(GOOD, checks=checks))
    found = certificate.verify(data, known.all(), "it").certificate
    assert json.dumps(certificate.as_map(found)["checks"], allow_nan=False)
    assert "<svg" in certificate_page.page(found, data, None)


def test_another_unit(signer, known):
    assert problems(signed(signer), known, unit="gh-01") == []
    assert problems(signed(signer), known, unit="gh-02") == ["it is of unit gh-01, not of gh-02"]


def test_a_unit_that_is_not_as_it_was_tested():
    same = ("unit", "site", "kid", "mac", "board", "profile", "firmware", "app", "build_id")
    facts = {name: getattr(GOOD, name) for name in (*same, "config_sha256")} | {"role": "station"}
    assert unit_acceptance.differences(GOOD, unit_acceptance.Facts(**facts)) == []
    changed = {"mac": b"\1" * 6, "kid": b"\0\2", "build_id": "", "config_sha256": b"\1" * 32}
    for name, value in changed.items():
        (told,) = unit_acceptance.differences(GOOD, unit_acceptance.Facts(**facts | {name: value}))
        assert told.endswith("of this unit is another one than was tested")
    other = unit_acceptance.Facts(**facts | changed | {"unit": "gh-09"})
    assert unit_acceptance.differences(GOOD, other) == ["this unit is gh-09, it is of gh-01"]


def test_somebody_elses_key(signer, known):
    known.new("mo", 30, SECRET)
    mo = replace(signer, technician=known.get("mo"))
    (told,) = problems(certificate.sign(GOOD, mo.technician, signer.key), known)
    assert told == "it was changed, or signed by somebody else"
    found = certificate.verify(signed(signer), [], "it")
    assert "a key that is not known here" in found.problems[0] and "--keys" in found.problems[0]
    other = replace(GOOD, technician="mo")
    assert problems(signed(signer, other), known) == ["it names mo, and li has signed it"]


@pytest.mark.parametrize(
    ("at_s", "why"),
    [
        (NOW - 1, "was made later"),
        (NOW + 30 * DAY_S, "expired"),
        (NOW + 30 * DAY_S - 1, ""),
    ],
)
def test_when_a_key_counts(signer, known, at_s, why):
    told = problems(signed(signer, replace(GOOD, at_s=at_s)), known)
    assert len(told) == bool(why) and why in "".join(told)


def test_one_who_was_revoked(units, signer, known, tmp_path):
    assert (tmp_path / "technicians" / "li.pem").exists()
    gone = Technicians(units, lambda: NOW + 50).revoke("li")
    assert gone.revoked_s == NOW + 50
    assert not (tmp_path / "technicians" / "li.pem").exists()
    assert problems(signed(signer), known) == []
    (told,) = problems(signed(signer, replace(GOOD, at_s=NOW + 50)), known)
    assert "was revoked" in told
    with pytest.raises(CannotTry, match="no technician 'li'"):
        known.get("li")
    assert known.new("li", 1, SECRET).kid != gone.kid


def test_an_expired_key_signs_no_more(units, signer):
    late = Technicians(units, lambda: NOW + 31 * DAY_S)
    with pytest.raises(CannotTry, match="expired"):
        late.get("li")


def test_keys(units, signer, known, tmp_path):
    with pytest.raises(CannotTry, match="has a technician 'li' already"):
        known.new("li", 30, SECRET)
    (tmp_path / "wrong").write_text("five other words")
    (tmp_path / "wrong").chmod(0o600)
    with pytest.raises(KeyFileError, match="does not open"):
        technicians.open_key(known.get("li"), tmp_path / "wrong")
    pem = (tmp_path / "technicians" / "li.pem").read_text()
    assert "ENCRYPTED" in pem


def test_a_file_of_public_keys(signer, known, tmp_path):
    file = tmp_path / "keys.json"
    file.write_bytes(technicians.to_file(known.all()))
    assert technicians.from_file(file) == known.all()
    table = json.loads(file.read_text())
    table["technicians"][0]["key"] = "00" * 64
    for wrong in (table, {}, []):
        file.write_text(json.dumps(wrong))
        with pytest.raises(CannotTry, match="no file of technicians"):
            technicians.from_file(file)


def test_the_verb_offline(signer, known, tmp_path, monkeypatch, capsys):
    kept = signer.write(replace(GOOD, checks=(*CHECKS, BROKEN)), tmp_path)
    good = signer.write(replace(GOOD, unit="gh-02"), tmp_path)
    assert kept.file.name == "gh-01-20260921-141320.cert"
    keys = tmp_path / "keys.json"
    keys.write_bytes(technicians.to_file(known.all()))
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path / "elsewhere"))

    def run(*words):
        code = main(["certificate", *map(str, words)])
        return code, "".join(capsys.readouterr())

    assert run("verify", good.file)[0] == 2  # neither keys nor a registry
    assert run("verify", good.file, "--keys", keys)[0] == 0
    code, said = run("verify", kept.file, "--keys", keys)
    assert code == 1 and "genuine: gh-01 has FAILED, signed by li" in said
    assert "air: sensor_absent" in said
    code, said = run("verify", good.file, "--keys", keys, "--unit", "gh-01", "--json")
    assert code == 1 and json.loads(said)["problems"] == ["it is of unit gh-02, not of gh-01"]
    text = f"FBCERT1:gh-02:passed:{good.sha256}"
    assert run("verify", good.file, "--keys", keys, "--label", text)[0] == 0
    code, said = run("verify", good.file, "--keys", keys, "--label", text.replace("02", "01"))
    assert code == 1 and "NOT VALID" in said
    sheet = tmp_path / "labels.html"
    later = signer.write(replace(GOOD, at_s=NOW + DAY_S, checks=(BROKEN,)), tmp_path)
    assert run("sheet", good.file, later.file, kept.file, "--keys", keys, "--out", sheet)[0] == 0
    assert sheet.read_text().count("<section>") == 2 and "FAILED 2026-09-22" in sheet.read_text()
    good.file.write_bytes(good.file.read_bytes()[:-1] + b"\0")
    code, said = run("page", good.file, "--keys", keys)
    assert code == 1 and "is not genuine: it was changed" in said
    assert not list((tmp_path / "elsewhere").glob("*"))


def test_a_certificate_of_a_board_that_was_replaced(units, signer, tmp_path, capsys):
    old, new = "02:00:00:00:00:0a", "02:00:00:00:00:0b"
    units.allocate("gh-01")
    units.describe("gh-01", "test", mac=old)
    kept = [
        signer.write(replace(GOOD, mac=bytes.fromhex(mac.replace(":", "")), at_s=at_s), tmp_path)
        for mac, at_s in ((old, NOW), (new, NOW + 60))
    ]
    verify = ["certificate", "verify", str(kept[0].file)]
    assert main(verify) == 0
    units.retire(old, "gh-01", "replaced")
    units.describe("gh-01", "test", mac=new)
    capsys.readouterr()
    assert main(verify) == 1
    told = capsys.readouterr().out
    assert f"was gh-01, and was replaced by the board with MAC {new}" in " ".join(told.split())
    assert main(["certificate", "verify", str(kept[1].file)]) == 0
    sheet = ["certificate", "sheet", "--out", str(tmp_path / "labels.html")]
    capsys.readouterr()
    assert main([*sheet, *(str(each.file) for each in kept)]) == 0
    told = " ".join("".join(capsys.readouterr()).split())
    assert f"left out: this board (MAC {old}) was gh-01, and was replaced" in told
    assert (tmp_path / "labels.html").read_text().count("<section>") == 1
    assert main([*sheet, str(kept[0].file)]) == 2
    units.reinstate(old)  # two boards of one name, of which this registry knows nothing
    units.describe("gh-01", "test", mac="")
    assert main([*sheet, *(str(each.file) for each in kept)]) == 0
    assert (tmp_path / "labels.html").read_text().count("<section>") == 2
    units.describe("gh-01", "test", state="revoked")
    assert main(["certificate", "verify", str(kept[1].file)]) == 1
    assert "which is revoked" in " ".join(capsys.readouterr().out.split())


class Page(HTMLParser):
    """Collects what a page says and which addresses it names."""

    def __init__(self, text):
        super().__init__()
        self.said, self.sources, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.said.append(data)


def test_the_page_needs_nothing_else(signer):
    what = replace(GOOD, checks=(*CHECKS, BROKEN), pictures=(Picture("<gate>", "image/png", PNG),))
    data = signed(signer, what)
    page = Page(certificate_page.page(what, data, signer.technician.kid))
    said = " ".join(page.said)
    assert "FAILED" in said and "2 of 4 checks passed, 1 failed, 1 not tested" in said
    assert "3.5 to 4.3 V" in said and "<gate>" in said and BROKEN.text in said
    assert hashlib.sha256(data).hexdigest() in said
    assert len(page.sources) == 1 and page.sources[0].startswith("data:image/png;base64,")


def test_a_picture_has_to_be_one(tmp_path):
    file = tmp_path / "gate.jpg"
    with pytest.raises(CannotTry, match="cannot be read"):
        certificate.picture(file)
    file.write_bytes(b"text")
    with pytest.raises(CannotTry, match="neither a JPEG nor a PNG"):
        certificate.picture(file)
    file.write_bytes(b"\xff\xd8\xff" + bytes(600_000))
    with pytest.raises(CannotTry, match="has 585 kB"):
        certificate.picture(file)
    file.write_bytes(b"\xff\xd8\xff")
    assert certificate.picture(file) == Picture("gate", "image/jpeg", b"\xff\xd8\xff")


LINES = """\
ok heap.free 39072 B (8192..)
FAIL modem.rsrp -131 dBm (-130..-20)
skip clock.time not set yet
ok clock.time 2026-11-26T21:43:15Z network
ok outbox.records 2\x20
FAIL air sensor_absent: 68
FAIL light none
ok flash.write 1024 B
something else
"""


def test_lines_of_a_unit():
    found = acceptance.parse(LINES)
    assert found[0] == Check("heap.free", PASSED, Decimal(39072), "B", Decimal(8192), None)
    assert found[1].value == -131 and found[1].high == -20 and found[1].verdict == FAILED
    assert found[2] == Check("clock.time", NOT_TESTED, text="not set yet")
    assert found[3].text == "2026-11-26T21:43:15Z network"
    assert found[4] == Check("outbox.records", PASSED, Decimal(2))
    assert found[5].text == "sensor_absent: 68" and found[6].text == "none"
    assert len(found) == 8


def limit(**fields):
    return acceptance.Limit(**fields)


def judged(check, *limits, board="b", role="station"):
    return acceptance.judge([check], limits, board, role)


VOLTAGE = Check("battery.voltage", PASSED, Decimal("4.138"), "V", Decimal(0), Decimal(5))


def test_limits_are_judged_here():
    (found,) = judged(VOLTAGE, limit(name="battery.*", unit="V", low=4.138, high=4.2))
    assert found.verdict == PASSED and found.low == Decimal("4.138")  # the limit is allowed
    (found,) = judged(VOLTAGE, limit(name="battery.voltage", unit="V", high=4.137))
    assert found.verdict == FAILED and found.low is None
    failed = replace(VOLTAGE, verdict=FAILED)
    assert judged(failed) == [failed]  # where we have none, its own count
    assert judged(failed, limit(name="battery.voltage", unit="V", low=1))[0].verdict == PASSED
    assert judged(VOLTAGE, limit(name="battery.voltage", unit="mV", low=1))[0].verdict == FAILED
    low, high = limit(name="*", unit="V", low=5), limit(name="battery.*", unit="V", low=4)
    assert judged(VOLTAGE, low, high)[0].verdict == PASSED  # the last one holds
    assert judged(VOLTAGE, high, low)[0].verdict == FAILED
    elsewhere = limit(name="*", unit="V", low=9, boards=["other"])
    assert judged(VOLTAGE, elsewhere) == [VOLTAGE]
    assert judged(VOLTAGE, limit(name="*", unit="V", low=9, roles=["speaker"])) == [VOLTAGE]


@pytest.mark.parametrize("told", ["2,1 V", "+2.1 V", "12 B free", "1e2 V", "9" * 400 + " V", ""])
def test_what_is_no_number_is_not_within_limits(told):
    (found,) = acceptance.parse(f"ok battery.voltage {told}".rstrip())
    assert (found.verdict, found.value) == (PASSED, None)
    (found,) = judged(found, limit(name="battery.voltage", unit="V", low=3.5))
    assert found.verdict == FAILED and told in found.text
    reason = Check("battery.voltage", FAILED, text="sensor_absent")
    assert judged(reason, limit(name="battery.voltage", unit="V", low=3.5)) == [reason]
    words = Check("battery.voltage", PASSED, text="answers")
    assert judged(words, limit(name="battery.voltage", required=True)) == [words]


def test_what_is_required_has_to_be_tested():
    clock = Check("clock.time", NOT_TESTED, text="not set yet")
    assert judged(clock, limit(name="clock.time")) == [clock]
    (found,) = judged(clock, limit(name="clock.time", required=True))
    assert found.verdict == FAILED and "not set yet" in found.text
    there, absent = judged(clock, limit(name="camera", required=True))
    assert there == clock and absent.verdict == FAILED and absent.name == "camera"
    assert judged(clock, limit(name="camera", required=True, roles=["camera"])) == [clock]


def test_a_file_of_limits(tmp_path):
    assert acceptance.limits()
    file = tmp_path / "limits.toml"
    for text, why in (
        ("[[check]]\nname = 'x'\nlow = 2\nhigh = 1", "low is above high"),
        ("[[check]]\nname = 'x'\nlowest = 2", "unknown key"),
        ("[[check]]\nname = 'x'\nlow = nan", "low = nan: must be a number from -1"),
        ("[[check]]\nname = 'x'\nhigh = inf", "high = inf: must be a number from -1"),
        (f"[[check]]\nname = 'x'\nhigh = {'9' * 400}", "high = 9+.*: must be a number from -1"),
        (f"x = {'[' * 5000}", "nested too deeply"),
        ("[[check", "is no TOML"),
    ):
        file.write_text(text)
        with pytest.raises(CannotTry, match=why):
            acceptance.limits(file)
    with pytest.raises(CannotTry, match="cannot be read"):
        acceptance.limits(tmp_path)
    file.write_text("[[check]]\nname = 'battery.voltage'\nunit = 'V'\nlow = 12")
    last = acceptance.limits(file)[-1]
    assert judged(VOLTAGE, last)[0].told == "4.138 V (at least 12 V)"


def test_who_was_not_tested_has_not_passed():
    assert GOOD.passed
    for checks in ((), (Check("clock.time", NOT_TESTED, text="not set yet"),)):
        assert replace(GOOD, checks=checks).verdict == FAILED


def test_the_label_of_a_unit_that_failed_cannot_be_overlooked():
    bad = replace(GOOD, unit="gh-02", checks=(*CHECKS, BROKEN))
    labels = [CertificateLabel(GOOD, "0" * 64), CertificateLabel(bad, "0" * 64)]
    first, second = unit_labels.sheet(labels, "x").split("<section>")[1:]
    assert "<strong>FAILED</strong>" in second and "<strong>" not in first


def test_what_was_not_tested_is_told_in_the_language_of_the_page():
    with language.spoken("zh"):
        told = certificate_page.page(GOOD, b"", None)
    assert "尚未设置" in told and "not set yet" not in told
