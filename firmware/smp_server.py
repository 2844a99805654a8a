# Answers SMP requests (Zephyr's mcumgr protocol). Whatever arrives, nothing is raised out of here.
# SPDX-License-Identifier: Apache-2.0
from protocols import smp
from protocols.compat import const

from .smp_fs import FSGroup
from .smp_os import BUFFER_SIZE, OSGroup
from .smp_request import Refused, field
from .smp_settings import SettingsGroup

_ENUM_INDEX_TOO_LARGE = const(4)
_OUTPUT_LIMIT = const(1024)  # characters of a shell verb's answer


class ShellGroup:
    ID = smp.GROUP_SHELL
    NAME = "shell mgmt"

    def __init__(self, shell):
        self._shell = shell
        self.commands = {smp.SHELL_EXECUTE: (None, self._execute)}

    async def _execute(self, body):
        argv = field(body, "argv", list)
        if not argv or not all(type(word) is str for word in argv):
            raise Refused(smp.EINVAL, text="field argv must be a list of words")
        text, ret = await self._shell.execute(argv)
        return {"o": text[:_OUTPUT_LIMIT], "ret": ret}


class EnumGroup:
    ID = smp.GROUP_ENUM
    NAME = "enum mgmt"

    def __init__(self, groups):
        self._groups = groups
        self.commands = {
            smp.ENUM_COUNT: (self._count, None),
            smp.ENUM_LIST: (self._list, None),
            smp.ENUM_SINGLE: (self._single, None),
            smp.ENUM_DETAILS: (self._details, None),
        }

    async def _count(self, body):
        return {"count": len(self._groups)}

    async def _list(self, body):
        return {"groups": sorted(self._groups)}

    async def _single(self, body):
        index, ids = field(body, "index", int, 0), sorted(self._groups)
        if index >= len(ids):
            raise Refused(smp.EINVAL, _ENUM_INDEX_TOO_LARGE)
        answer = {"group": ids[index]}
        if index == len(ids) - 1:
            answer["end"] = True
        return answer

    async def _details(self, body):
        ids = sorted(self._groups)
        wanted = field(body, "groups", list, ids)
        groups = [self._groups[id] for id in ids if id in wanted]
        return {
            "groups": [
                {"group": g.ID, "name": g.NAME, "handlers": len(g.commands)} for g in groups
            ]
        }


class SMPServer:
    def __init__(self, node, shell, root=""):
        self._node = node
        # Longer frames than the buffer are decoded too, so that they get an answer that says so.
        self._decoder = smp.LineDecoder(limit=2 * BUFFER_SIZE)
        self._bad_lines = 0
        self.groups = {}
        groups = (
            OSGroup(node),
            SettingsGroup(node, root),
            FSGroup(root),
            ShellGroup(shell),
            EnumGroup(self.groups),
        )
        for group in groups:
            self.groups[group.ID] = group

    async def handle_line(self, line):
        # -> the lines of the answer as one bytes, or None while none is due.
        frame = self._decoder.feed(line)
        if self._decoder.errors != self._bad_lines:
            self._bad_lines = self._decoder.errors
            self._node.counters.count("smp_bad_frame")
        answer = await self.handle(frame) if frame else None
        return b"".join(smp.encode_lines(answer)) if answer else None

    async def handle(self, frame):
        # -> the answer's frame, or None for what is no request at all.
        if len(frame) < smp.HEADER_SIZE or frame[0] & 0b111 not in (smp.READ, smp.WRITE):
            self._node.counters.count("smp_bad_frame")
            return None
        try:
            return smp.response(frame, await self._execute(frame))
        except Refused as refused:
            return refused.answer(frame)
        except Exception as error:
            self._node.log("smp: %r" % error)
            return smp.error(frame, smp.EUNKNOWN)

    async def _execute(self, frame):
        handler = self._handler(frame)
        try:
            body = smp.unpack(frame)[4]
        except ValueError as error:
            self._node.counters.count("smp_bad_frame")
            raise Refused(smp.EINVAL, text=str(error))
        return await handler(body)

    def _handler(self, frame):
        if smp.version(frame) > 1:
            raise Refused(smp.EUNSUPPORTED_TOO_NEW)
        if len(frame) > BUFFER_SIZE:
            raise Refused(smp.ENOMEM, text="a frame has at most %d bytes" % (BUFFER_SIZE - 4))
        group = self.groups.get(frame[4] << 8 | frame[5])
        commands = group.commands.get(frame[7]) if group else None
        handler = commands[1 if frame[0] & smp.WRITE else 0] if commands else None
        if handler is None:
            raise Refused(smp.ENOTSUP)
        return handler
