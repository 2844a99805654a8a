"""Swap, rekey and revoke at whole boards: the cable and the power go at every operation."""

from __future__ import annotations

import pytest
from fieldbeat.hil_tests.cuts.smp_console import SmpConsole
from fieldbeat.hil_tests.virtual.site import QUARTER_HOURLY, Site, config
from fieldbeat.host_tools import nvs_reader, succession
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.provisioning_plan import Plan
from fieldbeat.host_tools.registered_unit import REVOKED
from fieldbeat.host_tools.smp_link import LinkError
from fieldbeat.protocols import cbor

HOUR_S = 3600
BOOT_S = 5


class Cable:
    """The serial link of a board; at one of its operations cable and power go."""

    def __init__(self, site, board, break_at=0):
        self._link, self._site, self._board = SmpConsole(site, board), site, board
        self._left, self._effect = break_at, break_at % 2 == 0

    def __getattr__(self, name):
        def operate(*values):
            self._left -= 1
            if self._left == 0 and not self._effect:
                self._cut()
            result = getattr(self._link, name)(*values)
            if self._left == 0:
                self._cut()
            return result

        return operate

    def _cut(self):
        self._board.power_off()
        self._site.run_for(1)
        self._board.power_on()
        self._site.run_for(BOOT_S)
        raise LinkError("the port was lost", "run it again")


def provision(site, board, node):
    device, names = node.to_device_map(), node.tables.node
    named = (names.name, names.site, names.board, names.profile)
    plan = Plan(*named, node.uplink_interval_s, cbor.encode(device))
    Provisioner(SmpConsole(site, board), site.registry, lambda *_: None).run(plan)
    site.run_for(BOOT_S)


def bare(site, name, provisioned=False):
    node = config(name, more=QUARTER_HOURLY)
    board = site.add_station(node, provisioned=False)
    site.run_for(BOOT_S)
    if provisioned:
        provision(site, board, node)
    return board


@pytest.fixture
def site():
    with Site(seed=5) as made:
        yield made


def holders(site, **boards):
    """Which boards have the key that counts for gh-01 in their flash."""
    unit = site.registry.unit("gh-01")
    counts = unit.epoch not in site.registry.revoked(unit.kid)
    key = dict(site.registry.keys(unit.kid))[unit.epoch] + unit.epoch.to_bytes(4, "big") + unit.kid
    flash = {n: nvs_reader.read(b.flash.read(0x9000, 0x6000)) for n, b in boards.items()}
    return [name for name, values in flash.items() if counts and values.get("key") == key]


def swap(site, link):
    kept = succession.plan_of(site.registry, "gh-01", site.registry.config("gh-01"))
    return succession.Swap(site.registry, site.collector, "gh-01", lambda *_: None).run(kept, link)


def cut_until_done(site, board, work, check):
    """Cut the 1st operation, then the 2nd of the next try, and so on; return how many."""
    for number in range(1, 200):
        try:
            work(Cable(site, board, number))
        except LinkError:
            check()
            continue
        check()
        return number - 1
    raise AssertionError("it never ends")


def reasons(site):
    found = [outcome.reason for outcome in site.outcomes]
    site.outcomes.clear()
    return found


def swap_cut_at(site, number):
    """Cut one operation of a swap that begins, and finish it; return whether it was reached."""
    old = bare(site, "gh-01", provisioned=True)
    site.run_for(2 * HOUR_S)
    assert site.store.contact("gh-01").cumulative > 2 and set(reasons(site)) == {""}
    old.power_off()
    new = bare(site, "gh-02")
    try:
        swap(site, Cable(site, new, number))
        reached = False
    except LinkError:
        reached = True
        assert len(holders(site, old=old, new=new)) <= 1
        swap(site, SmpConsole(site, new))
    assert holders(site, old=old, new=new) == ["new"]
    site.run_for(2 * HOUR_S)
    assert set(reasons(site)) == {""} and site.store.contact("gh-01").run == 2
    new.power_off()
    old.power_on()  # whoever has taken it away
    site.run_for(2 * HOUR_S)
    assert set(reasons(site)) == {"revoked"}
    return reached


@pytest.mark.longest
def test_a_swap_that_is_cut_at_every_operation():
    number, reached = 0, True
    while reached:
        number += 1
        with Site(seed=5) as site:
            reached = swap_cut_at(site, number)
    assert number > 30


@pytest.mark.longest
def test_a_swap_that_is_cut_again_and_again(site):
    old = bare(site, "gh-01", provisioned=True)
    site.run_for(2 * HOUR_S)
    old.power_off()
    new = bare(site, "gh-02")

    def check():
        assert len(holders(site, old=old, new=new)) <= 1

    # Each try begins where the one before ended, so that fewer are cut than a swap has operations.
    cuts = cut_until_done(site, new, lambda link: swap(site, link), check)
    assert cuts > 20 and holders(site, old=old, new=new) == ["new"]


@pytest.mark.longest
def test_a_rekey_that_is_cut_at_every_operation(site):
    unit = bare(site, "gh-01", provisioned=True)
    site.run_for(HOUR_S)

    def rekey(link):
        Provisioner(link, site.registry, lambda *_: None).rekey("gh-01")

    def check():
        assert len(holders(site, unit=unit)) <= 1

    cuts = cut_until_done(site, unit, rekey, check)
    assert cuts > 15 and holders(site, unit=unit) == ["unit"]
    reasons(site)
    site.run_for(2 * HOUR_S)
    assert set(reasons(site)) == {""} and site.store.contact("gh-01").run == 1


def test_what_a_board_has_not_sent_is_taken_off_it(site):
    old = bare(site, "gh-01", provisioned=True)
    site.run_for(HOUR_S + 60)
    site.kill_collector()
    site.run_for(6 * HOUR_S)
    site.start_collector()
    before = site.store.contact("gh-01").cumulative
    lines = []
    swapping = succession.Swap(
        site.registry, site.collector, "gh-01", lambda *line: lines.append(line)
    )
    kept = swapping.take_off(SmpConsole(site, old), site.now_s)
    assert kept == site.registry.config("gh-01")
    after = site.store.contact("gh-01").cumulative
    assert after - before >= 5  # a report an hour
    told = f"{after - before} records taken off it that had not arrived, "
    assert dict(lines)["old"].startswith(told) and "lost" not in dict(lines)["old"]
    assert site.views.unit("gh-01", site.now_s).missing == 0


def test_a_stolen_unit_is_refused_and_goes_on_in_vain(site):
    unit = bare(site, "gh-01", provisioned=True)
    site.run_for(HOUR_S)
    assert unit.state and set(reasons(site)) == {""}
    site.registry.revoke_keys(site.registry.unit("gh-01").kid)
    site.registry.describe("gh-01", "revoked", state=REVOKED)
    records = site.views.unit("gh-01", site.now_s).records
    site.run_for(2 * HOUR_S)
    assert set(reasons(site)) == {"revoked"}
    site.collector.flush()
    view = site.views.unit("gh-01", site.now_s)
    assert view.records == records and view.state == "revoked" and view.refused["revoked"] > 1
