# The arbiter against a small model, for every pair and triple of a grid, and by example.
# SPDX-License-Identifier: Apache-2.0
import random

from protocols import arbiter
from protocols.arbiter import HELD_MAX, Arbiter, Request
from protocols.command import DAILY, DRILL, EMERGENCY, Alert
from protocols.compat import HOST
from protocols.receipt import ACCEPTED, CANCELLED, DONE, INTERRUPTED, REFUSED, SILENT, is_final

END_S = 13  # every window of the grid is closed
DURATION_S = 3  # of one play

# start and end: open at once, armed, soon over, over before a later one comes.
WINDOWS = ((0, 12), (5, 11), (0, 4), (2, 3))
ARRIVALS = ((0, 0, 0), (0, 1, 2), (2, 0, 7), (6, 4, 0), (3, 5, 4))


class Model:
    # Who must play now, from nothing but the rules: no states, no order of calls.
    def __init__(self):
        self.alerts = []  # (rank, request), as they came
        self.over = set()  # ids that were cancelled or played to their end

    def submit(self, request):
        rank = (request.cls, -request.level, len(self.alerts))
        self.alerts.append((rank, request))

    def cancel(self, id):
        if id in [request.id for _, request in self.alerts]:  # what has not come yet is nothing
            self.over.add(id)

    def who(self, now):
        open_ = []
        for rank, request in self.alerts:
            if request.start_s <= now < request.end_s and request.id not in self.over:
                open_.append((rank, request))
        if not open_:
            return None
        first = max(open_)[1]
        if not first.silent:
            return first.id
        self.over.add(first.id)
        return self.who(now)


class World:
    # Runs both second by second and compares; a player that needs DURATION_S is between them.
    def __init__(self):
        self.arbiter = Arbiter()
        self.model = Model()
        self.playing = None
        self.since = 0
        self.started = set()
        self.receipts = {}  # id -> [(stage, reason)]

    def obey(self, actions, now):
        for action in actions:
            what, id = action[0], action[1]
            if what == "receipt":
                self.receipts.setdefault(id, []).append(action[2:])
            elif what == "stop":
                assert self.playing == id
                self.playing = None
            else:
                assert self.playing is None  # never two
                assert what == ("resume" if id in self.started else "play")
                self.started.add(id)
                self.playing = id
                self.since = now

    def second(self, now, requests, cancelled):
        # What happens within a second, each told twice: a repetition changes nothing.
        due_s = self.arbiter.next_s()
        if due_s is not None and due_s <= now:
            self.obey(self.arbiter.tick(now), now)
        if self.playing is not None and now - self.since == DURATION_S:
            self.model.over.add(self.playing)
            id, self.playing = self.playing, None
            self.obey(self.arbiter.ended(id, now), now)
        for request in requests:
            self.obey(self.arbiter.submit(request, now), now)
            self.model.submit(request)
            assert not self.arbiter.submit(request, now)
        if cancelled is not None:
            self.obey(self.arbiter.cancel(cancelled, now), now)
            self.model.cancel(cancelled)
            assert not self.arbiter.cancel(cancelled, now)
        assert not self.arbiter.tick(now)
        assert self.playing == self.model.who(now), now

    def close(self, requests):
        assert self.arbiter.next_s() is None
        for request in requests:
            assert not self.arbiter.submit(request, END_S)
            stages = [stage for stage, _ in self.receipts[request.id]]
            final = stages.pop()
            assert is_final(final) and stages in ([], [ACCEPTED])
            assert (request.id in self.started) == (final in (DONE, INTERRUPTED))


def run(requests, arrivals, cancelled=None, cancelled_s=None):
    world = World()
    for now in range(END_S):
        come = [requests[i] for i in range(len(requests)) if arrivals[i] == now]
        world.second(now, come, cancelled if now == cancelled_s else None)
    world.close(requests)
    return world


def grid(classes, levels, windows):
    return [
        (cls, level, start_s, end_s)
        for cls in classes
        for level in levels
        for start_s, end_s in windows
    ]


def request(id, kind):
    return Request(id, *kind, False)


def test_every_pair():
    if HOST:
        kinds = grid((DAILY, DRILL, EMERGENCY), (1, 2, 3, 4), WINDOWS)
    else:
        kinds = grid((DAILY, EMERGENCY), (1, 4), WINDOWS)
    outcomes = set()
    for one in kinds:
        for other in kinds:
            for arrivals in ARRIVALS[:4]:
                world = run((request(1, one), request(2, other)), arrivals)
                outcomes.update([receipts[-1] for receipts in world.receipts.values()])
    assert outcomes == {
        (DONE, None),
        (REFUSED, "cmd_expired"),
        (REFUSED, "preempted"),
        (INTERRUPTED, "preempted"),
    }


def test_every_triple():
    if HOST:
        kinds = grid((DAILY, DRILL, EMERGENCY), (1, 4), WINDOWS)
    else:
        kinds = grid((DAILY, EMERGENCY), (1, 4), WINDOWS[:3])
    n = 0
    for one in kinds:
        for other in kinds:
            for third in kinds:
                requests = (request(1, one), request(2, other), request(3, third))
                run(requests, ARRIVALS[n % len(ARRIVALS)])  # no factor in common with the grid
                n += 1
    assert n == len(kinds) ** 3


def test_every_pair_with_a_cancel():
    kinds = grid((DAILY, EMERGENCY), (1, 4) if HOST else (1,), WINDOWS)
    outcomes = set()
    for one in kinds:
        for other in kinds:
            for cancelled_s in (1, 4, 6) if HOST else (4,):
                requests = (request(1, one), request(2, other))
                world = run(requests, (0, 1), 1, cancelled_s)
                outcomes.add(world.receipts[1][-1])
    assert {(CANCELLED, None), (INTERRUPTED, "cancelled"), (DONE, None)} <= outcomes


def test_many_at_random():
    random.seed(5)
    outcomes = set()
    for _ in range(300 if HOST else 60):
        requests = []
        for id in range(1, 7):
            cls = random.randint(DAILY, EMERGENCY)
            start_s = random.randint(0, 9)
            end_s = random.randint(start_s + 1, END_S - 1)
            silent = cls == DRILL and random.randint(0, 1) == 0
            requests.append(Request(id, cls, random.randint(1, 2), start_s, end_s, silent))
        arrivals = [random.randint(0, 11) for _ in requests]
        world = run(requests, arrivals, random.randint(1, 6), random.randint(0, 11))
        outcomes.update([receipts[-1] for receipts in world.receipts.values()])
    assert len(outcomes) == 7  # all that there are without a failure


def _emergency(id, start_s=0, end_s=100, level=1):
    return Request(id, EMERGENCY, level, start_s, end_s, False)


def _daily(id, start_s=0, end_s=100):
    return Request(id, DAILY, 1, start_s, end_s, False)


def test_preempted_and_resumed():
    arbiter = Arbiter()
    assert arbiter.submit(_daily("a"), 0) == [("receipt", "a", ACCEPTED, None), ("play", "a")]
    assert arbiter.submit(_emergency("b", 10, 20), 5) == [("receipt", "b", ACCEPTED, None)]
    assert arbiter.next_s() == 10
    assert arbiter.tick(10) == [("stop", "a"), ("play", "b")]
    assert arbiter.next_s() == 20
    assert arbiter.tick(20) == [
        ("stop", "b"),
        ("receipt", "b", DONE, None),
        ("resume", "a"),
    ]
    assert arbiter.next_s() == 100
    assert arbiter.ended("a", 30) == [("receipt", "a", DONE, None)]
    assert arbiter.next_s() is None


def test_resumed_only_in_its_window():
    arbiter = Arbiter()
    arbiter.submit(_daily("a", 0, 10), 0)
    assert arbiter.submit(_emergency("b"), 5)[1:] == [("stop", "a"), ("play", "b")]
    assert arbiter.tick(10) == [("receipt", "a", INTERRUPTED, "preempted")]
    assert arbiter.ended("b", 11) == [("receipt", "b", DONE, None)]


def test_the_newer_of_two_alike_goes_first():
    arbiter = Arbiter()
    arbiter.submit(_emergency("a"), 0)
    assert arbiter.submit(_emergency("b"), 1)[1:] == [("stop", "a"), ("play", "b")]
    assert arbiter.submit(_emergency("c", level=2), 1) == [("receipt", "c", ACCEPTED, None)]
    assert arbiter.ended("b", 2)[1:] == [("resume", "a")]
    assert arbiter.ended("a", 3)[1:] == [("play", "c")]


def test_what_came_too_late():
    arbiter = Arbiter()
    assert arbiter.submit(_emergency("a", 0, 10), 10) == [("receipt", "a", REFUSED, "cmd_expired")]
    arbiter.submit(_emergency("b", 20, 30), 10)
    assert arbiter.tick(30) == [("receipt", "b", REFUSED, "cmd_expired")]  # the unit was busy
    arbiter.submit(_emergency("c", 40, 50), 30)
    assert arbiter.tick(49) == [("play", "c")]


def test_failures():
    arbiter = Arbiter()
    arbiter.submit(_daily("a"), 0)
    arbiter.submit(_emergency("b"), 0)
    assert arbiter.ended("b", 1, False, "clip_missing") == [
        ("receipt", "b", INTERRUPTED, "clip_missing"),
        ("resume", "a"),
    ]
    assert arbiter.ended("b", 1) == []  # was told before


def test_an_end_of_what_does_not_play():
    arbiter = Arbiter()
    arbiter.submit(_daily("a"), 0)
    arbiter.submit(_emergency("b"), 0)
    for id in ("a", "unknown"):
        assert arbiter.ended(id, 1) == []


def test_cancelled():
    arbiter = Arbiter()
    assert arbiter.cancel("unknown", 0) == []
    arbiter.submit(_emergency("a"), 0)
    arbiter.submit(_daily("b"), 0)
    arbiter.submit(_daily("c", 50), 0)
    for id, actions in (
        ("c", [("receipt", "c", CANCELLED, None)]),
        ("a", [("stop", "a"), ("receipt", "a", INTERRUPTED, "cancelled"), ("play", "b")]),
    ):
        assert arbiter.cancel(id, 1) == actions
        assert arbiter.cancel(id, 1) == []
    assert arbiter.submit(_emergency("a"), 2) == []


def test_a_cancelled_one_that_waits_to_resume():
    arbiter = Arbiter()
    arbiter.submit(_daily("a"), 0)
    arbiter.submit(_emergency("b"), 0)
    assert arbiter.cancel("a", 1) == [("receipt", "a", INTERRUPTED, "cancelled")]
    assert arbiter.ended("b", 2) == [("receipt", "b", DONE, None)]


def test_after_a_reset():
    arbiter = Arbiter()
    assert arbiter.submit(_daily("a"), 0, True) == [("resume", "a")]
    assert arbiter.submit(_daily("b", 0, 1), 1, True) == [
        ("receipt", "b", INTERRUPTED, "cmd_expired")
    ]


def test_a_silent_drill():
    arbiter = Arbiter()
    arbiter.submit(_daily("a"), 0)
    drill = Request("b", DRILL, 1, 5, 20, True)
    assert arbiter.submit(drill, 0) == [("receipt", "b", ACCEPTED, None)]
    assert arbiter.tick(5) == [("receipt", "b", SILENT, None)]  # the daily one plays on
    arbiter.submit(_emergency("c", 0, 30), 6)
    for id, end_s in (("d", 20), ("e", 40)):
        drill = Request(id, DRILL, 1, 0, end_s, True)
        assert arbiter.submit(drill, 7) == [("receipt", id, ACCEPTED, None)]
    assert arbiter.tick(20) == [("receipt", "d", REFUSED, "preempted")]
    assert arbiter.tick(30) == [
        ("stop", "c"),
        ("receipt", "c", DONE, None),
        ("receipt", "e", SILENT, None),
        ("resume", "a"),
    ]


def test_a_full_table_drops_the_lowest():
    arbiter = Arbiter()
    arbiter.submit(_daily("playing"), 0)
    for id in range(HELD_MAX - 1):
        arbiter.submit(_emergency(id, 50 + id, level=2), 0)
    assert arbiter.submit(_emergency("high", 50), 1) == [
        ("stop", "playing"),
        ("receipt", "playing", INTERRUPTED, "preempted"),
        ("receipt", "high", ACCEPTED, None),
    ]
    refused = [("receipt", "low", REFUSED, "preempted")]
    assert arbiter.submit(_emergency("low", level=3), 2) == refused
    dropped = [("receipt", 0, REFUSED, "preempted")]
    assert arbiter.submit(_emergency("newer", 60, level=2), 3)[:1] == dropped


def test_what_expires_makes_room():
    arbiter = Arbiter()
    for id in range(HELD_MAX):
        arbiter.submit(_emergency(id, 0, 10), 0)
    actions = arbiter.submit(_daily("late"), 10)
    assert actions[-2:] == [("receipt", "late", ACCEPTED, None), ("play", "late")]
    assert len(actions) == HELD_MAX + 3


def test_volume():
    def alert(cls, volume):
        return Alert(cls, 1, [], 1, volume, "", False)

    assert arbiter.volume(alert(EMERGENCY, None), 60, 80) == 80
    assert arbiter.volume(alert(EMERGENCY, 0), 60, 80) == 80
    assert arbiter.volume(alert(EMERGENCY, 95), 60, 80) == 95
    assert arbiter.volume(alert(EMERGENCY, None), 90, 80) == 90
    assert arbiter.volume(alert(DRILL, 10), 60, 80) == 10
    assert arbiter.volume(alert(DAILY, None), 60, 80) == 60
