# A reset that somebody has asked for.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

_WAIT_MS = const(500)  # the answer leaves first


async def _reboot(node):
    await asyncio.sleep_ms(_WAIT_MS)
    node.reboot()


def reboot_soon(node):
    asyncio.create_task(_reboot(node))
