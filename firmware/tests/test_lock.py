# The lock of a unit's serial port: who has its code may change it.
# SPDX-License-Identifier: Apache-2.0
import struct

from firmware import lock
from firmware.tests.support import NVS, World
from firmware.tests.support_console import Node
from protocols import smp
from protocols.compat import sha256
from protocols.tests.support import raises

CODE = "7ZK40M1X"
SALT = b"saltsalt"


# Built here once more, by the words of host_tools/unit_code.py.
def kept(code=CODE, rounds=3):
    digest = SALT + struct.pack(">H", rounds) + code.encode()
    for _ in range(rounds):
        digest = sha256(digest).digest()
    return SALT + struct.pack(">H", rounds) + digest


def pass_s(node, seconds):
    node.world.pass_ms(seconds * 1000)


def locked():
    node = Node()
    node.provision()
    node.secrets.put("code", kept())
    return node


def test_a_code_that_cannot_be_read_keeps_it_locked():
    node = locked()
    NVS("fieldbeat").set_blob("code", kept() + b"x")  # ESP_ERR_NVS_INVALID_LENGTH
    assert lock.is_locked(node) and lock.check_value()
    assert lock.unlock(node, CODE) == "a wrong code" and lock.is_locked(node)


def test_a_unit_without_a_code_is_open():
    node = Node()
    assert not lock.is_locked(node) and lock.check_value() == b""
    assert node.execute("lock")[1] == 1
    assert node.execute("uplink")[1] == 0
    assert node.execute("unlock " + CODE)[1] == 0
    node.close()


def test_what_changes_the_unit_waits_for_the_code():
    node = locked()
    refusal = ("locked; type unlock CODE, which fieldbeat code UNIT shows", 1)
    for line in ("uplink", "config revert"):
        assert node.execute(line) == refusal, line
    for line in ("help", "status", "id", "sensors", "modem", "log", "counters", "config show"):
        assert node.execute(line)[1] == 0, line
    assert node.execute("unlock") == ("type unlock CODE, which fieldbeat code UNIT shows", 1)
    assert node.execute("unlock 7zk4-0Mlx")[1] == 0  # as people write it
    assert node.execute("uplink")[1] == 0
    assert node.execute("lock") == ("locked", 0)
    assert node.execute("uplink") == refusal
    assert node.execute("status")[0].endswith("\nlock      locked")
    node.close()


def test_who_guesses_waits_longer_and_longer_also_after_a_reset():
    node = locked()
    for _ in range(2):
        assert node.execute("unlock AAAAAAAA") == ("a wrong code", 1)
    assert node.execute("unlock AAAAAAAA") == ("a wrong code", 1)
    waits = []
    for _ in range(12):
        text, ret = node.execute("unlock " + CODE)  # the right one is not looked at either
        assert ret == 1 and text.startswith("too many wrong codes: try again in ")
        waits.append(int(text.split()[-2]))
        pass_s(node, waits[-1])
        assert node.execute("unlock AAAAAAAA") == ("a wrong code", 1)
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    node.lock = [0, node.clock.uptime_s()]  # a reset: the uptime begins anew
    assert node.execute("unlock " + CODE)[0] == "too many wrong codes: try again in 900 s"
    pass_s(node, 900)
    assert node.execute("unlock " + CODE)[1] == 0
    assert node.execute("lock")[1] == 0 and node.execute("unlock A")[0] == "a wrong code"
    node.close()


def test_it_locks_itself_after_a_quarter_of_an_hour_without_a_line():
    node = locked()
    assert node.execute("unlock " + CODE)[1] == 0
    for _ in range(3):
        pass_s(node, 800)
        assert node.execute("status")[1] == 0  # any line keeps it open
    assert node.execute("uplink")[1] == 0
    pass_s(node, 901)
    assert node.execute("uplink")[1] == 1
    node.close()


def test_tools_are_refused_as_people_are():
    node = locked()
    for op, group, command, body in (
        (smp.WRITE, 3, 0, {"name": "id/unit", "val": b"thief"}),
        (smp.WRITE, 3, 0, {"name": "key/code", "val": b""}),
        (smp.WRITE, 3, 2, {}),
        (smp.WRITE, 0, 4, {"datetime": "2031-01-01T00:00:00Z"}),
        (smp.WRITE, 8, 0, {"name": "/config.new", "off": 0, "len": 1, "data": b"x"}),
    ):
        answer = node.ask(op, group, command, body)
        assert answer["rc"] == smp.EACCESSDENIED and "unlock CODE" in answer["rsn"], answer
    assert not node.clock.synced
    assert node.ask(smp.READ, 3, 0, {"name": "id/unit"}) == {"val": b"gh-01"}
    assert node.ask(smp.READ, 3, 0, {"name": "key/code"}) == {"val": sha256(kept()).digest()[:4]}
    assert node.ask(smp.WRITE, 8, 4, {}) == {}  # closing a file
    assert node.ask(smp.WRITE, 9, 0, {"argv": ["uplink"]})["ret"] == 1
    assert node.ask(smp.WRITE, 9, 0, {"argv": ["unlock", CODE]})["ret"] == 0
    assert node.ask(smp.WRITE, 3, 0, {"name": "id/unit", "val": b"gh-02"}) == {}
    assert node.ask(smp.WRITE, 3, 0, {"name": "key/code", "val": b""}) == {}
    assert not lock.is_locked(node)
    node.close()


def test_what_is_no_code_is_refused():
    World()
    for value in (b"x", bytes(42), bytes(8) + b"\xff\xff" + bytes(32), bytes(43)):
        raises(ValueError, lock.replace, value)
