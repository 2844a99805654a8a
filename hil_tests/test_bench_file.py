"""A bench file: ours are right; a broken one says file, key, what was given, what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest
from fieldbeat.hil_tests.benches import bench_file
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.validation import InvalidData

REAL = '[board.{0}]\nmanifest = "greenhouse_esp32"\nport = "{1}"\nid = "mac:a4:cf:12:00:00:0{2}"\n'
ONE = REAL.format("a", "/dev/ttyUSB0", 1)
VIRTUAL = '[board.a]\nmanifest = "greenhouse_esp32"\nport = "virtual"\n'
POWER = '[power]\nkind = "shelly"\nhost = "192.0.2.8"\n'


@pytest.mark.parametrize("name", ["desk", "lab", "virtual"])
def test_our_own_files_are_right(name):
    assert name in bench_file.ours()
    by_path = Path(bench_file.__file__).parent / f"{name}.toml"
    assert bench_file.load(by_path).tables == bench_file.load(Path(name)).tables


def test_every_kind_of_power_in_the_desk_file_can_be_uncommented():
    text = (Path(bench_file.__file__).parent / "desk.toml").read_text()
    head, _, rest = text.partition('kind = "manual"')
    choices = rest.partition("\n# after")[0].split("\n\n")[1:]
    kinds = set()
    for choice in choices:
        lines = "\n".join(line.removeprefix("# ") for line in choice.splitlines())
        checked = bench_file.parse(f'{head}{lines}\nafter = "off"\noff_s = 2.0\n', "desk.toml")
        kinds.add(checked.power("gh-01").kind)
    assert kinds == {"uhubctl", "tasmota", "shelly", "gpio"}


def test_the_stimulus_in_the_desk_file_can_be_uncommented():
    text = (Path(bench_file.__file__).parent / "desk.toml").read_text()
    head, _, rest = text.partition("# [board.gh-01.stimulus]")
    lines, _, tail = rest.partition("\n\n")
    checked = bench_file.parse(
        f"{head}[board.gh-01.stimulus]" + lines.replace("\n# ", "\n") + f"\n\n{tail}", "desk.toml"
    )
    stimulus = checked.boards["gh-01"].stimulus
    assert stimulus.wiring == "my-wiring.toml" and "stimulus" in checked.features


def test_no_file_is_one_virtual_board():
    bench = bench_file.load(None)
    assert list(bench.boards) == ["gh-01"] and bench.is_virtual
    assert bench.features == {*bench_file.DERIVED, "collector"}


@pytest.mark.parametrize(
    ("text", "features"),
    [
        (ONE, {"lines", "modem"}),
        (ONE + "lines = false\n" + POWER, {"power", "modem"}),
        ('features = ["sim"]\n' + ONE + '[modem]\nkind = "real"\n', {"sim", "lines", "modem"}),
        (ONE + VIRTUAL.replace("a]", "b]"), {"lines", "modem"}),
    ],
)  # fmt: skip
def test_features_follow_from_the_file(text, features):
    assert bench_file.parse(text, "x.toml").features == features


def test_a_boards_own_power_goes_before_that_of_all():
    text = ONE + REAL.format("b", "/dev/ttyUSB1", 2) + '[board.a.power]\nkind = "manual"\n' + POWER
    bench = bench_file.parse(text, "x.toml")
    assert (bench.power("a").kind, bench.power("b").kind) == ("manual", "shelly")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("x =", ["this is no TOML"]),
        ("", ["board: missing"]),
        ("[board]\n", ["[board]: missing, must be at least one table [board.NAME]"]),
        (VIRTUAL.replace("a]", "A_1]"), ["[board.A_1]: 'A_1' must be 1 to 32 lower-case"]),
        (VIRTUAL.replace("_esp32", ""),
         ["[board.a] manifest = 'greenhouse': unknown board, did you mean 'greenhouse_esp32'?"]),
        (VIRTUAL + "prt = 1\n", ["[board.a] prt: unknown key, did you mean 'port'?"]),
        (ONE.replace("/dev/", ""),
         ["[board.a] port = 'ttyUSB0': must be a device (/dev/ttyUSB0), a URL (rfc2217"]),
        (ONE.replace("mac:", ""), ["[board.a] id = 'a4:cf:12:00:00:01': must be mac:aa:bb:cc"]),
        (ONE.replace("id =", "# "), ["[board.a] id: missing, must be mac:aa:bb:cc:dd:ee:ff ("]),
        (VIRTUAL.replace("virtual", "rfc2217://lab:4001") + 'id = "usb:1"\n',
         ["[board.a] id = 'usb:1': only a local device shows it, give mac:..."]),
        (VIRTUAL + 'id = "mac:a4:cf:12:00:00:01"\n',
         ["[board.a] id = 'mac:a4:cf:12:00:00:01': a virtual board has a MAC like 02:..."]),
        (ONE + REAL.format("b", "/dev/ttyUSB1", 1),
         ["[board.b] id = 'mac:a4:cf:12:00:00:01': is that of [board.a]; write what each board"]),
        (ONE + REAL.format("b", "/dev/ttyUSB1", 1).replace("a4:cf", "A4:CF"),
         ["[board.b] id = 'mac:A4:CF:12:00:00:01': is that of [board.a]"]),
        (ONE + REAL.format("b", "/dev/ttyUSB0", 2),
         ["[board.b] port = '/dev/ttyUSB0': is that of [board.a]; write where each board"]),
        (ONE + REAL.format("b", "/dev/ttyUSB1", 2) + POWER,
         ["[board.b] power: is that of [board.a]; give each board a [board.NAME.power]"]),
        (VIRTUAL + POWER, ["[power] kind = 'shelly': must be virtual for port = 'virtual'"]),
        (ONE + '[power]\nkind = "virtual"\n', ["[power] kind = 'virtual': must be uhubctl, tasm"]),
        (ONE + '[power]\nkind = "shely"\n', ["[power] kind = 'shely': must be 'virtual', 'uhub"]),
        (ONE + POWER + "generation = 3\n", ["[power] generation = 3: must be 1 or 2"]),
        (ONE + '[board.a.power]\nkind = "uhubctl"\nlocation = "1-1"\nport = 0\n',
         ["[board.a.power] port = 0: must be a whole number from 1 to 31"]),
        (ONE + '[modem]\nkind = "fake"\n', ["[modem] kind = 'fake': must be 'model' or 'real'"]),
        (ONE + '[modem]\nkind = "model"\n',
         ["[modem] kind = 'model': must be 'real', since [board.a] is not virtual"]),
        ('features = ["collector"]\n' + ONE,
         ["[board.a] unit: missing, and features has 'collector'; name the TOML file"]),
        ('features = ["power", "Sim card"]\n' + ONE,
         ["features = 'power': follows from the rest of the file, take it out",
          "features = 'Sim card': must be lower-case letters, digits and '_'"]),
    ],
)  # fmt: skip
def test_a_broken_file_says_what_is_wrong(text, problems):
    with pytest.raises(InvalidData) as caught:
        bench_file.parse(text, "x.toml")
    assert str(caught.value).startswith("x.toml: ")
    assert str(caught.value).endswith("next: correct x.toml")
    assert len(caught.value.problems) == len(problems), caught.value.problems
    for found, wanted in zip(caught.value.problems, problems, strict=True):
        assert found.startswith(wanted)


def test_one_port_by_two_names_is_one_port(tmp_path):
    other = tmp_path / "by-id"
    other.symlink_to("/dev/null")
    text = REAL.format("a", "/dev/null", 1) + REAL.format("b", other, 2)
    with pytest.raises(InvalidData, match="is that of .board.a."):
        bench_file.parse(text, "x.toml")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(CannotTry, match="No such file.*or one of ours: desk, lab, virtual"):
        bench_file.load(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe4\n")
    with pytest.raises(InvalidData, match="not UTF-8"):
        bench_file.load(tmp_path / "latin.toml")
