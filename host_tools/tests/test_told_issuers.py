"""Whom a loudspeaker obeys, beside those who are in office."""

import pytest
from fieldbeat.host_tools import told_issuers
from fieldbeat.host_tools.acceptance import FAILED, NOT_TESTED, PASSED
from fieldbeat.host_tools.doctor import diagnose
from fieldbeat.host_tools.doctor_evidence import Evidence
from fieldbeat.host_tools.doctor_reading import add_knowledge
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.registry import Registry
from fieldbeat.protocols import cbor, command, cose

OLD, NEW = bytes(64), b"\1" * 64
HELD = cbor.encode([[cose.ES256, OLD, {0: 2, 1: 1}]])
OLD_KID = command.issuer_kid(cose.ES256, OLD).hex()


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry.sqlite")


def verdict(held, registry):
    found = told_issuers.check(held, registry)
    assert found.name == "speaker.office"
    return found.verdict, found.text


def test_who_is_of_another_registry_is_no_issuer_here(registry):
    assert verdict(HELD, None)[0] == NOT_TESTED
    assert verdict(HELD, registry)[0] == NOT_TESTED  # nobody is known
    Issuers(registry).add("county", cose.ES256, NEW, 2, 1)  # the name is the same, the key is not
    assert verdict(HELD, registry)[0] == FAILED and OLD_KID in verdict(HELD, registry)[1]
    assert verdict(Issuers(registry).list_for_units(), registry)[0] == PASSED


def test_who_was_revoked_is_named_and_who_is_new_is_not_missed(registry):
    issuers = Issuers(registry)
    issuers.add("district", cose.ES256, OLD, 2, 1)
    issuers.add("county", cose.ES256, NEW, 2, 1)
    assert verdict(HELD, registry) == (PASSED, "does not obey county yet")
    issuers.revoke("district")
    assert verdict(HELD, registry)[0] == FAILED and "district" in verdict(HELD, registry)[1]


@pytest.mark.parametrize("held", [None, b"", b"\x80", b"\xff", b"\x01", cbor.encode([[1]])])
def test_a_list_that_names_nobody_has_no_strangers(registry, held):
    Issuers(registry).add("county", cose.ES256, NEW, 2, 1)
    assert told_issuers.strangers(held, Issuers(registry)) == []


def test_the_doctor_names_who_is_not_in_office(registry, tmp_path):
    Issuers(registry).add("county", cose.ES256, NEW, 2, 1)
    for held, causes in ((HELD, ["strangers"]), (Issuers(registry).list_for_units(), [])):
        evidence = Evidence(unit="sp-1", issuers=held)
        add_knowledge(evidence, registry.path, tmp_path / "none.sqlite")
        assert [each.cause for each in diagnose(evidence.lines())] == causes
