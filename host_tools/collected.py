"""What a unit cannot tell at its serial port, and the collector may know: its sound, a picture."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

from . import certificate, open_files, pictures
from .acceptance import FAILED, NOT_TESTED, PASSED, Check
from .language import tr
from .self_tests import SelfTest, last
from .times import iso

SOUND = "sound"
FRESH_S = 86_400.0  # what is older was another day's work


def sound(unit: str, db: Path | None, now_s: float) -> Check:
    """Return what a loudspeaker told of its last self-test, as a check.

    Args:
        unit: its name.
        db: the store; default as in `paths.store_file`. It need not exist.
        now_s: Unix seconds.
    """
    with open_files.store_if_there(db) as store:
        test = last(store, [unit])[0] if store else SelfTest(unit)
    if test.at_s is None or now_s - test.at_s > FRESH_S:
        text = tr("no self-test today; 'fieldbeat alert test --unit {unit}' makes one")
        return Check(SOUND, NOT_TESTED, text=text.format(unit=unit))
    if test.failed:
        text = tr("self-test of {at}: {failures}")
        return Check(SOUND, FAILED, text=text.format(at=iso(test.at_s), failures=test.failures))
    if test.silent:
        text = tr("the self-test of {at} was a silent one").format(at=iso(test.at_s))
        return Check(SOUND, NOT_TESTED, text=text)
    return Check(SOUND, PASSED, text=tr("self-test of {at}").format(at=iso(test.at_s)))


def picture(unit: str, db: Path | None, now_s: float) -> certificate.Picture | None:
    """Return the last picture of a camera that has come whole today, None if there is none.

    Args: as of `sound`.
    """
    with open_files.store_if_there(db) as store:
        if store is None:
            return None
        found = [each for each in pictures.of_unit(store, unit, now_s - FRESH_S) if each.done_s]
        if not found or found[-1].size > certificate.PICTURE_BYTES_MAX:
            return None
        data = pictures.data_of(store, found[-1])
    caption = tr("taken by the unit, {at}").format(at=iso(found[-1].taken_s))
    return certificate.Picture(caption, certificate.JPEG, data)
