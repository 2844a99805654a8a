# What comes in on a unit that is always on: commands at once, answers for the wake that waits.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols.compat import const

_WAITING = const(4)  # answers that nobody has taken yet
_CLASS_SHIFT = const(4)  # as in protocols/frame.py: the class in the first byte of a frame
_CLASS_MASK = const(0b11)
_COMMAND = const(1)


class Inbox:
    # on_command(datagram): gets each frame of class COMMAND, wake or not.
    def __init__(self, on_command):
        self._on_command = on_command
        self._answers = []
        self._came = asyncio.Event()

    def sort(self, datagram):
        if datagram[0] >> _CLASS_SHIFT & _CLASS_MASK == _COMMAND:
            self._on_command(datagram)
            return
        if len(self._answers) == _WAITING:
            self._answers.pop(0)
        self._answers.append(datagram)
        self._came.set()

    # An answer, or None: none came in time, or nobody need wait any longer.
    async def receive(self, timeout_ms):
        if not self._answers:
            self._came.clear()
            try:
                await asyncio.wait_for_ms(self._came.wait(), timeout_ms)
            except asyncio.TimeoutError:
                pass
        return self._answers.pop(0) if self._answers else None

    def give_up(self):
        self._came.set()
