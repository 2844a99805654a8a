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

# group: what later.call() makes of it. All take the server.
_GROUPS = {
    _GROUP_OS: ("firmware.smp_os firmware.reboot", "OSGroup"),
    _GROUP_SETTINGS: ("firmware.smp_settings", "SettingsGroup"),
    _GROUP_FS: ("firmware.smp_fs", "FSGroup"),
    _GROUP_SHELL: ("firmware.smp_shell", "ShellGroup"),
    _GROUP_ENUM: ("firmware.smp_enum", "EnumGroup"),
}
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
            return Refused(smp.ENOMEM, text=_NO_ROOM).answer(frame)
        except Exception as error:
            self.node.log("smp: %r" % error)
            return smp.error(frame, smp.EUNKNOWN)

    async def _execute(self, frame):
        handler = self._handler(frame)
        try:
            body = smp.unpack(frame)[4]
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
        return handler
