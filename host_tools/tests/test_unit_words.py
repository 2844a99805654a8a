"""What a unit says is told in Chinese: none of its refusals and rows of self-tests is without."""

from __future__ import annotations

import re
from types import SimpleNamespace

import pytest
from fieldbeat.host_tools import acceptance, language, operations, unit_words
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.smp_link import Refused

from . import device_texts

# Errors that are bugs, or that a task meets and counts: no host shows them.
NOT_TOLD = {"at.py", "civil.py", "node.py", "outbox.py"}
# As it was heard, and what a driver asks a Modbus device for.
DATA = {"%s: %s", "%s to %s", "1 to %s registers, not %s"}
PUT_TOGETHER = {"%s is above %s", "%s is below %s", "%sZ server", "%sZ modem"}
_SENTENCE = re.compile(r"[a-z]{2,}[,:;]? [a-z%]|: %s$")
_TYPED = re.compile(r"fieldbeat \w+|config (set|show)|'[^']*'|node\.language.*|\w+(, \w+)+")
_BEHIND = "nothing was changed: "  # what the verb `config` says before some of them


@pytest.fixture(autouse=True)
def in_chinese():
    with language.spoken("zh"):
        yield


def is_told(text):
    said = unit_words.in_words(text.replace("%s", "x7"))
    return said != text.replace("%s", "x7") and not _SENTENCE.search(_TYPED.sub("", said))


def test_every_refusal_and_row_of_a_self_test_has_chinese():
    found = device_texts.told()
    assert len(found) > 150
    assert [
        f"{path.name}: {text}"
        for path, text in found
        if _SENTENCE.search(text) and text not in DATA and path.name not in NOT_TOLD
        if not is_told(text) and not is_told(_BEHIND + text)
    ] == []


def test_why_an_operation_is_not_noted_is_told_by_the_unit_itself():
    of_shell = "\n".join(unit_words.of_shell("zh"))
    texts = {
        text for path, text in device_texts.told() if path.stem in ("operation", "operations")
    }
    assert len(texts) > 8
    assert [each for each in texts if f"nothing was noted: {each}" not in of_shell] == [
        "note: give 1 to 60 bytes"  # which nobody types there
    ]


def test_no_text_is_kept_that_no_unit_says():
    said = "\n".join([*(text for _, text in device_texts.told()), *device_texts.constants()])
    texts = set(unit_words.TEXTS) - set(unit_words.OF_CERTIFICATES) - PUT_TOGETHER
    pieces = {piece.strip() for text in texts for piece in re.split(r"%s|[()]", text)}
    assert sorted(piece for piece in pieces if piece not in said) == []


def test_as_much_is_filled_in():
    for text in unit_words.TEXTS:
        assert language.tr(text).count("%s") == text.count("%s"), text


def test_a_new_text_would_be_noticed():
    assert not is_told("the pump is dry")
    assert not is_told("config: [%s] is too wet")


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("acked", "已应答"),
        ("no_ack", "无应答"),
        ("reg_searching", "reg_searching"),  # the name of a reason
        ("none", "无"),
        ("", ""),
        ("-1.05 Cel", "-1.05 Cel"),
        (
            "i2c_nack: address 0x44: check wiring and power",
            "i2c_nack: 地址 0x44：请检查接线和供电",
        ),
        (
            "air: i2c_nack: address 0x44: check wiring and power; check its wiring and address",
            "air：i2c_nack: 地址 0x44：请检查接线和供电；请检查接线和地址",
        ),
        (
            "config: uplink.host = '', allowed is a text of 1 to 253 characters",
            "config：uplink.host = ''，允许 1 到 253 个字符的文本",
        ),
        (
            "/config.new is not valid CBOR (a map key twice at byte 7); upload it again",
            "/config.new 不是有效的 CBOR（映射表的键重复，在第 7 字节）；请重新上传",
        ),
        ("unknown verb order; type help", "没有 order 这个命令；请输入 help"),
        ("it has to be tested: not set yet", "必须测试：尚未设置"),
        ("it has to be tested: none", "必须测试：无"),
        ("acked: 3 records waited, 0 wait now", "已应答：原有 3 条等待，现有 0 条"),
        (
            "status safe mode task house fails again and again; see /crash.txt",
            "status safe mode 任务 house 反复失败；请看 /crash.txt",
        ),
        (
            "log L 3 node: it has no keys yet: run fieldbeat provision on this port",
            "log L 3 node: 还没有密钥：请在此串口运行 fieldbeat provision",
        ),
        ("a text of a later version", "a text of a later version"),
    ],
)
def test_a_text_is_told(text, ours):
    assert unit_words.in_words(text) == ours
    with language.spoken("en"):
        assert unit_words.in_words(text) == text


@pytest.mark.parametrize("reason", ["no heap for it now, ask again in some seconds", None])
def test_a_refusal_says_in_chinese_what_to_do(reason):
    refused = Refused("x", SimpleNamespace(rc=7, rsn=reason))
    assert refused.next_step.startswith("内存暂时不足" if reason else "请确认设备运行的是")


def test_tables_keep_their_columns_and_names():
    said = (
        "unit      gh-01\noutbox    6 records, 988 bytes, from #1\nrsrp_dbm  -89\nlock      open"
    )
    assert unit_words.answer(said).split("\n") == [
        "设备      gh-01",
        "待发      6 条记录，988 字节，从 #1 起",
        "rsrp_dbm  -89",
        "锁        未锁定",
    ]
    said = "help            this list\nlock            allow it no more"
    assert unit_words.answer(said) == "help  本列表\nlock  不再允许更改"
    for names in ("heap\nflash\noutbox\nmodem", "no_ack    2\ni2c_nack  1"):
        assert unit_words.answer(names) == names
    rows = "ok heap.free 5 B (8192..)\nskip clock.time not set yet"
    assert unit_words.answer(rows) == "ok heap.free 5 B (8192..)\nskip clock.time 尚未设置"
    with language.spoken("en"):
        assert unit_words.answer(said) == said


def test_what_is_stored_stays_as_the_unit_said_it():
    (skipped,) = acceptance.parse("skip clock.time not set yet")
    limit = acceptance.Limit(name="clock.time", required=True)
    (judged,) = acceptance.judge([skipped], [limit], "b", "station")
    assert skipped.text == "not set yet"
    assert judged.text == "it has to be tested: not set yet"
    assert judged.measured == "必须测试：尚未设置"


def test_an_operation_that_is_not_allowed_is_told_with_what_to_give():
    with pytest.raises(CannotTry) as wrong_kind:
        operations.fields("Watered")
    assert wrong_kind.value.message == "不允许的kind"
    assert wrong_kind.value.next_step == "请用 1 到 24 个 a-z、0-9 和 -"
    with pytest.raises(CannotTry) as no_unit:
        operations.fields("watered", amount="30")
    assert no_unit.value.next_step == "请给数字和单位，如 '30 l'"
