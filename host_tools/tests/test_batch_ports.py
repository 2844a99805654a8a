"""Ports: equal adapters told apart by their sockets, names, patterns, slots that are given."""

import pytest
from fieldbeat.host_tools import batch_ports
from fieldbeat.host_tools.batch_ports import Place
from fieldbeat.host_tools.errors import CannotTry
from serial.tools import list_ports
from serial.tools.list_ports_common import ListPortInfo


def adapter(device, location, vid=0x10C4):
    port = ListPortInfo(device)
    port.vid, port.serial_number, port.location = vid, "0001", location
    return port


@pytest.fixture
def hub(monkeypatch):
    there = [
        adapter("/dev/ttyUSB0", "1-1.10"),
        adapter("/dev/ttyUSB1", "1-1.2"),
        adapter("/dev/ttyACM0", "1-1.3:1.0"),
        adapter("/dev/ttyS0", None, vid=None),
        adapter("/dev/ttyUSB2", "1-1"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: there)


def test_adapters_with_one_serial_number_go_by_their_sockets(hub):
    assert [(place.slot, place.port) for place in batch_ports.usb()] == [
        ("1-1", "/dev/ttyUSB2"),
        ("1-1.2", "/dev/ttyUSB1"),
        ("1-1.3:1.0", "/dev/ttyACM0"),
        ("1-1.10", "/dev/ttyUSB0"),
    ]


def test_where_all_units_have_slots_nothing_else_is_looked_at(hub):
    found = batch_ports.usb(frozenset({"1-1.2", "1-1.3", "1-1.9"}))
    assert [place.port for place in found] == ["/dev/ttyUSB1", "/dev/ttyACM0"]


def test_named_ports_patterns_and_slots(tmp_path):
    for name in ("b", "a", "c"):
        (tmp_path / name).touch()
    (tmp_path / "again").symlink_to(tmp_path / "c")
    find = batch_ports.named(
        [f"{tmp_path}/c@1-1.3", f"{tmp_path}/[ab]", f"{tmp_path}/again", f"{tmp_path}/later"]
    )
    first = [Place(f"{tmp_path}/c", "1-1.3"), Place(f"{tmp_path}/a"), Place(f"{tmp_path}/b")]
    assert find() == first
    (tmp_path / "later").touch()
    assert find() == [*first, Place(f"{tmp_path}/later")]
    assert batch_ports.named(["rfc2217://host:4001"])() == [Place("rfc2217://host:4001")]


@pytest.mark.parametrize("given", [["/dev/x@left"], ["/dev/x@1-1", "/dev/y@1-1"], ["/dev/x@"]])
def test_slots_that_are_none(given):
    with pytest.raises(CannotTry):
        batch_ports.named(given)
