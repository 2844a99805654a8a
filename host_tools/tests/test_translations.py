"""What people read can be translated, and is: no text without `tr()`, none without Chinese."""

import io
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib import util
from pathlib import Path

import pytest
from fieldbeat.host_tools import cli, help_text, language, tables, toml_words
from fieldbeat.host_tools.output import WORDS_OF_OURS
from fieldbeat.host_tools.wide_text import columns, padded, wrapped

from .pieces import pieces
from .unwrapped import unwrapped

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = str(ROOT / "docs/examples/greenhouse.toml")
# Texts that look as if they were for people, with why they are not translated where they stand.
EXCEPTIONS = {
    "stored in the history of a unit": "flashed with key|key allocated|swap begun|taken off|"
    "given away|signing key entered|signing key made|told how to lock|key id X, epoch X",
    "sealed with what they name": "wifi password|key file|unlock code",
    "first words of a file": "fieldbeat (trace|certificate|technicians) 1|fieldbeat bundle|"
    "# The key of a fieldbeat .*",
    "compared, or written as JSON; translated when shown": "was done|not ours|on its way|"
    "actuator fault|alarm rules|not tried|wrong way|not tested|line current|serial line",
    "what a unit or modem says": "safe mode|Signal power|held in its boot window",
    "matplotlib's": "(upper|lower) left|offset points",
    "drawn with letters of OpenCV, which has no others": "no level|signed until .*",
    "a command to type": "ffmpeg .*|fieldbeat ui|fieldbeat firmware get .*|"
    "fieldbeat technician export|--again X|chmod 600 X",
    "names of options and keys": "--level-mm X: X|--out X: X|level_mm = X, high_mm = X",
    "a page's or picture's own language": "<path .*|.*@page .*",
}
WORD_LISTS = {
    "toml_words.py": "what tomllib says, all of which is in the catalogue",
    "unit_words.py": "what units say, all of which is in the catalogue",
    "help_text.py": "what typer says, all of which is in the catalogue",
    "doctor_reading.py": "facts that rules look for, never shown",
    "doctor_unit_rules.py": "patterns of such facts; its sentences go through tr()",
    "doctor_network_rules.py": "the same",
    "flight_records.py": "steps of which such facts are made",
}
# Words that stand in Chinese sentences as they are.
KEPT = (
    r"python -m [a-z._]+",  # typed, as the next are
    r"fieldbeat( [a-z]+)* ?|ffmpeg .*|.*<code>fieldbeat .*|urn:.*|[ -]+[a-z-]+( FILE| )?",  # typed
    r"\.[a-z0-9]+|lock\.json|\[+[a-z.]+\]* ?",  # endings and tables of files
    "above|below|while|unless|unit|latitude|longitude|gauge",  # keys of files
    "telemetry|ack|block|command",  # classes of frames, as docs/wire-format.md has them
    "MB|MicroPython |FIELDBEAT1|FIELDBEAT_WIFI_PASSWORD",
)
_NAMES = r"[\w./~{}-]*[/_.=-][\w./~{}-]*"  # of files, options, settings, parts
_COMMAND = "fieldbeat [a-z ]+"
_LISTED = r"(?:\w+[,|] ?)+\w*"
_QUOTED = re.compile(
    rf"^用法：.*|'[^']*'|`[^`]*`|\"[^\"]*\"|<[^>]*>|\[[^\]]*\]|{_LISTED}|{_NAMES}|{_COMMAND}"
)
_ENGLISH = re.compile(r"(?:\b[A-Za-z]?[a-z]+\b[ ,;:]+){2,}[a-z]{2,}\b")
RUNS = [
    ["boards"],
    ["boards", "grenhouse"],
    ["config", "check", EXAMPLE],
    ["config", "check", "BAD"],
    ["config", "check", "NONE"],
    ["show"],
    ["show", "gh-01"],
    ["build", "NONE", "-o", "x"],
    ["flash", "--port", "/dev/none", "NONE"],
    ["provision", "--port", "/dev/none", EXAMPLE],
    ["batch", "PLAN", "--check"],
    ["batch"],
    ["power", EXAMPLE],
    ["decode", "0102"],
    ["registry", "status"],
    ["alert", "send"],
    ["issuer", "list"],
    ["flash"],
    ["flash", "--nothing"],
    ["console", "--port", "/dev/none"],
    ["nothing"],
]
BAD_PLAN = """\
unit,site,config,board,latitude,longitude,slot,mac,calibration,profil,key
Gh 1,no where,none.toml,greenhous,north,0,third,24:0a,,,
,v,bad.toml,,91,,1-1,,trim.toml,,
gh-2,v,bad.toml,speaker_esp32_eth,,200,1-1,24:0a:c4:00:00:02,,,
gh-2,v,bad.toml,,,,,24:0a:c4:00:00:02,,,
gh-3,v,bad.toml,,,,,,,,,more
"""
BAD_PARTS = (
    "[fitted.soil]",
    """
[fitted.air]
address = 'x'
rom = 'x'
enabled = 3
[power]
sleep = 'much'
battery_mah = -1
[[rule]]
number = 'x'
foo = 1
[[alarm]]
number = 1
[speaker]
groups = [70000]
volume = 101
self_test = 'now'
[[actuator]]
[fitted.soil]
regions = {a = [1, 2]}
xyz = 1
""",
)
# What may stand in Chinese: what is quoted, names of files, keys and settings, and these.
_LATIN = re.compile(r"[A-Za-z]{2,}")
_QUOTED_OR_KEY = re.compile(
    r"'[^']*'|\[[^\]]*\]|\{[^}]*\}|(?<![一-鿿])[A-Za-z0-9./_-]*[._/-][A-Za-z0-9./_-]*"
    r"|^\S+: |\w+ =|列 \w+|给出了 \w+|\w+(?=：(?:缺少|未知的键))|有 rate 时"
    rf"|可用：{_LISTED}|允许：{_LISTED}"
    r"|\b(?:fieldbeat|USB|TOML|UTF|IPv4|APN|Wi|Fi|mV|ms|http|https|true|false|null)\b"
)
_RUNNER = """
import contextlib, io, json, sys
from fieldbeat.host_tools import cli
told = []
for arguments in json.load(sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = cli.main(arguments)
    told.append([code, out.getvalue()])
print(json.dumps(told))
"""


def english(text: str) -> list[str]:
    """Return the lines that hold English sentences beside what is quoted, paths and options."""
    return [line for line in text.splitlines() if _ENGLISH.search(_QUOTED.sub(" ", line))]


def commands(command=None, words=()):
    """Return the words of every verb, and of those below it."""
    if command is None:
        yield ()
        for name, point in cli.verbs().items():
            yield from commands(cli.load(point), (name,))
        return
    yield words
    for name, below in (getattr(command, "commands", None) or {}).items():
        yield from commands(below, (*words, name))


@pytest.fixture(scope="module")
def tool():
    spec = util.spec_from_file_location("translations", ROOT / ".ci/translations.py")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def in_chinese(tmp_path_factory):
    """Runs commands in one process of its own, whose language is Chinese."""
    home = tmp_path_factory.mktemp("home")
    bad = (ROOT / "docs/examples/greenhouse.toml").read_text()
    (home / "BAD").write_text(bad.replace("interval_s", "intervall_s") + "\n[nothing]\nx = 1\n")
    (home / "PLAN").mkdir()
    (home / "plan.csv").write_text("unit,config\ngh-01,none.toml\ngh-01,none.toml\n")
    (home / "bad.csv").write_text(BAD_PLAN)
    (home / "bad.toml").write_text(bad.replace("port = 5690", "port = 0").replace(*BAD_PARTS))
    (home / "trim.toml").write_text("[calibration.soil]\nby = 3\nfactr = 1\n")
    environment = os.environ | {"FIELDBEAT_LANG": "zh", "FIELDBEAT_HOME": str(home)}

    def run(lines):
        lines = [["plan.csv" if word == "PLAN" else word for word in line] for line in lines]
        done = subprocess.run(
            [sys.executable, "-c", _RUNNER],
            input=json.dumps(lines),
            capture_output=True,
            text=True,
            env=environment,
            cwd=home,
            check=True,
        )
        return json.loads(done.stdout)

    return run


def test_every_text_has_chinese_with_the_same_places(tool):
    catalogue = tool.read(language.FOLDER / "zh/LC_MESSAGES/fieldbeat.po")
    assert list(tool.faults(catalogue)) == []


def test_the_catalogues_are_up_to_date_and_compiled(tool):
    for path in tool.catalogues():
        catalogue = tool.read(path)
        assert path.read_bytes() == tool.written(tool.updated(catalogue)), "run update"
        assert path.with_suffix(".mo").read_bytes() == tool.compiled(catalogue), "run compile"


def test_no_text_for_people_goes_without_tr():
    excused = re.compile("|".join(EXCEPTIONS.values()), re.DOTALL)
    found = [
        f"{path.name}:{line}: {text}"
        for folder in (ROOT / "host_tools", ROOT / "host_tools/commands")
        for path in sorted(folder.glob("*.py"))
        if path.name not in WORD_LISTS
        for line, text in unwrapped(path.read_text())
        if not excused.fullmatch(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("say('the pump is dry')", ["the pump is dry"]),
        ("say(f'the pump {name} is dry')", ["the pump X is dry"]),
        ("say(tr('the pump is dry'))", []),
        ("raise CannotTry(tr('no address'), 'give HOST:PORT')", ["give HOST:PORT"]),
        ("x = 'bold red'", []),
        ("x = ', then '.join(steps)", [", then "]),
        ("if state == 'not tried': pass", []),
        ("def f():\n    'This is a docstring.'", []),
        ("raise RuntimeError('this is a bug')", []),
        ("raise CannotTry('there is no pump', 'buy one')", ["there is no pump", "buy one"]),
    ],
)
def test_the_finder_finds_what_people_read(source, texts):
    assert [text for _, text in unwrapped(source)] == texts


def test_no_sentence_is_put_together_with_an_english_word():
    kept = re.compile("|".join(KEPT))
    found = [
        f"{path.name}:{line}: {text}"
        for folder in (ROOT / "host_tools", ROOT / "host_tools/commands")
        for path in sorted(folder.glob("*.py"))
        for line, text in pieces(path.read_text())
        if not kept.fullmatch(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("filled", "words"),
    [
        ("known or 'none'", ["none"]),
        ("tr('none')", []),
        ("' and '.join(names)", [" and "]),
        ("f'{count} wolves'", [" wolves"]),
        ("{1: 'one'}[n]", ["one"]),
        ("names.get(n, 'a stranger')", ["a stranger"]),
        ("kind(n)", ["a pump"]),
        ("what", ["late", "early"]),
        ("f'{count} %'", []),
    ],
)
def test_the_finder_finds_what_is_put_into_a_sentence(filled, words):
    source = f"""
def kind(n):
    return "a pump" if n else tr("a valve")
def told(n):
    what = "late" if n else "early"
    text = tr("it is {{x}}")
    return text.format(x={filled})
"""
    assert [text for _, text in pieces(source)] == words


def test_what_a_table_may_hold_is_told_in_chinese():
    environment = os.environ | {"FIELDBEAT_LANG": "zh"}
    done = subprocess.run(
        [sys.executable, "-m", "fieldbeat.host_tools.tests.allowed"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    told = done.stdout.splitlines()
    assert len(told) > 200
    assert [line for line in told if _LATIN.search(_QUOTED_OR_KEY.sub(" ", line))] == []


def test_every_refusal_of_a_plan_is_told_in_chinese(in_chinese):
    ((code, told),) = in_chinese([["batch", "bad.csv", "--virtual", "--check"]])
    lines = told.splitlines()
    assert code == 2 and len(lines) > 20
    assert [line for line in lines if _LATIN.search(_QUOTED_OR_KEY.sub(" ", line))] == []


@pytest.mark.parametrize(
    "text",
    [
        *("a = ", "a = [1", "a 1", "a=1\na=2", "a='x", "a=1 b=2", "[a", "[a]\n[a]", "a='''x"),
        *('a="\\q"', 'a="x\ny"', "= 1", "a = {b=1", "[a]\nb=1\n[a.b]", "a={b=1,b=2}"),
    ],
)
def test_why_a_text_is_no_toml_is_told_in_both_languages(text):
    with pytest.raises(tomllib.TOMLDecodeError) as caught:
        tomllib.loads(text)
    assert toml_words.reason(caught.value) == str(caught.value)
    with language.spoken("zh"):
        told = toml_words.reason(caught.value)
    assert not _LATIN.search(_QUOTED_OR_KEY.sub(" ", told)), told


def test_help_in_chinese_has_no_english_sentence(in_chinese):
    lines = [[*words, "--help"] for words in commands()]
    for line, (code, told) in zip(lines, in_chinese(lines), strict=True):
        assert code == 0 and "用法：" in told
        prose = told.partition("示例：")[0] + told.partition("选项：")[2]
        assert english(prose) == [], " ".join(line)
        assert not any(each in told for each in help_text.PLACEHOLDERS), " ".join(line)


def test_runs_in_chinese_have_no_english_sentence(in_chinese):
    for line, (code, told) in zip(RUNS, in_chinese(RUNS), strict=True):
        assert told and code in (0, 1, 2), line
        assert english(told) == [], " ".join(line)


def test_json_is_english_whatever_the_language(in_chinese):
    lines = [["boards", "grenhouse", "--json"], ["config", "check", "NONE", "--json"]]
    for (code, told), line in zip(in_chinese(lines), lines, strict=True):
        assert code and told.isascii() and json.loads(told)["next"], line


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"FIELDBEAT_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"FIELDBEAT_LANG": "zh", "LANG": "C"}, "zh"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
        ({"FIELDBEAT_LANG": ".."}, "en"),
        ({}, "en"),
    ],
)
def test_the_environment_chooses_the_language(monkeypatch, variables, code):
    for name in ("FIELDBEAT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    language.settle(None)
    assert language.chosen() == code


def test_wide_characters_take_two_columns():
    assert columns("设备 gh-01") == 10
    assert padded("设备", 6) == "设备  "
    assert wrapped("把映像烧录到设备，并校验。", 12) == ["把映像烧录到", "设备，并校", "验。"]
    assert wrapped("see 'fieldbeat boards' now", 12, 2) == [
        "see",
        "  'fieldbeat",
        "  boards'",
        "  now",
    ]
    assert all(
        columns(line) <= 20 for line in wrapped("设备 gh-01 没有应答，请检查线缆。" * 3, 20)
    )


def test_a_usage_error_is_translated_with_its_parts(monkeypatch):
    monkeypatch.setenv("FIELDBEAT_LANG", "zh")
    language.settle(None)
    told = help_text.usage_error("Invalid value for '--baud': 'x' is not a valid integer.")
    assert told == "'--baud' 的值无效：'x' 不是整数。"


@pytest.mark.parametrize(("fonts", "code"), [([], "en"), (["SimHei"], "zh")])
def test_pictures_are_drawn_in_chinese_where_a_font_has_it(monkeypatch, fonts, code):
    drawn_text = pytest.importorskip("fieldbeat.host_tools.drawn_text")
    monkeypatch.setattr(drawn_text.font_manager, "get_font_names", lambda: fonts)
    monkeypatch.setattr(drawn_text.font_manager, "findSystemFonts", list)
    monkeypatch.setenv("FIELDBEAT_LANG", "zh")
    language.settle(None)
    with drawn_text.drawable():
        assert language.chosen() == code
    assert language.chosen() == "zh"


@pytest.mark.parametrize("code", ["en", "zh"])
def test_a_chinese_name_is_drawn_or_one_line_says_why_not(monkeypatch, capsys, recwarn, code):
    figure = pytest.importorskip("matplotlib.figure")
    drawn_text = pytest.importorskip("fieldbeat.host_tools.drawn_text")
    monkeypatch.setenv("FIELDBEAT_LANG", code)
    language.settle(None)

    def draw() -> None:
        with drawn_text.drawable():
            figure.Figure().text(0, 0, "北岸").figure.savefig(io.BytesIO())

    if drawn_text._installed() or drawn_text._found():
        draw()
        assert not capsys.readouterr().err
    monkeypatch.setattr(drawn_text, "_installed", list)
    monkeypatch.setattr(drawn_text, "_found", list)
    draw()
    assert capsys.readouterr().err.count("fonts-noto-cjk") == 1 and not recwarn


def test_a_unit_of_measure_is_no_unit_of_ours():
    with language.spoken("zh"):
        heads = [str(column.header) for column in tables.latest("x", [], 0.0).columns]
        assert heads == ["通道", "值", "单位", "质量", "距今"]
        assert str(tables.overview([], 0.0).columns[0].header) == "设备"


def test_words_in_tables_are_translated_in_columns_of_fixed_lists_only():
    assert "Unit" not in WORDS_OF_OURS and "State" in WORDS_OF_OURS
