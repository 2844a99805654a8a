"""`fieldbeat decode`: golden frames, every class of frame, missing keys, bad input."""

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.commands import decode
from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.explain import Explainer
from fieldbeat.host_tools.layers import Layer
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import cbor, frame, packing
from hypothesis import given
from hypothesis import strategies as st

from .sender import NOW_S, Sender, boot_record, report_record, schema_record

VECTORS = Path(__file__).resolve().parents[2] / "protocols" / "vectors"
WAKE = [
    line.split(" | ")
    for line in (VECTORS / "wake.hex").read_text().splitlines()
    if not line.startswith("#")
]
FRAMES = [bytes.fromhex(fields[8]) for fields in WAKE]
KEYS = frame.KeySet(bytes(range(16)), b"\0\1", 1)


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """Holds the key of the golden frames for its first unit."""
    made = Registry(
        tmp_path_factory.mktemp("keys") / "registry.db", random_bytes=lambda n: bytes(range(n))
    )
    made.allocate("gh-1")
    yield made
    made.close()


def run(*arguments, **options):
    """Call the verb as `fieldbeat decode` does, without its entry point."""
    names = ("registry", "db", "kid_size", "cose", "console", "as_json")
    decode.decode(*arguments, **{**dict.fromkeys(names), **options})


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    return tmp_path


COMMANDS = {
    fields[-1]: (bytes.fromhex(fields[0].strip("-")), fields[2])
    for fields in (
        line.split(" | ") for line in (VECTORS / "command.hex").read_text().splitlines()
    )
    if not fields[0].startswith("#")
}


def explained(registry, plaintext: bytes):
    return Explainer(registry).explain(KEYS.seal(frame.COMMAND, frame.DOWN, 1, plaintext))


def test_every_golden_command_is_explained(registry):
    for meaning, (plaintext, outcome) in COMMANDS.items():
        found = explained(registry, plaintext)
        assert found.direction == "down, to the unit"
        assert found.layers[1].data == plaintext
        if outcome != "cmd_form":
            assert not any(layer.problem for layer in found.layers), meaning


def test_what_is_signed_is_shown(registry):
    found = explained(registry, COMMANDS["an emergency of level 1, signed by two"][0])
    assert [layer.title for layer in found.layers[1:]] == [
        "plaintext: command",
        "message of the first issuer",
        "what is signed",
        "message of the second issuer",
        "what is signed",
    ]
    told = {part.name: part.meaning for part in found.layers[3].parts}
    assert told["command"] == "alert" and told["class"] == "emergency"
    assert told["volume"] == "100" and told["event"] == "'dam'"
    assert found.layers[5].parts[0].name == "sha256"


def test_commands_that_are_none_have_a_problem(registry):
    three = explained(registry, COMMANDS["an array of three"][0])
    assert "messages of 3 issuers, allowed are 2" in three.layers[1].problem
    for plaintext in (b"", b"\x07", b"\x82\x01\x02", b"\xd2\x84\x40\xa0\x40\x40"):
        assert explained(registry, plaintext) is not None


def test_every_golden_frame_opens(registry):
    for fields, data in zip(WAKE, FRAMES, strict=True):
        found = Explainer(registry).explain(data)
        assert not found.sealed
        assert found.unit == "gh-1" and found.epoch == 1
        assert found.layers[1].data.hex() == fields[7]
        assert not any(layer.problem for layer in found.layers)


def test_every_bit_is_explained_once(registry):
    for data in FRAMES:
        for layer in Explainer(registry).explain(data).layers:
            at = 0
            for part in layer.parts:
                assert part.at == at
                at += part.size
            assert at == 8 * len(layer.data), layer.title


def test_values_with_units_and_qualities(registry):
    explainer = Explainer(registry)
    explainer.explain(FRAMES[0])  # tells the schema
    reports = explainer.explain(FRAMES[1]).reports
    assert [report["rn"] for report in reports] == [3, 4]
    hour = reports[0]["samples"]
    assert hour[3]["time"] == "2026-06-21T18:55:01Z"
    cell = {"value": 22.19, "text": "22.19", "unit": "Cel", "quality": "normal"}
    assert hour[3]["values"]["air_temperature"] == cell
    assert hour[4]["values"]["co2"]["value"] is None
    assert hour[4]["values"]["co2"]["quality"] == "communication fault"
    assert hour[10]["values"]["air_temperature"]["quality"] == "out of range"


def test_without_the_schema_a_report_has_a_head(registry):
    found = Explainer(registry).explain(FRAMES[1])
    assert found.reports == []
    assert "closed: the schema is not known" in "\n".join(found.layers[2].lines())
    assert "no_ack" in "\n".join(found.layers[4].lines())


def test_the_profile_of_the_unit_knows_the_schema(tmp_path):
    with_profile = Registry(tmp_path / "r.db", random_bytes=lambda n: bytes(range(n)))
    with_profile.allocate("gh-1")
    with_profile.describe("gh-1", "x", profile="greenhouse")
    record = bytes.fromhex("0100070104a62f80") + bytes(10)
    sealed = KEYS.seal(frame.TELEMETRY, frame.UP, 1, packing.pack([record], True))
    found = Explainer(with_profile).explain(sealed)
    assert list(found.reports[0]["samples"][0]["values"])[-1] == "rsrp"
    with_profile.close()


def test_what_is_missing_is_said(registry):
    sealed = Explainer().explain(FRAMES[0])
    assert sealed.sealed.startswith("the key of key id 0001 is missing: there is no registry")
    stranger = frame.KeySet(bytes(16), b"\0\x09", 1).seal(0, 0, 1, b"x")
    assert "has no such unit" in Explainer(registry).explain(stranger).sealed
    later = frame.KeySet(bytes(16), b"\0\1", 7).seal(0, 0, 1, b"x", True)
    assert "has keys of epoch 1, but not of epoch 7" in Explainer(registry).explain(later).sealed
    forged = FRAMES[1][:-1] + bytes([FRAMES[1][-1] ^ 1])
    assert "none opens it" in Explainer(registry).explain(forged).sealed


@pytest.mark.parametrize("text", ["{}", "0x{}", " {}\n", "{}\r\n\r\n"])
def test_hexadecimal_as_people_have_it(text, home, capsys):
    run(text.format(FRAMES[2].hex(" ")))
    run(text.format(FRAMES[2].hex()))
    run(", ".join(f"0x{byte:02X}" for byte in FRAMES[2]))
    assert capsys.readouterr().out.count("sequence number 78003905") == 3


def test_files_and_stdin(home, capsys, monkeypatch):
    (home / "frame.bin").write_bytes(FRAMES[0])
    (home / "frame.txt").write_text(FRAMES[0].hex(":"))
    for name in ("frame.bin", "frame.txt"):
        run(str(home / name))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(FRAMES[0])))
    run("-")
    said = capsys.readouterr().out
    assert said.count("sequence number 256") == 3
    assert (
        said.count(
            "The plaintext stays sealed: the key of key id 0001 is missing: there is no registry"
        )
        == 3
    )


def test_json(registry, home, capsys):
    run(FRAMES[3].hex(), registry=registry.path, as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["unit"] == "gh-1" and told["direction"].startswith("up")
    assert [layer["title"] for layer in told["layers"]] == ["frame", "plaintext: block"]
    assert told["layers"][1]["parts"][1]["meaning"] == "7"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("no such file", "neither a file nor hexadecimal digits"),
        ("410", "neither a file nor hexadecimal digits"),
        ("", "is empty"),
        ("41", "these 1 bytes are no frame: it is too short"),
        ("00" * 40, "are no frame: its first two bits are not 01"),
        ("46" + "01" * 40, "are no frame: its sequence number is not 1 to 5 bytes"),
        ("00" * 70_000, "more than any datagram"),
    ],
)
def test_bad_input_is_one_line(source, message, home):
    with pytest.raises(FieldbeatError) as caught:
        run(source)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_a_folder_and_a_missing_registry(home):
    for options in ({"source": str(home)}, {"source": "41", "registry": home / "none.db"}):
        with pytest.raises(FieldbeatError) as caught:
            run(**options)
        assert "\n" not in str(caught.value)


@given(st.binary(max_size=60), st.integers(0, 3))
def test_nonsense_under_a_good_key_is_survived(registry, text, cls):
    found = Explainer(registry).explain(KEYS.seal(cls, frame.UP, 5, text))
    assert found.layers[1].data == text
    assert all("\n" not in line for layer in found.layers for line in layer.lines())


@given(st.binary(min_size=1, max_size=40), st.booleans())
def test_nonsense_in_a_record_is_survived(registry, record, is_event):
    record = b"\0\1" + cbor.encode({0: 3, 1: record, 3: {"x": 1}}) if is_event else record
    text = packing.pack([bytes.fromhex(WAKE[0][7])[45:], record], True)
    found = Explainer(registry).explain(KEYS.seal(frame.TELEMETRY, frame.UP, 5, text))
    assert found.layers[-1].data == record


def test_layers_refuse_to_read_beyond_the_end():
    layer = Layer("x", b"\x80")
    for read in (lambda: layer.bits(9, ""), lambda: layer.number(2, ""), lambda: layer.raw(2, "")):
        with pytest.raises(ValueError):
            read()


def test_the_store_knows_what_the_unit_announced(tmp_path):
    registry, store = Registry(tmp_path / "r.db"), Store(tmp_path / "s.db")
    sender = Sender(registry)
    opening = sender.seal([boot_record(1), schema_record(2)])
    Collector(store, registry).handle(opening, "x", NOW_S)
    found = Explainer(registry, store).explain(sender.seal([report_record(3)]))
    assert found.reports[0]["samples"][0]["values"]["air_temperature"]["text"] == "20.03"
    registry.close()
    store.close()


def test_what_only_profiles_need_is_not_imported_for_every_frame():
    code = "import sys; from fieldbeat.host_tools import explain; print('pydantic' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout == "False\n"
