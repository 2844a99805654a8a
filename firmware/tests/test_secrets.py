# What NVS keeps: identity, keys that never come out, numbers that never go back.
# SPDX-License-Identifier: Apache-2.0
from firmware.issuers import Issuers
from firmware.secrets import Secrets
from firmware.tests.support import World
from protocols import cbor, cose, p256, sm2
from protocols.command import issuer_kid
from protocols.frame import KeySet
from protocols.tests.support import raises

MASTER = bytes(range(16))
OTHER = bytes(range(1, 17))


def provisioned():
    world = World()
    secrets = Secrets()
    for name, value in (("master", MASTER), ("kid", b"\x01\x02"), ("epoch", 7), ("unit", "gh-1")):
        secrets.put(name, value)
    return world, secrets


def test_a_bare_unit_has_no_keys():
    World()
    secrets = Secrets()
    assert secrets.identity() == (None, 0, "")
    assert secrets.keyset() is None and secrets.check_value() is None
    assert secrets.sequence().next() == 0
    assert secrets.window_load().high == -1
    assert secrets.rn_load() == 1


def test_identity_and_keys():
    _, secrets = provisioned()
    assert secrets.identity() == (b"\x01\x02", 7, "gh-1")
    expected = KeySet(MASTER, b"\x01\x02", 7)
    assert secrets.check_value() == expected.check_value()
    assert secrets.keyset().seal(0, 0, 5, b"x") == expected.seal(0, 0, 5, b"x")


def test_the_master_stays_inside():
    _, secrets = provisioned()
    for name in dir(secrets):
        value = getattr(secrets, name)
        if name not in ("put", "healthy", "rn_store", "window_store") and name[0] != "_":
            assert MASTER not in repr(value() if callable(value) else value).encode()
            assert repr(MASTER) not in repr(vars_of(value() if callable(value) else value))


def vars_of(value):
    return {n: repr(getattr(value, n)) for n in dir(value) if n != "__dict__"}


def point(curve):
    return curve.gx.to_bytes(32, "big") + curve.gy.to_bytes(32, "big")


def test_issuers():
    _, secrets = provisioned()
    rights = {0: 2, 1: 1}
    item = [cose.ES256, point(p256.CURVE), rights]
    chinese = [cose.SM2_SM3, point(sm2.CURVE), rights]
    secrets.put("issuers", cbor.encode([item, chinese]))
    assert Issuers().keys() == {issuer_kid(each[0], each[1]): each for each in (item, chinese)}
    wrong = [cbor.encode(each) for each in ([item] * 17, {}, [-7], [[-8] + item[1:]])]
    for key in (b"short", bytes(range(64)), bytes(64), chinese[1], b"\xff" * 64):
        wrong.append(cbor.encode([item, [-7, key, rights]]))
    for data in wrong + [b"", b"\xff", b"\x81", b"rubbish"]:
        error = raises(ValueError, secrets.put, "issuers", data)
        assert str(error).startswith("issuers: give CBOR, [[algorithm, key, "), error
    assert Issuers().list() == cbor.encode([item, chinese])
    most = [[cose.SM2_SM3, chinese[1], {0: 2, 1: 1, 2: 0xFFFFFFFF}]] * 16
    for count in (1, 6, 16):
        secrets.put("issuers", cbor.encode(most[:count]))
        assert Issuers().list() == cbor.encode(most[:count])


def test_bad_values_change_nothing():
    world, secrets = provisioned()
    before = dict(world.nvs["fieldbeat"])
    for name, value, hint in (
        ("master", bytes(15), "give 16 random bytes"),
        ("master", b"", "give 16 random bytes"),
        ("kid", bytes(3), "give 2 or 4 bytes"),
        ("master", bytes(16), "give 16 random bytes"),
        ("master", MASTER + bytes(4) + b"\1\2", "1 to 2147483647"),
        ("epoch", -1, "1 to 2147483647"),
        ("epoch", 0, "1 to 2147483647"),
        ("epoch", 1 << 31, "1 to 2147483647"),
        ("epoch", b"\0", "1 to 2147483647"),
        ("unit", "", "1 to 32"),
        ("unit", "x" * 33, "1 to 32"),
        ("unit", b"\xff\xfe", "lower-case"),
        ("seq_limit", 0, "one of master, kid, epoch, unit"),
    ):
        assert hint in str(raises(ValueError, secrets.put, name, value))
    assert world.nvs["fieldbeat"] == before


def test_a_new_key_comes_with_its_epoch_and_kid_in_one_write():
    world, secrets = provisioned()
    before, writes = secrets.check_value(), world.nvs_writes
    secrets.put("master", OTHER + b"\0\0\1\2" + b"\x01\x03\5\7")
    assert secrets.identity() == (b"\x01\x03\5\7", 0x102, "gh-1")
    expected = KeySet(OTHER, b"\x01\x03\5\7", 0x102).check_value()
    assert secrets.check_value() == Secrets().check_value() == expected != before
    assert world.nvs_writes == writes + 2  # the key, the window
    secrets.put("master", OTHER + b"\0\0\1\2" + b"\x01\x03\5\7")
    assert world.nvs_writes == writes + 2
    for value in (bytes(17), bytes(21), bytes(23), bytes(25), OTHER + b"\xff" * 4 + b"ab"):
        raises(ValueError, secrets.put, "master", value)
    assert world.nvs_writes == writes + 2


def test_what_an_image_has_brought_is_one_key_with_the_first_change():
    world = World()
    old = {"master": MASTER, "kid": b"\x01\x02", "epoch": 7}
    world.nvs["fieldbeat"] = dict(old)
    secrets = Secrets()
    assert secrets.check_value() == KeySet(MASTER, b"\x01\x02", 7).check_value()
    secrets.put("epoch", 8)
    assert world.nvs["fieldbeat"]["key"] == MASTER + b"\0\0\0\x08\x01\x02"
    assert secrets.check_value() == KeySet(MASTER, b"\x01\x02", 8).check_value()


def test_repeating_a_value_writes_nothing():
    world, secrets = provisioned()
    window = secrets.window_load()
    window.accept(9)
    secrets.window_store(window)
    writes = world.nvs_writes
    secrets.put("master", MASTER)
    secrets.put("epoch", 7)
    assert world.nvs_writes == writes and secrets.window_load().high == 9


def test_other_keys_begin_with_an_empty_window_and_never_repeat_a_number():
    for name, value in (("master", OTHER), ("kid", b"\1\3"), ("epoch", 8)):
        _, secrets = provisioned()
        window = secrets.window_load()
        window.accept(9)
        secrets.window_store(window)
        first = secrets.sequence().next()
        secrets.put(name, value)
        assert secrets.window_load().high == -1
        assert secrets.sequence().next() > first


def test_numbers_are_reserved_before_use():
    world, secrets = provisioned()
    seen = set()
    for _ in range(5):  # resets at any point
        sequence = Secrets().sequence()
        for _ in range(300):
            piv = sequence.next()
            assert piv not in seen and piv < world.nvs["fieldbeat"]["seq_limit"]
            seen.add(piv)


def test_the_window_survives_a_reset():
    _, secrets = provisioned()
    window = secrets.window_load()
    for piv in (3, 70, 69, 1 << 30, (1 << 31) + 5, (1 << 40) - 1):
        window.accept(piv)
        secrets.window_store(window)
        stored = Secrets().window_load()
        assert (stored.high, stored.bits) == (window.high, window.bits)


def test_a_window_in_its_old_form_is_read():
    world, _ = provisioned()
    secrets = Secrets()
    world.nvs["fieldbeat"]["rx_window"] = b"\0\0\0\7" + b"\0" * 7 + b"\5"
    window = secrets.window_load()
    assert (window.high, window.bits) == (7, 5)


def test_proof_of_health_clears_the_tries():
    world, secrets = provisioned()
    world.nvs["fieldbeat"].update({"tries": 3, "fell": 1})
    assert secrets.tries() == 3
    secrets.healthy()
    assert secrets.tries() == 0 and world.nvs["fieldbeat"]["fell"] == 0
    writes = world.nvs_writes
    secrets.healthy()
    assert world.nvs_writes == writes
