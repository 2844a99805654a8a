"""The verb `batch` as far as it needs no unit."""

import errno
import json
import os
import re
from contextlib import closing
from pathlib import Path

import pytest
from fieldbeat.host_tools import files, wifi_password
from fieldbeat.host_tools.batch_journal import DONE, Journal
from fieldbeat.host_tools.batch_run import passwords
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.registered_unit import PROVISIONED, REVOKED
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.tests.village import EXAMPLE, rows, village
from fieldbeat.host_tools.unit_job import from_folder
from fieldbeat.protocols import cose

MAC = "02:00:00:00:00:01"


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def batch(plan, *more):
    return main(["batch", str(plan), "--virtual", *more])


def test_a_plan_is_checked_and_nothing_is_made(tmp_path, capsys, home):
    plan = village(tmp_path, rows(2))
    assert batch(plan, "--check") == 0
    assert capsys.readouterr().out == f"{plan}: ok, 2 units\n"
    assert batch(plan, "--check", "--json") == 0
    assert json.loads(capsys.readouterr().out)["units"] == ["gh-1", "gh-2"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["greenhouse.toml", "village.csv"]


def test_a_host_of_an_example_is_told(tmp_path, capsys):
    plan = village(tmp_path, rows(2))
    file = tmp_path / "greenhouse.toml"
    assert batch(plan, "--check") == 0
    told = capsys.readouterr().err
    assert told.count("the host collector.example.org is that of an example") == 1
    for host in ("collector.village.net", "10.1.2.3", "testexample.com"):
        text = file.read_text()
        file.write_text(re.sub('host = ".*"', f'host = "{host}"', text))
        assert batch(plan, "--check") == 0
        assert "example" not in capsys.readouterr().err


def test_every_mistake_is_told(tmp_path, capsys):
    plan = village(tmp_path, rows(1) + "Gh,valley,greenhouse.toml,\ngh-3,valley,none.toml,\n")
    assert batch(plan) == 2
    first, second, last = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{plan}: line 3: unit = 'Gh': must be 1 to 32 lower-case")
    assert second.startswith(f"{plan}: line 4: column config: ")
    assert last.startswith(f"error: {plan} has 2 mistakes; next: correct what is named above")
    assert batch(plan, "--json") == 2
    told = json.loads(capsys.readouterr().err)
    assert "line 3: " in told["error"] and "line 4: " in told["error"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--again", "gh-9"], "--again gh-9: the plan has no such unit"),
        (["--port", "/dev/absent"], "no unit is plugged in; next: plug units in, or name their"),
        (["--port", "/dev/x@left"], "'left' is no slot"),
        (["--journal", "/absent/journal"], "/absent/journal cannot be written: No such file"),
        (["--registry", "/proc/registry"], "/proc/registry cannot be opened"),
        (["--wifi-password-file", "x"], "no unit of this plan joins a network"),
    ],
)
def test_what_cannot_be_tried_is_said(tmp_path, capsys, options, expected):
    assert batch(village(tmp_path, rows(1)), *options) == 2
    assert expected in capsys.readouterr().err


def test_without_the_base_firmware_it_says_what_to_fetch(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_CACHE", str(tmp_path / "cache"))
    assert main(["batch", str(village(tmp_path, rows(1)))]) == 2
    assert "next: fieldbeat firmware get greenhouse_esp32" in capsys.readouterr().err


def test_a_password_is_asked_for_once_a_network(tmp_path, monkeypatch):
    text = EXAMPLE.with_name("speaker-nbiot.toml").read_text()
    plan = village(tmp_path, rows(3).replace("greenhouse.toml", "speaker.toml"))
    (tmp_path / "speaker.toml").write_text(text)
    registry, jobs = Registry(), from_folder(plan, virtual=True)
    registry.allocate("gh-2")
    registry.keep_wifi_password("gh-2", "its own password")
    asked = []

    def find(units, unit, wifi, file):
        asked.append(unit)
        return "of the network"

    with pytest.raises(CannotTry, match="nobody is there to ask"):
        passwords(jobs, registry, None)
    monkeypatch.setattr(wifi_password, "find", find)
    assert passwords(jobs, registry, None) == {
        "gh-1": "of the network",
        "gh-2": "its own password",
        "gh-3": "of the network",
    }
    assert asked == ["gh-1"]


def test_loudspeakers_that_would_obey_nobody_are_not_begun(tmp_path, capsys):
    plan = village(tmp_path, rows(1).replace("greenhouse.toml", "speaker.toml"))
    (tmp_path / "speaker.toml").write_text(EXAMPLE.with_name("speaker.toml").read_text())
    for code, more in ((0, ["--check"]), (2, [])):  # a check tells it at the office already
        assert batch(plan, *more) == code
        told = " ".join(capsys.readouterr().err.split())
        assert "gh-1 is a loudspeaker, and would obey nobody: no issuer is in" in told
        assert "next: where somebody gives orders already, work with his registry" in told
        assert "'fieldbeat issuer new NAME', then run the same command again" in told
    with closing(Registry()) as registry:
        Issuers(registry).add("district", cose.ES256, bytes(64), 2, 1)
    batch(plan)
    assert "would obey nobody" not in capsys.readouterr().err


def no_room(monkeypatch, name):
    """Let the disk be full when a file of that name is put in its place."""
    replace = os.replace

    def full(source, target):
        if os.path.basename(target) == name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        replace(source, target)

    monkeypatch.setattr(files.os, "replace", full)


def test_ports_that_could_not_be_used_are_told_apart(tmp_path, capsys):
    plan = village(tmp_path, rows(1))
    (job,) = from_folder(plan, virtual=True)
    registry, journal = Registry(), Journal(tmp_path / "village.journal")
    registry.allocate(job.name)
    registry.describe(job.name, "test", mac=MAC)
    journal.note(job.name, MAC, DONE, job.digest)
    journal.close()
    registry.close()
    absent = [str(tmp_path / name) for name in ("one", "two")]
    for each in absent:  # a file is no serial port
        Path(each).touch()
    ports = ["--port", absent[0], "--port", absent[1]]
    assert batch(plan, *ports) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "1 of 1 done, 0 at work, 0 failed" in told
    assert "2 ports could not be used: " in told
    assert batch(plan, *ports, "--json") == 0
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert sorted(each["port"] for each in summary["unusable"]) == absent
    assert summary["failed"] == []


def test_a_unit_that_was_revoked_or_replaced_is_not_done_and_gets_no_label(tmp_path, capsys):
    plan = village(tmp_path, rows(3))
    macs = [f"02:00:00:00:00:0{n}" for n in (1, 2, 3)]
    with closing(Registry()) as registry, closing(Journal(tmp_path / "village.journal")) as kept:
        for job, mac in zip(from_folder(plan, virtual=True), macs, strict=True):
            registry.allocate(job.name)
            registry.describe(job.name, "test", mac=mac, state=PROVISIONED)
            kept.note(job.name, mac, DONE, job.digest)
        registry.describe("gh-1", "stolen", state=REVOKED)
        registry.describe("gh-2", "swap", mac="02:00:00:00:00:bb")
        registry.retire(macs[1], "gh-2", "replaced")
    port = tmp_path / "port"
    port.touch()  # a file is no serial port
    assert batch(plan, "--port", str(port), "--json") == 1
    summary = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert summary["done"] == ["gh-3"] and summary["missing"] == ["gh-1", "gh-2"]
    sheet = (tmp_path / "village-labels.html").read_text()
    assert [mac for mac in macs if mac in sheet] == macs[2:]


def test_a_disk_without_room_for_labels_undoes_no_unit(tmp_path, capsys, monkeypatch):
    plan = village(tmp_path, rows(1))
    (job,) = from_folder(plan, virtual=True)
    registry, journal = Registry(), Journal(tmp_path / "village.journal")
    registry.allocate(job.name)
    registry.describe(job.name, "test", mac=MAC)
    journal.note(job.name, MAC, DONE, job.digest)
    journal.close()
    registry.close()

    no_room(monkeypatch, "village-labels.html")
    assert batch(plan, "--port", str(tmp_path / "absent")) == 0
    told = capsys.readouterr()
    assert "no labels: " in told.err and "No space left on device" in told.err
    assert not (tmp_path / "village-labels.html").exists()


def test_a_disk_without_room_for_a_bundle_leaves_none(tmp_path, capsys, monkeypatch):
    plan, made = village(tmp_path, rows(1)), tmp_path / "village.fieldbeat"

    no_room(monkeypatch, made.name)
    assert main(["bundle", str(plan), "-o", str(made), "--virtual"]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert not made.exists()
    assert {path.name for path in tmp_path.iterdir()} <= {plan.name, EXAMPLE.name, "home"}
