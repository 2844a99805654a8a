"""The shell in Chinese: no text of it is without one, tables keep their columns."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from firmware import chinese
from firmware.console import PROMPT
from firmware.tests.test_console import Hangup, Screen, Server, Shell

ROOT = Path(__file__).parents[2]
FIRMWARE = ROOT / "firmware"
CATALOGUE = dict(
    line.split("\t") for line in (FIRMWARE / "zh.txt").read_text("utf-8").splitlines()
)
FILES = [
    *sorted((FIRMWARE / "verbs").glob("*.py")),
    *(FIRMWARE / f"{name}.py" for name in ("console", "lock", "modem_talk", "shell")),
]
# For programs, in English everywhere, or pieces of a cell that is none by itself.
NOT_TOLD = (
    *("heap flash clock outbox modem", "unknown verb", "safe mode", "key check"),
    *(
        "not set yet",
        "cannot be opened; see counters",
        "no uplink",
        "not measured yet",
        "not known yet",
    ),
    "now    by        why",
    "; it was sent, and no server answered: does the collector run?",
    *("; type modem and counters for the reason", "; type counters for the reason"),
    *("at the edge", "Signal power"),
    *("the lines of the modem are", "not shown any more"),
    *("told %s, it is not asked", "told %s, nobody knows where it stands"),
    *("is at fault; see control", "supply and clips are well"),
    "the changes cannot be read: type config discard",
    "code: give 8 bytes of salt, the rounds and a SHA-256",
)


@pytest.fixture(autouse=True)
def here(monkeypatch):
    monkeypatch.setattr(chinese, "_FILE", str(FIRMWARE / "zh.txt"))


def texts():
    """Every text of some words: %s for what is filled in, numbers of tables left out."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                is_help = node.value.startswith("help: ")
                for whole in node.value.split("\n"):
                    line = whole.partition(": ")[2] if is_help else whole
                    text = re.sub(r"%[dr]", "%s", re.sub(r"^\d+ ", "", line)).strip()
                    text = text.replace("%%", "%")
                    is_told = re.search(r"[a-z]{2,} [a-z%]", text) and "firmware." not in text
                    if is_told and "=%s" not in text and text not in NOT_TOLD:
                        yield text


def test_every_text_has_one():
    known = {english for english in CATALOGUE} | {
        english.removesuffix("%s").strip() for english in CATALOGUE if english.endswith("%s")
    }
    errors = (FIRMWARE / "modem_talk.py").read_text().partition('_ERRORS = const(\n    """')[2]
    in_brackets = {line.partition(" ")[2] for line in errors.partition('"""')[0].split("\n")}
    missing = [text for text in texts() if text not in known | in_brackets]
    assert missing == []


def test_as_much_is_filled_in():
    for english, ours in CATALOGUE.items():
        assert english.count("%s") == ours.count("%s"), english
        assert re.search("[\u4e00-\u9fff]|dBm", ours), english


def test_tables_keep_their_columns():
    shown = chinese.run(
        "unit      gh-01\nuptime    7 s\nheap      53408 bytes free\nlock      locked"
    )
    assert shown == "设备    gh-01\n已运行  7 s\n内存    剩余 53408 字节\n锁      已锁定"


def test_a_table_of_several_columns_keeps_them():
    shown = chinese.run(
        "actuator  now    by        why\n"
        "fan       100 %  rule 3    \n"
        "roof       40 %  order     max_run  order for 20 s  stands at about 35 %"
    )
    assert shown.split("\n") == [
        "执行器  现在   决定者  原因",
        "fan     100 %  规则 3",
        "roof    40 %   指令    一次运行已达上限（max_run）  指令还剩 20 秒  位于约 35 %",
    ]


def test_verbs_are_typed_as_they_are():
    shown = chinese.run("help  this list\nlock  allow it no more")
    assert shown == "help  本列表\nlock  不再允许更改"


def test_what_is_filled_in_stays():
    text = chinese.run("nothing was changed: there is nothing to save: type config set PATH VALUE")
    assert text.endswith("请输入 config set 路径 值")
    assert chinese.run("unknown verb hepl; type help") == "没有 hepl 这个命令；请输入 help"
    assert chinese.run(
        "air: i2c_nack: no answer at 0x44; check its wiring and address"
    ).startswith("air：i2c_nack: no answer at 0x44；")
    names = "heap\nflash\noutbox\nmodem"  # of selftest list: they are typed
    for text in ("", names, "ok air.temperature 18.7 Cel (-40..85)", "+CSQ: 21,0\nOK", "%s %d"):
        assert chinese.run(text) == text


def test_the_console_speaks_it():
    from firmware.console import Console
    from firmware.tests import support

    class Speaking(Shell):
        async def execute(self, argv):
            return "unknown verb %s; type help" % argv[0], 1

    support.World()
    for language, words in (("zh", "没有 hepl 这个命令"), (None, "unknown verb hepl")):
        stream = Screen(b"hepl\r")
        stream.shown = bytearray()
        with pytest.raises(Hangup):
            support.run(Console(stream, Speaking(), Server(), language).run())
        assert words in stream.shown.decode() and stream.shown.endswith(PROMPT)
