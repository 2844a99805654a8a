"""From a bare board to a stored report with the installed tools, as a technician does it.

The tools run by the wall clock against the board's serial port; where hours pass, time is virtual.
The first test takes the whole road. The others begin where `build` and `flash` have led: the first
one sees that those bytes are the same.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import serial
from fieldbeat.hil_tests.benches.rig import provisioned_as
from fieldbeat.hil_tests.virtual.site import CONFIG, Site
from fieldbeat.host_tools import image, node_config, smp_link
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.smp_link import Refused, SmpLink
from smpclient.requests import settings_management

BIN = Path(sys.executable).parent


class Bare(Site):
    """A site with a bare board, a node's TOML file, and the command line."""

    def __init__(self, workdir: Path) -> None:
        super().__init__(seed=1, workdir=workdir)
        self.toml = workdir / "gh-01.toml"
        self.toml.write_text(CONFIG.format(unit="gh-01", board="greenhouse_esp32"))
        self.image = workdir / "gh-01.img"
        self.board = self.add_board("greenhouse_esp32", "gh-01")
        self.attach_collector(self.collector, "collector.example.org", 5690)

    def run(self, tool: str, *arguments: str | Path, expect: int = 0) -> str:
        """Runs an installed tool while the world follows the wall clock; returns what it said."""
        self.start_real()
        result = subprocess.run(
            [BIN / tool, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=90,
            env=os.environ | {"FIELDBEAT_HOME": str(self.workdir)},
        )
        self.stop_real()
        assert result.returncode == expect, f"{tool}: {result.stdout}{result.stderr}"
        return result.stdout + result.stderr

    def fieldbeat(self, *arguments: str | Path, expect: int = 0) -> str:
        return self.run("fieldbeat", *arguments, expect=expect)

    def smpmgr(self, *arguments: str | Path) -> str:
        """Patient: what a busy machine needs for an answer is not what is tested."""
        return self.run("smpmgr", "--port", self.board.port, "--timeout", "30", *arguments)

    def build(self) -> None:
        self.fieldbeat("build", self.toml, "--virtual", "-o", self.image)

    def flash(self) -> str:
        said = self.fieldbeat("flash", "--json", "--port", self.board.port, self.image)
        self.boots()
        return said

    def boots(self) -> None:
        assert self.run_until(lambda: self.board.output.endswith(b"fieldbeat> "), 10)

    def provision(self) -> str:
        registry = ("--registry", self.registry.path)
        return self.fieldbeat("provision", "--port", self.board.port, self.toml, *registry)


@pytest.fixture
def bare(tmp_path):
    with Bare(tmp_path) as bare:
        yield bare


@pytest.fixture
def built(bare):
    """With the image that `fieldbeat build` makes."""
    bare.image.write_bytes(image.build(node_config.load(bare.toml)))
    return bare


@pytest.fixture
def flashed(built):
    """With the board as `fieldbeat flash` leaves it."""
    built.board.power_off()
    built.board.flash.load(0, built.image.read_bytes())
    built.board.power_on()
    built.boots()
    return built


def test_from_bare_board_to_stored_report(bare):
    assert b"invalid header: 0xffffffff" in bare.board.output
    bare.build()
    assert bare.image.read_bytes() == image.build(node_config.load(bare.toml))
    flash, left = bare.board.flash, []
    flash.before_op = lambda _op: left or left.append(flash.read(0, flash.size))  # of the program
    bare.flash()
    assert left == [bare.image.read_bytes()]
    assert "prov" in bare.provision()
    bare.run_for(2 * 3600 + 900)
    view = bare.views.unit("gh-01", bare.now_s)
    assert len(view.readings) == 10 and view.missing == 0
    assert bare.registry.unit("gh-01").mac == bare.board.mac.hex(":")


def test_flash_says_which_unit_it_was(built):
    done = json.loads(built.flash())
    assert done["mac"] == built.board.mac.hex(":") and done["board"] == "greenhouse_esp32"


@pytest.mark.long
def test_provisioning_twice_changes_nothing(flashed):
    flashed.provision()
    unit = flashed.registry.unit("gh-01")
    flashed.provision()
    again = flashed.registry.unit("gh-01")
    assert (again.kid, again.epoch) == (unit.kid, unit.epoch)


@pytest.mark.long
def test_flashing_again_keeps_key_and_sequence_numbers(flashed):
    flashed.provision()
    flashed.run_for(1800)
    pivs = {(o.epoch, o.piv) for o in flashed.outcomes}
    flashed.fieldbeat("flash", "--port", flashed.board.port, flashed.image)
    flashed.run_for(1800)
    later = [(o.epoch, o.piv) for o in flashed.outcomes][len(pivs) :]
    assert later and not pivs & set(later)
    assert not [o.reason for o in flashed.outcomes if o.reason]


def test_the_console_verb_runs_a_shell_verb(flashed):
    said = flashed.fieldbeat("console", "--port", flashed.board.port, "--exec", "status")
    assert "greenhouse_esp32" in said


@pytest.mark.long
def test_sensors_are_checked_on_the_port(flashed):
    """By the wall clock, before it is provisioned; nobody is there to cover the light sensor."""
    where = ("--port", flashed.board.port, "--registry", flashed.registry.path)
    parts = ("--part", "battery", "--part", "light")
    said = flashed.fieldbeat("check", "sensors", *where, *parts, "--by", "Li", "--at-rest")
    assert re.search(r"battery: plausible", said) and "only looked at: illuminance" in said
    shown = flashed.fieldbeat("check", "show", "gh-01", *where[2:])
    assert re.findall(r"Li +\w+ +(\w+) +(\w+)", shown) == [
        ("illuminance", "not"),
        ("battery", "plausible"),
    ]


def test_a_port_in_use_is_said_so(flashed):
    with serial.Serial(flashed.board.port, exclusive=True):
        said = flashed.fieldbeat("provision", "--port", flashed.board.port, flashed.toml, expect=2)
    assert said.startswith("error: ") and "next: " in said and len(said.splitlines()) == 1


def test_a_silent_port_is_said_so(bare, monkeypatch, capsys):
    monkeypatch.setenv("FIELDBEAT_HOME", str(bare.workdir))
    monkeypatch.setattr(smp_link, "BOOT_S", 1.0)  # in this process, since it waits for 15 s
    bare.board.power_off()
    bare.start_real()
    assert main(["provision", "--port", bare.board.port, str(bare.toml)]) == 2
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("error: ") and "next: " in said


@pytest.mark.long
def test_an_absent_port_is_said_so(built):
    for verb in (["flash", built.image], ["provision", built.toml], ["console", "--exec", "id"]):
        said = built.fieldbeat(verb[0], "--port", "/dev/ttyNONE", *verb[1:], expect=2)
        assert said.startswith("error: ") and "/dev/ttyNONE" in said and "next: " in said


def test_an_image_that_was_cut_short_is_refused_before_the_first_erase(built):
    built.image.write_bytes(built.image.read_bytes()[:1_000_000])
    said = built.fieldbeat("flash", "--port", built.board.port, built.image, expect=2)
    assert "next: " in said
    assert set(built.board.flash.read(0, 4096)) == {0xFF}


@pytest.mark.long
def test_smpmgr_manages_the_unit(flashed):
    assert "hello" in flashed.smpmgr("os", "echo", "hello")
    groups = flashed.smpmgr("enum", "get-supported-groups")
    assert re.findall(r"<GroupId\.\w+: (\d+)>", groups) == ["0", "3", "8", "9", "10"]
    assert "greenhouse_esp32" in flashed.smpmgr("shell", "status")


@pytest.mark.long
def test_smpmgr_reads_the_configuration_but_no_key(flashed, tmp_path):
    flashed.provision()
    local = tmp_path / "config.cbor"
    said = flashed.smpmgr("file", "download", "/config.cbor", local)
    assert b"gh-01" in local.read_bytes()
    for verb in ("id", "config", "status", "help"):
        said += flashed.smpmgr("shell", verb)
    # smpmgr has no verb for settings; what it stands on has.
    flashed.start_real()
    with SmpLink(flashed.board.port) as link:
        link.wait()
        assert link.read_setting("id/unit") == b"gh-01"
        for name in ("key/master", "key"):
            with pytest.raises(Refused, match="READ_NOT_SUPPORTED|KEY_NOT_FOUND|ROOT_KEY"):
                link._request(name, settings_management.ReadSetting(name=name))
    flashed.stop_real()
    [(_, master)] = flashed.registry.keys(flashed.registry.unit("gh-01").kid)
    told = said.encode() + bytes(flashed.board.output) + local.read_bytes()
    forms = (master, master.hex().encode(), base64.b64encode(master), repr(master).encode())
    assert not [form for form in forms if form in told]
    nvs = flashed.board.flash.read(0x9000, 0x6000)
    assert master in nvs  # and there it is
    assert provisioned_as(nvs) == "gh-01"  # so that no bench takes it for a board to overwrite


def test_mpremote_reaches_the_unit_and_leaves_it_running(flashed):
    connect = ("connect", flashed.board.port)
    listing = flashed.run("mpremote", *connect, "fs", "ls")
    assert "boot.py" in listing and "config.cbor" in listing and ".bench" not in listing
    assert flashed.run("mpremote", *connect, "exec", "print(2 + 2)") == "4\n"
    before = len(flashed.board.output)
    flashed.run("mpremote", *connect, "reset")

    def booted() -> bool:
        said = flashed.board.output[before:]
        return b"rst:" in said and b"fieldbeat> " in said

    assert flashed.world.run_real(20, booted), flashed.board.output[before:]


def test_esptool_reads_back_what_was_flashed(flashed, tmp_path):
    copy = tmp_path / "read.bin"
    port = ("--port", flashed.board.port)
    flashed.run("esptool", *port, "read-flash", "0x8000", "0xc00", copy)
    assert copy.read_bytes() == flashed.image.read_bytes()[0x8000:0x8C00]
