# SMP group 10: which groups there are.
# SPDX-License-Identifier: Apache-2.0
from protocols import smp
from protocols.compat import const

from .smp_request import Refused, field

# As in protocols/smp_codes.py.
_GROUP_ENUM = const(10)
_ENUM_COUNT = const(0)
_ENUM_LIST = const(1)
_ENUM_SINGLE = const(2)
_ENUM_DETAILS = const(3)

_ENUM_INDEX_TOO_LARGE = const(4)

# group: name, number of commands. Told here, as there is no heap to ask all groups.
_DETAILS = {
    0: ("os mgmt", 7),
    3: ("settings mgmt", 4),
    8: ("fs mgmt", 5),
    9: ("shell mgmt", 1),
    10: ("enum mgmt", 4),
}


class EnumGroup:
    ID = _GROUP_ENUM

    def __init__(self, server):
        self.commands = {
            _ENUM_COUNT: (self._count, None),
            _ENUM_LIST: (self._list, None),
            _ENUM_SINGLE: (self._single, None),
            _ENUM_DETAILS: (self._details, None),
        }

    async def _count(self, body):
        return {"count": len(_DETAILS)}

    async def _list(self, body):
        return {"groups": sorted(_DETAILS)}

    async def _single(self, body):
        index, ids = field(body, "index", int, 0), sorted(_DETAILS)
        if index >= len(ids):
            raise Refused(smp.EINVAL, _ENUM_INDEX_TOO_LARGE)
        answer = {"group": ids[index]}
        if index == len(ids) - 1:
            answer["end"] = True
        return answer

    async def _details(self, body):
        ids = sorted(_DETAILS)
        wanted = field(body, "groups", list, ids)
        groups = [(id,) + _DETAILS[id] for id in ids if id in wanted]
        return {"groups": [{"group": id, "name": n, "handlers": h} for id, n, h in groups]}
