# SMP group 10: which groups there are.
# SPDX-License-Identifier: Apache-2.0
from protocols import smp
from protocols.compat import const

from .smp_request import Refused, field

_ENUM_INDEX_TOO_LARGE = const(4)


class EnumGroup:
    ID = smp.GROUP_ENUM
    NAME = "enum mgmt"

    def __init__(self, server):
        self._server = server
        self.commands = {
            smp.ENUM_COUNT: (self._count, None),
            smp.ENUM_LIST: (self._list, None),
            smp.ENUM_SINGLE: (self._single, None),
            smp.ENUM_DETAILS: (self._details, None),
        }

    async def _count(self, body):
        return {"count": len(self._server.groups)}

    async def _list(self, body):
        return {"groups": sorted(self._server.groups)}

    async def _single(self, body):
        index, ids = field(body, "index", int, 0), sorted(self._server.groups)
        if index >= len(ids):
            raise Refused(smp.EINVAL, _ENUM_INDEX_TOO_LARGE)
        answer = {"group": ids[index]}
        if index == len(ids) - 1:
            answer["end"] = True
        return answer

    async def _details(self, body):
        ids = sorted(self._server.groups)
        wanted = field(body, "groups", list, ids)
        groups = [self._server.make(id) for id in ids if id in wanted]
        return {
            "groups": [
                {"group": g.ID, "name": g.NAME, "handlers": len(g.commands)} for g in groups
            ]
        }
