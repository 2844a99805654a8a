"""Swap, rekey, revoke and rebuild, with the cable pulled before and after every operation."""

import dataclasses
import struct
import zlib
from pathlib import Path

import pytest
from fieldbeat.host_tools import outbox_reader, succession, unit_code
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.node_tables import Wifi
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.provisioning_plan import plan
from fieldbeat.host_tools.registered_unit import PROVISIONED, RETIRED, REVOKED
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.smp_link import LinkError
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.trace_keys import TraceKeys
from fieldbeat.host_tools.unit_talk import ProvisioningError
from fieldbeat.protocols import cbor, cose, frame, packing

from .sender import report_record
from .unit_in_memory import Unit

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
NOW_S = 1_780_000_000.0
OLD_MAC, NEW_MAC, THIRD_MAC = (b"\x02\0\0\0\0" + bytes([n]) for n in (1, 2, 3))
PLAN = plan(EXAMPLES / "greenhouse.toml", "gh-1")


def each(count):
    """All of them, and every third where tests have to be short."""
    return [
        number if number % 3 == 1 else pytest.param(number, marks=pytest.mark.long)
        for number in range(1, count + 1)
    ]


class Site:
    """A registry, a collector, and a unit that works."""

    def __init__(self, folder, goal=PLAN, password=""):
        self.registry, self.store = Registry(folder / "r.sqlite"), Store(folder / "s.sqlite")
        self.collector = Collector(self.store, self.registry)
        self.old, self.goal = Unit(OLD_MAC), goal
        Provisioner(self.old, self.registry, lambda *_: None).run(goal, password=password)
        self.lines = []

    def swap(self, board, new=None, password=""):
        tell = lambda *line: self.lines.append(line)  # noqa: E731
        swap = succession.Swap(self.registry, self.collector, "gh-1", tell)
        kept = succession.plan_of(self.registry, "gh-1", self.registry.config("gh-1"))
        return swap.run(kept, board, new, password)

    def holders(self, *boards):
        """Who can use the key that counts for the unit now."""
        unit = self.registry.unit("gh-1")
        master = dict(self.registry.keys(unit.kid))[unit.epoch]
        if unit.epoch in self.registry.revoked(unit.kid):
            return []
        return [board for board in boards if board.nvs.get("key/master") == master]

    def takes(self, board, rn):
        """Whether the collector takes what a board seals, and why not."""
        keys = board.keyset()
        board.piv = getattr(board, "piv", 0) + 1
        outcomes = []
        self.collector._observer = outcomes.append
        sealed = keys.seal(
            frame.TELEMETRY, frame.UP, board.piv, packing.pack([report_record(rn)], True)
        )
        answers = self.collector.handle(sealed, "x", NOW_S)
        assert bool(answers) is not bool(outcomes[0].reason)
        return outcomes[0].reason or "taken"


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def assert_swapped(site, new):
    unit = site.registry.unit("gh-1")
    assert unit.state == PROVISIONED and unit.mac == new.nvs["id/mac"].hex(":")
    assert site.registry.retired(OLD_MAC.hex(":")) == ("gh-1", "replaced")
    assert site.holders(site.old, new) == [new]
    assert new.nvs["id/unit"] == b"gh-1" and new.files["/config.cbor"] == site.goal.config
    assert site.old.keyset().epoch in site.registry.revoked(unit.kid)
    assert site.takes(site.old, 7) == "revoked"
    assert site.takes(new, 1) == "taken"
    assert (unit.site, unit.report_interval_s) == (site.goal.site, site.goal.report_interval_s)


def test_a_swap(site):
    before = site.registry.unit("gh-1")
    assert [site.takes(site.old, rn) for rn in (1, 2, 3)] == ["taken"] * 3
    new = Unit(NEW_MAC)
    done = site.swap(new)
    assert (done.kid, done.epoch) == (before.kid, before.epoch + 1)
    assert_swapped(site, new)
    contact = site.store.contact("gh-1")
    assert (contact.run, contact.cumulative) == (2, 1)  # it counts from 1 again
    assert site.takes(new, 2) == "taken" and site.store.contact("gh-1").cumulative == 2
    assert site.store.raw_record("gh-1", 1, 2) is not None  # of the old board
    assert site.swap(new) == site.registry.unit("gh-1")  # once more changes nothing
    assert len(new.keys_received) == 1


OPERATIONS = 40  # of a swap; the test after the next one counts them


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("break_at", each(OPERATIONS))
def test_a_cable_pulled_at_every_operation_of_a_swap(site, break_at, effect):
    new = Unit(NEW_MAC)
    check_holders = new._operate

    def operate(work):
        assert len(site.holders(site.old, new)) <= 1
        try:
            return check_holders(work)
        finally:
            assert len(site.holders(site.old, new)) <= 1

    new._operate = operate
    new.break_at, new.effect = break_at, effect
    with pytest.raises(LinkError):
        site.swap(new)
    begun = site.registry.unit("gh-1").mac == NEW_MAC.hex(":")
    assert site.holders(site.old, new) != [site.old] if begun else [site.old]
    site.swap(new)
    assert_swapped(site, new)
    assert len(set(new.keys_received)) == len(new.keys_received) <= 2


def test_the_operations_are_counted_right(site):
    new = Unit(NEW_MAC)
    site.swap(new)
    assert new.operations == OPERATIONS


@pytest.mark.parametrize("break_at", range(14, OPERATIONS, 3))
def test_the_replacement_breaks_as_well_and_a_third_board_comes(site, break_at):
    broken, third = Unit(NEW_MAC), Unit(THIRD_MAC)
    broken.break_at = break_at
    with pytest.raises(LinkError):
        site.swap(broken)
    site.swap(third)
    assert site.holders(site.old, broken, third) == [third]
    assert site.registry.retired(NEW_MAC.hex(":")) == ("gh-1", "replaced")
    assert site.takes(third, 1) == "taken"
    if broken.keyset():
        assert site.takes(broken, 2) in ("revoked", "tag")


def test_only_the_board_that_was_meant(site):
    spare = Unit(NEW_MAC)
    Provisioner(spare, site.registry, lambda *_: None).run(
        dataclasses.replace(plan(EXAMPLES / "greenhouse.toml", "spare-1"))
    )
    old_keys = site.registry.keys(b"\0\1")
    with pytest.raises(ProvisioningError, match="this board is gh-1 itself"):
        site.swap(site.old)
    with pytest.raises(ProvisioningError, match="is or was spare-1 .*fieldbeat swap gh-1 02:"):
        site.swap(spare)
    with pytest.raises(ProvisioningError, match="is spare-1 .*, not gh-3; next: look"):
        site.swap(spare, "gh-3")
    assert site.registry.keys(b"\0\1") == old_keys and not site.registry.revoked(b"\0\1")
    site.swap(spare, "spare-1")
    assert_swapped(site, spare)
    given = site.registry.unit("spare-1")
    assert (given.state, given.mac) == (RETIRED, "") and site.registry.revoked(given.kid) == {1}


def test_a_repaired_board_comes_back(site):
    new = Unit(NEW_MAC)
    site.swap(new)
    with pytest.raises(ProvisioningError, match="was gh-1, and was replaced by the board with"):
        site.swap(site.old)
    site.swap(site.old, OLD_MAC.hex(":"))
    assert site.holders(site.old, new) == [site.old]
    assert (site.takes(new, 1), site.takes(site.old, 1)) == ("revoked", "taken")
    assert site.registry.retired(OLD_MAC.hex(":")) is None


def test_a_retired_board_is_no_other_unit_by_mistake(site):
    site.swap(Unit(NEW_MAC))
    erased, goal = Unit(OLD_MAC), plan(EXAMPLES / "greenhouse.toml", "gh-9")
    with pytest.raises(ProvisioningError, match="was gh-1, which is replaced; next: --rekey"):
        Provisioner(erased, site.registry, lambda *_: None).run(goal)
    Provisioner(erased, site.registry, lambda *_: None).run(goal, rekey=True)
    assert site.registry.unit("gh-9").mac == OLD_MAC.hex(":")


def test_the_password_of_its_wifi_moves_too(tmp_path):
    goal = plan(EXAMPLES / "speaker-nbiot.toml", "gh-1")
    assert goal.wifi == Wifi(ssid=goal.wifi.ssid)
    site = Site(tmp_path, goal, "correct horse")
    kept = succession.plan_of(site.registry, "gh-1", site.registry.config("gh-1"))
    same = {"known": {}}
    assert kept == dataclasses.replace(goal, **same)
    new = Unit(NEW_MAC)
    site.swap(new, password=site.registry.wifi_password("gh-1"))
    assert new.nvs["key/wifi_password"] == b"correct horse" and new.nvs["key/issuers"] == b"\x80"


@pytest.mark.parametrize("name", ["climate", "river", "speaker", "greenhouse"])
def test_a_plan_is_read_back_from_the_configuration(tmp_path, name):
    goal = plan(EXAMPLES / f"{name}.toml", "gh-1")
    registry = Registry(tmp_path / "r.sqlite")
    registry.keep_control("gh-1", goal.spoken)
    kept = succession.plan_of(registry, "gh-1", goal.config)
    assert kept == dataclasses.replace(goal, known={})
    with pytest.raises(CannotTry, match="of gh-1, not of gh-2"):
        succession.plan_of(registry, "gh-2", goal.config)
    with pytest.raises(CannotTry, match="is not in .* next: name its file"):
        succession.plan_of(registry, "gh-2", None)


# What the old board has not sent


def segment(first, records, torn=0):
    """A segment as the comment in firmware/outbox.py has it, with a mark before each record."""
    data, rn = b"", first
    for raw in records:
        for kind, payload in ((2, struct.pack("<II", first, 0)), (0, raw)):
            head = struct.pack("<H", kind << 14 | len(payload))
            check = zlib.crc32(head + payload, rn)
            data += head + payload + struct.pack("<I", check)
        rn += 1
    return data[: len(data) - torn]


class Full(Unit):
    """A board with an outbox."""

    def hold(self, segments, floor, count):
        self.files |= {f"/outbox/{first}.log": data for first, data in segments.items()}
        self.told = f"{count} records, 999 bytes, from #{floor}"

    def status(self):
        return super().status() | {"outbox": self.told}


def held(site, segments, floor, count):
    board = Full(OLD_MAC)
    board.nvs, board.files = site.old.nvs, site.old.files
    board.hold(segments, floor, count)
    site.old = board
    swap = succession.Swap(
        site.registry, site.collector, "gh-1", lambda *line: site.lines.append(line)
    )
    assert swap.take_off(board, NOW_S) == site.goal.config
    return dict(site.lines)["old"]


def test_what_the_old_board_has_not_sent_is_kept(site):
    assert site.takes(site.old, 1) == "taken"
    records = {rn: report_record(rn) for rn in range(1, 9)}
    segments = {
        1: segment(1, [records[rn] for rn in (1, 2, 3)]),
        4: segment(4, [records[rn] for rn in (4, 5, 6, 7, 8)]),
    }
    told = held(site, segments, 1, 7)
    assert told == "7 records taken off it that had not arrived, 1 had"
    assert site.store.contact("gh-1").cumulative == 8
    assert site.store.raw_record("gh-1", 1, 8) == records[8]
    again = held(site, segments, 3, 6)  # once more, as after a cut
    assert again == "0 records taken off it that had not arrived, 6 had"
    new = Unit(NEW_MAC)
    site.swap(new)
    late = held(site, segments, 3, 6)  # as after a cut behind the swap
    assert late == "0 records taken off it that had not arrived, 6 had"
    assert site.takes(new, 1) == "taken" and site.store.contact("gh-1").run == 2
    last = {9: segment(9, [report_record(9)])}
    assert held(site, last, 9, 1) == "1 record taken off it that had not arrived, 0 had"
    assert site.store.raw_record("gh-1", 1, 9) == report_record(9)  # among those of its board
    assert site.takes(new, 2) == "taken" and site.store.contact("gh-1").cumulative == 2


def test_what_cannot_be_read_is_told_with_its_count(site):
    records = [report_record(rn) for rn in range(1, 10)]
    segments = {1: segment(1, records[:3], torn=2), 6: segment(6, records[5:])}
    told = held(site, segments, 2, 8)
    assert (
        told == "5 records taken off it that had not arrived, 0 had; 3 cannot be read and are lost"
    )
    assert site.store.raw_record("gh-1", 1, 2) == records[1]
    assert site.store.raw_record("gh-1", 1, 9) == records[8]


def test_an_outbox_that_is_empty_or_silent(site):
    assert held(site, {}, 5, 0) == "0 records taken off it that had not arrived, 0 had"
    site.old.told = "none"
    assert outbox_reader.read(site.old).count is None


def test_another_board_at_the_old_port_is_refused(site):
    swap = succession.Swap(site.registry, site.collector, "gh-1", lambda *_: None)
    with pytest.raises(ProvisioningError, match="the board at the old port is nobody, not gh-1"):
        swap.take_off(Unit(NEW_MAC), NOW_S)


def test_a_board_of_two_swaps_ago_is_too_late(site):
    site.swap(Unit(NEW_MAC))
    assert held(site, {}, 5, 0)
    site.swap(Unit(THIRD_MAC))
    with pytest.raises(ProvisioningError, match="was gh-1 before the last one was"):
        held(site, {}, 5, 0)


# Rekey


def rekey(site, board=None):
    lines = []
    done = Provisioner(board or site.old, site.registry, lambda *line: lines.append(line)).rekey(
        "gh-1"
    )
    return done, lines


def test_rekey_keeps_all_but_the_key(site):
    sealed = site.old.keyset()
    config, written = dict(site.old.files), len(site.old.written)
    assert site.takes(site.old, 1) == "taken"
    done, _ = rekey(site)
    assert done.epoch == 2 and done.state == PROVISIONED
    assert site.old.files == config and site.old.written[written:] == ["key/master"]
    early = sealed.seal(frame.TELEMETRY, frame.UP, 9, packing.pack([report_record(2)], True))
    assert site.collector.handle(early, "x", NOW_S)  # it was under way
    assert site.takes(site.old, 3) == "taken"
    late = sealed.seal(frame.TELEMETRY, frame.UP, 10, packing.pack([report_record(4)], True))
    assert not site.collector.handle(late, "x", NOW_S)
    assert site.collector.refused == {"tag": 1}
    assert rekey(site)[0].epoch == 3


REKEY_OPERATIONS = 25


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("break_at", each(REKEY_OPERATIONS))
def test_a_cable_pulled_at_every_operation_of_a_rekey(site, break_at, effect):
    site.old.operations, site.old.break_at, site.old.effect = 0, break_at, effect
    with pytest.raises(LinkError):
        rekey(site)
    assert site.takes(site.old, 1) == "taken"  # whichever key it holds
    done, lines = rekey(site)
    assert done.state == PROVISIONED and site.holders(site.old) == [site.old]
    assert len(set(site.old.keys_received)) == len(site.old.keys_received) <= 3
    assert site.takes(site.old, 2) == "taken"


def test_the_operations_of_a_rekey_are_counted_right(site):
    site.old.operations = 0
    rekey(site)
    assert site.old.operations == REKEY_OPERATIONS


def test_rekey_refuses_another_board(site):
    keys = site.registry.keys(b"\0\1")
    with pytest.raises(ProvisioningError, match="this board is nobody yet, not gh-1"):
        rekey(site, Unit(NEW_MAC))
    copy = Unit(NEW_MAC)
    copy.nvs |= {"id/unit": b"gh-1"}
    with pytest.raises(ProvisioningError, match="MAC 02:.*'fieldbeat swap' puts"):
        rekey(site, copy)
    with pytest.raises(ProvisioningError, match="gh-7 is not in"):
        Provisioner(site.old, site.registry, lambda *_: None).rekey("gh-7")
    assert site.registry.keys(b"\0\1") == keys


# Revoke


def revoke(site):
    unit = site.registry.unit("gh-1")
    site.registry.revoke_keys(unit.kid)
    site.registry.describe("gh-1", "revoked", state=REVOKED)


def test_a_stolen_unit_is_refused_counted_and_sent_nothing(site):
    assert site.takes(site.old, 1) == "taken"
    assert site.collector._opener.keys_of("gh-1")
    revoke(site)
    assert [site.takes(site.old, rn) for rn in (2, 3, 4)] == ["revoked"] * 3
    assert site.collector._opener.keys_of("gh-1") is None
    assert site.collector.refused == {"revoked": 3}
    assert site.store.raw_record("gh-1", 1, 2) is None
    with pytest.raises(ProvisioningError, match="gh-1 is revoked; next: if it is back"):
        rekey(site)
    with pytest.raises(ProvisioningError, match="gh-1 is revoked; next: --rekey"):
        Provisioner(site.old, site.registry, lambda *_: None).run(site.goal)
    Provisioner(site.old, site.registry, lambda *_: None).run(site.goal, rekey=True)
    assert site.takes(site.old, 5) == "taken"


def test_a_stolen_unit_is_replaced(site):
    revoke(site)
    with pytest.raises(ProvisioningError, match="this board is gh-1 itself"):
        site.swap(site.old)
    new = Unit(NEW_MAC)
    site.swap(new)
    assert (site.takes(site.old, 1), site.takes(new, 1)) == ("revoked", "taken")


# Rebuild


REBUILD_OPERATIONS = 32


def rebuilt(site, folder, **options):
    registry = Registry(folder / "new.sqlite", **options)
    lines = []
    code = unit_code.of_unit(site.registry, "gh-1")  # somebody has written it down
    unit, lost = succession.rebuild(
        registry, site.old, lambda *line: lines.append(line), lambda: code
    )
    return registry, unit, lost


def test_a_lost_registry_comes_back_from_its_units(site, tmp_path):
    site.old.nvs["key/trace"] = bytes(64)
    asked = site.old.operations  # when it was provisioned
    registry, unit, lost = rebuilt(site, tmp_path)
    before = site.registry.unit("gh-1")
    assert site.old.operations - asked == REBUILD_OPERATIONS
    names = ("name", "kid", "mac", "board", "profile", "site", "role", "report_interval_s")
    assert [getattr(unit, n) for n in names] == [getattr(before, n) for n in names]
    assert (unit.epoch, unit.state) == (before.epoch + 1, PROVISIONED)
    assert unit.config_sha256 == before.config_sha256
    assert registry.config("gh-1") == site.goal.config
    assert dict(registry.keys(unit.kid)) == {2: site.old.nvs["key/master"]}
    assert "under key id 0001, epoch 1, and nobody has opened cannot be opened" in lost[0]
    with pytest.raises(ProvisioningError, match="is in .* with its key; next: there is nothing"):
        succession.rebuild(registry, site.old, lambda *_: None)
    assert TraceKeys(registry).of_unit("gh-1") == []  # this one does not sign
    assert registry.allocate("gh-2").kid == b"\0\2"


def test_whom_a_unit_obeys_and_a_new_registry_does_not_know_is_told(tmp_path):
    site = Site(tmp_path, plan(EXAMPLES / "speaker.toml", "gh-1"))
    site.old.nvs["key/issuers"] = cbor.encode([[cose.ES256, bytes(64), {0: 2, 1: 1}]])
    registry = Registry(tmp_path / "new.sqlite")
    Issuers(registry).add("county", cose.ES256, b"\1" * 64, 2, 1)
    code = unit_code.of_unit(site.registry, "gh-1")
    _, lost = succession.rebuild(registry, site.old, lambda *_: None, lambda: code)
    assert any("not in office here: 'fieldbeat provision' changes that" in text for text in lost)


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("break_at", each(REBUILD_OPERATIONS))
def test_a_cable_pulled_while_a_registry_is_rebuilt(site, tmp_path, break_at, effect):
    site.old.operations, site.old.break_at, site.old.effect = 0, break_at, effect
    with pytest.raises(LinkError):
        rebuilt(site, tmp_path)
    try:
        registry, unit, _ = rebuilt(site, tmp_path)
    except ProvisioningError as error:  # it got its key, only the end was missing
        assert "'fieldbeat rekey'" in str(error)
        registry = Registry(tmp_path / "new.sqlite")
        unit = registry.unit("gh-1")
    assert dict(registry.keys(unit.kid))[unit.epoch] == site.old.nvs["key/master"]
    assert unit.epoch >= 2 and len(set(site.old.keys_received)) == len(site.old.keys_received)


def test_an_old_copy_of_a_registry_gives_no_epoch_twice(site, tmp_path):
    copy = Registry(tmp_path / "copy.sqlite")
    copy.adopt("gh-1", b"\0\1", 0)
    copy.allocate("gh-1")  # as it was when the copy was made
    copy.describe("gh-1", "provisioned", state=PROVISIONED, mac=OLD_MAC.hex(":"))
    for _ in range(3):
        rekey(site)
    code = unit_code.of_unit(site.registry, "gh-1")
    unit, _ = succession.rebuild(copy, site.old, lambda *_: None, lambda: code)
    assert unit.epoch == 5 and unit_code.of_unit(copy, "gh-1") == code


def test_a_key_id_that_another_has_by_now_stays_with_that_one(site, tmp_path):
    registry = Registry(tmp_path / "new.sqlite")
    registry.allocate("gh-8")
    with pytest.raises(ProvisioningError, match="is locked, and its code is not in .*erase-flash"):
        succession.rebuild(registry, site.old, lambda *_: None)
    assert registry.unit("gh-1") is None
    code = unit_code.of_unit(site.registry, "gh-1")
    unit, _ = succession.rebuild(registry, site.old, lambda *_: None, lambda: code)
    assert (unit.kid, unit.epoch) == (b"\0\2", 1) and site.old.nvs["id/kid"] == b"\0\2"
    with pytest.raises(ProvisioningError, match="no identity that could be entered"):
        succession.rebuild(registry, Unit(NEW_MAC), lambda *_: None)
