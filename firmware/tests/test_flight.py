# The flight recorder: whole CBOR items in a ring, over a reset and a loss of power.
# SPDX-License-Identifier: Apache-2.0
import machine

from firmware import flight, flight_file
from firmware.clock import Clock
from firmware.counters import Counters
from firmware.sleep_store import SleepStore
from firmware.tests.support import World, remove_tree, temp_dir

SIZE = 377
NOTE, STEP, BOOT = 26, 25, 24


# [code, value or text] of each item of the file, read by the lengths of RFC 8949.
def items(root):
    with open(root + "/flight.cbor", "rb") as file:
        data = file.read()
    found, at = [], 0
    while at < len(data):
        assert data[at + 1] == 0x18
        code = data[at + 2]
        if data[at] == 0x83:
            assert data[at + 3] == 0x1A and data[at + 8] == 0x19
            found.append((code, data[at + 9] << 8 | data[at + 10]))
            at += 11
        else:
            assert data[at] == 0x82 and data[at + 3] == 0x58
            end = at + 5 + data[at + 4]
            found.append((code, data[at + 5 : end]))
            at = end
    assert at == len(data)
    return found


class Recorder:
    def __enter__(self):
        self.root = temp_dir()
        World()
        self.boot()
        return self

    def __exit__(self, *args):
        remove_tree(self.root)

    def boot(self):
        flight.buffer[:] = bytes(len(flight.buffer))
        flight.at[:3] = [0, 0, 0]
        flight._seen[:] = bytes(4)
        flight_file.load(self.root, False)

    def told(self):
        flight_file.write(self.root)
        return items(self.root)


def test_the_newest_items_stay_and_are_whole():
    with Recorder() as recorder:
        for n in range(500):
            flight.log(NOTE, n)
            text = b"%d " % n * (n % 9)
            flight.text(32, text, len(text))
            told = [value for code, value in recorder.told() if code == NOTE]
            assert told == list(range(told[0], n + 1))
        assert len(flight.buffer) == SIZE + 7 and len(told) > 8


def test_a_reset_finds_what_was_kept_and_where_it_ended():
    with Recorder() as recorder:
        flight.text(33, b"+CEREG: 0,2", 11)
        flight.keep(0x201)
        flight.text(33, b"not kept any more", 17)
        recorder.boot()
        told = recorder.told()
        assert (33, b"+CEREG: 0,2") in told and (33, b"not kept any more") not in told
        assert told[-2] == (STEP, 0x201) and told[-1][0] == BOOT and told[-1][1] & 0x100
        flight.keep(0)
        recorder.boot()  # what went on is told once
        assert recorder.told()[-2][0] == BOOT


def test_a_loss_of_power_finds_the_file():
    with Recorder() as recorder:
        flight.log(NOTE, 7)
        flight_file.write(recorder.root)
        machine.RTC().memory(b"")
        recorder.boot()
        told = recorder.told()
        assert (NOTE, 7) in told and told[-1][0] == BOOT and not told[-1][1] & 0x100


def test_the_same_question_and_answer_for_minutes_are_one():
    with Recorder() as recorder:
        for _ in range(50):
            flight.feed(32, b"AT+CEREG?", 9)
            flight.feed(33, b"+CEREG: 0,2", 11)
            flight.feed(33, b"OK", 2)
        flight.feed(33, b"+CEREG: 0,1", 11)
        lines = [value for code, value in recorder.told() if code in (32, 33)]
        assert lines == [b"AT+CEREG?", b"+CEREG: 0,2", b"OK", b"+CEREG: 0,1"]


def test_clock_and_store_share_the_memory():
    with Recorder() as recorder:
        clock, store = Clock(Counters()), SleepStore(Counters())
        clock.set(13176000, "server")
        assert store.put("rain", 5)
        flight.log(NOTE, 1)
        assert store.get("rain") == 5 and Clock(Counters()).source == "server"
        assert store.put("big", bytes(1900)) and store.get("rain") == 5  # the ring made room
        flight.log(NOTE, 2)
        assert store.get("big") == bytes(1900)
        assert store.put("big", None)
        flight.keep()
        assert store.get("rain") == 5
        recorder.boot()
        assert (NOTE, 2) in recorder.told()


def test_damage_ends_in_an_empty_ring_or_in_what_can_be_read():
    with Recorder() as recorder:
        for seed in range(300):
            n = seed
            memory = bytearray(machine.RTC().memory())
            for i in range(5, 388):
                n = (n * 1103 + 12345) & 0xFFFF
                memory[i] = n >> (8 if i > 8 else 15)
            machine.RTC().memory(memory)
            recorder.boot()
            for n in range(3):
                flight.log(NOTE, n)
            assert recorder.told()[-3:] == [(NOTE, 0), (NOTE, 1), (NOTE, 2)]


def test_of_a_damaged_item_what_was_before_it_stays():
    with Recorder() as recorder:
        for n in range(20):
            flight.log(NOTE, n)
        memory = bytearray(machine.RTC().memory())
        start = 4 + 7 + flight.at[0]
        memory[start + 11 * 5] ^= 0xFF
        machine.RTC().memory(memory)
        recorder.boot()
        told = recorder.told()
        assert [code for code, _ in told] == [BOOT] + [NOTE] * 4 + [STEP, BOOT]
        assert told[1:5] == [(NOTE, n) for n in range(4)]


def test_a_file_that_was_cut_short_takes_what_comes():
    with Recorder() as recorder:
        flight.log(NOTE, 7)
        flight_file.write(recorder.root)
        with open(recorder.root + "/flight.cbor", "rb") as file:
            data = file.read()
        with open(recorder.root + "/flight.cbor", "wb") as file:
            file.write(data[:-3])
        machine.RTC().memory(b"")
        recorder.boot()
        flight.log(NOTE, 8)
        told = recorder.told()
        assert [code for code, _ in told] == [BOOT, BOOT, NOTE] and told[-1] == (NOTE, 8)
