# Commands in frames: what is opened, noted and obeyed, with real keys and golden signatures.
# SPDX-License-Identifier: Apache-2.0
import protocols.p256  # noqa: F401  its tables come first: the heap here is a fifth of a pole's
from firmware.clock import Clock
from firmware.commands import Commands
from firmware.counters import Counters
from firmware.issuer_changes import change
from firmware.issuers import Issuers
from firmware.secrets import Secrets
from firmware.tests.support import NVS, World
from protocols import cbor, command_writer, cose, frame, p256, sm2
from protocols import command as commands
from protocols.receipt import ACCEPTED
from protocols.tests.support import raises
from protocols.tests.test_authority import (
    BY_TWO,
    DAILY_ALERT,
    FIRST,
    ISSUERS,
    KID,
    NOW,
    ROTATION,
    SIGNED,
    STATUS,
    command_of,
    with_floor,
)

MASTER = bytes(range(16))
SERVER = frame.KeySet(MASTER, KID, 1)


class Role:
    def __init__(self):
        self.heard = []

    def obey(self, command, verdict):
        self.heard.append(("obey", command.id))

    def repeated(self, command):
        self.heard.append(("repeated", command.id))

    def answer(self, id, stage, reason):
        self.heard.append(("refused", reason))


class Unit:
    def __init__(self, synced=True):
        self.counters = Counters()
        self.secrets = Secrets()
        self.issuers = Issuers()
        if not self.secrets.keyset():
            for name, value in (("master", MASTER), ("kid", KID), ("epoch", 1)):
                self.secrets.put(name, value)
            self.issuers.store_keys(ISSUERS)
        clock = Clock(self.counters)
        if synced:
            clock.set(NOW, "server")
        self.role = Role()
        two_for = ((2, 1),)
        shared = self.secrets, self.issuers, self.counters, clock
        self.commands = Commands(*shared, (7,), two_for, self.role)

    def take(self, piv, meaning, keys=SERVER, cls=frame.COMMAND, direction=frame.DOWN):
        self.commands.take(keys.seal(cls, direction, piv, command_of(meaning)))
        heard, self.role.heard = self.role.heard, []
        return heard


def test_signed_and_unsigned():
    World()
    unit = Unit()
    kinds = [unit.take(1, SIGNED), unit.take(2, STATUS)]
    assert [[kind for kind, _ in heard] for heard in kinds] == [["obey"], ["obey"]]
    assert unit.counters.snapshot() == {}
    # Who has the collector has the keys of its frames, and still cannot make it sound.
    assert unit.take(3, DAILY_ALERT) == [("refused", "cmd_unsigned")]


def test_what_no_frame_authenticates_is_counted_and_nothing_else():
    World()
    unit = Unit()
    stranger = frame.KeySet(bytes(16), KID, 1)
    assert unit.take(1, SIGNED, stranger) == []
    assert unit.take(1, SIGNED, cls=frame.ACK) == []
    assert unit.take(1, SIGNED, direction=frame.UP) == []  # our own
    for data in (b"", b"\x51", b"\x51\x00\x2a\x01" + bytes(20)):
        unit.commands.take(data)
    counts = unit.counters.snapshot()
    assert counts.pop("frame_tag") == 3 and counts.pop("frame_class") == 1
    assert sum(counts.values()) == 2 and unit.role.heard == []
    assert unit.take(1, SIGNED)[0][0] == "obey"  # and they have used nothing up


def test_nothing_is_obeyed_twice_not_even_after_a_reset():
    World()
    unit = Unit()
    ((_, id),) = unit.take(5, SIGNED)
    assert unit.take(5, SIGNED) == []  # the frame again
    assert unit.take(6, SIGNED) == [("refused", "cmd_counter")]  # before the id was noted
    unit.commands.note(id, ACCEPTED)
    assert unit.take(7, SIGNED) == [("repeated", id)]
    unit = Unit()  # reset
    assert unit.take(7, SIGNED) == []
    assert unit.take(8, SIGNED) == [("repeated", id)]
    assert unit.counters.snapshot() == {"frame_replay": 1}


def test_what_is_obeyed_has_used_its_counter_up_for_good():
    World()
    unit = Unit()
    assert unit.take(5, SIGNED)[0][0] == "obey"
    (counters,) = Unit().issuers.seen().values()  # after a reset
    assert counters == list(unit.commands.authority.counters.values())[0] and counters[1] & 1


def test_a_reset_before_anything_was_noted_costs_one_repetition():
    world = World()
    unit = Unit()
    before = {name: dict(space) for name, space in world.nvs.items()}
    unit.take(5, SIGNED)
    world.nvs.clear()
    world.nvs.update(before)
    assert Unit().take(6, SIGNED)[0][0] == "obey"


def test_without_time_or_issuers():
    World()
    assert Unit(synced=False).take(1, SIGNED) == [("refused", "cmd_no_time")]
    unit = Unit()
    unit.issuers.store_keys({})
    assert Unit().take(2, SIGNED) == [("refused", "cmd_issuer")]
    assert unit.counters.snapshot() == {}


def provisioned(floor=None):
    # As a unit is told it over its serial port: whom to obey, and above which number.
    items = dict(ISSUERS)
    if floor is not None:
        items[FIRST] = with_floor(floor)  # his are counter 1 in SIGNED, 2 in BY_TWO
    return cbor.encode([items[kid] for kid in sorted(items)])


def test_an_old_alert_at_a_unit_that_is_new_and_is_told_the_time_of_then():
    for floor, heard in ((None, "obey"), (0, "obey"), (1, "refused"), (77000000, "refused")):
        World()
        Unit().secrets.put("issuers", provisioned(floor))
        assert Issuers().list() == provisioned(floor)
        unit = Unit()  # it sets its clock by what it is told
        ((kind, reason),) = unit.take(1, SIGNED)
        assert kind == heard, floor
        if kind == "refused":
            assert reason == "cmd_counter" and Issuers().seen() == {}
        assert unit.take(2, BY_TWO)[0][0] == ("refused" if floor == 77000000 else "obey")


def test_power_that_goes_while_a_floor_is_written():
    for effect in (False, True):
        world = World()
        Unit().secrets.put("issuers", provisioned(1))
        seen = Unit()
        seen.take(1, BY_TWO)
        set_blob = NVS.set_blob

        def cut(nvs, key, value, effect=effect, set_blob=set_blob):
            if effect:
                set_blob(nvs, key, value)
            raise OSError(-0x1101, "cut")

        NVS.set_blob = cut
        try:
            raises(OSError, seen.secrets.put, "issuers", provisioned(9))
        finally:
            NVS.set_blob = set_blob
        assert Issuers().list() == provisioned(9 if effect else 1)
        assert Unit().take(2, SIGNED) == [("refused", "cmd_counter")]
        Unit().secrets.put("issuers", provisioned(9))  # the same again
        writes = world.nvs_writes
        Unit().secrets.put("issuers", provisioned(9))
        assert Issuers().list() == provisioned(9) and world.nvs_writes == writes
        assert Issuers().seen() == seen.commands.authority.counters  # as it was


def test_issuers_are_changed_for_good():
    World()
    unit = Unit()
    ((kind, _),) = unit.take(1, ROTATION)
    assert kind == "obey"
    plaintext = command_of(ROTATION)
    authority = unit.commands.authority
    command = authority.check(plaintext, KID, (7,), NOW, True).command
    assert change(authority, unit.counters, command) is None
    assert Issuers().keys() == authority.issuers != ISSUERS
    assert Unit().commands.authority.issuers == authority.issuers


def test_who_was_revoked_is_not_obeyed_again_by_an_order_that_comes_late():
    World()
    unit = Unit()
    authority = unit.commands.authority
    order = authority.check(command_of(ROTATION), KID, (7,), NOW, True).command
    added = order.args[0]

    def told(add, revoke):
        command = command_writer.command(commands.ISSUERS, bytes(8), True, 1, (add, revoke))
        return change(Unit().commands.authority, unit.counters, command)

    late = [commands.issuer_kid(item[0], item[1]) for item in added]
    assert told([], late) is None
    assert told(added, []) == "cmd_overtaken"
    assert Issuers().keys() == ISSUERS
    by_cable = dict(ISSUERS)  # a person is there
    by_cable[late[0]] = added[0]
    Issuers().store_keys(by_cable)
    assert told(added, []) is None and Issuers().keys() == by_cable


def test_a_key_that_could_verify_nothing_takes_nobodys_place():
    World()
    unit = Unit()
    for algorithm, added in ((cose.ES256, sm2.CURVE), (cose.SM2_SM3, p256.CURVE)):
        key = added.gx.to_bytes(32, "big") + added.gy.to_bytes(32, "big")
        add = [[algorithm, key, {0: 2, 1: 1}], [algorithm, bytes(64), {0: 2, 1: 1}]]
        command = command_writer.command(commands.ISSUERS, bytes(8), True, 1, (add, []))
        assert change(unit.commands.authority, unit.counters, command) == "cmd_rights"
    assert Issuers().keys() == unit.commands.authority.issuers == ISSUERS


def test_what_flash_does_not_keep_is_answered_all_the_same():
    World()
    unit = Unit()

    def refuse(ring):
        raise OSError(-0x1105, "ESP_ERR_NVS_NOT_ENOUGH_SPACE")

    unit.issuers.store_ring = refuse
    unit.commands.settle(bytes(8))
    assert unit.role.heard == [("refused", None)] and unit.counters.snapshot() == {"fs_corrupt": 1}
