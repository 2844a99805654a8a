"""`swap`, `rekey`, `revoke` and `registry rebuild` over real PTYs, as a technician types them."""

import json
from pathlib import Path

import pytest
from fieldbeat.host_tools import doctor_reading, unit_acceptance, unit_code
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.commands.collect import Log
from fieldbeat.host_tools.doctor import diagnose
from fieldbeat.host_tools.doctor_evidence import Evidence
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.smp_link import SmpLink
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.technicians import Technicians
from fieldbeat.host_tools.unit_acceptance import Facts

from .sender import NOW_S, Sender, report_record
from .test_serial_verbs import (
    folder,  # noqa: F401
    impatient,  # noqa: F401
    unit,
)
from .test_vault import told_in

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "greenhouse.toml"
NEW_MAC = "02:00:00:00:00:02"


@pytest.fixture
def boards(folder):  # noqa: F811
    """The old board, provisioned as gh-7, and the folder of another."""
    with unit(folder) as port:
        assert main(["provision", "--port", port, str(EXAMPLE), "--unit", "gh-7"]) == 0
    other = folder.with_name("other")
    other.mkdir()
    (other / "mac").write_text(NEW_MAC.replace(":", ""))
    return folder, other


def assert_no_key(told):
    known = [master for kid in (b"\0\1", b"\0\2") for _, master in Registry().keys(kid)]
    assert known and told_in((told.out + told.err).encode(), known) == []


def test_swap_by_command(boards, capsys):
    old, new = boards
    Store().close()
    with unit(old) as old_port, unit(new) as port:
        command = ["swap", "gh-7", NEW_MAC, "--port", port, "--old-port", old_port]
        assert main(command) == 0
        told = capsys.readouterr()
        assert_no_key(told)
        steps = ["old", "talk", "identity", "keys", "registry", "key"]
        steps += ["config", "lock", "reset", "done"]
        assert [line.split()[0] for line in told.out.splitlines()[-10:]] == steps
        assert "those of the old board are revoked" in told.out
        assert main([*command[:5], "--json"]) == 0  # again: nothing is left to do
        done = json.loads(capsys.readouterr().out)
        assert (done["name"], done["mac"], done["epoch"]) == ("gh-7", NEW_MAC, 2)
        assert main(["swap", "gh-7", "gh-9", "--port", old_port]) == 1
        assert "is gh-7 (MAC 02:00:00:00:00:01), not gh-9" in capsys.readouterr().err
        assert main(["swap", "gh-8", "--port", port]) == 2
        assert "gh-8 is not in" in capsys.readouterr().err


def test_a_swap_that_goes_on_tells_no_second_time_what_is_lost(boards, capsys):
    with unit(boards[1]) as port:
        command = ["swap", "gh-7", NEW_MAC, "--port", port]
        assert main(command) == 0
        assert "what the old board has not sent is lost" in capsys.readouterr().out
        assert main(command) == 0
        told = capsys.readouterr().out
        assert "done" in told and "lost" not in told
        assert [line.split()[0] for line in told.splitlines()].count("identity") == 1


def test_the_board_that_was_replaced_is_told_so(boards, capsys):
    old, new = boards
    with unit(new) as port:
        assert main(["swap", "gh-7", NEW_MAC, "--port", port]) == 0
    capsys.readouterr()
    replaced = f"was gh-7, and was replaced by the board with MAC {NEW_MAC}"
    with unit(old) as port:
        before = sorted((path.name, path.read_bytes()) for path in old.rglob("*.json"))
        assert main(["swap", "gh-7", "--port", port]) == 1
        told = capsys.readouterr()
        assert replaced in told.err and "put it aside" in told.err
        assert "lost" not in told.out + told.err and "unlock" not in told.out + told.err
        assert before == sorted((path.name, path.read_bytes()) for path in old.rglob("*.json"))
        with SmpLink(port) as link:
            link.wait()
            evidence = Evidence(unit="gh-7")
            doctor_reading.read_link(link, evidence)
        doctor_reading.add_knowledge(evidence, None, None)
        first = diagnose(evidence.lines())[0]
        assert first.cause == "replaced" and replaced in first.sentence
        assert first.action == "put it aside"
    with unit(new) as port, SmpLink(port) as link:
        link.wait()
        evidence = Evidence(unit="gh-7")
        doctor_reading.read_link(link, evidence)
        doctor_reading.add_knowledge(evidence, None, None)
        assert "registry state provisioned" in evidence.lines()


def test_no_certificate_for_a_board_that_was_replaced(boards, tmp_path, monkeypatch, capsys):
    old, new = boards
    with unit(new) as port:
        assert main(["swap", "gh-7", NEW_MAC, "--port", port]) == 0
    (tmp_path / "pass").write_text("four words of mine")
    (tmp_path / "pass").chmod(0o600)
    Technicians(Registry()).new("li", 30, "four words of mine")

    def facts(link):
        mac = link.read_setting("id/mac")
        return Facts(
            *("gh-7", "valley", b"\0\1", mac, "greenhouse_esp32", "greenhouse", "station"),
            *("1", "1", "12", bytes(32)),
        )

    monkeypatch.setattr(unit_acceptance, "facts", facts)
    signed = ["--technician", "li", "--key-file", str(tmp_path / "pass")]
    capsys.readouterr()
    with unit(old) as port:
        code = main(["selftest", "--port", port, *signed, "--folder", str(tmp_path)])
    told = capsys.readouterr()
    assert code == 2 and f"was replaced by the board with MAC {NEW_MAC}" in told.err
    assert "tests itself" not in told.err and not list(tmp_path.glob("*.cert"))


@pytest.mark.long
def test_a_swap_with_a_pulled_cable_goes_on(boards, capsys):
    _, new = boards
    for answers in range(8, 60, 9):
        with unit(new, answers) as port:
            if main(["swap", "gh-7", "--port", port]) == 0:
                break
        assert "next: " in capsys.readouterr().err
    with unit(new) as port:
        assert main(["swap", "gh-7", "--port", port]) == 0
    found = Registry()
    assert found.unit("gh-7").mac == NEW_MAC and 1 in found.revoked(b"\0\1")
    assert_no_key(capsys.readouterr())


def test_rekey_by_command(boards, capsys, caplog):
    caplog.set_level(0)  # as whoever looks for a mistake sets it
    with unit(boards[0]) as port:
        assert main(["rekey", "gh-7", "--port", port]) == 0
        told = capsys.readouterr()
        assert "gh-7 has its key of epoch 2" in told.out
        assert_no_key(told)
        assert main(["rekey", "gh-7", "--port", port, "--json"]) == 0
        told = capsys.readouterr()
        assert json.loads(told.out)["epoch"] == 3
        assert_no_key(told)
    known = [master for _, master in Registry().keys(b"\0\1")]
    assert told_in(caplog.text.encode(), known) == []
    with unit(boards[1]) as port:
        assert main(["rekey", "gh-7", "--port", port]) == 1
        assert "this board is nobody yet, not gh-7" in capsys.readouterr().err


def test_revoke_by_command_and_what_is_told_of_it(folder, capsys):  # noqa: F811
    registry, store = Registry(), Store()
    sender, log = Sender(registry, "gh-7"), Log(as_json=False)
    registry.keep_wifi_password("gh-7", "correct horse")
    collector = Collector(store, registry, log.show)
    collector.handle(sender.seal([report_record(1)]), "x", NOW_S)
    capsys.readouterr()
    assert main(["revoke", "gh-7"]) == 2 and "add --yes" in capsys.readouterr().err
    assert main(["revoke", "gh-7", "--yes"]) == 0
    told = capsys.readouterr()
    assert "gh-7 is revoked" in told.out and "change it at the access point" in told.err
    assert_no_key(told)
    for rn in range(2, 9):
        collector.handle(sender.seal([report_record(rn)]), "x", NOW_S + rn)
    log.catch_up()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 and "its key is revoked" in lines[0] and "told once" in lines[0]
    collector.flush()
    assert main(["show", "gh-7"]) == 0
    shown = capsys.readouterr().out
    assert "revoked" in shown and "7 x its key is revoked" in shown
    assert main(["revoke", "gh-7", "--yes", "--json"]) == 0  # once more
    assert json.loads(capsys.readouterr().out)["state"] == "revoked"


def test_a_board_for_the_place_of_another_is_led_to_swap(boards, capsys):
    old, new = boards
    command = ["provision", str(EXAMPLE), "--unit", "gh-7", "--port"]
    with unit(new) as port:
        assert main([*command, port]) == 1
        assert f"in the place of gh-7: fieldbeat swap gh-7 {NEW_MAC}" in capsys.readouterr().err
        assert main(["provision", str(EXAMPLE), "--unit", "gh-8", "--port", port]) == 0
        capsys.readouterr()
        assert main([*command, port]) == 1  # a spare that has a name
        said = capsys.readouterr().err
        assert "give '--unit gh-8'; to put it in the place of gh-7" in said
        assert f"fieldbeat swap gh-7 {NEW_MAC}" in said and "--rekey" not in said
        assert main(["swap", "gh-7", NEW_MAC, "--port", port]) == 0
    capsys.readouterr()
    with unit(old) as port:
        assert main([*command, port]) == 1
        said = capsys.readouterr().err
        assert "was gh-7, and was replaced by the board with MAC" in said
        assert "put it aside; if it is meant, say so: fieldbeat swap gh-7 " in said


def test_a_code_comes_from_a_file_the_environment_or_a_person(tmp_path, monkeypatch):
    written = tmp_path / "code"
    written.write_text(" 7zk4-om1x\n")
    written.chmod(0o600)
    monkeypatch.setenv(unit_code.VARIABLE, "AAAA-BBBB")
    assert unit_code.find(written) == "7ZK40M1X" and unit_code.find(None) == "AAAABBBB"
    monkeypatch.setenv(unit_code.VARIABLE, "ssh!")
    with pytest.raises(CannotTry, match="FIELDBEAT_CODE is no code of a unit"):
        unit_code.find(None)
    monkeypatch.delenv(unit_code.VARIABLE)
    assert unit_code.find(None) == ""  # nobody is there
    with pytest.raises(CannotTry, match="cannot be read"):
        unit_code.find(tmp_path / "none")


def test_rebuild_by_command(boards, capsys):
    home = Registry().path
    code = unit_code.of_unit(Registry(), "gh-7")
    assert code
    home.unlink()
    home.with_name(f"{home.name}.key").unlink()
    with unit(boards[0]) as port:
        assert main(["registry", "rebuild", "--port", port]) == 1
        said = capsys.readouterr().err
        assert "this unit is locked, and its code is not in" in said
        assert f"registry rebuild --port {port} --code-file FILE" in said
        written = home.with_name("gh-7.code")
        written.write_text("7ZK4\n")
        written.chmod(0o600)
        command = ["registry", "rebuild", "--port", port, "--code-file", str(written)]
        assert main(command) == 2
        assert "gh-7.code is no code of a unit; next: " in capsys.readouterr().err
        written.write_text("AAAA-BBBB\n")
        assert main(command) == 1
        said = capsys.readouterr().err
        assert "gh-7 stays locked: " in said and "its code is not in" not in said
        written.write_text(unit_code.pretty(code).lower() + "\n")
        assert main(command) == 0
        told = capsys.readouterr()
        assert "epoch 1, and nobody has opened cannot be opened any more" in told.out
        assert_no_key(told)
        assert Registry().unit("gh-7").epoch == 2
        assert main(["registry", "rebuild", "--port", port]) == 1
        assert "there is nothing to rebuild" in capsys.readouterr().err
        assert main(["provision", "--port", port, str(EXAMPLE), "--unit", "gh-7"]) == 0
        assert "the unit holds its key" in capsys.readouterr().out
