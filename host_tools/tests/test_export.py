"""`fieldbeat export`: every format, read back by other readers, and what is refused."""

import csv
import io
import json
import sqlite3
from pathlib import Path

import cbor2
import pytest
from fieldbeat.host_tools import senml, series
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.commands import export
from fieldbeat.host_tools.commands.export import Format
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.series import Sample, Series
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.times import DEVICE_EPOCH_S, parse
from fieldbeat.protocols import report, schema
from hypothesis import given
from hypothesis import strategies as st

from . import senml_reader
from .sender import AIR, NOW_S, T0, Sender, boot_record, schema_record

START = T0 + DEVICE_EPOCH_S
VALUES = [(2215, 412), (2220, None), (-5, 415), (8500, 416)]
QUALITIES = [(0, 0), (0, schema.COMM_FAULT), (0, 0), (schema.OUT_OF_RANGE, 0)]


@pytest.fixture
def store(tmp_path, monkeypatch):
    """Four samples of two channels; a later report whose clock was not set."""
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    registry, made = Registry(), Store()
    sender = Sender(registry)
    batch = report.Batch(AIR, 4)
    for i, row in enumerate(VALUES):
        batch.add(T0 + 300 * i, row, QUALITIES[i])
    records = [boot_record(1), schema_record(2), batch.encode(3)]
    batch.clear()
    batch.add(T0 + 1200, (2000, 400))
    records.append(batch.encode(4, synced=False))
    Collector(made, registry).handle(sender.seal(records), "x", NOW_S)
    registry.close()
    yield made
    made.close()


def run(capfdbinary, *arguments, **options):
    defaults = {"format_": Format.CSV, "channel": None, "from_": None, "to": None}
    defaults |= {"output": None, "db": None}
    export.export(*arguments, **{**defaults, **options})
    return capfdbinary.readouterr()


def test_csv(store, capfdbinary):
    out, err = run(capfdbinary, "gh-1")
    rows = list(csv.DictReader(io.StringIO(out.decode())))
    assert list(rows[0]) == list(export.HEAD)
    assert [row["value"] for row in rows] == [
        *("22.15", "22.20", "-0.05", "85.00", "20.00"),
        *("412", "", "415", "416", "400"),
    ]
    assert rows[0]["time"] == "2024-06-01T06:00:00Z" and rows[0]["unix_s"] == str(START)
    assert [row["symbol"] for row in rows] == ["Cel"] * 5 + ["ppm"] * 5
    assert rows[3]["quality"] == "out of range" and rows[6]["quality"] == "communication fault"
    assert [row["clock_set"] for row in rows[:5]] == ["true"] * 4 + ["false"]
    assert err == b"10 values of 2 channels\n"


def test_columns_are_of_one_length_and_type(store, capfdbinary):
    columns = json.loads(run(capfdbinary, "gh-1", format_=Format.COLUMNS)[0])
    assert {len(column) for column in columns.values()} == {10}
    types = {name: {type(item) for item in column} for name, column in columns.items()}
    assert types.pop("value") == {float, type(None)}
    assert all(len(found) == 1 for found in types.values())
    assert columns["value"][:3] == [22.15, 22.2, -0.05]


def test_the_guide_s_query_gives_the_same(store, tmp_path):
    page = (Path(export.__file__).parents[2] / "docs" / "integrators-guide.md").read_text("utf-8")
    query = page.partition("```sql\n")[2].partition("```")[0]
    found = sqlite3.connect(f"file:{tmp_path / 'store.sqlite'}?mode=ro", uri=True).execute(query)
    names = ["unit", "channel", "unix_s", "value", "symbol", "quality", "clock_set"]
    assert [column[0] for column in found.description] == names
    (co2,) = series.read(store, "gh-1", "co2", None, None)
    assert found.fetchall() == [
        ("gh-1", "co2", each.t, co2.value(each), "ppm", each.quality, each.clock_set)
        for each in co2.samples
    ]


def points(found):
    return [
        senml_reader.Point(f"{one.unit}/{one.channel}", one.symbol, sample.t, one.value(sample))
        for one in found
        for sample in one.samples
        if sample.good
    ]


def test_senml_json(store, capfdbinary):
    out, err = run(capfdbinary, "gh-1", format_=Format.SENML_JSON)
    assert json.loads(out) == [
        {"bn": "gh-1/", "bt": START, "bu": "Cel", "n": "air_temperature", "v": 22.15},
        {"n": "air_temperature", "t": 300, "v": 22.2},
        {"n": "air_temperature", "t": 600, "v": -0.05},
        {"bu": "ppm", "n": "co2", "v": 412},
        {"n": "co2", "t": 600, "v": 415},
        {"n": "co2", "t": 900, "v": 416},
    ]
    assert b"6 values of 2 channels; left out: 4" in err
    back = senml_reader.resolve(senml_reader.from_json(out.decode()))
    assert list(back) == points(series.read(store, "gh-1"))


def test_senml_cbor(store, capfdbinary):
    out, _ = run(capfdbinary, "gh-1", format_=Format.SENML_CBOR)
    # Labels of RFC 8428, table 4.
    assert cbor2.loads(out)[0] == {
        -2: "gh-1/",
        -3: START,
        -4: "Cel",
        0: "air_temperature",
        2: 22.15,
    }
    back = senml_reader.resolve(senml_reader.from_cbor(out))
    assert list(back) == points(series.read(store, "gh-1"))


def test_a_file_a_channel_and_a_time(store, tmp_path, capfdbinary):
    file = tmp_path / "out.csv"
    out, err = run(
        capfdbinary,
        "gh-1",
        channel="co2",
        from_="2024-06-01T06:05:00Z",
        to=str(START + 900),
        output=file,
    )
    assert out == b"" and err == b"2 values of 1 channel\n"
    assert [row.split(",")[4] for row in file.read_text().splitlines()] == ["value", "", "415"]


def test_a_scale_that_is_no_power_of_ten(store):
    sixteenths = Series("gh-1", "level", "m", 16, [Sample(START, n, 0, True) for n in range(3)])
    rows = list(csv.DictReader(io.StringIO(export.render([sixteenths], Format.CSV).decode())))
    assert [row["value"] for row in rows] == ["0.0000", "0.0625", "0.1250"]


def test_times():
    assert parse("2024-06-01") == parse("2024-06-01T02:00:00+02:00") == 1717200000
    assert parse("20240601") == parse("20240601T000000Z") == 1717200000
    assert parse("1717200000.5") == 1717200000.5


@pytest.mark.parametrize(
    "text", ["", "2026", "202606", "20261301", "nan", "inf", "-1", "1e9", "1717200000000"]
)
def test_what_is_no_time(text):
    with pytest.raises(ValueError):
        parse(text)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"unit": "gh-9"}, "nothing is stored of a unit 'gh-9'; next: known: gh-1"),
        ({"unit": "gh-1", "channel": "x"}, "no channel 'x'; next: known: air_temperature, co2"),
        ({"unit": "gh-1", "from_": "soon"}, "--from 'soon' is no time"),
    ],
)
def test_refused(arguments, message, store, capfdbinary):
    with pytest.raises(CannotTry) as caught:
        run(capfdbinary, **arguments)
    assert message in str(caught.value)


def test_a_file_that_cannot_be_written(store, tmp_path, capfdbinary):
    with pytest.raises(CannotTry):
        run(capfdbinary, "gh-1", output=tmp_path / "none" / "out.csv")


samples = st.builds(
    Sample,
    st.integers(senml_reader.ABSOLUTE_S, 2**33),
    st.none() | st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 5),
    st.booleans(),
)
many = st.lists(
    st.builds(
        Series,
        st.just("gh-1"),
        st.text("abc_", min_size=1),
        st.sampled_from(["Cel", "%RH", "lx"]),
        st.sampled_from([1, 10, 100, 1000, 3]),
        st.lists(samples, max_size=5),
    ),
    max_size=4,
)


@given(many)
def test_round_trips(found):
    records = senml.pack(found)
    wanted = points(found)
    assert list(senml_reader.resolve(senml_reader.from_json(senml.to_json(records)))) == wanted
    assert list(senml_reader.resolve(senml_reader.from_cbor(senml.to_cbor(records)))) == wanted


def test_base_sum_has_label_6():
    # RFC 8428, table 4: some libraries write another one.
    records = [{"bn": "m", "bs": 100, "s": 5, "t": 2**28}]
    data = senml.to_cbor(records)
    assert cbor2.loads(data) == [{-2: "m", -6: 100, 5: 5, 6: 2**28}]
    assert list(senml_reader.resolve(senml_reader.from_cbor(data)))[0].value == 105


def test_the_example_of_the_rfc():
    # RFC 8428, 5.1.2, and its CBOR form in section 6: base time, unit and value.
    records = [
        {"bn": "urn:dev:ow:10e2073a0108006:", "bt": 1.276020076001e9, "bu": "A", "bver": 5}
        | {"n": "voltage", "u": "V", "v": 120.1},
        {"n": "current", "t": -5, "v": 1.2},
        {"n": "current", "v": 1.7},
    ]
    found = list(senml_reader.resolve(senml_reader.from_cbor(senml.to_cbor(records))))
    assert [point.unit for point in found] == ["V", "A", "A"]
    assert found[1] == ("urn:dev:ow:10e2073a0108006:current", "A", 1276020071.001, 1.2)


@pytest.mark.parametrize(
    "records", [[{"v": 1}], [{"bver": 11, "n": "a", "v": 1}], {"n": "a"}, [1], "a"]
)
def test_what_is_no_pack(records):
    with pytest.raises(senml_reader.SenMLError):
        list(senml_reader.resolve(senml_reader.from_json(json.dumps(records))))
    with pytest.raises(senml_reader.SenMLError):
        senml_reader.from_cbor(b"\xff")
