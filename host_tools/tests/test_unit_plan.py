"""Plans of units: what is taken, and every mistake with its line and column."""

import pytest
from fieldbeat.host_tools import unit_plan
from fieldbeat.host_tools.tests.village import EXAMPLE, village
from fieldbeat.host_tools.unit_plan import Folder
from fieldbeat.host_tools.validation import InvalidData

HEAD = "unit,site,config,board,latitude,longitude,slot,mac,calibration\n"


def load(folder, text, name="village.csv"):
    return unit_plan.load(Folder(village(folder, text, name)))


def problems(folder, text, name="village.csv"):
    with pytest.raises(InvalidData) as caught:
        load(folder, text, name)
    return caught.value.problems


def test_rows_become_configurations(tmp_path):
    first, second = load(
        tmp_path,
        HEAD + "gh-01,valley,greenhouse.toml,greenhouse_esp32,30.5,-114.25,1-1.3,,\n"
        "# a remark\n\n"
        "gh-02,,greenhouse.toml,,,,,24-0A-C4-00-00-02,\n",
    )
    assert (first.line, first.slot, first.mac) == (2, "1-1.3", "")
    node = first.config.tables.node
    assert (node.name, node.site, node.latitude, node.longitude) == (
        "gh-01",
        "valley",
        30.5,
        -114.25,
    )
    assert (second.line, second.mac) == (5, "24:0a:c4:00:00:02")
    assert second.config.tables.node.latitude is None  # the file's are those of another unit


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_table_of_a_spreadsheet_elsewhere(tmp_path, mark):
    text = HEAD + "gh-01,valley,greenhouse.toml,,30.5,114.25,,,\n"
    text = "\ufeff" + text.replace(".5", "#5").replace(".25", "#25").replace(",", mark)
    (only,) = load(tmp_path, text.replace("#", ",").replace("\n", "\r\n"))
    assert only.config.tables.node.longitude == 114.25


@pytest.mark.parametrize(
    "before", ["sep=;\r\n", "# a, remark, of many, words\n", "\n\n#\nsep=;\n"]
)
def test_what_may_stand_before_the_head(tmp_path, before):
    text = before + HEAD.replace(",", ";") + "gh-01;valley;greenhouse.toml;;30,5;114,25;;;\n"
    (only,) = load(tmp_path, text)
    assert only.config.tables.node.longitude == 114.25
    assert unit_plan.may_be_plan(tmp_path / "village.csv")


def test_a_cell_without_its_second_quote_is_told_where_it_begins(tmp_path):
    rows = 'gh-01,"valley,greenhouse.toml,,,,,,\ngh-02,valley,greenhouse.toml,,,,,,\n'
    assert all(each.startswith("line 2: ") for each in problems(tmp_path, HEAD + rows))


def test_toml_with_defaults(tmp_path):
    text = '[defaults]\nsite = "valley"\nconfig = "greenhouse.toml"\n[[unit]]\nunit = "gh-01"\n'
    first, second = load(tmp_path, text + '\n[[unit]]\nunit = "gh-02"\nslot = "1-2"\n', "v.toml")
    assert (first.line, second.line, second.slot) == (4, 7, "1-2")
    assert second.config.tables.node.site == "valley"
    assert problems(tmp_path, text + "[[unit]]\nslot = 'x'\n", "v.toml") == [
        "line 6: unit: missing, must be 1 to 32 lower-case letters, digits and '-'",
        f"line 6: slot = 'x': must be {unit_plan.SLOT_RULE}",
    ]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("Gh-01,v,greenhouse.toml,,,,,,", "line 2: unit = 'Gh-01': must be 1 to 32 lower-case"),
        (",v,greenhouse.toml,,,,,,", "line 2: unit: missing, must be"),
        ("gh-01,v,greenhouse.toml,,91,0,,,", "line 2: latitude = 91.0: must be a number from -90"),
        ("gh-01,v,greenhouse.toml,,north,0,,,", "line 2: latitude = 'north': must be a number"),
        ("gh-01,v,greenhouse.toml,,1,,,,", "line 2: column longitude: missing, latitude is given"),
        ("gh-01,v,greenhouse.toml,,,,port 3,,", "line 2: slot = 'port 3': must be a USB position"),
        ("gh-01,v,greenhouse.toml,,,,,24:0a,", "line 2: mac = '24:0a': must be six bytes like"),
        ("gh-01,v,greenhouse.toml,,,,,ff:ff:ff:ff:ff:ff,", "must be six bytes like"),
        (
            "gh-01,v,greenhouse.toml,greenhouse,,,,,",
            "column board = 'greenhouse': unknown, did you",
        ),
        (
            "gh-01,v,greenhouse.toml,speaker_esp32_eth,,,,,",
            "column board = 'speaker_esp32_eth': greenhouse.toml is for greenhouse_esp32",
        ),
        ("gh-01,v,absent.toml,,,,,,", "line 2: column config: "),
        ("gh-01,v,bad.toml,,,,,,", "line 2: bad.toml: [uplink] port = 0: must be a whole number"),
        ("gh-01,v,greenhouse.toml,,,,,,trim.toml", "line 2: trim.toml: [calibration.nothing]: "),
        ("gh-01,v,greenhouse.toml,,,,,,,more", "line 2: 10 cells, the head has 9; quote what has"),
    ],
)
def test_a_bad_row_is_told_with_its_line_and_what_is_allowed(tmp_path, row, expected):
    village(tmp_path, "")
    (tmp_path / "bad.toml").write_text(EXAMPLE.read_text().replace("port = 5690", "port = 0"))
    trim = '[calibration.nothing]\nby = "me"\non = 2026-11-26\nagainst = "a book"\n'
    (tmp_path / "trim.toml").write_text(trim)
    found = problems(tmp_path, HEAD + row + "\n")
    assert any(expected in problem for problem in found), found


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("lattitude", "line 1: unknown column 'lattitude', did you mean 'latitude'?"),
        (
            "wifi_password",
            "line 1: column 'wifi_password': keys and passwords are never in a plan",
        ),
        ("master", "line 1: column 'master': keys and passwords are never in a plan"),
        ("unit", "line 1: column 'unit' is there twice"),
    ],
)
def test_a_head_that_is_none(tmp_path, column, expected):
    found = problems(tmp_path, f"unit,config,{column}\ngh-01,greenhouse.toml,7\n")
    assert found[0].startswith(expected)


def test_a_file_that_is_no_plan_is_not_shown(tmp_path):
    (only,) = problems(tmp_path, "four words nobody knows\n")
    assert only.startswith(
        "line 1: the first line names none of the columns of a plan, allowed: b"
    )


SPELLINGS = ("24:0a:c4:00:00:02", "24-0A-C4-00-00-02", "240ac4000002")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("unit", "gh-01,v,greenhouse.toml,,,,,,"),
        ("slot", "gh-NN,v,greenhouse.toml,,,,1-1.3,,"),
        ("mac", "gh-NN,v,greenhouse.toml,,,,,240AC4000002,"),
    ],
)
def test_what_two_rows_must_not_share(tmp_path, name, values):
    lines = [values.replace("NN", str(n)) for n in (2, 3)]
    (only,) = problems(tmp_path, HEAD + "\n".join(lines) + "\n")
    assert only.startswith(f"line 3: column {name}: ") and "is that of line 2" in only


def test_one_chip_is_one_however_it_is_written(tmp_path):
    rows = [f"gh-{n},v,greenhouse.toml,,,,,{mac}," for n, mac in enumerate(SPELLINGS)]
    found = problems(tmp_path, HEAD + "\n".join(rows) + "\n")
    assert len(found) == len(SPELLINGS) - 1
    assert all("column mac: " in text and "is that of line 2" in text for text in found)


def test_all_mistakes_are_told_at_once_and_one_of_a_shared_file_once(tmp_path):
    village(tmp_path, "")
    (tmp_path / "bad.toml").write_text(EXAMPLE.read_text().replace("port = 5690", "port = 0"))
    rows = "".join(f"gh-{n},v,bad.toml,,,,,,\n" for n in range(9)) + "gh_9,v,bad.toml,,,,,,\n"
    assert len(problems(tmp_path, HEAD + rows)) == 2


def test_all_that_is_wrong_with_a_row_is_told_in_the_order_of_lines(tmp_path):
    village(tmp_path, "")
    (tmp_path / "bad.toml").write_text(EXAMPLE.read_text().replace("port = 5690", "port = 0"))
    (tmp_path / "trim.toml").write_text("[calibration.soil]\nby = 3\n")
    text = "unit,config,bord,board,slot,calibration,latitude\n"
    text += "gh-1,greenhouse.toml,,,1-1,,\n"
    text += "Gh 2,absent.toml,x,greenhose_esp32,1-1,trim.toml,north\n"
    text += "gh-1,bad.toml,,,third,,\n"
    found = problems(tmp_path, text)
    begins = [
        "line 1: unknown column 'bord'",
        "line 3: unit = 'Gh 2': ",
        "line 3: latitude = 'north': ",
        "line 3: column longitude: missing",
        "line 3: column slot: 1-1 is that of line 2",
        "line 3: column config: ",
        "line 3: trim.toml: [calibration.soil] ",
        "line 3: column board = 'greenhose_esp32': unknown, did you mean",
        "line 4: slot = 'third': ",
        "line 4: column unit: gh-1 is that of line 2",
        "line 4: bad.toml: [uplink] port = 0: ",
    ]
    assert all(any(each.startswith(begin) for each in found) for begin in begins), found
    assert [each[:7] for each in found] == sorted(each[:7] for each in found)


def test_an_empty_plan_and_one_that_is_no_text(tmp_path):
    assert problems(tmp_path, HEAD) == ["there is no unit in it; write one row for each"]
    for content in (b"unit,config\n\xff\xfe\n", HEAD.encode("utf-16-le")):
        village(tmp_path, "").write_bytes(content)
        with pytest.raises(InvalidData, match="save it as 'CSV UTF-8'"):
            unit_plan.load(Folder(tmp_path / "village.csv"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("unit = [1]", "write [defaults] once, and [[unit]] for each unit"),
        ("unit = [[1]]", "write [defaults] once, and [[unit]] for each unit"),
        (f"unit = {'[' * 5000}", "this is no TOML: its arrays are nested too deeply"),
        (f"unit = {'1' * 5000}", "this is no TOML: Exceeds the limit"),
    ],
)
def test_a_toml_plan_whose_rows_are_no_tables(tmp_path, text, expected):
    path = village(tmp_path, text, "village.toml")
    unit_plan.is_plan(path)
    with pytest.raises(InvalidData) as error:
        unit_plan.load(Folder(path))
    assert error.value.problems[0].startswith(expected)


def test_a_calibration_of_a_row_is_in_its_configuration(tmp_path):
    trim = '[calibration.air_temperature]\noffset = "-0.3 Cel"\n'
    trim += 'by = "me"\non = 2026-11-26\nagainst = "a thermometer"\n'
    (tmp_path / "trim.toml").write_text(trim)
    first, second = load(
        tmp_path, HEAD + "gh-01,v,greenhouse.toml,,,,,,trim.toml\ngh-02,v,greenhouse.toml,,,,,,\n"
    )
    assert first.config.to_device_map()["sampling"]["trim"]
    assert "trim" not in second.config.to_device_map()["sampling"]
