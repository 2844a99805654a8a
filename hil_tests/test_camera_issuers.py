"""Who may ask a camera for pictures changes over the air, as it does for a loudspeaker."""

from __future__ import annotations

import time

import pytest
from fieldbeat.host_tools import issuer_keys, obedience
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.protocols import cose
from fieldbeat.protocols.command import EMERGENCY

from .river_pictures import PictureSite
from .river_site import UNIT

WAKE_S = 8000  # it has something to tell every 100 minutes


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    with PictureSite(workdir=tmp_path) as site:
        key = issuer_keys.generate(cose.ES256)
        Issuers(site.registry).add("district", cose.ES256, key.public, EMERGENCY, 1)
        (tmp_path / "pass").write_text("correct horse battery")
        (tmp_path / "pass").chmod(0o600)
        issuer_keys.save("district", key, "correct horse battery")
        monkeypatch.setattr(time, "time", lambda: site.now_s)
        site.put_up()
        yield site


def fieldbeat(site: PictureSite, *words: str) -> int:
    folder = site.workdir
    files = ["--registry", str(folder / "registry.db"), "--db", str(folder / "collector.db")]
    return main([*words, *files])


def order(site: PictureSite, *words: str) -> int:
    """Gives an order that nobody waits for, and lets the unit wake."""
    secret = str(site.workdir / "pass")
    code = fieldbeat(site, "issuer", *words, "--yes", "--wait", "0", "--key-file", secret)
    for _ in range(WAKE_S // 10):
        site.dispatch()
        site.run_for(10)
    return code


def obeys(site: PictureSite) -> list[str]:
    """By name whom the unit has told that it obeys."""
    known = {issuer.kid: issuer.name for issuer in Issuers(site.registry).all()}
    [found] = obedience.everybody(site.registry, site.store)
    assert found.unit.name == UNIT and found.told and found.kids is not None
    return sorted(known[kid] for kid in found.kids)


def test_a_key_is_rotated(site):
    secret = str(site.workdir / "pass")
    assert obeys(site) == ["district"]
    step = ("rotate", "district", "district-2", "--new-key-file", secret)
    assert order(site, *step) == 0
    assert obeys(site) == ["district", "district-2"]
    assert order(site, *step) == 0
    assert obeys(site) == ["district-2"]
    assert order(site, *step) == 0  # and the registry's
    assert [each.name for each in Issuers(site.registry).in_office()] == ["district-2"]
    assert fieldbeat(site, "issuer", "status") == 0
    site.station.power_off()
    site.run_for(5)
    site.station.power_on()
    site.run_for(300)
    assert obeys(site) == ["district-2"] and b"Traceback" not in site.station.output


def test_a_revoked_one_is_obeyed_no_more_once_the_unit_was_told(site, capsys):
    secret = str(site.workdir / "pass")
    made = ("issuer", "new", "thief", "--key-file", secret, "--registry")
    assert main([*made, str(site.workdir / "registry.db")]) == 0
    assert order(site, "send", "--unit", UNIT, "--issuer", "district") == 0
    assert obeys(site) == ["district", "thief"]
    assert fieldbeat(site, "issuer", "revoke", "thief", "--yes") == 0
    assert "still obeyed by 1 unit" in capsys.readouterr().out
    assert order(site, "send", "--all", "--issuer", "district") == 0
    assert obeys(site) == ["district"]


def test_who_sleeps_is_not_told_to_want_a_collector(site, capsys):
    secret = str(site.workdir / "pass")
    made = ("issuer", "new", "guard", "--key-file", secret, "--registry")
    assert main([*made, str(site.workdir / "registry.db")]) == 0
    assert "issuer send --unit" in capsys.readouterr().out
    ask = ("issuer", "send", "--unit", UNIT, "--issuer", "district", "--yes")
    assert fieldbeat(site, *ask, "--wait", "0.1", "--key-file", secret) == 1
    site.run_for(60)
    assert fieldbeat(site, "issuer", "status") == 1
    told = capsys.readouterr()
    assert "it gets it when it wakes" in " ".join(told.out.split())
    assert "does 'fieldbeat collect' run?" not in told.out + told.err
