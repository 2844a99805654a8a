# Tests what is fitted; nothing moves and nothing sounds. Its lines are for people and for tools:
#   ok|FAIL|skip NAME VALUE [UNIT] [(LOWEST..HIGHEST)]
# skip: what cannot be judged now, and why. A NAME is one of those that `selftest list` tells, or
# one of these, a dot and what of it.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import sys

from drivers.errors import DriverError
from protocols.compat import const

from .. import later
from ..rows import decimal, table
from ..shell import Failed

# A check is a coroutine that returns rows of what it found:
#   (name, counts or None, unit, scale, lowest, highest), counts at a scale; or
#   (name, True, False or None where it cannot be judged, text)
_NAMES = const("heap flash clock outbox modem")  # in the order of unit_checks.py
_PICTURE_BYTES = const(8000)
_LEAST_PICTURE = const(500)
_WAITS_MS = const((0, 100, 500))  # before each try of a part, as in sampler.py
_WORDS = {True: "ok", False: "FAIL", None: "skip"}


def run(index, node, args):
    if index and args:
        raise Failed("type it without what is behind it")
    return (_selftest, _play, _picture, _update)[index](node, args)


# The only check that is heard: a person is to listen.
async def _play(node, args):
    node.role.play()
    return "ordered: a tone of a second; it waits for what sounds now"


async def _picture(node, args):
    node.role.take()
    return "ordered: a small picture; it is sent when it was taken"


async def _update(node, args):
    slot = [path for path in ("/a", "/b") if path in sys.path]
    try:
        with open(node.root + "/app.cbor", "rb") as file:
            app = file.read()
        # A text of less than 24 bytes: its head has the length. To decode it all costs 6 kB.
        start = app.index(b"build_id") + 9
        build = app[start : start + app[start - 1] % 32].decode()
    except (OSError, ValueError):
        build = "not known"
    rows = [
        ("version", node.version),
        ("build", build),
        ("slot", slot[0][1:] if slot else "-"),
        ("boots unproven", node.secrets.tries()),
        ("to update", "fieldbeat flash on this port; keys and records stay"),
    ]
    return table(rows)


async def _selftest(node, args):
    own = _NAMES.split()
    fitted = [name for name, part in sorted(node.parts().items()) if part is not None]
    names = own + fitted
    if hasattr(node.role, "player"):
        names.append("speaker")
    if args == ["list"]:
        return "\n".join(names)
    if args and (len(args) > 1 or args[0] not in names):
        raise Failed("type selftest, selftest list, or selftest NAME of " + ", ".join(names))
    lines, failed = [], False
    for name in args or names:
        if name in own:
            rows = later.call("firmware.unit_checks", "check", own.index(name), node)
        elif name in fitted:
            rows = _part(node, name)
        else:
            rows = later.call("firmware.self_checks", "rows", node)
        for row in await rows:
            good, text = row[1:] if len(row) == 3 else _measured(*row)
            failed = failed or good is False
            lines.append("%s %s %s" % (_WORDS[good], row[0], text))
    if failed:
        raise Failed("\n".join(lines))
    return "\n".join(lines)


def _measured(name, counts, unit, scale, low, high):
    if counts is None:
        return False, "none"
    good = (low is None or low <= counts) and (high is None or counts <= high)
    text = decimal(counts, scale) + (" " + unit if unit else "")
    if low is None and high is None:
        return good, text
    limits = [decimal(limit, scale) if limit is not None else "" for limit in (low, high)]
    return good, "%s (%s..%s)" % (text, limits[0], limits[1])


async def _part(node, name):
    part = node.parts()[name]
    for actuator in node.actuators.parts if node.actuators else ():
        if actuator.name == name:
            return await _actuator(actuator, name)
    rows = []
    for wait_ms in _WAITS_MS:  # one disturbed byte on a bus fails nobody
        await asyncio.sleep_ms(wait_ms)
        try:
            async with node.parts_lock:
                await part.probe()
                channels = part.CHANNELS
                if not channels and hasattr(part, "capture"):
                    return [await _thumbnail(part, name)]
                values = await part.read()
            break
        except (DriverError, OSError) as error:
            rows = [(name, False, error)]
    else:
        return rows
    if not channels:
        return [(name, True, "answers")]
    rows = []
    for index, (own, unit, scale) in enumerate(channels):
        limits = _limits(node.sampler, part, index, scale) if node.sampler else (None, None)
        rows.append((name + "." + own, values[index], unit, scale) + limits)
    return rows


# What it was told to be, and whether it is: it is left as it is.
async def _actuator(actuator, name):
    if actuator.fault_s is not None:
        return [(name, False, "is at fault; see control")]
    if actuator.driver.SLOW:  # it would take the line
        return [(name, None, "told %d, it is not asked" % actuator.value)]
    (value,) = await actuator.driver.read()
    if value is None:
        return [(name, None, "told %d, nobody knows where it stands" % actuator.value)]
    return [(name, value, "%", 1, actuator.value, actuator.value)]


# A picture is taken, looked at and dropped.
async def _thumbnail(camera, name):
    shot = await camera.capture(_PICTURE_BYTES)
    try:
        return (name + ".picture", shot.size, "B", 1, _LEAST_PICTURE, _PICTURE_BYTES)
    finally:
        await shot.close()


# In counts at the part's scale.
def _limits(of, part, index, scale):
    from ..sampler import rescale  # which is there where somebody measures

    for column, channel in zip(of.schema.columns, of.channels):
        if channel[0].part is part and channel[1] == index:
            low = rescale(column.minimum, column.scale, scale)
            return low, rescale(column.maximum, column.scale, scale)
    return None, None
