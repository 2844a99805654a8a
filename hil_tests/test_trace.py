"""A station that signs what it tells: over days, resets, an outage and a person at its console."""

from __future__ import annotations

import re
import time

import pytest
from fieldbeat.hil_tests.cuts.smp_console import SmpConsole
from fieldbeat.hil_tests.site_clock import SiteClock
from fieldbeat.hil_tests.virtual.site import Site, config
from fieldbeat.host_tools import (
    issuer_keys,
    trace_export,
    trace_file,
    trace_proof,
    unit_orders,
)
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.provisioning_plan import Plan
from fieldbeat.host_tools.trace_keys import TraceKeys
from fieldbeat.protocols import cbor, cose, event

UNIT = "gh-01"
DAY_S = 86_400
TRACE = "[trace]\n"
WITHOUT = "[fitted.soil]\nenabled = false\n"  # with all parts a first try may find no room


@pytest.fixture
def site(tmp_path):
    with Site(seed=1, workdir=tmp_path) as site:
        yield site


def proof(site: Site) -> trace_proof.Proof:
    unit = site.registry.unit(UNIT)
    keys = TraceKeys(site.registry).of_unit(UNIT)
    trace = trace_export.export(site.store, UNIT, unit.kid, keys)
    found = trace_proof.prove(trace)
    found.judge_keys([trace_file.fingerprint(key) for key in keys])
    return found


def verb(site: Site, station, text: bytes) -> bytes:
    before = len(station.output)
    station.console_write(text + b"\r")
    site.run_for(15)
    return station.output[before:]


def test_days_a_reset_and_operations(site):
    station = site.add_station(config(more=TRACE))
    site.run_for(3700)
    said = verb(site, station, b"operation irrigated 30 l tomato-07")
    assert re.search(rb"noted as record \d+", said), said
    assert b"nothing was noted: kind" in verb(site, station, b"operation Irrigated")
    assert b"needs the name of one" in verb(site, station, b"operation batch-begin")
    assert b"noted" in verb(site, station, b"operation batch-begin tomato-07")
    site.run_for(DAY_S)
    station.reset()
    site.run_for(1.2 * DAY_S)
    assert b"MemoryError" not in station.output, station.output[-3000:]
    found = proof(site)
    assert found.problems == [] and found.trusted and found.unproven == []
    assert [done.operation.kind for done in found.operations] == ["irrigated", "batch-begin"]
    assert found.operations[0].operation.amount_text == "30 l"
    assert len({root.t // DAY_S for root in found.roots if root.synced}) == 3
    assert found.first == 1 and found.count > 60


def test_who_is_provisioned_with_it_gets_a_key_and_keeps_it(site):
    station = site.add_station(config())
    site.run_for(700)
    content = cbor.encode(config(more=TRACE).to_device_map())
    plan = Plan(UNIT, "bench", "greenhouse_esp32", "greenhouse", 3600, content, signs=True)
    steps: list[str] = []
    for _ in range(2):
        link = SmpConsole(site, station)
        Provisioner(link, site.registry, lambda step, text: steps.append(text)).run(plan)
    (public,) = TraceKeys(site.registry).of_unit(UNIT)
    assert link.read_setting("key/trace") == public
    told = [text for text in steps if text.startswith("key ") and "id" not in text[:6]]
    assert told[0].endswith("new, written and compared") and told[1].endswith("holds it")
    site.run_for(1.2 * DAY_S)
    assert b"MemoryError" not in station.output
    found = proof(site)
    assert found.problems == [] and found.trusted and found.first > 1


@pytest.mark.longest
def test_a_station_that_sleeps_and_an_outage(site):
    hourly = "[sampling]\ninterval_s = 3600\nreport_samples = 4\n"
    station = site.add_station(config(more=TRACE + hourly + '[power]\nsleep = "deep"\n'))
    site.run_for(0.6 * DAY_S)
    site.network.away(True)
    site.run_for(1.3 * DAY_S)
    site.network.away(False)
    site.run_for(1.4 * DAY_S)
    assert b"MemoryError" not in station.output
    found = proof(site)
    assert found.problems == [] and found.unproven == [] and found.given_up == []
    assert len({root.t // DAY_S for root in found.roots if root.synced}) == 4


PASSPHRASE = "correct horse battery"


def test_an_operation_by_a_signed_command(site, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    key = issuer_keys.generate(cose.ES256)
    Issuers(site.registry).add("grower", cose.ES256, key.public, 0, 4)
    issuer_keys.save("grower", key, PASSPHRASE)
    (tmp_path / "pass").write_text(PASSPHRASE)
    (tmp_path / "pass").chmod(0o600)
    monkeypatch.setattr(time, "time", lambda: site.now_s)
    monkeypatch.setattr(unit_orders, "time", SiteClock(site))
    station = site.add_station(config(more=TRACE + WITHOUT))
    site.run_for(3700)
    files = ["--registry", str(tmp_path / "registry.db"), "--db", str(tmp_path / "collector.db")]
    signed = ["--yes", "--key-file", str(tmp_path / "pass"), "--wait", "9000", "--json"]
    given = ["--amount", "2.5 kg", "--batch", "tomato-07", "--note", "after the frost"]
    assert main(["trace", "add", UNIT, "fertilised", *given, *files, *signed]) == 0
    assert '"state": "noted"' in capsys.readouterr().out
    site.run_for(1.2 * DAY_S)
    assert b"MemoryError" not in station.output
    (done,) = proof(site).operations
    sql = "SELECT rn FROM events JOIN records ON records.id = record WHERE type = ?"
    assert len(site.store.database.all(sql, event.RECEIPT)) == 1  # though it came more than once
    operation = done.operation
    assert (operation.kind, operation.amount_text) == ("fertilised", "2.5 kg")
    assert (operation.batch, operation.note) == ("tomato-07", "after the frost")
    assert operation.issuer == Issuers(site.registry).get("grower").kid and done.proven
