# Task and TaskQueue of asyncio in Python: the built-in ones cannot be told the bench's time.
# SPDX-License-Identifier: Apache-2.0
from asyncio import core

from micropython import const

_MASK = const((1 << 30) - 1)  # ticks, see time.py
_HALF = const(1 << 29)


class TaskQueue:
    # A list sorted by time; tasks of one time keep their order. A board has a dozen tasks.
    def __init__(self):
        self._tasks = []

    def peek(self):
        return self._tasks[0] if self._tasks else None

    def push(self, task, key=None):
        task.data = None
        task.ph_key = key = core.ticks() if key is None else key
        tasks = self._tasks
        at = len(tasks)
        while at and 0 < tasks[at - 1].ph_key - key & _MASK < _HALF:  # ticks_diff() > 0
            at -= 1
        tasks.insert(at, task)

    def pop(self):
        return self._tasks.pop(0)

    def remove(self, task):
        self._tasks.remove(task)


class Task:
    def __init__(self, coro, globals=None):
        self.coro = coro
        self.data = None  # what it waits on, or what it is to be resumed with
        self.state = True  # True runs, a TaskQueue of waiters, a callable, None or False: over
        self.ph_key = 0  # when it is to run

    def __iter__(self):
        if not self.state:
            self.state = False  # its result is being taken
        elif self.state is True:
            self.state = TaskQueue()
        elif not isinstance(self.state, TaskQueue):
            raise RuntimeError("can't wait")
        return self

    def __next__(self):
        if not self.state:
            raise self.data
        self.state.push(core.cur_task)
        core.cur_task.data = self  # after push(), which clears it

    def done(self):
        return not self.state

    def cancel(self):
        if not self.state:
            return False
        if self is core.cur_task:
            raise RuntimeError("can't cancel self")
        task = self
        while isinstance(task.data, Task):
            task = task.data
        if hasattr(task.data, "remove"):
            task.data.remove(task)
            core._task_queue.push(task)
        elif core.ticks_diff(task.ph_key, core.ticks()) > 0:
            core._task_queue.remove(task)
            core._task_queue.push(task)
        task.data = core.CancelledError
        return True


def install():
    import asyncio

    for module in (core, asyncio):
        module.TaskQueue, module.Task = TaskQueue, Task
    core.new_event_loop()
