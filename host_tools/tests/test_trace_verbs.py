"""`fieldbeat trace` as a grower and a buyer use it."""

from __future__ import annotations

import json

import cv2
import pytest
from fieldbeat.host_tools import issuer_keys, operations, trace_orders
from fieldbeat.host_tools.alert_desk import Desk
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.trace_file import fingerprint
from fieldbeat.protocols import cose, event

from .sender import boot_record, schema_record
from .trace_unit import BATCH, TraceUnit


@pytest.fixture
def desk(tmp_path):
    unit = TraceUnit(tmp_path / "desk")
    unit.live()
    unit.send()
    unit.store.close()
    unit.registry.close()
    return unit


@pytest.fixture
def run(desk, tmp_path, capsys):
    registry = ["--registry", str(tmp_path / "desk" / "registry.sqlite")]
    files = [*registry, "--db", str(tmp_path / "desk" / "store.sqlite")]

    def run(verb: str, *words: str) -> tuple[int, str]:
        more = {"verify": [], "key": registry}.get(verb, files)
        code = main(["trace", verb, *map(str, words), *more])
        said = capsys.readouterr()
        return code, " ".join((said.out + said.err).split())

    return run


def test_show(run):
    code, said = run("show", "gh-01")
    assert code == 0 and "nothing is wrong with it" in said
    assert "4 roots on 4 days" in said and "harvested" in said and "12.5 kg" in said
    code, said = run("show", "gh-01", "--json")
    told = json.loads(said)
    assert told["trusted"] and told["problems"] == [] and len(told["operations"]) == 4
    code, said = run("show", "gh-9")
    assert code == 2 and "gh-9" in said


def test_whose_key_signed_an_operation_is_shown(run, desk, tmp_path):
    unit = TraceUnit(tmp_path / "desk")
    unit.value, unit.rn, unit.root_rn, unit.gaps = desk.value, desk.rn, desk.root_rn, []
    unit.sender, unit.now_s = desk.sender, desk.now_s
    body = {2: "sprayed", 7: event.COMMAND, 8: bytes.fromhex("5b95f3094cabb072"), 9: True}
    unit.tell(event.encode(unit.rn, event.OPERATION, unit.now_s, body))
    unit.day()
    unit.send()
    code, said = run("show", "gh-01")
    assert code == 0 and "command, 5b95f3094cabb072" in said


def test_a_buyer_verifies_a_batch_offline(run, desk, tmp_path):
    file, pem = tmp_path / "b.trace", tmp_path / "gh-01.pem"
    assert run("export", "gh-01", "--batch", BATCH, "--out", file)[0] == 0
    assert run("key", "gh-01", "--out", pem)[0] == 0
    code, said = run("verify", file)
    assert code == 0 and "compare it with the label" in said
    assert run("verify", file, "--key", pem)[0] == 0
    assert run("verify", file, "--key", fingerprint(desk.key.public))[0] == 0
    code, said = run("verify", file, "--key", "0" * 32)
    assert code == 1 and "somebody else made this file" in said and "compare it" not in said
    code, said = run("verify", file, "--registry", tmp_path / "desk" / "registry.sqlite")
    assert code == 0 and "compare it" not in said
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    code, said = run("verify", file, "--key", pem)
    assert code == 1 and "something is wrong with it" in said


def test_a_file_that_spans_a_new_key_is_verified_by_both(run, desk, tmp_path):
    unit = TraceUnit(tmp_path / "desk")
    unit.value, unit.rn, unit.root_rn, unit.gaps = desk.value, desk.rn, desk.root_rn, []
    unit.sender, unit.now_s = desk.sender, desk.now_s
    unit.done("sold", batch=BATCH)
    unit.day()
    unit.send()
    file, label = tmp_path / "c.trace", tmp_path / "l.svg"
    told = json.loads(run("label", "gh-01", BATCH, "--out", label, "--json")[1])["label"]
    assert told.endswith(fingerprint(unit.key.public))
    assert run("export", "gh-01", "--batch", BATCH, "--out", file)[0] == 0
    for more, code in (((), 1), (("--earlier",), 0)):
        pem = tmp_path / f"{code}.pem"
        assert run("key", "gh-01", "--out", pem, *more)[0] == 0
        assert run("verify", file, "--key", pem)[0] == code
    assert run("verify", file, "--key", pem, "--label", told)[0] == 0
    other = told.replace(fingerprint(unit.key.public), "0" * 32)
    assert "the key on the label" in run("verify", file, "--key", pem, "--label", other)[1]
    said = run("verify", file, "--label", told)[1]
    assert f"{fingerprint(desk.key.public)}, which is none of those of gh-01" in said


def test_what_was_told_before_a_flash_was_erased_is_there_still(run, desk, tmp_path):
    file, label = tmp_path / "c.trace", tmp_path / "l.svg"
    unit = TraceUnit(tmp_path / "desk")  # another board of its name, which counts from 1
    unit.sender, unit.now_s = desk.sender, desk.now_s
    unit.tell(boot_record(unit.rn, cause="hard"))
    unit.send()
    code, said = run("show", "gh-01")
    assert code == 2 and "is signed yet" in said and "--run has the rest: 1" in said
    code, said = run("label", "gh-01", BATCH, "--out", label)
    assert code == 0 and "note" not in said
    code, said = run("export", "gh-01", "--batch", BATCH, "--out", file)
    assert code == 0 and "batch-begin" in said and "note" not in said
    unit.tell(schema_record(unit.rn))
    unit.day()
    unit.done("sold", batch=BATCH)
    unit.day()
    unit.send()
    code, said = run("export", "gh-01", "--batch", BATCH, "--out", file)
    assert code == 0 and "sold" in said and "batch-begin" not in said
    assert "note: gh-01: it began to count anew, --run has the rest: 1" in said
    code, said = run("export", "gh-01", "--batch", BATCH, "--run", "1", "--out", file)
    assert code == 0 and "batch-begin" in said and "--run has the rest: 2" in said
    assert run("verify", file, "--key", fingerprint(desk.key.public))[0] == 0
    code, said = run("show", "gh-01", "--run", "7")
    assert code == 2 and "in run 7" in said and "1, 2" in said
    code, said = run("show", "gh-01", "--json")
    assert code == 0 and json.loads(said)["trusted"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (("harvested", "tomato-70"), ["told of no batch 'tomato-70' yet; known: tomato-07"]),
        (("harvestd", BATCH), ["did you mean 'harvested'? what is signed"]),
        (("batch-begin", BATCH), ["told of batch 'tomato-07' before: who looks for it"]),
        (("harvested", BATCH), []),
        (("batch-begin", "tomato-08"), []),
        (("pruned", None), []),
    ],
)
def test_a_slip_is_told_before_it_is_signed(tmp_path, fields, said):
    unit = TraceUnit(tmp_path / "desk")
    unit.live()
    unit.send()
    Issuers(unit.registry).add("grower", cose.ES256, issuer_keys.generate(cose.ES256).public, 0, 4)
    desk = Desk(unit.registry, unit.store, lambda: unit.now_s + 1_704_067_200)
    kind, batch = fields
    plan = trace_orders.plan(desk, "gh-01", operations.fields(kind, batch), [])
    notes = [line for line in plan.summary if line.startswith("note: ")]
    assert len(notes) == len(said) and all(a in b for a, b in zip(said, notes, strict=True))


def test_bad_words_are_explained(run, tmp_path):
    for words, why in (
        (("export", "gh-01", "--out", tmp_path / "x", "--from", "soon"), "'soon' is no time"),
        (("export", "gh-01", "--out", tmp_path / "x", "--batch", "b"), "known: tomato-07"),
        (("verify", tmp_path / "none"), "No such file"),
        (("label", "gh-01", BATCH, "--out", tmp_path / "x.gif"), "neither .svg nor .png"),
        (("verify", tmp_path / "desk" / "store.sqlite"), "no trace"),
        (("key", "gh-02", "--out", tmp_path / "x"), "has no key to sign with"),
        (("add", "gh-99", "irrigated"), "no unit is called 'gh-99'"),
        (("add", "gh-01", "Irrigated"), "this kind is not allowed"),
        (("add", "gh-01", "irrigated", "--amount", "30"), "a number and a unit"),
    ):
        code, said = run(*words)
        assert code in (1, 2) and why in said, said


def read_code(picture) -> set[str]:
    """What OpenCV reads at some distances: at one it may fail on a good code."""
    sizes = [cv2.resize(picture, None, fx=share, fy=share) for share in (1, 0.75, 0.5, 1.5)]
    return {cv2.QRCodeDetectorAruco().detectAndDecode(each)[0] for each in sizes}


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_label_is_read_and_compared(run, tmp_path, ending):
    out, file = tmp_path / f"label.{ending}", tmp_path / "b.trace"
    code, said = run("label", "gh-01", BATCH, "--out", out, "--json")
    text = json.loads(said)["label"]
    assert text.startswith(f"FIELDBEAT1:gh-01:{BATCH}:2024")
    if ending == "png":
        assert text in read_code(cv2.imread(str(out)))
    else:
        content = out.read_text()
        assert content.startswith("<svg") and f"batch {BATCH}" in content and "<path" in content
    assert run("export", "gh-01", "--batch", BATCH, "--out", file)[0] == 0
    assert run("verify", file, "--label", text)[0] == 0
    for wrong, why in (
        (text.replace("gh-01", "gh-02"), "the label is of gh-02, this file is of gh-01"),
        (text.replace(BATCH, "melon"), "of which the file tells nothing"),
        (text.replace(text.split(":")[3], "20300101"), "the label was changed"),
        (text[:-1] + ("0" if text[-1] != "0" else "1"), "somebody else made this file"),
        (text.replace(text.split(":")[4], "0" * 64), "none of this file"),
    ):
        code, said = run("verify", file, "--label", wrong)
        assert code == 1 and why in said
    later = text.replace(text.split(":")[4], "0" * 64).replace(text.split(":")[3], "20300101")
    code, said = run("verify", file, "--label", later)
    assert code == 1 and "this file ends before 20300101" in said
    assert run("verify", file, "--label", "hello")[0] == 2
