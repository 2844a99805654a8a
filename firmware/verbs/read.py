# Reads a part now. Its driver is a third of what a line may take: no other verb is in this file.
# SPDX-License-Identifier: Apache-2.0
from drivers.errors import DriverError

from .. import later
from ..shell import Failed


async def run(index, node, args):
    parts = node.parts()
    if len(args) != 1 or args[0] not in parts:
        raise Failed("type read NAME with one of " + ", ".join(sorted(parts)))
    part = parts[args[0]]
    if part is None:
        raise Failed("%s is switched off in the configuration" % args[0])
    try:
        async with node.parts_lock:
            await part.probe()
            values = await part.read()
    except DriverError as error:
        raise Failed("%s: %s; check its wiring and address" % (args[0], error))
    channels = part.CHANNELS
    if not channels:  # a camera
        return "ok: it answers, and has no value to read"
    return later.call("firmware.rows", "readings", channels, values)  # once its driver is gone
