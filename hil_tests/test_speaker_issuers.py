"""Issuers who change while poles stand: told over the air, power cuts, what was ordered before."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import issuer_orders, obedience, provisioning_plan, upkeep
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.alert_request import Request
from fieldbeat.host_tools.issuer_rotation import Turn
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.signed_commands import Window
from fieldbeat.host_tools.sounds import Sound
from fieldbeat.protocols import cbor, event, receipt
from fieldbeat.protocols.reason_codes import CODES

from .cuts.smp_console import SmpConsole
from .listening import SECOND_US, TONE, loudest_ms


def obeys(district, name="speaker-01"):
    """By name whom a pole has told that it obeys."""
    known = {issuer.kid: issuer.name for issuer in district.issuers.all()}
    everybody = obedience.everybody(district.registry, district.desk_store)
    (found,) = [each for each in everybody if each.unit.name == name]
    assert found.told
    return sorted(known[kid] for kid in found.kids)


def told(district, plan, *signers):
    order = district.send(plan, *signers)
    return district.until(order, receipt.DONE)


def test_a_key_is_changed_over_the_air(district, tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    pole = district.add_pole()
    old = district.signer
    assert obeys(district) == ["district"]
    new = district.new_issuer("district-2")
    turn = Turn(district.desk, old.issuer, new.issuer, [])
    told(district, turn.plan(partly=False, silence=False), old)
    district.run_for(5)
    assert obeys(district) == ["district", "district-2"]
    assert district.until(district.order([TONE], signers=[new]), receipt.DONE).reason is None
    told(district, turn.plan(partly=False, silence=True), new)
    district.run_for(5)
    assert obeys(district) == ["district-2"]
    assert turn.plan(partly=False, silence=False) is None and turn.finish()
    begin_us = district.world.now_us
    plan = district.desk.plan_sound(*_sound(district), [old.issuer])
    district.issuers._database.write("UPDATE issuers SET revoked_s = NULL")  # the thief's registry
    refused = district.until(district.send(plan, old), receipt.REFUSED)
    assert refused.reason == CODES["cmd_issuer"]
    assert loudest_ms(pole, begin_us, district.world.now_us) == 0
    pole.power_off()
    district.run_for(5)
    pole.power_on()
    district.run_for(60)
    assert obeys(district) == ["district-2"]
    assert district.until(district.order([TONE], signers=[new]), receipt.DONE).reason is None
    assert b"Traceback" not in pole.output


def _sound(district):
    window = Window(0, district.now_s + 600)
    return Sound(2, 1, [TONE]), window, choose(district.registry, everyone=True)


@pytest.mark.parametrize("cut", [False, True])
def test_what_a_revoked_issuer_has_ordered_is_silent(district, cut):
    thief = district.new_issuer("thief")
    pole = district.add_pole()
    sounds = district.order([[0, 0, 60_000]], signers=[thief], minutes=30)
    armed = district.order([TONE], signers=[thief], start_s=district.now_s + 300)
    own = district.order([TONE], start_s=district.now_s + 300)
    district.until(sounds, receipt.STARTED)
    district.run_for(3)
    district.issuers.revoke("thief")
    units = [district.registry.unit("speaker-01")]
    told(district, issuer_orders.send(district.desk, units, []))
    begin_us = district.world.now_us
    if cut:
        pole.power_off()
        district.run_for(5)
        pole.power_on()
    district.run_for(60)
    assert loudest_ms(pole, begin_us + SECOND_US // 2, district.world.now_us) == 0
    if not cut:  # what is in memory when the power fails is told to nobody
        assert district.until(sounds, receipt.INTERRUPTED).reason == CODES["revoked"]
        assert district.until(armed, receipt.CANCELLED).reason == CODES["revoked"]
    assert district.until(own, receipt.DONE, 400).reason is None
    assert loudest_ms(pole, begin_us + SECOND_US, district.world.now_us) <= 3020


def test_a_pole_is_told_by_cable_what_is_over(district):
    pole = district.add_pole()
    for n in range(5):
        district.new_issuer(f"issuer-{n}")
    over_s = district.now_s - 2 * 86_400
    for issuer in district.issuers.in_office():
        district.issuers.next_counter(issuer, over_s)
    told = district.issuers.list_for_units()
    assert all(2 in item[2] for item in cbor.decode(told))  # as much as a frame has room for
    link = SmpConsole(district, pole)
    wanted = provisioning_plan.plan_of(district.nodes["speaker-01"])
    for _ in range(2):
        Provisioner(link, district.registry, lambda *_: None).run(wanted)
        assert link.read_setting("key/issuers") == told
    district.run_for(60)
    assert len(obeys(district)) == 6
    assert district.until(district.order([TONE]), receipt.DONE).reason is None


def test_a_pole_tells_how_it_is_and_whom_it_obeys_when_it_is_asked(district):
    district.add_pole()

    def counts():
        return [len(district.events("speaker-01", kind)) for kind in (event.HEALTH, event.CONFIG)]

    before = counts()
    order = district.desk.send(upkeep.ask(district.desk, Request(everyone=True)), lambda _: [])
    district.dispatch()
    district.until(order, receipt.DONE)
    district.run_for(2)
    assert counts() == [count + 1 for count in before]
