"""A file of alarm rules: what it means, and what is wrong with one."""

from pathlib import Path

import pytest
from fieldbeat.host_tools import alarm_rule_words, alarm_rules
from fieldbeat.host_tools.validation import InvalidData
from fieldbeat.protocols import alarm_rules as protocol
from fieldbeat.protocols import cbor

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "river_rules.toml"
SHORT = """
profile = "speaker_river"
[[rule]]
channel = "level"
above = "3.20 m"
level = 1
"""


def parse(text, folder=Path(".")):
    return alarm_rules.parse(text, "x.toml", folder)


def problems(text, folder=Path(".")):
    with pytest.raises(InvalidData) as caught:
        parse(text, folder)
    return caught.value.problems


def test_the_example_is_what_it_says():
    found = alarm_rules.load(EXAMPLE)
    flood, low = found.rules
    assert flood[:10] == (1, "level", "m", 1000, 3200, False, 100, 120, 1800, 1800)
    assert (flood.alert.cls, flood.alert.level, flood.alert.repeat) == (2, 1, 3)
    assert flood.alert.content[0] == [0, 1, 3000]
    assert flood.alert.content[1][2] == b"The river rises. Leave the bank now."
    assert low[:10] == (2, "battery", "V", 1000, 10500, True, 500, 3600, 86400, 300)
    assert len(low.alert.content) == 1  # no tone before what is daily
    lines = [line for rule in found.rules for line in alarm_rule_words.words(rule)]
    assert lines[0] == "rule 1: level above 3.200 m for 2 min"
    assert (
        'a two-tone tone of 3 s, then says "The river rises. Leave the bank now.", 3' in lines[1]
    )
    assert (
        lines[2]
        == "  for up to 30 min; again when it was at or below 3.100 m, after 30 min or more"
    )
    assert lines[5].endswith("again when it was at or above 11.000 V, after 1 d or more")
    told = "alarm rules: 1: level above 3.200 m for 2 min; 2: battery below 10.500 V for 1 h"
    assert alarm_rule_words.told(found.rules) == told
    assert alarm_rule_words.told(()) == "no alarm rules any more"


def test_what_is_made_is_what_a_unit_takes():
    args = alarm_rules.load(EXAMPLE).args()
    again = protocol.parse(cbor.decode(cbor.encode(args)))
    assert tuple(again) == alarm_rules.load(EXAMPLE).rules


@pytest.mark.parametrize(
    ("written", "counts"),
    [("3.20 m", 3200), ("3.2m", 3200), ("320 cm", 3200), ("3200 mm", 3200), ("-0.5 m", -500)],
)
def test_a_quantity_in_units(written, counts):
    assert parse(SHORT.replace("3.20 m", written)).rules[0].threshold == counts


def test_a_channel_without_a_unit():
    text = SHORT.replace('"level"', '"mains"').replace("above", "below").replace("3.20 m", "1")
    [rule] = parse(text).rules
    assert (rule.unit, rule.threshold, rule.below) == ("1", 1, True)
    assert alarm_rule_words.condition(rule) == "mains below 1"


WRONG = {
    "unit": (
        "3.20 m",
        "3.20 ft",
        "above = '3.20 ft': must be a number with its unit (m, cm, mm), like '1.0",
    ),
    "no unit": ("3.20 m", "3.20", "must be a number with its unit"),
    "words": ("3.20 m", "high", "must be a number with its unit"),
    "step": ("3.20 m", "3.2005 m", "above = '3.2005 m': level comes in steps of 0.001 m"),
    "range": ("3.20 m", "12 m", "above = '12 m': level is only from -10.000 m to 10.000 m"),
    "end": ("3.20 m", "10 m", "above = '10 m': level is only from -10.000 m to 10.000 m, and nev"),
    "never over": (
        "level = 1",
        'level = 1\nback = "14 m"',
        "back = '14 m': it would be over at -10.800 m, and level is only from -10.000 m",
    ),
    "channel": ('"level"', '"levle"', "channel = 'levle': speaker_river does not measure it, did"),
    "which": ('"level"', '"tide"', "(there is: level, battery, line_current, mains, door)"),
    "both": ("level = 1", 'level = 1\nbelow = "1 m"', "rule 1: must have either above or below"),
    "neither": ('above = "3.20 m"', "", "rule 1: must have either above or below"),
    "hold": ("level = 1", 'level = 1\nhold = "2"', "hold = '2': must be a time like '90 s'"),
    "long": ("level = 1", 'level = 1\nhold = "2 d"', "hold = '2 d': must be 0 s to 1 d"),
    "pause": ("level = 1", 'level = 1\npause = "10 s"', "pause = '10 s': must be 1 min to 7 d"),
    "for": ("level = 1", 'level = 1\nfor = "5 s"', "for = '5 s': must be 10 s to 1 d"),
    "back": ("level = 1", 'level = 1\nback = "-1 m"', "back = '-1 m': must not be below 0"),
    "silence": ("level = 1", 'level = 1\ntone = "none"', "nothing is to be sounded"),
    "silent": ("level = 1", "level = 1\nsilent = true", "only a drill can be silent"),
    "event": ("level = 1", f'level = 1\nevent = "{"x" * 17}"', "must be a text of up to 16 bytes"),
    "clip": ("level = 1", 'level = 1\nclip = ["A b"]', "'A b' is no name of a clip"),
    "text": ("level = 1", 'level = 1\ntext = ["☃"]', "cannot be spoken"),
    "key": ("level = 1", "level = 1\nvolum = 3", "volum: unknown key, did you mean 'volume'?"),
    "no level": ("level = 1", "", "level: missing"),
    "profile": ("speaker_river", "speaker_rivr", "unknown profile, did you mean 'speaker_river'?"),
    "another": ("speaker_river", "speaker", "speaker does not measure it"),
    "no rule": ("[[rule]]", "[[rules]]", "rule"),
    "toml": ("[[rule]]", "[[rule", "this is no TOML"),
}


@pytest.mark.parametrize(("old", "new", "message"), WRONG.values(), ids=WRONG.keys())
def test_a_mistake_is_named(old, new, message):
    assert old in SHORT
    found = problems(SHORT.replace(old, new))
    assert any(message in problem for problem in found), found


def test_all_mistakes_at_once_and_numbers_once():
    table = SHORT[SHORT.index("[[rule]]") :]
    two = SHORT.replace("3.20 m", "3") + table.replace("level = 1", "level = 1\nnumber = 1")
    found = problems(two)
    assert len(found) == 2 and "[[rule]] number = 1: used twice" in found[1]
    assert "rule" in problems(SHORT + table * 16)[0]
    assert len(parse(SHORT + table * 15).rules) == 16


def test_a_clip_is_looked_for_in_the_folder_that_was_named(tmp_path):
    import wave

    (tmp_path / "clips").mkdir()
    with wave.open(str(tmp_path / "clips" / "flood.wav"), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    text = 'clips = "clips"\n' + SHORT + 'clip = ["flood"]\n'
    assert parse(text, tmp_path).rules[0].alert.content[1] == [1, "flood"]
    [found] = problems(text.replace('["flood"]', '["flod"]'), tmp_path)
    assert found == "rule 1: clip 'flod': no such clip, did you mean 'flood'?"


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InvalidData, match="cannot be read"):
        alarm_rules.load(tmp_path / "none.toml")
