# What a self-test looks at besides the sound: supply, battery, amplifier, clips.
# SPDX-License-Identifier: Apache-2.0
import os

from drivers.errors import DriverError
from protocols.command import EMERGENCY

from .clip import Clip


class _Result:
    battery_mv = None

    def __init__(self):
        self.failed = []

    def fail(self, reason):
        self.failed.append(reason)


# What `selftest speaker` tells, without a sound. The battery is a part, too, but this limit is the
# unit's own.
async def rows(node):
    result, role, table = _Result(), node.role, node.config["speaker"]
    await check(role.parts, node.root + "/clips/", table["battery_min_mv"], result)
    told = " ".join(result.failed) or "supply and clips are well"
    needed = 2 if table["two_issuers_level"] else 1
    return [("speaker", not result.failed, told), obeys(role.commands.authority.issuers, needed)]


# All else may be well: a pole that obeys too few is silent in each emergency. needed: who have to
# want one of level 1.
def obeys(issuers, needed):
    able = [rights for _, _, rights in issuers.values() if rights[0] == EMERGENCY]
    told = "obeys %d who may order an emergency" % len(able)
    if len(able) >= needed:
        return "speaker.issuers", True, told
    return "speaker.issuers", False, "%s, needs %d: fieldbeat issuer" % (told, needed)


# While the amplifier is on, so that the battery has something to do. Parts that a pole does not
# have cannot fail. clips: the folder, with a / at its end; result: of the player.
async def check(parts, clips, battery_min_mv, result):
    try:
        parts["amplifier"].check()
    except DriverError as error:
        result.fail(error.reason)
    for name, judge in (("ac", _mains), ("battery", _battery)):
        part = parts.get(name)
        if part:
            try:
                judge((await part.read())[0], battery_min_mv, result)
            except DriverError as error:
                result.fail(error.reason)
    _check_clips(clips, result)


def _mains(active, battery_min_mv, result):
    if not active:
        result.fail("no_mains")


def _battery(millivolts, battery_min_mv, result):
    result.battery_mv = millivolts
    if millivolts < battery_min_mv:
        result.fail("battery_low")


def _check_clips(clips, result):
    try:
        names = os.listdir(clips[:-1])
    except OSError:  # it has none
        return
    for name in names:
        try:
            Clip(clips + name).close()
        except (OSError, ValueError):
            result.fail("clip_bad")
            return
