# Pictures on their way: taken, kept, sent, cut off, resumed, given up.
# SPDX-License-Identifier: Apache-2.0
import os

from firmware.tests.support_pictures import PICTURE, Unit
from protocols import event, frame
from protocols.compat import sha256


def _told(unit):
    return unit.collector.events(event.PICTURE)


def _whys(unit):
    return [(body[event.PICTURE_WHY], body[event.PICTURE_KIND]) for body in _told(unit)]


def _kept(unit):
    return sorted([name for name in os.listdir(unit.root + "/pictures") if name.isdigit()])


def test_pictures_of_the_schedule_go_with_the_next_wake_and_leave_the_flash():
    with Unit() as unit:
        unit.boot()
        unit.run(2 * 3600 + 600)
        told = _told(unit)
        assert [(body[event.PICTURE_WHY], body[event.PICTURE_KIND]) for body in told] == [
            (event.SCHEDULE, 0),
            (event.SCHEDULE, 1),
        ] * 2
        got = unit.collector.pictures
        assert len(got) == 4
        for body in told:
            data = got[body[event.PICTURE_SHA256]]
            assert len(data) == body[event.PICTURE_SIZE] and sha256(data).digest() in got
        assert not _kept(unit) and unit.camera.open == 0
        assert unit.camera.taken[:2] == [(3000, None), (6000, "gauge")]
        assert unit.node.safe_mode_reason is None and not unit.count("task_restart")


def test_an_alarm_brings_small_pictures_first_and_at_once():
    with Unit(every_s=0, full_bytes=20000) as unit:
        unit.camera.picture = bytes(range(256)) * 80
        unit.boot()
        unit.run(600)
        unit.pictures.alarmed()
        unit.run(300)
        kinds = [body[event.PICTURE_KIND] for body in _told(unit)]
        assert kinds == [0, 1, 2]
        sizes = sorted([len(data) for data in unit.collector.pictures.values()])
        assert sizes == [3000, 6000, 20000]


def test_a_transfer_that_stops_goes_on_where_it_was_also_after_a_reset():
    with Unit(every_s=0) as unit:
        unit.camera.picture = bytes(range(256)) * 160
        unit.boot()
        unit.run(60)
        unit.collector.stops_after = 10
        unit.pictures.ask(event.ALARMED, 2)
        unit.run(600)
        assert _kept(unit) and not unit.collector.pictures
        for stop in (25, 40, 60, 80, None):
            unit.boot(5)  # whatever was in memory is gone
            unit.collector.stops_after = stop
            unit.run(3700)
        assert len(unit.collector.pictures) == 1 and not _kept(unit)
        chunks = unit.collector.receiver.header.chunks()
        assert chunks <= unit.collector.chunks <= chunks * 103 // 100


def test_what_is_measured_overtakes_a_picture():
    with Unit(every_s=0) as unit:
        unit.camera.picture = bytes(range(256)) * 160
        unit.boot()
        unit.run(60)
        del unit.collector.order[:]
        unit.pictures.ask(event.ALARMED, 2)
        rn = []
        take = unit.collector.take

        def meddle(datagram, t):
            if len(unit.collector.order) == 40:  # in the middle of it
                rn.append(unit.node.tell("health", True))
            return take(datagram, t)

        unit.collector.take = meddle
        unit.run(600)
        order = unit.collector.order
        at = order.index(frame.TELEMETRY, 40)
        assert at <= 42 and frame.BLOCK in order[at:]
        assert len(unit.collector.pictures) == 1


def test_a_camera_that_is_silent_or_cuts_a_picture_is_tried_again_and_counted():
    with Unit() as unit:
        unit.camera.silent = 1
        unit.boot()
        unit.run(4400)
        assert unit.count("camera_silent") == 1 and len(_told(unit)) == 2
        unit.camera.cut = 1024
        unit.run(3600)
        assert unit.count("picture_cut") == 4 and len(_told(unit)) == 4
        assert unit.camera.open == 0 and not unit.count("task_restart")
        unit.camera.cut = 0
        unit.run(2 * 3600)
        assert len(_told(unit)) == len(unit.collector.pictures) == 6


def test_the_oldest_that_nobody_asked_for_makes_room():
    with Unit(regions=False, keep_bytes=10000) as unit:
        unit.collector.silent = True
        unit.boot()
        unit.run(3 * 3600)
        first = _kept(unit)
        unit.pictures.ask(event.ALARMED, 0)
        unit.run(3 * 3600)
        assert len(_kept(unit)) == 3 and not unit.count("task_restart")
        assert unit.count("picture_lost") == 4
        whys = [picture.why for picture in unit.pictures.store.held]
        assert whys.count(event.ALARMED) == 1
        assert first[0] not in _kept(unit)
        unit.collector.silent = False
        unit.run(2 * 3600)
        assert len(_kept(unit)) <= 1  # of this hour


def test_one_that_is_being_sent_makes_room_for_an_alarm():
    with Unit(regions=False, keep_bytes=10000) as unit:
        unit.boot()
        store, asked = unit.pictures.store, []
        answer = unit.collector._block

        def ask_meanwhile(message):
            if unit.collector.chunks == 2 and not asked:
                asked.append(store.sending)
                store._keep = store.sending.size + 200  # room for one
                unit.pictures.ask(event.ALARMED, 0)
            return answer(message)

        unit.collector._block = ask_meanwhile
        unit.run(2 * 3600)
        assert asked[0].why == event.SCHEDULE and not unit.count("task_restart")
        assert unit.count("picture_lost") == 1
        first, alarm = _told(unit)  # another one of the schedule waits for its wake
        assert first[event.PICTURE_WHY] == event.SCHEDULE
        assert alarm[event.PICTURE_WHY] == event.ALARMED
        assert list(unit.collector.pictures) == [alarm[event.PICTURE_SHA256]]


def test_a_reset_between_picture_and_event_loses_neither():
    with Unit(every_s=0) as unit:
        unit.boot()
        unit.run(30)
        store = unit.pictures.store
        store.adopt = lambda picture, number: None  # the reset comes here
        unit.pictures.ask(event.COMMANDED, 0)
        unit.run(60)
        assert "new" in os.listdir(unit.root + "/pictures") and not unit.collector.pictures
        unit.boot(5)
        unit.run(4000)
        assert len(unit.collector.pictures) == 1 and "new" not in os.listdir(
            unit.root + "/pictures"
        )


def test_half_a_file_is_no_picture():
    with Unit(every_s=0) as unit:
        unit.boot()
        for name in ("new", "7"):
            with open(unit.root + "/pictures/" + name, "wb") as file:
                file.write(PICTURE)
        unit.boot(5)
        unit.run(60)
        assert not _kept(unit) and "new" not in os.listdir(unit.root + "/pictures")


def test_a_still_picture_is_told():
    with Unit(regions=False) as unit:
        unit.camera.still = True
        unit.boot()
        unit.run(2 * 3600 + 600)
        flags = [body.get(event.PICTURE_FLAGS, 0) for body in _told(unit)]
        assert flags == [0, event.FROZEN]


def test_a_days_budget_leaves_an_alarm_its_share():
    with Unit(regions=False, budget_bytes_day=50000, full_bytes=40000) as unit:
        unit.boot()
        unit.run(8 * 3600)
        assert unit.count("budget_spent") >= 4
        told = len(_told(unit))
        assert told <= 4
        unit.camera.picture = bytes(range(256)) * 120
        unit.pictures.ask(event.ALARMED, 2, 30000)
        unit.run(600)
        assert len(_told(unit)) == told + 1


def test_a_damaged_state_costs_nothing():
    with Unit() as unit:
        unit.boot()
        unit.run(4400)
        with open(unit.root + "/pictures/state", "wb") as file:
            file.write(b"\xff\xff")
        unit.boot(5)
        unit.run(4400)
        assert len(unit.collector.pictures) == 4 and not unit.count("task_restart")


# Its last answer comes late, while a record that was made meanwhile waits for its ack.
def test_the_end_of_a_transfer_is_told_while_a_record_overtakes():
    with Unit(every_s=0) as unit:
        unit.boot()
        unit.run(60)
        take, late = unit.collector.take, []

        def delay(datagram, t):
            answer = take(datagram, t)
            if unit.collector.receiver and unit.collector.receiver.result is not None:
                if frame.parse(datagram).cls == frame.BLOCK and not late:
                    late.append(answer)
                    unit.node.tell("health", True)
                    return None
                if len(late) == 1:
                    late.append(frame.parse(datagram).cls)
                    return late[0]
            return answer

        unit.collector.take = delay
        unit.pictures.ask(event.ALARMED, 2)
        unit.run(600)
        assert late[1] == frame.TELEMETRY
        assert not unit.count("task_restart") and not _kept(unit)
        assert len(unit.collector.pictures) == 1 and len(_told(unit)) == 1


def test_one_that_has_just_arrived_makes_room_before_that_is_told():
    with Unit(regions=False, keep_bytes=10000) as unit:
        unit.boot()
        store, asked = unit.pictures.store, []
        answer = unit.collector._block

        def ask_at_the_end(message):
            status = answer(message)
            if unit.collector.receiver.result is not None and not asked:
                asked.append(store.sending)
                store._keep = store.sending.size + 200  # room for one
                unit.pictures.ask(event.ALARMED, 0)
            return status

        unit.collector._block = ask_at_the_end
        unit.run(2 * 3600)
        assert asked[0].why == event.SCHEDULE and not unit.count("task_restart")
        assert unit.count("picture_lost") == 1
        assert list(unit.collector.pictures) == [b[event.PICTURE_SHA256] for b in _told(unit)]
        assert _whys(unit) == [(event.SCHEDULE, 0), (event.ALARMED, 0)]
