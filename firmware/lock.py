# Who has a unit's code may change it over its serial port; who has not may look. A unit that was
# given no code is open. Loaded for each question.
# SPDX-License-Identifier: Apache-2.0
#
# The unit keeps salt (8 bytes), rounds (u16) and a SHA-256 that was iterated so often; how the
# code comes to be is in host_tools/unit_code.py. `node.lock` is [uptime until which it is open,
# uptime of the last wrong code]: a reset locks it, and begins the wait for the next try anew.
import esp32

from protocols.compat import const, sha256

_NAME = const("code")
_SIZE = const(42)
_NOT_FOUND = const(-0x1102)  # ESP_ERR_NVS_NOT_FOUND
_WRONG = const("lock")  # wrong codes in a row, in NVS: a reset does not forget them
_FREE = const(3)
_FIRST_S = const(2)  # after the third wrong code; twice as long after each
_LONGEST_S = const(900)
_DOUBLINGS = const(9)
_OPEN_S = const(900)  # after the last line
_MOST_ROUNDS = const(4096)


def _nvs():
    return esp32.NVS("fieldbeat")


def _blob(nvs):
    buffer = bytearray(_SIZE)
    try:
        return bytes(buffer[: nvs.get_blob(_NAME, buffer)])
    except OSError as error:  # one that cannot be read is no code that anybody could give
        return b"" if error.args[0] == _NOT_FOUND else b"?"


# Who asks has just done something: it stays open for another while.
def is_locked(node):
    now_s = node.clock.uptime_s()
    if now_s < node.lock[0]:
        node.lock[0] = now_s + _OPEN_S
        return False
    return bool(_blob(_nvs()))


# For people and tools; None where there is no code.
def state(node):
    if not _blob(_nvs()):
        return None
    return "open" if node.clock.uptime_s() < node.lock[0] else "locked"


# -> why it stays locked, or None
def unlock(node, code):
    nvs, now_s = _nvs(), node.clock.uptime_s()
    kept = _blob(nvs)
    if not kept:
        return None
    try:
        wrong = nvs.get_i32(_WRONG)
    except OSError:
        wrong = 0
    wait_s = 0
    if wrong >= _FREE:
        wait_s = min(_FIRST_S << min(wrong - _FREE, _DOUBLINGS), _LONGEST_S)
        wait_s += node.lock[1] - now_s
    if wait_s > 0:
        return "too many wrong codes: try again in %d s" % wait_s
    _count(nvs, wrong + 1)  # before it is looked at: pulling the plug gains nothing
    if _digest(kept[:10], code) != kept[10:]:
        node.lock[1] = now_s
        return "a wrong code"
    _count(nvs, 0)
    node.lock[0] = now_s + _OPEN_S
    return None


def _count(nvs, wrong):
    nvs.set_i32(_WRONG, wrong)
    nvs.commit()


# data: salt and rounds. Crockford's base32 as people write it: no hyphens, one case, O is 0 and I
# and L are 1. Bytes, for each text of one character would stay in the heap as a name.
def _digest(data, code):
    digest = bytearray(data)
    for byte in code.upper().encode():
        if byte != 0x2D:
            digest.append(0x30 if byte == 0x4F else 0x31 if byte in (0x49, 0x4C) else byte)
    for _ in range(_rounds(data)):
        digest = sha256(digest).digest()
    return digest


def _rounds(data):
    return int.from_bytes(data[8:10], "big")


# What provisioning writes; b"" for a unit that is to be open.
def replace(value):
    nvs = _nvs()
    if value == _blob(nvs):
        return
    if value and not (len(value) == _SIZE and 0 < _rounds(value) <= _MOST_ROUNDS):
        raise ValueError("code: give 8 bytes of salt, the rounds and a SHA-256")
    if value:
        nvs.set_blob(_NAME, value)
    else:
        nvs.erase_key(_NAME)
    _count(nvs, 0)


# Four bytes that tell two apart, from which nobody can try codes: b"" if there is none.
def check_value():
    kept = _blob(_nvs())
    return sha256(kept).digest()[:4] if kept else b""
