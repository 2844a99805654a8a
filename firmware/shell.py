# Finds the verbs of the console, for people and for the shell group of SMP. None shows a secret.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from . import later

# A file of verbs (each takes 4 kB of flash in either slot, so related verbs share one) and its
# verbs, by their index in its run(index, node, args), which returns a coroutine: that returns a
# text, or raises Failed. Behind a colon: the table of the config that the verb needs; a second
# colon: the unit has to be unlocked. One text, since names would stay in the heap for good.
_VERBS = const(
    """\
firmware.verbs.look status id sensors counters log power:power
firmware.verbs.read read
firmware.verbs.radio modem uplink:: at:: atlog
firmware.verbs.config config
firmware.verbs.unit help reboot unlock lock bench::
firmware.verbs.selftest selftest play:speaker: picture:pictures: update::
firmware.verbs.acts operation:trace: control:control operate:control:
"""
)
_LOCK = const("firmware.lock")
# What a verb imports. One that makes room forgets the shell, and may need it again.
_SELF = const(" firmware.shell firmware.rows")


class Failed(Exception):
    # The text says what to do next.
    pass


# Yields (verb, its file, its place in there, whether a lock keeps it) of those that this unit has.
def _found(node):
    start = 0
    while start < len(_VERBS):
        end = _VERBS.index("\n", start)
        module, *verbs = _VERBS[start:end].split()
        for place, verb in enumerate(verbs):
            verb, _, needed = verb.partition(":")
            locks, needed = needed.endswith(":"), needed.strip(":")
            if not needed or needed in node.config and node.role:
                yield verb, module, place, locks
        start = end + 1


def must_be_open(node, locks=True):
    if later.call(_LOCK, "is_locked", node) and locks:
        raise Failed("locked; type unlock CODE, which fieldbeat code UNIT shows")


def names(node):
    return [row[0] for row in _found(node)]


class Shell:
    def __init__(self, node):
        self._node = node

    # -> (text, 0 or 1). What a verb meets belongs on the screen; only want of memory is raised,
    # since who asked it may make room.
    async def execute(self, argv):
        for found in _found(self._node):
            if found[0] == argv[0]:
                break
        else:
            return "unknown verb %s; type help" % argv[0][:32], 1
        verb, module, place, locks = found
        try:
            if locks or self._node.lock[0]:  # any line keeps it open
                must_be_open(self._node, locks)
            return await later.call(module + _SELF, "run", place, self._node, argv[1:]), 0
        except Failed as error:
            return str(error), 1
        except MemoryError:
            raise
        except Exception as error:
            return "%s failed: %r" % (verb, error), 1
