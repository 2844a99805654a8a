"""What a node's TOML may say, and what it is told when it says something else."""

import json
from pathlib import Path

import pytest
from fieldbeat.host_tools import (
    boards,
    cli,
    modem_table,
    node_config,
    node_tables,
    part_keys,
    profiles,
)
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.node_tables import Override
from fieldbeat.host_tools.validation import InvalidData
from fieldbeat.protocols import cbor, frame

from drivers.bc26 import BC26
from drivers.bc95 import BC95
from drivers.sim7020 import SIM7020
from firmware import config_check

EXAMPLE = Path(__file__).resolve().parents[2] / "docs/examples/greenhouse.toml"
TEXT = EXAMPLE.read_text()


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new, 1)


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidData) as caught:
        node_config.parse(text, "gh.toml")
    return caught.value.problems


def test_the_example_gives_the_map_of_the_device():
    config = node_config.load(EXAMPLE)
    assert config.to_device_map() == {
        "node": {
            "name": "gh-01",
            "site": "north-farm",
            "board": "greenhouse_esp32",
            "profile": "greenhouse",
        },
        "uplink": {
            "host": "collector.example.org",
            "port": 5690,
            "apn": "iot.example",
            "interval_s": 3600,
            "datagram_bytes": 480,
            "budget_bytes_day": 20000,
            "ack_timeout_s": 20,
        },
        "sampling": {"interval_s": 300, "report_samples": 12},
        "fitted": {"soil": {"enabled": True, "address": 1}},
    }
    assert config.notes == ()


def test_what_is_left_out_comes_from_the_profile():
    short = "\n".join(
        [
            '[node]\nname = "a"\nsite = "b"\nboard = "greenhouse_esp32"\nprofile = "greenhouse"',
            '[uplink]\nhost = "10.0.0.1"\nport = 1\napn = ""',
        ]
    )
    device = node_config.parse(short, "x").to_device_map()
    assert device["sampling"] == {"interval_s": 300, "report_samples": 12}
    assert device["uplink"]["interval_s"] == 3600
    assert device["fitted"] == {}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("port = 5690", "prot = 5690", "[uplink] prot: unknown key, did you mean 'port'?"),
        ("port = 5690", "port = 70000", "[uplink] port = 70000: must be a whole number from 1 to"),
        ("port = 5690", 'port = "5690"', "[uplink] port = '5690': must be a whole number"),
        ("port = 5690", "", "[uplink] port: missing, must be a whole number from 1 to 65535"),
        ("host = ", 'host = "a b" #', "[uplink] host = 'a b': must be a host name or an IPv4"),
        ('"gh-01"', '"GH 01"', "[node] name = 'GH 01': must be 1 to 32 lower-case letters"),
        ("interval_s = 300 ", "interval_ms = 300 ", "interval_ms: unknown key, did you mean"),
        ("interval_s = 300 ", "interval_s = 0 ", "must be a whole number from 1 to 86400 s"),
        ("interval_s = 300 ", "interval_s = 9000", "product must be at most 86400 s"),
        ("datagram_bytes = 480", "datagram_bytes = 600", "the modem of greenhouse_esp32 takes"),
        ("datagram_bytes = 480", "datagram_bytes = 200", "[sampling] report_samples = 12: such a"),
        ('"greenhouse_esp32"', '"greenhouse_esp3"', "did you mean 'greenhouse_esp32'?"),
        ('profile = "greenhouse"', 'profile = "lake"', "unknown profile, allowed: climate"),
        ("[fitted.soil]", "[fitted.soli]", "[fitted.soli]: not on greenhouse_esp32, did you mean"),
        ("address = 1 ", "address = 248 ", "[fitted.soil] address = 248: must be a whole number"),
        ("enabled = true", "enabled = 1", "[fitted.soil] enabled = 1: must be true or false"),
        ("[fitted.soil]", "[fitted.battery]", "[fitted.battery] address = 1: this part has no"),
        ("[fitted.soil]", "[fitted.air]\naddress = 98\n[fitted.soil]", "'air' has it on i2c0"),
        ("address = 1 ", "adress = 1 ", "[fitted.soil] adress: unknown key, did you mean 'addre"),
        ("address = 1 ", "depth = 1 ", "[fitted.soil] depth: unknown key, allowed: address, enab"),
        ("[fitted.soil]", "[fitted.battery]\ntip = 1 #", "tip: unknown key, allowed: enabled"),
        ("[sampling]", "[sampling", "this is no TOML: Expected ']'"),
        ("[node]", "[nodes]", "nodes: unknown key, did you mean 'node'?"),
    ],
)
def test_a_mistake_names_key_given_and_allowed(old, new, message):
    assert any(message in problem for problem in problems(changed(old, new)))


def test_an_answer_must_have_time_before_the_next_wake():
    text = changed("interval_s = 3600", "interval_s = 30").replace("s = 20 ", "s = 30 ")
    assert problems(text) == [
        "[uplink] ack_timeout_s = 30: must be below interval_s, which is 30 s"
    ]


def test_all_mistakes_are_found_at_once():
    text = changed("port = 5690", "prot = 5690").replace('"gh-01"', '""')
    assert len(problems(text)) == 3


SPEAKER = (Path(__file__).parents[2] / "docs/examples/speaker.toml").read_text()
TWO_ROADS = (Path(__file__).parents[2] / "docs/examples/speaker-nbiot.toml").read_text()


def test_the_pole_on_the_desk_measures_a_river_and_tells_the_registry():
    text = (Path(__file__).parents[2] / "docs/examples/desk-speaker.toml").read_text()
    config = node_config.parse(text, "d.toml")
    assert config.profile.id == "speaker_river"
    assert config.for_registry["two_issuers_level"] == 0
    strict = SPEAKER.replace("two_issuers_level = 0", "two_issuers_level = 2")
    assert node_config.parse(strict, "s.toml").for_registry["two_issuers_level"] == 2


def test_a_speaker_with_two_roads():
    config = node_config.parse(TWO_ROADS, "s.toml")
    device = config.to_device_map()
    assert device["wifi"] == {"ssid": "riverside-poles", "open": False}
    assert device["nbiot"] == {"keepalive_s": 50, "budget_bytes_day": 100_000}
    assert config.notes == () and device["uplink"]["datagram_bytes"] == 1200
    short = TWO_ROADS[: TWO_ROADS.index("[nbiot]")]
    assert node_config.parse(short, "s.toml").to_device_map()["nbiot"] == device["nbiot"]
    assert not {"wifi", "nbiot"} & node_config.parse(SPEAKER, "s.toml").to_device_map().keys()


def test_an_alert_that_may_be_late_over_nbiot_is_told():
    config = node_config.parse(TWO_ROADS.replace("keepalive_s = 50 ", "keepalive_s = 300 "), "s")
    [note] = config.notes
    assert "an alert may come up to 300 s late" in note


def test_a_speaker():
    config = node_config.parse(SPEAKER, "speaker.toml")
    table = config.to_device_map()["speaker"]
    assert table["groups"] == [7] and table["emergency_volume"] == 80
    without = SPEAKER[: SPEAKER.index("[speaker]")]
    assert node_config.parse(without, "s.toml").to_device_map()["speaker"]["keepalive_s"] == 25
    assert "speaker" not in node_config.parse(TEXT, "g.toml").to_device_map()


def speaker(budget, keepalive_s=25):
    """The example with another budget, or with none."""
    lines = [line for line in SPEAKER.splitlines() if "budget_bytes_day" not in line]
    if budget is not None:
        lines.insert(lines.index("[uplink]") + 1, f"budget_bytes_day = {budget}")
    text = "\n".join(lines)
    assert "keepalive_s = 25 " in text
    return text.replace("keepalive_s = 25 ", f"keepalive_s = {keepalive_s} ")


@pytest.mark.parametrize("keepalive_s", [5, 25, 3600])
def test_a_speaker_has_bytes_enough_for_its_keepalives(keepalive_s):
    largest = frame.overhead(4, with_epoch=True) + 1  # a question, asked twice at the worst
    config = node_config.parse(speaker(None, keepalive_s), "s.toml")
    budget = config.to_device_map()["uplink"]["budget_bytes_day"]
    assert budget == 10_000_000 >= 2 * largest * 86_400 // keepalive_s
    assert (
        node_config.parse(SPEAKER, "s.toml").to_device_map()["uplink"]
        == (config.to_device_map()["uplink"])
    )


def test_a_speaker_that_would_go_deaf_is_a_mistake():
    needed = 40 * 3456 + 1200
    assert node_config.parse(speaker(needed), "s.toml").tables.uplink.budget_bytes_day == needed
    for budget in (20_000, needed - 1):
        with pytest.raises(InvalidData) as caught:
            node_config.parse(speaker(budget), "s.toml")
        assert caught.value.problems == [
            f"[uplink] budget_bytes_day = {budget}: a day of keepalives every 25 s needs "
            f"{needed}, or the speaker goes deaf before its end"
        ]
    with pytest.raises(InvalidData, match="every 5 s needs 692400"):
        node_config.parse(speaker(needed, 5), "s.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SPEAKER.replace("speaker_esp32_eth", "speaker_esp32s3_nbiot"), "[wifi]: missing"),
        (SPEAKER.replace("speaker_esp32_eth", "greenhouse_esp32"), "needs Ethernet, or Wi-Fi"),
        (SPEAKER + '[wifi]\nssid = "x"\n', "speaker_esp32_eth has no use for it as a speaker"),
        (TWO_ROADS.replace('"riverside-poles"', '""'), "ssid"),
        (TWO_ROADS.replace("riverside-poles", "é" * 17), "1 to 32 bytes"),
        (TWO_ROADS.replace("riverside-poles", "a\\u0000b"), "ssid"),
        (TWO_ROADS.replace("[nbiot]", 'password = "hunter22"\n[nbiot]'), "password"),
        (TWO_ROADS.replace("keepalive_s = 50 ", "keepalive_s = 9 "), "keepalive_s = 9"),
        (
            TWO_ROADS.replace("budget_bytes_day = 100000", "budget_bytes_day = 69631"),
            "[nbiot] budget_bytes_day = 69631: a day of keepalives every 50 s needs 69632",
        ),
        (TWO_ROADS + "[sampling]\nreport_samples = 240\n", "but NB-IoT takes 512"),
        (SPEAKER.replace("groups = [7]", "groups = [70000]"), "groups"),
        (SPEAKER.replace("volume = 60 ", "volume = 101 "), "volume = 101"),
    ],
)
def test_a_mistake_in_a_speaker(text, message):
    with pytest.raises(InvalidData) as caught:
        node_config.parse(text, "speaker.toml")
    assert message in str(caught.value.problems)


RIVER = EXAMPLE.with_name("speaker.toml").read_text().replace('= "speaker"', '= "speaker_river"')


def test_a_pole_over_a_river():
    config = node_config.parse(RIVER + "[fitted.river]\ndatum_mm = 5200\n", "x.toml")
    assert config.to_device_map()["fitted"] == {"river": {"enabled": True, "datum_mm": 5200}}
    [note] = config.notes
    assert "measures levels from 0.700 m to 5.170 m" in note
    off = node_config.parse(RIVER + "[fitted.river]\nenabled = false\n", "x.toml")
    assert off.notes == ("[fitted.river] is disabled: level will have no values",)


def test_a_level_needs_the_height_of_its_sensor():
    missing = "[fitted.river] datum_mm: missing, must be the height in mm of the sensor's face"
    for text in (RIVER, RIVER + "[fitted.river]\nenabled = true\n"):
        [found] = problems(text)
        assert found.startswith(missing)
    [found] = problems(RIVER + "[fitted.river]\ndatum_mm = 5200\n[fitted.door]\ndatum_mm = 1\n")
    assert found == "[fitted.door] datum_mm = 1: this part measures no level"
    plain = node_config.load(EXAMPLE.with_name("speaker.toml"))
    assert plain.notes == () and plain.to_device_map()["fitted"] == {}


CAMERA = EXAMPLE.with_name("river.toml").read_text()


@pytest.mark.parametrize("board", ["river_cam_esp32s3", "river_cam_esp32_uart"])
def test_a_river_station(board):
    text = CAMERA.replace("river_cam_esp32s3", board)
    fitted = node_config.parse(text, "river.toml").to_device_map()["fitted"]
    assert fitted["rain"] == {"enabled": True, "tip_um": 200}
    assert fitted["camera"]["regions"] == {"gauge": [352, 56, 112, 400]}
    assert cbor.decode(cbor.encode(fitted)) == fitted


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "[fitted.river]\ndatum_mm",
            "[fitted.river]\ntip_um",
            "tip_um = 4200: this part counts no",
        ),
        ("[fitted.camera.regions]", "[fitted.rain.regions]", "this part takes no pictures"),
        (
            "112, 400",
            "112, 545",
            "gauge: must be left, top, width, height within 800 x 600 pixels",
        ),
        ("112, 400", "15, 400", "pixels, and 16 wide and high or more"),
        ("112, 400", "0, 400", "gauge: must be left, top, width, height within"),
        (
            "112, 400",
            "112",
            "[fitted.camera.regions] gauge = [352, 56, 112]: must be a list of 4 whole numbers "
            "from 0 to 4095",
        ),
        ("112, 400", "112, 4096", "gauge = 4096: must be a whole number from 0 to 4095"),
        ("[fitted.river]\ndatum_mm = 4200", "", "[fitted.river] datum_mm: missing"),
        ("tip_um = 200", "reckoned_c = 20", "[fitted.rain] reckoned_c: this part sends no sound"),
        (
            "[fitted.rain]",
            "reckoned_c = 20\n[fitted.rain]",
            "[fitted.river] reckoned_c: needs a th",
        ),
        ("tip_um = 200", "datum_mm = 200", "[fitted.rain] datum_mm = 200: this part measures no"),
    ],
)
def test_a_mistake_in_a_river_station(old, new, message):
    text = CAMERA.replace(old, new, 1)
    assert text != CAMERA
    assert any(message in problem for problem in problems(text)), problems(text)


GAUGE = "gauge = [352, 56, 112, 400]"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("full_bytes = 300001", "full_bytes = 300001: one picture must fit into budget_bytes_day"),
        ("full_bytes = 298000", "thumbnail_bytes = 3000: one must fit into budget_bytes_day"),
        ("full_bytes = 296000", "gauge_bytes = 6000: one must fit into budget_bytes_day, 300000"),
        ("full_bytes = 294000", ""),
        ("full_bytes = 300000\nevery_s = 0", ""),
        ("budget_bytes_day = 39999", "full_bytes = 40000: one picture must fit"),
        ("battery_min_mv = 4", "battery_min_mv = 4: must be 0 for any voltage, or from 1000 to"),
    ],
)
def test_a_picture_fits_the_bytes_of_a_day(table, said):
    text = CAMERA + f"[pictures]\n{table}\n"
    if said:
        assert f"[pictures] {said}" in problems(text)[0]
    else:
        assert "full_bytes" in node_config.parse(text, "x").to_device_map()["pictures"]


def test_a_gauge_that_is_not_filmed_takes_no_bytes():
    text = CAMERA.replace(GAUGE, "") + "[pictures]\nfull_bytes = 297000\n"
    assert text.count("gauge = ") == 0 and node_config.parse(text, "x").pictures.every_s


def test_an_echo_is_corrected_where_there_is_a_thermometer():
    warm = CAMERA.replace("[fitted.rain]", "reckoned_c = 20\n[fitted.air]\n[fitted.rain]")
    fitted = node_config.parse(warm, "river.toml").to_device_map()["fitted"]
    assert fitted["river"]["reckoned_c"] == 20 and fitted["air"] == {"enabled": True}


def test_a_disabled_part_is_allowed_and_noted():
    config = node_config.parse(changed("enabled = true", "enabled = false"), "x")
    assert "soil_moisture" in config.notes[0] and "will have no values" in config.notes[0]


def test_a_budget_below_the_reports_is_noted():
    config = node_config.parse(changed("budget_bytes_day = 20000", "budget_bytes_day = 2000"), "x")
    assert "what does not fit is sent later" in config.notes[0]


def test_all_parts_disabled_is_a_mistake():
    parts = ("air", "co2", "light", "battery")
    more = "".join(f"[fitted.{part}]\nenabled = false\n" for part in parts)
    text = changed("enabled = true", "enabled = false") + more
    assert problems(text) == ["[fitted]: every part is disabled, at least one must be enabled"]


def test_a_profile_needs_the_parts_of_its_channels(monkeypatch):
    data = profiles.device_map("greenhouse")
    data["channels"][0]["from"] = "wind.speed"
    monkeypatch.setattr(profiles, "device_map", lambda name: data)
    assert "needs a part 'wind', which greenhouse_esp32 does not have" in problems(TEXT)[0]


def test_a_profile_is_checked_too():
    data = profiles.device_map("greenhouse")
    data["channels"][2] |= {"minimum": 5, "maximum": 5}
    data["channels"][3]["name"] = data["channels"][2]["name"]
    with pytest.raises(InvalidData) as caught:
        profiles.parse(data, "p.json")
    assert "minimum 5 must be below 5" in caught.value.problems[0]
    assert "used twice" in caught.value.problems[1]
    del data["channels"][4]["from"]
    with pytest.raises(
        InvalidData, match="the 5th .*'soil_moisture', from: missing, must be 'part.channel'"
    ):
        profiles.parse(data, "p.json")


def with_channels(monkeypatch, count, name):
    data = profiles.device_map("greenhouse")
    channel = data["channels"][2]
    data["channels"] = [channel | {"name": name.format(n)} for n in range(count)]
    data["report_samples"] = 1
    monkeypatch.setattr(profiles, "device_map", lambda name: data)


def test_a_profile_has_no_more_channels_than_a_schema(monkeypatch):
    with_channels(monkeypatch, 33, "c{}")
    assert problems(TEXT) == ["[channels]: 33, at most 32"]


def test_the_schema_of_a_profile_fits_into_a_datagram(monkeypatch):
    text = changed("report_samples = 12", "report_samples = 1")
    with_channels(monkeypatch, 16, "c{:02}")
    config = node_config.parse(text, "x")
    assert 256 < config.schema_bytes <= config.modem_datagram_bytes
    with_channels(monkeypatch, 32, "the_very_channel_{:02}")
    assert [problem for problem in problems(text) if "shorter names" in problem] == [
        "[node] profile = 'greenhouse': what tells of its channels takes 1236 bytes, but the "
        "modem of greenhouse_esp32 takes at most 512: give it fewer channels or shorter names"
    ]


def test_the_limit_of_a_datagram_and_the_speed_of_a_line_are_the_drivers():
    limits = {make.__name__.lower(): make.MAX_DATAGRAM for make in (BC26, BC95, SIM7020)}
    facts = modem_table.MODEMS
    assert limits == {part: facts[part].datagram_bytes for part in facts}
    assert facts["bc95"].fast_baud == BC95.FAST_BAUD


def test_what_the_host_allows_the_device_takes():
    """The device's own bounds are wider, and the example passes its check."""
    limits = {(table, key): (low, high) for table, key, _, low, high in config_check.bounds()}
    models = {"uplink": node_tables.Uplink, "sampling": node_tables.Sampling}
    compared = 0
    for table, model in models.items():
        for key, field in model.model_fields.items():
            bounds = {
                name: getattr(m, name)
                for m in field.metadata
                for name in ("ge", "le")
                if hasattr(m, name)
            }
            if bounds:
                low, high = limits[table, key]
                assert low <= bounds["ge"] and bounds["le"] <= high, (table, key)
                compared += 1
    assert compared == 7
    device = cbor.decode(cbor.encode(node_config.load(EXAMPLE).to_device_map()))
    assert config_check.check(device) == node_config.load(EXAMPLE).to_device_map()


def test_no_report_is_larger_than_the_bound():
    """The worst report that the encoder can be given: full range, alternating, gaps, qualities."""
    from fieldbeat.protocols import report, schema

    profile = profiles.load("greenhouse")
    columns = [
        schema.Column(c.name, c.unit, c.scale, c.minimum, c.maximum, c.dead_band)
        for c in profile.channels
    ]
    samples = 12
    batch = report.Batch(schema.Schema(1, 1, 300, columns), samples)
    for index in range(samples):
        values = [c.maximum if index % 2 else c.minimum for c in columns]
        if index % 3 == 1:
            values[index % len(values)] = None
        qualities = [(index + column) % 6 for column in range(len(columns))]
        batch.add(1_000_000 + index * 977, values, qualities)
    block = batch.encode(0xFFFFFFFF, synced=False, uptime_s=0xFFFFFFFF)
    assert len(block) <= profile.largest_report_bytes(samples)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(CannotTry, match="No such file"):
        node_config.load(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidData, match="not UTF-8"):
        node_config.load(tmp_path / "bad.toml")


def test_config_check_prints_each_mistake_on_its_line(capsys, tmp_path):
    bad = tmp_path / "bad.toml"
    bad.write_text(changed("port = 5690", "prot = 5690"))
    assert cli.main(["config", "check", str(EXAMPLE)]) == 0
    assert ": ok\ngh-01 at north-farm" in capsys.readouterr().out
    assert cli.main(["config", "check", str(bad)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3 and lines[2].startswith(f"error: {bad} has 2 mistakes; next:")
    assert cli.main(["config", "check", str(bad), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["problems"]) == 2


def test_every_key_of_a_part_is_known_of_some_part():
    parts = [part for name in boards.names() for part in boards.load(name).fitted.values()]
    assert {key for part in parts for key in part_keys.of(part)} == set(Override.model_fields)
