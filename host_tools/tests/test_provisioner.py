"""Provisioning, with the cable pulled before and after every single operation."""

import dataclasses
import threading
from pathlib import Path

import pytest
from fieldbeat.host_tools import control_spoken, unit_code
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.issuers import IssuerError, Issuers
from fieldbeat.host_tools.node_tables import Wifi
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.provisioning_plan import Plan, plan
from fieldbeat.host_tools.registered_unit import PROVISIONED, PROVISIONING, REVOKED
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.smp_link import LinkError
from fieldbeat.host_tools.unit_talk import ProvisioningError
from fieldbeat.protocols import cbor, command, cose

from .unit_in_memory import Unit

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "greenhouse.toml"
PLAN = Plan("gh-1", "riverside", "greenhouse_esp32", "greenhouse", 3600, b"\xa1\x01\x02" * 40)


@pytest.fixture
def registry(tmp_path):
    return Registry(tmp_path / "registry.sqlite")


def provision(unit, registry, goal=PLAN, rekey=False, meanwhile=lambda: None):
    """`meanwhile` is called once the key is in the registry, and before it is sent."""
    lines = []

    def progress(step, text):
        lines.append((step, text))
        if step == "registry":
            meanwhile()

    done = Provisioner(unit, registry, progress).run(goal, rekey)
    return done, lines


def assert_right(unit, registry, name="gh-1"):
    entry = registry.unit(name)
    epoch, master = registry.keys(entry.kid)[0]
    assert entry.state == PROVISIONED and entry.epoch == epoch
    assert unit.nvs["key/master"] == master
    assert unit.nvs["id/kid"] == entry.kid
    assert unit.nvs["id/epoch"] == epoch.to_bytes(4, "big")
    assert unit.nvs["id/unit"] == name.encode()
    assert unit.files["/config.cbor"] == PLAN.config
    assert entry.config_sha256 == PLAN.config_sha256.hex()


def test_a_new_unit(registry):
    unit = Unit()
    done, lines = provision(unit, registry)
    assert_right(unit, registry)
    assert (done.mac, done.site, done.board) == ("02:00:00:00:00:01", "riverside", PLAN.board)
    assert done.report_interval_s == 3600
    steps = [step for step, _ in lines]
    assert steps == ["talk", "identity", "registry", "key", "config", "lock", "reset", "done"]


def test_who_has_just_booted_and_needs_nothing_is_not_restarted(registry):
    unit = Unit()

    def after_boot(goal=PLAN):
        Provisioner(unit, registry, lambda *line: None).run(goal, just_flashed=True)

    after_boot()
    assert unit.resets == 1  # a key was written
    asked = unit.operations
    after_boot()
    assert unit.resets == 1 and not unit.is_unlocked  # its code opened it meanwhile
    assert unit.operations - asked == 14  # each setting once, and nothing of its image
    assert_right(unit, registry)
    after_boot(dataclasses.replace(PLAN, config=b"\xa0"))
    assert unit.resets == 2
    del unit.nvs["key/master"]
    after_boot(dataclasses.replace(PLAN, config=b"\xa0"))
    assert unit.resets == 3  # a key was written, and nothing else
    provision(unit, registry)
    assert unit.resets == 4  # nobody says that it has booted


SPEAKER = Path(__file__).parents[2] / "docs" / "examples" / "speaker.toml"


def test_the_groups_and_the_place_of_a_loudspeaker_are_recorded(registry, tmp_path):
    text = SPEAKER.read_text().replace('"speaker-01"', '"gh-1"')
    where = 'site = "riverside"\nlatitude = 30.5\nlongitude = -114\n'
    for groups, more, place in (
        ((3, 17), where, (30.5, -114.0)),
        ((17,), 'site = "riverside"', (30.5, -114.0)),  # what is not told stays
        ((), where.replace("30.5", "31"), (31.0, -114.0)),
    ):
        file = tmp_path / "pole.toml"
        changed = text.replace("groups = [7]", f"groups = {list(groups)}")
        file.write_text(changed.replace('site = "riverside"', more))
        done = plan(file)
        assert b"latitude" not in done.config  # it is of no use there
        Provisioner(Unit(), registry, lambda step, text: None).run(done, rekey=True)
        unit = registry.unit("gh-1")
        assert (unit.role, unit.group_numbers, unit.place) == ("speaker", groups, place)
    assert plan(file).known["latitude"] == 31
    assert "latitude" not in plan(file, "gh-2").known  # another one is somewhere else


def test_what_the_rules_of_a_station_are_called_is_kept(registry):
    done = plan(EXAMPLE.with_name("climate.toml"))
    assert done.obeys  # a person's orders
    Provisioner(Unit(), registry, lambda step, text: None).run(done, rekey=True)
    found = control_spoken.parse(registry.control("gh-07"))
    assert found and found.rules[16][:2] == ("pump", "pump into an open valve")
    Provisioner(Unit(), registry, lambda step, text: None).run(PLAN, rekey=True)
    assert registry.control("gh-1") == ""


def test_a_loudspeaker_is_told_whom_to_obey(registry):
    unit, lines = Unit(), []
    speaker = dataclasses.replace(PLAN, role="speaker", obeys=True)
    issuers = Issuers(registry)

    def run():
        lines.clear()
        Provisioner(unit, registry, lambda step, text: lines.append((step, text))).run(speaker)
        return dict(lines)["issuers"]

    assert run().startswith("none: it obeys nobody until 'fieldbeat issuer new'")
    assert unit.nvs["key/issuers"] == b"\x80"
    issuers.add("district", cose.ES256, bytes(64), 2, 1)
    issuers.add("village", cose.ES256, bytes(range(64)), 1, 3)
    assert run() == "district, village"
    items = cbor.decode(unit.nvs["key/issuers"])
    assert items[1] == [cose.ES256, bytes(range(64)), {0: 1, 1: 3}]
    issuers.revoke("district")
    assert run() == "village; no longer obeyed: district"
    assert run() == "village" and cbor.decode(unit.nvs["key/issuers"]) == items[1:]
    unit.nvs["key/issuers"] = cbor.encode([[cose.ES256, bytes([1]) * 64, {0: 2, 1: 1}]])
    stranger = command.issuer_kid(cose.ES256, bytes([1]) * 64).hex()
    assert run() == f"village; obeyed anew: village; no longer obeyed: {stranger}"
    issuers.revoke("village")
    assert run().startswith("none: it obeys nobody")  # somebody wanted it so


def test_more_issuers_than_a_unit_can_be_told_are_an_error_before_anything_is_done(registry):
    unit, speaker = Unit(), dataclasses.replace(PLAN, role="speaker", obeys=True)
    for n in range(7):
        Issuers(registry).add(f"i{n}", cose.ES256, bytes([n]) * 64, 1, 3)
    with pytest.raises(IssuerError, match="7 issuers are in office: too many to tell a unit by"):
        Provisioner(unit, registry, lambda step, text: None).run(speaker)
    assert "key/master" not in unit.nvs and registry.unit("gh-1") is None
    Issuers(registry).revoke("i0")
    Provisioner(unit, registry, lambda step, text: None).run(speaker)


def test_a_lost_registry_makes_no_loudspeaker_obey_nobody(registry, tmp_path):
    unit, speaker = Unit(), dataclasses.replace(PLAN, role="speaker", obeys=True)
    Issuers(registry).add("district", cose.ES256, bytes(64), 2, 1)
    Provisioner(unit, registry, lambda step, text: None).run(speaker)
    kept = unit.nvs["key/issuers"]
    code = unit_code.of_unit(registry, "gh-1")
    empty = Registry(tmp_path / "empty.sqlite", locked=False)
    late = Provisioner(unit, empty, lambda step, text: None, lambda: code)
    with pytest.raises(ProvisioningError, match="it would obey nobody; next: where somebody"):
        late.run(speaker)
    assert unit.nvs["key/issuers"] == kept
    Issuers(empty).add("district", cose.ES256, bytes(64), 2, 1)
    late.run(speaker)
    assert unit.nvs["key/issuers"] == kept


def test_the_password_of_an_access_point_is_written_once_and_told_nowhere(registry):
    unit, lines = Unit(), []
    plan = dataclasses.replace(PLAN, wifi=Wifi(ssid="riverside"))
    open_plan = dataclasses.replace(PLAN, wifi=Wifi(ssid="riverside", open=True))

    def run(plan, password=""):
        before = len(unit.written)
        provisioner = Provisioner(unit, registry, lambda *line: lines.append(line))
        provisioner.run(plan, password=password)
        return unit.nvs["key/wifi_password"], unit.written[before:].count("key/wifi_password")

    assert run(plan, "correct horse") == (b"correct horse", 1)
    assert registry.wifi_password("gh-1") == "correct horse"
    assert run(plan, "correct horse") == (b"correct horse", 0)
    assert run(plan, "battery staple")[0] == b"battery staple"
    told = repr(lines) + repr(registry.history("gh-1")) + repr(registry.unit("gh-1"))
    assert "horse" not in told and "staple" not in told
    assert run(open_plan)[0] == b"" and registry.wifi_password("gh-1") is None


@pytest.mark.parametrize("effect", [False, True])
@pytest.mark.parametrize("break_at", range(1, 24))
def test_a_cable_pulled_while_a_password_is_written(registry, break_at, effect):
    unit = Unit()
    unit.break_at, unit.effect = break_at, effect
    plan = dataclasses.replace(PLAN, wifi=Wifi(ssid="riverside"))
    for _ in range(2):
        try:
            Provisioner(unit, registry, lambda *line: None).run(plan, password="correct horse")
        except LinkError:
            continue
    assert_right(unit, registry)
    assert unit.nvs["key/wifi_password"] == b"correct horse" and len(unit.keys_received) <= 2


def test_no_line_tells_the_key(registry):
    unit = Unit()
    _, lines = provision(unit, registry)
    key = unit.nvs["key/master"]
    told = repr(lines) + repr(registry.history("gh-1"))
    assert key.hex() not in told and repr(key) not in told


def test_a_second_time_changes_nothing(registry):
    unit = Unit()
    first, _ = provision(unit, registry)
    files, nvs = dict(unit.files), dict(unit.nvs)
    second, lines = provision(unit, registry)
    assert (first.kid, first.epoch) == (second.kid, second.epoch)
    assert (unit.files, unit.nvs) == (files, nvs) and len(unit.keys_received) == 1
    assert ("config", "is there already") in lines


def test_what_was_changed_at_the_console_is_told_before_it_is_replaced(registry):
    def given(interval_s, **more):
        table = {"uplink": {"interval_s": interval_s}} | more
        return dataclasses.replace(PLAN, config=cbor.encode(table))

    unit = Unit()
    provision(unit, registry, given(3600))
    unit.files["/config.cbor"] = given(600, power={"sleep": "deep"}).config
    _, lines = provision(unit, registry, given(3600))
    assert [text for step, text in lines if step == "config"][0] == (
        "the unit runs a configuration that the registry does not know: power.sleep - -> deep, "
        "uplink.interval_s 3600 -> 600; it is replaced; enter in the file what shall stay"
    )
    for now in (given(3600), given(900)):  # as it was given; another file
        _, lines = provision(unit, registry, now)
        assert "does not know" not in repr(lines)
    unit.files["/config.cbor"] = given(60).config
    _, lines = provision(unit, registry, given(60))  # it was entered in the file
    assert "does not know" not in repr(lines)
    unit.files["/config.cbor"] = b"?"
    _, lines = provision(unit, registry, given(3600))
    assert "does not know: it cannot be read; it is replaced" in repr(lines)


OPERATIONS = 34  # of a whole provisioning; a test below counts them


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("break_at", range(1, OPERATIONS + 1))
def test_a_cable_pulled_at_every_operation(registry, break_at, effect):
    unit = Unit()
    unit.break_at, unit.effect = break_at, effect
    with pytest.raises(LinkError):
        provision(unit, registry)
    entry = registry.unit("gh-1")
    assert entry is None or entry.state == PROVISIONING
    provision(unit, registry)
    assert_right(unit, registry)
    # Every key that reached the unit was committed before, and none came twice.
    assert len(set(unit.keys_received)) == len(unit.keys_received)
    assert set(unit.keys_received) <= {key for _, key in registry.keys(b"\0\1")}


def test_the_operations_are_counted_right(registry):
    unit = Unit()
    provision(unit, registry)
    assert unit.operations == OPERATIONS


@pytest.mark.parametrize("break_at", range(1, OPERATIONS + 1))
def test_a_cable_pulled_while_a_unit_gets_another_key(registry, break_at):
    unit = Unit()
    provision(unit, registry)
    old_epoch, unit.operations = registry.unit("gh-1").epoch, 0
    unit.break_at = break_at
    try:
        provision(unit, registry, rekey=True)
    except LinkError:
        unit.break_at = None
        provision(unit, registry)
    assert_right(unit, registry)
    was_asked = break_at > 14  # what it says of itself, and unlocking, come before
    assert registry.unit("gh-1").epoch > old_epoch or not was_asked
    assert len(set(unit.keys_received)) == len(unit.keys_received)


def test_a_unit_that_is_refused_or_broken_off_is_locked_again(registry):
    unit = Unit()
    provision(unit, registry)
    provisioner = Provisioner(unit, registry, lambda *line: None)
    with pytest.raises(ProvisioningError, match="gh-2 is not in"):
        provisioner.rekey("gh-2")
    assert not unit.is_unlocked
    registry.describe("gh-1", "revoked", state=REVOKED)
    with pytest.raises(ProvisioningError, match="revoked"):
        provision(unit, registry)
    assert not unit.is_unlocked
    unit.break_at = unit.operations + 16  # within its key, after it was opened
    with pytest.raises(LinkError):
        provision(unit, registry, rekey=True)
    assert not unit.is_unlocked


def test_a_unit_that_lost_its_nvs_gets_another_key(registry):
    unit = Unit()
    provision(unit, registry)
    unit.nvs = {"id/mac": unit.nvs["id/mac"]}
    done, lines = provision(unit, registry)
    assert_right(unit, registry)
    assert done.epoch == 2 and len(set(unit.keys_received)) == 2
    assert any("does not hold" in text for _, text in lines)


@pytest.mark.parametrize("name", ["board", "profile"])
def test_a_file_for_another_image_is_refused_before_anything_is_sent(registry, name):
    unit = Unit()
    there = {"board": PLAN.board, "profile": PLAN.profile}
    unit.files = {f"/{key}.cbor": cbor.encode({"id": id}) for key, id in there.items()}
    before = dict(unit.files)
    other = dataclasses.replace(PLAN, **{name: "another"})
    for rekey in (False, True):
        with pytest.raises(ProvisioningError, match=f"is for {name} .*, the file for another"):
            provision(unit, registry, other, rekey)
    assert (unit.files, unit.written, registry.unit("gh-1")) == (before, [], None)
    provision(unit, registry)
    assert_right(unit, registry)


def test_another_board_does_not_become_a_unit_by_mistake(registry):
    provision(Unit(), registry)
    other = Unit(mac=b"\x02\0\0\0\0\2")
    with pytest.raises(ProvisioningError, match="02:00:00:00:00:01.*fieldbeat swap gh-1 02:"):
        provision(other, registry)
    assert other.keys_received == []
    done, _ = provision(other, registry, rekey=True)
    assert_right(other, registry)
    assert (done.mac, done.epoch) == ("02:00:00:00:00:02", 2)


def test_a_unit_does_not_become_another_by_mistake(registry):
    unit = Unit()
    provision(unit, registry)
    other = Plan("gh-2", *list(vars(PLAN).values())[1:])
    with pytest.raises(ProvisioningError, match="this board is gh-1.*--unit gh-1"):
        provision(unit, registry, other)
    assert registry.unit("gh-2") is None


def test_an_erased_board_does_not_become_another_unit_by_mistake(registry):
    unit = Unit()
    provision(unit, registry)
    unit.nvs = {"id/mac": unit.nvs["id/mac"]}
    other = Plan("gh-2", *list(vars(PLAN).values())[1:])
    with pytest.raises(
        ProvisioningError, match="was gh-1 before it was erased.*--unit gh-1.*--re"
    ):
        provision(unit, registry, other)
    assert registry.unit("gh-2") is None and len(unit.keys_received) == 1
    done, _ = provision(unit, registry, other, rekey=True)
    assert done.name == "gh-2" and registry.unit_of_mac("02:00:00:00:00:01") == done


def test_a_unit_in_safe_mode_says_why_and_is_provisioned_all_the_same(registry):
    unit = Unit()
    unit.safe_mode = {"safe mode": "3 boots failed"}

    def reset():
        unit.safe_mode = {}

    unit.reset = reset
    _, lines = provision(unit, registry)
    assert ("state", "safe mode: 3 boots failed") in lines
    assert_right(unit, registry)


def test_a_unit_that_stays_in_safe_mode_is_an_error(registry):
    unit = Unit()
    unit.safe_mode = {"safe mode": "cannot start: KeyError"}
    with pytest.raises(ProvisioningError, match="in safe mode: cannot start: KeyError; next: "):
        provision(unit, registry)
    assert_right(unit, registry)


def test_a_unit_that_forgets_is_not_called_provisioned(registry):
    class Forgetful(Unit):
        def reset(self):
            super().reset()
            del self.nvs["key/master"]

    with pytest.raises(ProvisioningError, match="after its reset"):
        provision(Forgetful(), registry)
    assert registry.unit("gh-1").state == PROVISIONING


def test_a_configuration_that_arrives_changed_is_noticed(registry):
    class Noisy(Unit):
        def upload(self, path, data):
            super().upload(path, data[:-1] + b"\0")

    with pytest.raises(ProvisioningError, match="not what was sent"):
        provision(Noisy(), registry)


@pytest.mark.parametrize(
    ("port", "step"),
    [("/dev/ttyUSB0", "cable is plugged in"), ("socket://10.0.0.7:4001", "server of this port")],
)
def test_a_line_that_changes_what_it_carries_is_not_used(registry, port, step):
    class Noisy(Unit):
        def echo(self, text):
            return super().echo(text)[:-1]

    unit = Noisy()
    unit.port = port
    with pytest.raises(
        ProvisioningError, match=f"echo came back changed; next: see that the {step}"
    ):
        provision(unit, registry)
    assert unit.keys_received == [] and not registry.units()


def test_nothing_is_sent_when_the_registry_cannot_be_written(registry):
    unit = Unit()
    registry._database._connection.execute("PRAGMA query_only=ON")
    with pytest.raises(Exception, match="read.?only"):
        provision(unit, registry)
    assert unit.keys_received == [] and set(unit.nvs) == {"id/mac"}


def test_two_programs_do_not_give_one_key_to_two_units(registry):
    slow, other = Unit(), Unit()
    with pytest.raises(ProvisioningError, match="another program has just taken the key of gh-1"):
        provision(slow, registry, meanwhile=lambda: provision(other, Registry(registry.path)))
    assert slow.keys_received == [] and len(other.keys_received) == 1
    provision(slow, registry)
    assert_right(slow, registry)
    assert slow.keys_received != other.keys_received


def test_a_key_that_came_meanwhile_is_not_sent_under_an_older_epoch(registry):
    slow = Unit()
    provision(slow, registry, meanwhile=lambda: Registry(registry.path).allocate("gh-1"))
    assert len(registry.keys(b"\0\1")) == 2
    assert slow.keys_received == [dict(registry.keys(b"\0\1"))[1]]
    assert slow.nvs["id/epoch"] == (1).to_bytes(4, "big")


def test_a_plan_takes_names_from_the_command_line():
    from fieldbeat.protocols import cbor

    made = plan(EXAMPLE, "gh-7", "north")
    assert (made.unit, made.site) == ("gh-7", "north")
    node = cbor.decode(made.config)["node"]
    assert (node["name"], node["site"]) == ("gh-7", "north")
    assert plan(EXAMPLE).config != made.config


@pytest.mark.parametrize("name", ["No Good", "", "gh-7\n", "-a", "a" * 33, "../x"])
def test_names_that_are_not_allowed(name):
    for unit, site in ((name, None), (None, name)):
        with pytest.raises(CannotTry, match="is not allowed; next: give 1 to 32"):
            plan(EXAMPLE, unit, site)


ITEMS = ("id/unit", "id/epoch", "key/master", "key/issuers", "key/wifi_password", "key/trace")
EVERYTHING = dataclasses.replace(PLAN, wifi=Wifi(ssid="riverside"), signs=True, obeys=True)


class Forgetful(Unit):
    """Forgets a setting or its configuration, when it is written or at its reset."""

    def __init__(self, name, at_reset):
        super().__init__()
        self.name, self.at_reset = name, at_reset

    def _forget(self):
        if self.name == "config":
            self.files.pop("/config.cbor", None)
        else:
            self.nvs[self.name] = b"?" * (4 if self.name == "id/epoch" else 16)

    def write_setting(self, name, value):
        super().write_setting(name, value)
        if not self.at_reset and self.name == name:
            self._forget()

    def commit_settings(self):
        super().commit_settings()
        if not self.at_reset and self.name == "config":
            self._forget()

    def reset(self):
        super().reset()
        if self.at_reset:
            self._forget()


@pytest.mark.parametrize("at_reset", [False, True], ids=["at once", "at its reset"])
@pytest.mark.parametrize("name", [*ITEMS, "config"])
def test_whatever_a_unit_does_not_keep_is_noticed(registry, name, at_reset):
    if name == "id/epoch" and not at_reset:
        return  # it is written with the key
    Issuers(registry).add("district", cose.ES256, bytes(64), 2, 1)
    unit = Forgetful(name, at_reset)
    with pytest.raises(ProvisioningError, match="did not keep|not what"):
        Provisioner(unit, registry, lambda *_: None).run(EVERYTHING, password="correct horse")
    assert registry.unit("gh-1").state == PROVISIONING
    unit.name = "nothing"
    Provisioner(unit, registry, lambda *_: None).run(EVERYTHING, password="correct horse")
    assert registry.unit("gh-1").state == PROVISIONED
    assert unit.nvs["key/wifi_password"] == b"correct horse"


def test_many_are_provisioned_at_once_by_one_program(registry):
    boards = [Unit(bytes((2, 0, 0, 0, 1, n))) for n in range(8)]
    errors = []

    def work(n):
        try:
            for _ in range(2):
                goal = dataclasses.replace(EVERYTHING, unit=f"gh-{n}")
                Provisioner(boards[n], registry, lambda *_: None).run(
                    goal, rekey=True, password="correct horse"
                )
                Provisioner(boards[n], registry, lambda *_: None).rekey(f"gh-{n}")
                registry.keys(registry.unit(f"gh-{n}").kid)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    received = [key for board in boards for key in board.keys_received]
    assert len(set(received)) == len(received) == 8 * 4
    for n, board in enumerate(boards):
        unit = registry.unit(f"gh-{n}")
        assert unit.epoch == 4 and dict(registry.keys(unit.kid))[4] == board.nvs["key/master"]
    assert len({board.nvs["id/kid"] for board in boards}) == 8
