# SPDX-License-Identifier: Apache-2.0
from protocols.feedback import Feedback

WELL, NO_EFFECT, STUCK = range(3)


def lived(story, above=50, within_s=20):
    feedback = Feedback(above, within_s, 0)
    for second, runs, value, verdict in story:
        assert feedback.judge(second, runs, value) == verdict, second
    return feedback


def test_what_does_as_it_is_told():
    feedback = lived(
        (
            (0, False, 0, WELL),
            (30, False, 0, WELL),
            (31, True, 0, WELL),  # not at once
            (50, True, 0, WELL),
            (51, True, 51, WELL),
            (90, True, 70, WELL),
            (100, False, 70, WELL),  # it runs down
            (119, False, 60, WELL),
            (120, False, 50, WELL),
        )
    )
    assert feedback.due_s(130) is None
    feedback.judge(200, True, 0)
    assert (feedback.due_s(200), feedback.due_s(215), feedback.due_s(220)) == (20, 5, None)


def test_what_has_no_effect_and_what_does_not_stop():
    lived(
        (
            (10, True, 0, WELL),
            (29, True, 50, WELL),
            (30, True, 50, NO_EFFECT),
            (60, True, None, NO_EFFECT),  # nobody knows better
            (90, True, 51, WELL),
            (120, True, 0, NO_EFFECT),  # it has run dry
            (130, False, 0, WELL),
            (160, False, 51, STUCK),
            (170, False, 0, WELL),
            (400, False, 90, STUCK),  # a leak, whenever it begins
        )
    )


def test_nobody_is_blamed_for_what_nobody_sees():
    lived(((0, True, None, WELL), (500, True, None, WELL), (501, False, None, WELL)))
