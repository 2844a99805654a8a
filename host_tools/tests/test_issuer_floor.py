"""The floor of an issuer's numbers: a pole that is new repeats nothing, and misses nothing.

Who has the collector holds all that was ever signed, and tells a pole the time of then.
"""

import shutil
import sqlite3
from contextlib import suppress
from pathlib import Path

import pytest
from fieldbeat.host_tools import issuer_keys, succession, unit_code
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.issuers import MOST_BYTES, SURELY_OVER_S, Issuers
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.provisioning_plan import plan
from fieldbeat.host_tools.registered_unit import PROVISIONED
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.signed_commands import Maker, Signer, Window, opened
from fieldbeat.host_tools.smp_link import LinkError, Refused
from fieldbeat.host_tools.sounds import Sound, tone
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import cbor, command, cose
from fieldbeat.protocols.authority import Authority
from fieldbeat.protocols.command import EMERGENCY, issuer_kid

from .sender import NOW_S
from .unit_in_memory import Unit

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "speaker.toml"
PLAN = plan(EXAMPLE, "pole-1")
HOUR_S, DAY_S = 3600.0, 86_400.0


class Office:
    """A laptop: a registry, an issuer with his key, and a clock."""

    code = ""  # that somebody has written down

    def __init__(self, file, signer=None):
        self.now_s = NOW_S
        self.registry = Registry(file, now=lambda: self.now_s, locked=False)
        self.issuers = Issuers(self.registry)
        self.signer = signer or self.new("district")

    def new(self, name, algorithm=cose.ES256):
        key = issuer_keys.generate(algorithm)
        return Signer(self.issuers.add(name, algorithm, key.public, EMERGENCY, 1), key)

    def sign(self, hours=1.0, begins=0.0, signer=None):
        """Sign an alert for everybody, which ends after some hours."""
        start_s = self.now_s + HOUR_S * begins if begins else 0.0
        window = Window(start_s, self.now_s + HOUR_S * hours)
        parts = choose(self.registry, everyone=True)
        maker = Maker(self.issuers, [signer or self.signer], self.now_s)
        (made,) = maker.alert(Sound(EMERGENCY, 1, [tone("steady", 3)]), window, parts)
        return made.plaintext

    def provision(self, board=None, run=PLAN):
        """Provision a board, or a new one, and return it."""
        board = board or Unit()
        self.lines = []
        told = lambda step, text: self.lines.append((step, text))  # noqa: E731
        Provisioner(board, self.registry, told, lambda: self.code).run(run)
        return board


def heard(board, plaintext, at_s, counters=None):
    """What a board makes of a command at a time that it was told; None: it obeys."""
    items = cbor.decode(board.nvs.get("key/issuers", b"\x80"))
    known = {issuer_kid(item[0], item[1]): item for item in items}
    kid = board.nvs.get("key/master", bytes(22))[20:]
    authority = Authority(known, {} if counters is None else counters)
    verdict = authority.check(plaintext, kid, (), int(at_s) - DEVICE_EPOCH_S, True)
    if counters is not None and verdict.reason is None:
        authority.accept(verdict)
    return verdict.reason


def without_floors(board):
    """The same board, as it was told of issuers before there were floors."""
    old = Unit()
    items = cbor.decode(board.nvs["key/issuers"])
    plain = [[*item[:2], {key: item[2][key] for key in (0, 1)}] for item in items]
    old.nvs |= board.nvs | {"key/issuers": cbor.encode(plain)}
    return old


def floors(board):
    return [item[2].get(2) for item in cbor.decode(board.nvs["key/issuers"])]


@pytest.fixture
def office(tmp_path):
    made = Office(tmp_path / "registry.sqlite")
    made.registry.allocate("pole-1")  # so that there is somebody whom an alert is for
    made.registry.describe("pole-1", "x", role="speaker", state=PROVISIONED)
    yield made
    made.registry.close()


def number(plaintext):
    return opened(plaintext).counter


def test_an_old_alert_at_a_new_pole_with_the_time_of_then(office):
    begun_s = office.now_s
    old = [office.sign() for _ in range(3)]
    office.now_s += 30 * DAY_S
    pole = office.provision()
    then_s = begun_s + 60
    assert [heard(without_floors(pole), each, then_s) for each in old] == [None] * 3  # the attack
    assert [heard(pole, each, then_s) for each in old] == ["cmd_counter"] * 3
    assert heard(pole, office.sign(), office.now_s) is None


def test_who_has_signed_nothing_has_no_floor(office):
    pole = office.provision()
    assert floors(pole) == [None]
    assert heard(pole, office.sign(), office.now_s) is None


def test_what_is_armed_is_obeyed_after_a_swap(office):
    begun_s = office.now_s
    first = office.provision()
    old = office.sign()
    armed = office.sign(hours=20 * 24, begins=10 * 24)
    over_since = office.sign()  # after one that counts still: it can be repeated as long as that
    office.now_s += 3 * DAY_S
    swap = succession.Swap(office.registry, None, "pole-1", lambda *_: None)
    second = Unit(b"\x02\0\0\0\0\2")
    swap.run(PLAN, second)
    assert second.nvs["key/master"] != first.nvs["key/master"]
    assert floors(second) == [number(armed) - 1]
    assert heard(second, armed, office.now_s) is None
    assert heard(second, old, begun_s) == "cmd_counter"
    assert heard(second, over_since, begun_s) is None
    office.now_s = begun_s + 22 * DAY_S
    office.provision(second)
    assert floors(second) == [number(over_since)]
    assert heard(second, over_since, begun_s) == "cmd_counter"


@pytest.mark.parametrize("off_s", [-400 * DAY_S, -DAY_S, 14 * HOUR_S, 400 * DAY_S])
def test_a_clock_that_is_wrong_silences_nothing_that_is_signed_later(office, off_s):
    signed_s = office.now_s
    armed = office.sign(hours=24)
    right_s, office.now_s = office.now_s, office.now_s + off_s
    pole = office.provision()
    office.now_s = right_s
    assert heard(pole, office.sign(), office.now_s) is None
    # Of what counts still, a clock that is wrong by a time zone silences nothing either.
    assert heard(pole, armed, signed_s) == (None if off_s <= SURELY_OVER_S else "cmd_counter")


def test_a_registry_that_was_restored_is_heard_by_whom_it_provisions(office, tmp_path):
    office.sign()
    office.registry.checkpoint()
    shutil.copy(office.registry.path, tmp_path / "copy.sqlite")
    old = Office(tmp_path / "copy.sqlite", office.signer)
    later = [office.sign(hours=1) for _ in range(10)]
    armed = office.sign(hours=29 * 24)
    office.now_s += 5 * DAY_S
    old.now_s = office.now_s
    pole = office.provision()
    # By then others refuse it, too; `alert status` says so, and new issuers are made.
    repeated = old.sign()
    assert number(repeated) == number(later[0])
    assert heard(pole, repeated, old.now_s) == "cmd_counter"
    # What it knows nothing of is not refused by whom it provisions, nor what it signs itself.
    old.code = unit_code.of_unit(office.registry, "pole-1")
    old.provision(pole)
    assert floors(pole) == [number(repeated) - 1]
    assert heard(pole, old.sign(), old.now_s) is None
    assert heard(pole, armed, old.now_s) is None


def test_two_laptops_with_registries_of_their_own(office, tmp_path):
    other = Office(tmp_path / "other.sqlite")
    other.registry.allocate("pole-9")
    other.registry.describe("pole-9", "x", role="speaker")
    begun_s = office.now_s
    old, theirs = office.sign(), other.sign(hours=3)
    office.now_s += 5 * DAY_S
    pole = office.provision()
    assert heard(pole, old, begun_s) == "cmd_counter"
    assert heard(pole, theirs, begun_s) == "cmd_issuer"
    kid = other.signer.issuer.kid
    mixed = cbor.decode(pole.nvs["key/issuers"]) + [other.signer.issuer.for_units()]
    pole.nvs["key/issuers"] = cbor.encode(mixed)  # he is told of over the air, say
    assert issuer_kid(*mixed[1][:2]) == kid
    assert heard(pole, theirs, begun_s) is None  # a floor is of one issuer


def test_an_issuer_who_signs_elsewhere_has_no_floor_of_it(office):
    """A tool of his own gives out numbers that the registry knows nothing of."""
    office.sign()
    office.now_s += 5 * DAY_S
    pole = office.provision()
    counter = office.issuers.floor(office.signer.issuer)
    sql = "UPDATE issuers SET counter = ?"
    office.registry.database.write(sql, counter + 1000)  # as the tool has it
    elsewhere = office.sign()
    office.registry.database.write(sql, counter)
    assert number(elsewhere) == counter + 1001
    assert heard(pole, elsewhere, office.now_s) is None


def test_another_key_has_a_floor_of_its_own(office):
    begun_s = office.now_s
    old = office.sign()
    new = office.new("district-2")
    assert new.issuer.for_units(office.issuers.floor(new.issuer)) == new.issuer.for_units()
    office.issuers.revoke("district")
    office.now_s += 5 * DAY_S
    pole = office.provision()
    assert floors(pole) == [None]
    assert heard(pole, old, begun_s) == "cmd_issuer"
    assert heard(pole, office.sign(signer=new), office.now_s) is None


def test_over_the_window_of_64(office):
    begun_s = office.now_s
    old = [office.sign() for _ in range(70)]
    office.now_s += 5 * DAY_S
    pole, counters = office.provision(), {}
    new = [office.sign() for _ in range(64)]
    for each in reversed(new):  # overtaken on their way
        assert heard(pole, each, office.now_s, counters) is None
    assert {heard(pole, each, begun_s, counters) for each in old} == {"cmd_counter"}
    office.now_s += 5 * DAY_S
    office.provision(pole)  # a pole that has seen all of it
    assert heard(pole, office.sign(), office.now_s, counters) is None


OPERATIONS = 38  # of a whole provisioning; the test after the next one counts them


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("break_at", range(1, OPERATIONS + 1))
def test_a_cable_pulled_at_every_operation(office, break_at, effect):
    begun_s = office.now_s
    old = office.sign()
    office.now_s += 5 * DAY_S
    board = Unit()
    board.break_at, board.effect = break_at, effect
    with pytest.raises(LinkError):
        office.provision(board)
    assert heard(board, old, begun_s) in ("cmd_issuer", "cmd_counter")
    later_s, later = office.now_s, office.sign()
    office.now_s += 5 * DAY_S
    board.operations = 0
    with suppress(LinkError):  # now it may know a floor, which rises
        office.provision(board)
    assert heard(board, old, begun_s) in ("cmd_issuer", "cmd_counter")
    board.break_at = None
    office.provision(board)
    assert floors(board) == [number(later)]
    assert heard(board, later, later_s) == heard(board, old, begun_s) == "cmd_counter"
    assert heard(board, office.sign(), office.now_s) is None


def test_the_operations_are_counted_right(office):
    assert office.provision().operations == OPERATIONS


def test_a_floor_that_rises_is_no_other_issuer(office):
    board = office.provision()
    office.provision(board)
    assert board.written.count("key/issuers") == 1
    office.sign()
    office.provision(board)  # it counts still
    assert board.written.count("key/issuers") == 1
    office.now_s += 5 * DAY_S
    office.provision(board)
    assert board.written.count("key/issuers") == 2
    assert [text for step, text in office.lines if step == "issuers"] == ["district"]
    (item,) = cbor.decode(board.nvs["key/issuers"])
    assert issuer_kid(*item[:2]) == office.signer.issuer.kid
    assert office.issuers.in_office()[0].as_map() | {"name": "district"} == (
        office.signer.issuer.as_map()
    )


class OlderUnit(Unit):
    """Its firmware knows no floor."""

    def _write(self, name, value):
        if name == "key/issuers" and any(len(item[2]) > 2 for item in cbor.decode(value)):
            answer = type("Answer", (), {"rc": type("Rc", (), {"name": "EINVAL"}), "rsn": "key"})
            raise Refused("writing key/issuers", answer)
        super()._write(name, value)


def test_a_pole_whose_firmware_knows_no_floor_obeys_all_the_same(office):
    office.sign()
    office.now_s += 5 * DAY_S
    board = office.provision(OlderUnit())
    assert floors(board) == [None]
    assert (
        "issuers",
        "district; its firmware is older and would obey their old alerts: flash it",
    ) in (office.lines)
    assert office.registry.unit("pole-1").state == PROVISIONED
    assert heard(board, office.sign(), office.now_s) is None


def test_whatever_else_a_pole_refuses_is_an_error(office):
    office.sign()
    office.now_s += 5 * DAY_S

    class Full(Unit):
        def _write(self, name, value):
            if name == "key/issuers":
                answer = type("Answer", (), {"rc": type("Rc", (), {"name": "ENOMEM"})})
                raise Refused("writing key/issuers", answer)
            super()._write(name, value)

    with pytest.raises(Refused, match="ENOMEM"):
        office.provision(Full())


def test_a_registry_from_before_there_were_floors(office):
    """Nobody knows when what it has signed ends; no alert counts for more than 30 days."""
    armed = office.sign(hours=29 * 24)
    file, signer = office.registry.path, office.signer
    office.registry.close()
    connection = sqlite3.connect(file)
    connection.executescript("DROP TABLE signed; PRAGMA user_version = 11;")
    (now_s,) = connection.execute("SELECT CAST(strftime('%s', 'now') AS REAL)").fetchone()
    connection.close()
    upgraded = Office(file, signer)
    upgraded.now_s = now_s
    pole = upgraded.provision()
    assert floors(pole) == [None] and heard(pole, armed, NOW_S) is None
    upgraded.sign()
    upgraded.now_s += 30 * DAY_S
    assert floors(upgraded.provision(pole)) == [None]
    upgraded.now_s += 2 * DAY_S
    assert floors(upgraded.provision(pole)) == [number(armed) + 1]
    assert heard(pole, armed, NOW_S) == "cmd_counter"
    upgraded.registry.close()


@pytest.mark.parametrize("algorithm", [cose.ES256, cose.SM2_SM3])
@pytest.mark.parametrize("count", [1, 2, 5, 6])
def test_a_list_of_issuers_fits_into_a_frame_of_a_unit(office, algorithm, count):
    office.issuers.revoke("district")
    for n in range(count):
        office.sign(signer=office.new(f"issuer-{n}", algorithm))
    office.now_s += 5 * DAY_S
    told = office.issuers.list_for_units()
    request = {"name": "key/issuers", "val": told}
    assert 8 + len(cbor.encode(request)) <= 508
    has_floors = all(2 in item[2] for item in cbor.decode(told))
    assert has_floors is ((algorithm, count) != (cose.SM2_SM3, 6))
    assert len(told) <= MOST_BYTES


def test_an_issuer_who_is_added_over_the_air_brings_his_floor(office):
    chief = office.new("chief")
    begun_s = office.now_s
    old = office.sign()
    office.now_s += 5 * DAY_S
    floor = office.issuers.floor(office.signer.issuer)
    args = [office.signer.issuer.for_units(floor)], []
    asked = [(part, args) for part in choose(office.registry, everyone=True)]
    window = Window(0, office.now_s + 7 * DAY_S)
    maker = Maker(office.issuers, [chief], office.now_s)
    (told,) = maker.make(command.ISSUERS, (EMERGENCY, 1), window, asked)
    pole = Authority({chief.issuer.kid: chief.issuer.for_units()}, {})
    verdict = pole.check(told.plaintext, b"\0\1", (), int(office.now_s) - DEVICE_EPOCH_S, True)
    assert verdict.reason is None
    pole.issuers = pole.issuers_after(verdict.command)
    then, now = (int(at_s) - DEVICE_EPOCH_S for at_s in (begun_s, office.now_s))
    assert pole.check(old, b"\0\1", (), then, True).reason == "cmd_counter"
    assert pole.check(office.sign(), b"\0\1", (), now, True).reason is None
