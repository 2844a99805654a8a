# SMP group 0: echo, reset, date and time, buffer sizes, information, heap and task statistics.
# SPDX-License-Identifier: Apache-2.0
import gc
import sys

from protocols import smp
from protocols.compat import const

from . import later
from .reboot import reboot_soon
from .smp_request import BUFFER_SIZE, Refused, field

# As in protocols/smp_codes.py.
_GROUP_OS = const(0)
_OS_ECHO = const(0)
_OS_TASK_STATISTICS = const(2)
_OS_MEMORY_POOL_STATISTICS = const(3)
_OS_DATETIME = const(4)
_OS_RESET = const(5)
_OS_PARAMETERS = const(6)
_OS_APPLICATION_INFO = const(7)

_CIVIL = const("firmware.civil")
_DAY_S = const(86400)  # which no time zone of a modem makes
_INVALID_FORMAT = const(2)
_RTC_NOT_SET = const(4)
_RTC_COMMAND_FAILED = const(5)

_HEAP_BLOCK = const(16)  # bytes of a garbage collector's block on 32-bit ports


class OSGroup:
    ID = _GROUP_OS

    def __init__(self, server):
        self._server = server
        self._node = server.node
        # command: (read, write)
        self.commands = {
            _OS_ECHO: (self._echo, self._echo),
            _OS_TASK_STATISTICS: (self._tasks, None),
            _OS_MEMORY_POOL_STATISTICS: (self._memory, None),
            _OS_DATETIME: (self._read_time, self._set_time),
            _OS_RESET: (None, self._reset),
            _OS_PARAMETERS: (self._parameters, None),
            _OS_APPLICATION_INFO: (self._information, None),
        }

    async def _echo(self, body):
        return {"r": field(body, "d", str)}

    async def _reset(self, body):
        reboot_soon(self._node)
        return {}

    async def _parameters(self, body):
        return {"buf_size": BUFFER_SIZE, "buf_count": 1}

    async def _read_time(self, body):
        if not self._node.clock.synced:
            raise Refused(smp.EBADSTATE, _RTC_NOT_SET)
        return {"datetime": later.call(_CIVIL, "to_iso", self._node.clock.now())}

    async def _set_time(self, body):
        text = field(body, "datetime", str)
        try:
            seconds = later.call(_CIVIL, "from_iso", text)
        except ValueError:
            raise Refused(smp.EINVAL, text="datetime: give 2024-01-31T23:59:59Z, up to 2099")
        clock = self._node.clock
        if clock.source == "modem" and abs(seconds - clock.now()) > _DAY_S:
            told = later.call(_CIVIL, "to_iso", clock.now())
            raise Refused(smp.EINVAL, text="datetime: more than a day from the network's " + told)
        if not clock.set(seconds, "console"):
            raise Refused(smp.EBADSTATE, _RTC_COMMAND_FAILED)  # the server's time is better
        return {}

    async def _memory(self, body):
        gc.collect()
        free, used = gc.mem_free() // _HEAP_BLOCK, gc.mem_alloc() // _HEAP_BLOCK
        server = self._server
        server.least_free = min(free, server.least_free or free)
        return {
            "heap": {
                "blksize": _HEAP_BLOCK,
                "nblks": free + used,
                "nfree": free,
                "min": server.least_free,
            }
        }

    async def _tasks(self, body):
        # asyncio's tasks share one priority and one stack.
        names = sorted(self._node.tasks)
        return {"tasks": {name: {"prio": 0, "tid": n, "state": 0} for n, name in enumerate(names)}}

    async def _information(self, body):
        wanted = field(body, "format", str, "s")
        node = self._node
        names = node.config.get("node", {})
        known = (
            ("s", "fieldbeat"),
            ("n", names.get("name", "-")),
            ("r", node.version),
            ("m", sys.platform),
            ("i", names.get("board", "-")),
            ("o", "MicroPython " + ".".join(str(n) for n in sys.implementation.version[:3])),
        )
        letters = "".join(letter for letter, _ in known)
        if not wanted or any(letter not in letters + "a" for letter in wanted):
            raise Refused(smp.EINVAL, _INVALID_FORMAT)
        return {"output": " ".join(t for letter, t in known if letter in wanted or "a" in wanted)}
