# The password of an access point goes in; what comes out tells two apart and says nothing.
# SPDX-License-Identifier: Apache-2.0
from firmware import wifi_secret
from firmware.secrets import Secrets
from firmware.tests.support import World
from protocols.replay import Window
from protocols.tests.support import raises

MASTER = bytes(range(16))
PASSWORD = b"eight or more"


def unit(master=MASTER):
    World()
    secrets = Secrets()
    for name, value in (("master", master), ("kid", b"\x01\x02"), ("unit", "s-1")):
        secrets.put(name, value)
    return secrets


def test_it_is_kept_and_forgotten():
    secrets = unit()
    assert wifi_secret.password() is None and wifi_secret.check_value() is None
    secrets.put("wifi_password", b"")  # of what is not there
    for value in (PASSWORD, b"x" * 63, b"12345678", b" ~" * 4):
        secrets.put("wifi_password", value)
        assert wifi_secret.password() == value.decode()
    secrets.put("wifi_password", b"")
    assert wifi_secret.password() is None


def test_what_no_access_point_takes():
    secrets = unit()
    secrets.put("wifi_password", PASSWORD)
    for value in (b"seven77", b"x" * 64, b"line\nfeeds", b"caf\xc3\xa9 au lait"):
        assert "8 to 63" in str(raises(ValueError, secrets.put, "wifi_password", value))
    assert wifi_secret.password() == PASSWORD.decode()


def test_the_same_again_costs_no_write_and_no_replay_window():
    world = World()
    secrets = Secrets()
    secrets.put("master", MASTER)
    window = Window()
    window.accept(7)
    secrets.window_store(window)
    secrets.put("wifi_password", PASSWORD)
    before = world.nvs_writes
    secrets.put("wifi_password", PASSWORD)
    assert world.nvs_writes == before and secrets.window_load().high == 7


def test_the_check_value_depends_on_the_password_and_on_the_master():
    seen = set()
    for master in (MASTER, bytes(range(1, 17))):
        for value in (PASSWORD, PASSWORD + b"!"):
            unit(master).put("wifi_password", value)
            seen.add(wifi_secret.check_value())
    assert len(seen) == 4 and all(len(value) == 4 for value in seen)
