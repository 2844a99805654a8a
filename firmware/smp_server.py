# Answers SMP requests (Zephyr's mcumgr protocol). Whatever arrives, nothing is raised out of here.
# SPDX-License-Identifier: Apache-2.0
from protocols import smp
from protocols.compat import const

from . import later
from .smp_request import BUFFER_SIZE, Refused

# As in protocols/smp_codes.py.
_GROUP_OS = const(0)
_GROUP_SETTINGS = const(3)
_GROUP_FS = const(8)
_GROUP_SHELL = const(9)
_GROUP_ENUM = const(10)
_FS_FILE = const(0)
_OS_DATETIME = const(4)
_OS_RESET = const(5)

# group: what later.call() makes of it. All take the server.
_GROUPS = {
    _GROUP_OS: ("firmware.smp_os firmware.reboot", "OSGroup"),
    _GROUP_SETTINGS: ("firmware.smp_settings", "SettingsGroup"),
    _GROUP_FS: ("firmware.smp_fs", "FSGroup"),
    _GROUP_SHELL: ("firmware.smp_shell", "ShellGroup"),
    _GROUP_ENUM: ("firmware.smp_enum", "EnumGroup"),
}
_UNPACK = const("protocols.smp protocols.cbor_reader")  # the work needs the reader's heap
_CHANGES = const(((_GROUP_FS, _FS_FILE), (_GROUP_OS, _OS_DATETIME)))
_LOCK = const("firmware.lock")
_LOCKED = const("locked; 'shell exec unlock CODE' first; 'fieldbeat code UNIT' shows it")
_NO_ROOM = const("no heap for it now, ask again in some seconds")


class SMPServer:
    def __init__(self, node, shell, root=""):
        self.node = node
        self.shell = shell
        self.root = root
        # Longer frames than the buffer are decoded too, so that they get an answer that says so.
        self._decoder = smp.LineDecoder(limit=2 * BUFFER_SIZE)
        self._bad_lines = 0
        self.least_free = None  # blocks of heap, as OSGroup has seen it
        self._group = None  # the last one that was asked for: there is heap for one

    async def handle_line(self, line):
        # -> the lines of the answer, or nothing while none is due.
        frame = self._decoder.feed(line)
        if self._decoder.errors != self._bad_lines:
            self._bad_lines = self._decoder.errors
            self.node.counters.count("smp_bad_frame")
        answer = await self.handle(frame) if frame else None
        return smp.encode_lines(answer) if answer else ()

    async def handle(self, frame):
        # -> the answer's frame, or None for what is no request at all.
        if len(frame) < smp.HEADER_SIZE or frame[0] & 0b111 not in (smp.READ, smp.WRITE):
            self.node.counters.count("smp_bad_frame")
            return None
        try:
            return smp.response(frame, await self._execute(frame))
        except Refused as refused:
            return refused.answer(frame)
        except MemoryError:  # a wake, say, has the heap: who asks again in a moment finds room
            self._group = None
            self.shell.forget()
            if frame[5] == _GROUP_OS and frame[7] == _OS_RESET:
                self.node.reboot()
            return Refused(smp.ENOMEM, text=_NO_ROOM).answer(frame)
        except Exception as error:
            self.node.log("smp: %r" % error)
            return smp.error(frame, smp.EUNKNOWN)

    async def _execute(self, frame):
        handler = self._handler(frame)
        try:
            body = later.call(_UNPACK, "unpack", frame)[4]
        except ValueError as error:
            self.node.counters.count("smp_bad_frame")
            raise Refused(smp.EINVAL, text=str(error))
        return await handler(body)

    def _handler(self, frame):
        if smp.version(frame) > 1:
            raise Refused(smp.EUNSUPPORTED_TOO_NEW)
        if len(frame) > BUFFER_SIZE:
            raise Refused(smp.ENOMEM, text="a frame has at most %d bytes" % (BUFFER_SIZE - 4))
        id = frame[4] << 8 | frame[5]
        if id not in _GROUPS:
            raise Refused(smp.ENOTSUP)
        if not self._group or self._group.ID != id:
            self._group = None
            if id != _GROUP_SHELL:
                self.shell.forget()  # a commit, say, needs the heap that its verbs take
            self._group = later.call(*_GROUPS[id], self)
        commands = self._group.commands.get(frame[7])
        handler = commands[1 if frame[0] & smp.WRITE else 0] if commands else None
        if handler is None:
            raise Refused(smp.ENOTSUP)
        # The clock too: it tells rules when to act, until a server knows better.
        changes = id == _GROUP_SETTINGS or (id, frame[7]) in _CHANGES
        if changes and frame[0] & smp.WRITE and later.call(_LOCK, "is_locked", self.node):
            raise Refused(smp.EACCESSDENIED, text=_LOCKED)
        return handler
