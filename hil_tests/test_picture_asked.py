"""A picture that somebody asks for: from the verb over a modelled NB-IoT link into the store."""

from __future__ import annotations

import json
import time

import pytest
from fieldbeat.host_tools import issuer_keys, unit_orders
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.protocols import cose

from .river_pictures import NEVER, PictureSite
from .river_site import UNIT
from .scenes.scene import Scene, jpeg
from .site_clock import SiteClock

PASSPHRASE = "correct horse battery"
WAIT_S = 10_800  # it wakes every hour


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    with PictureSite(workdir=tmp_path) as site:
        key = issuer_keys.generate(cose.ES256)
        Issuers(site.registry).add("district", cose.ES256, key.public, 0, 4)
        issuer_keys.save("district", key, PASSPHRASE)
        (tmp_path / "pass").write_text(PASSPHRASE)
        (tmp_path / "pass").chmod(0o600)
        monkeypatch.setattr(time, "time", lambda: site.now_s)
        monkeypatch.setattr(unit_orders, "time", SiteClock(site))
        yield site


def ask(site, capsys, *words: str, unit: str = UNIT) -> tuple[int, dict]:
    folder = site.workdir
    files = ["--registry", str(folder / "registry.db"), "--db", str(folder / "collector.db")]
    signed = ["--yes", "--key-file", str(folder / "pass"), "--json"]
    code = main(["pictures", "ask", unit, *words, *files, *signed])
    said = capsys.readouterr()
    return code, json.loads(said.out or said.err)


def test_from_the_verb_to_the_stored_picture(site, capsys):
    site.put_up()
    seen = jpeg(Scene(3).render(700), 60)
    site.show(seen)
    code, told = ask(site, capsys, "--kind", "full", "--bytes", "30000", "--wait", str(WAIT_S))
    assert (code, told["state"], told["why"]) == (0, "there", None)
    assert told["summary"][0] == "a picture (full) of at most 30000 bytes"
    (picture,) = site.whole()
    assert picture.id == told["picture"]["id"] and picture.why == "command"
    assert site.data(picture) == seen and len(seen) <= 30_000
    # It was told when it was awake, and not at its modem's cost while it slept.
    row = site.store.database.one("SELECT tries FROM deliveries")
    assert 1 <= row["tries"] <= 8
    code, again = ask(site, capsys, "--kind", "full", "--bytes", "30000", "--wait", str(WAIT_S))
    assert (code, again["state"]) == (0, "there")
    assert again["picture"]["id"] == site.whole()[1].id != picture.id


def test_one_that_cannot_be_taken_is_refused_with_its_reason(site, capsys):
    site.put_up()
    site.station.fitted.parts["camera"].faults.absent = True
    code, told = ask(site, capsys, "--wait", str(WAIT_S))
    assert (code, told["state"], told["picture"]) == (1, "refused", None)
    assert "camera" in told["why"] and not site.pictures()


def test_who_does_not_wait_is_told_so_and_who_has_no_camera_is_not_asked(site, capsys):
    site.put_up(NEVER, run_s=60)
    code, told = ask(site, capsys, "--kind", "gauge")
    assert (code, told["state"]) == (0, "waiting") and "when it wakes" in told["why"]
    code, told = ask(site, capsys, "--wait", "5")
    assert (code, told["state"]) == (1, "waiting")
    code, told = ask(site, capsys, unit="river-09")
    assert code == 2 and told["error"] == "no unit with a camera is called 'river-09'"
    assert told["next"] == f"known: {UNIT}"


def test_ctrl_c_ends_the_waiting_and_not_the_order(site, capsys, monkeypatch):
    site.put_up()

    def sleep(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(unit_orders.time, "sleep", sleep)
    code, told = ask(site, capsys, "--wait", "60")
    assert code == 130 and told["error"].endswith(f" of {UNIT} is ordered and goes on")
    assert told["next"].startswith("see 'fieldbeat alert status")
