"""CAP 1.2: what is taken, and everything that must not be."""

import pytest
from fieldbeat.host_tools import cap, cap_reader
from fieldbeat.host_tools.cap import CapError
from fieldbeat.host_tools.cap_reader import parse, read
from hypothesis import given
from hypothesis import strategies as st

from .cap_files import area, info, message
from .sender import NOW_S

GOOD = message(info())


def refused(text):
    """Return the one line that a message is refused with."""
    with pytest.raises(CapError) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), "a.xml").info(NOW_S)
    line = str(caught.value)
    assert "\n" not in line and "; next: " in line and caught.value.exit_code == 2
    return line


# What is taken


def test_an_alert():
    found = parse(GOOD.encode())
    assert (found.kind, found.class_, found.references) == (cap.ALERT, 2, ())
    assert found.origin == "flood@county.example,FL-2024-17,2024-06-01T11:59:00Z"
    told = found.info(NOW_S)
    assert (told.level, told.event, told.event_code, told.language) == (
        *(1, "Flood", "11B06"),
        "en-GB",
    )
    assert (told.effective_s, told.expires_s) == (NOW_S, NOW_S + 3600)
    assert told.areas == (cap.Area("Riverside village", (("site", "riverside"),)),)
    assert told.areas[0].names == ("riverside", "Riverside village")
    assert told.spoken() == [
        "Flood warning\nThe river Sha stands at 3.20 m and rises.\nLeave the bank now.",
        "Flood warning\nLeave the bank now.",
        "Flood warning",
    ]


@pytest.mark.parametrize("encoding", ["GB2312", "gbk", "GB18030", "Big5", "UTF-16"])
def test_it_may_be_in_another_encoding(encoding):
    text = message(info(headline="洪水")).replace("UTF-8", encoding)
    assert parse(text.encode(encoding)).info(NOW_S).headline == "洪水"
    assert "a.xml is no XML" in refused(text.encode("utf-8")[:400])


def test_an_encoding_that_nobody_reads_is_named():
    line = refused(message(info()).replace("UTF-8", "EUC-KR"))
    assert "encoding" in line and line.endswith("next: have it written in UTF-8")


@pytest.mark.parametrize(
    ("severity", "level"),
    [("Extreme", 1), ("Severe", 2), ("Moderate", 3), ("Minor", 4), ("Unknown", None)],
)
def test_the_severity_is_the_level(severity, level):
    assert parse(message(info(severity)).encode()).info(NOW_S).level == level


def test_an_exercise_is_a_drill():
    assert parse(message(info(), status="Exercise").encode()).class_ == 1


def test_a_cancel_names_what_it_cancels_however_the_time_is_written():
    other = "a@b,OLD-1,2024-05-31T08:00:00+08:00"
    text = message(
        kind="Cancel",
        references=f"flood@county.example,FL-2024-17,2024-06-01T19:59:00+08:00\n{other}",
    )
    found = parse(text.encode())
    assert found.kind == cap.CANCEL and found.infos == ()
    assert found.references == (parse(GOOD.encode()).origin, "a@b,OLD-1,2024-05-31T00:00:00Z")


def test_an_update_is_an_alert_that_cancels():
    text = message(info(), kind="Update", references="a@b,OLD-1,2024-05-31T08:00:00+08:00")
    found = parse(text.encode())
    assert found.references == ("a@b,OLD-1,2024-05-31T00:00:00Z",)
    assert found.info(NOW_S).headline == "Flood warning"


def test_the_language_is_chosen():
    text = message(info(), info(headline="洪水警报", language="zh-CN"))
    found = parse(text.encode())
    assert found.info(NOW_S).headline == "Flood warning"
    assert found.info(NOW_S, "zh").headline == "洪水警报"
    with pytest.raises(CapError, match="language 'fr'; next: choose one of en-GB, zh-CN"):
        found.info(NOW_S, "fr")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding):
    text = message(info(headline="Crue à Nîmes")).replace("UTF-8", encoding)
    assert parse(text.encode(encoding)).info(NOW_S).headline == "Crue à Nîmes"


def test_what_others_add_is_passed_over():
    signed = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'
    text = GOOD.replace("</alert>", f"{signed}</alert>")
    assert parse(text.encode()) == parse(GOOD.encode())


def test_an_event_without_a_code():
    bare = GOOD.replace(
        "<eventCode><valueName>EBM</valueName><value>11B06</value></eventCode>", ""
    )
    assert parse(bare.encode()).info(NOW_S).event_code == "Flood"
    long = bare.replace("<event>Flood<", "<event>Flooding of the lower river<")
    assert parse(long.encode()).info(NOW_S).event_code == ""


def test_several_areas_and_none():
    both = parse(message(info(areas=area("A", "1", "2") + area("B"))).encode()).info(NOW_S)
    assert [each.names for each in both.areas] == [("1", "2", "A"), ("B",)]
    assert parse(message(info(areas="")).encode()).info(NOW_S).areas == ()


def test_an_alert_without_words_says_its_event():
    text = GOOD
    for tag in ("headline", "description", "instruction"):
        start, end = text.index(f"<{tag}>"), text.index(f"</{tag}>") + len(tag) + 3
        text = text[:start] + text[end:]
    assert parse(text.encode()).info(NOW_S).spoken() == ["Flood"]


# What is refused


@pytest.mark.parametrize(
    "tag", ["identifier", "sender", "sent", "status", "msgType", "scope", "event", "severity"]
    + ["urgency", "certainty", "category", "areaDesc", "valueName"],
)  # fmt: skip
def test_missing_parts(tag):
    start = GOOD.index(f"<{tag}>")
    end = GOOD.index(f"</{tag}>") + len(tag) + 3
    line = refused(GOOD[:start] + GOOD[end:])
    assert f"has no <{tag}>" in line and line.startswith("a.xml: ")
    assert f"has no <{tag}>" in refused(f"{GOOD[:start]}<{tag}> \n</{tag}>{GOOD[end:]}")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("<info>", "<inf>", "is no XML"),
        ("Actual", "Test", "its status is Test: it is not for the public; next: loudspeakers"),
        ("Actual", "System", "its status is System"),
        ("Actual", "Draft", "its status is Draft"),
        ("Actual", "Real", "<status> in <alert> is 'Real'; next: allowed: Actual, Exercise"),
        (">Alert<", ">Ack<", "its msgType is Ack; next: only Alert, Update and Cancel"),
        ("Extreme", "Red", "<severity> in <info> is 'Red'; next: allowed: Extreme, Severe"),
        (">Public<", ">public<", "<scope> in <alert> is 'public'"),
        ("FL-2024-17", "FL 2024", "identifier 'FL 2024' has a blank or comma"),
        ("cap:1.2", "cap:1.1", "no CAP 1.2 alert: it is urn:oasis:names:tc:emergency:cap:1.1"),
        (' xmlns="urn:oasis:names:tc:emergency:cap:1.2"', "", "<alert> without a namespace"),
        ("<event>", "<event>Fire</event><event>", "<info> has <event> twice"),
        (">Alert<", ">Cancel<", "<alert> has no <references>"),
        ("11:59:00-00:00", "11:59:00Z", "<sent> is '2024-06-01T11:59:00Z'; next: have it written"),
        ("11:59:00-00:00", "11:59:00", "<sent> has the time '2024-06-01T11:59:00'; next: have it"),
        ("2024-06-01T11:59", "2024-02-30T11:59", "<sent> has the time '2024-02-30T11:59:00-00:00"),
        ("2024-06-01T11:59", "2024-06-01T25:59", "<sent> has the time"),
        ("11:59:00-00:00", "11:59:00+99:99", "<sent> has the time"),
        ("21:00:00+08:00", "21:00:00Z", "<expires> is '2024-06-01T21:00:00Z'; next: have it writ"),
        ("21:00:00+08:00", "20:00:00+08:00", "it expires at 2024-06-01T12:00:00Z, before it is"),
        ("<effective>2024-06-01T20:00:00+08:00</effective>\n    <expires>2024-06-01T21",
         "<expires>2024-06-01T20", "the alert expired at 2024-06-01T12:00:00Z; next: ask its"),
    ],
)  # fmt: skip
def test_mistakes(old, new, expected):
    assert old in GOOD
    assert expected in refused(GOOD.replace(old, new, 1))


def test_an_alert_without_info():
    assert "it has no info: nothing can be spoken" in refused(message())


def test_two_blocks_of_one_language():
    assert "2 info blocks are in language 'en-GB'; next: send" in refused(message(info(), info()))


@pytest.mark.parametrize("text", ["a@b,X", "a@b,X,2024-05-31T08:00:00Z", ",,", "a@b,X,1,2", "x"])
def test_references_of_another_form(text):
    line = refused(message(kind="Cancel", references=text))
    assert "references" in line


ENTITY = '<!DOCTYPE alert [<!ENTITY x {}>]>\n<alert xmlns="'
BOMB = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 12))


@pytest.mark.parametrize(
    "document_type",
    [
        '<!DOCTYPE alert [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE alert [<!ENTITY x SYSTEM "http://192.0.2.1/x">]>',
        '<!DOCTYPE alert SYSTEM "http://192.0.2.1/cap.dtd">',
        '<!DOCTYPE alert [<!ENTITY % p SYSTEM "http://192.0.2.1/x"> %p;]>',
        f'<!DOCTYPE alert [<!ENTITY x0 "ha">{BOMB}<!ENTITY x "&x11;">]>',
        "<!DOCTYPE alert>",
    ],
    ids=["file", "http", "dtd", "parameter", "bomb", "bare"],
)
def test_entities_are_never_expanded(document_type):
    head, _, body = GOOD.partition("\n")
    text = f"{head}\n{document_type}\n{body.replace('Flood warning', '&x;')}"
    assert "declares a document type or entities; next: have it written without" in refused(text)


def test_huge_files(tmp_path):
    file = tmp_path / "huge.xml"
    padding = f"<!--{'x' * cap_reader.MAX_SIZE}-->"
    file.write_text(GOOD + padding)
    with pytest.raises(CapError, match=r"huge.xml has more than 256 kB; next: leave"):
        read(file)
    file.write_text(GOOD + padding[: cap_reader.MAX_SIZE - len(GOOD) - 7] + "-->")
    assert read(file) == parse(GOOD.encode())


def test_files_that_cannot_be_read(tmp_path):
    for path in (tmp_path / "none.xml", tmp_path):
        with pytest.raises(CapError, match="cannot be read: .*; next: name a CAP 1.2 file"):
            read(path)


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 99, b"{}", b"<alert", b"\xff\xfe<", GOOD.replace("UTF-8", "euc-kr").encode()]
    + [GOOD.replace("UTF-8", "no-such-one").encode(), GOOD.encode("utf-16"), GOOD.encode()[:-9]]
    + [b"<a>" * 80_000, b"<a>" * 30_000 + b"</a>" * 30_000],
    ids=range(11),
)  # fmt: skip
def test_what_is_no_cap_at_all(data):
    line = refused(data)
    assert "a.xml is no XML" in line or "a.xml is no CAP 1.2 alert" in line


@given(st.data())
def test_no_damage_raises_anything_else(data):
    """Cut, repeat or overwrite a piece of a good message."""
    good = GOOD.encode()
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(start + 60, len(good))))
    piece = data.draw(st.sampled_from([b"", good[start:end] * 2, b"&lt;", b"&#0;", b"\xff", b"Z"]))
    try:
        found = parse(good[:start] + piece + good[end:])
        assert found.infos or found.kind == cap.CANCEL
    except CapError as error:
        assert "\n" not in str(error)
