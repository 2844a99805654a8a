# SMP group 9: the verbs of the shell.
# SPDX-License-Identifier: Apache-2.0
from protocols import smp
from protocols.compat import const

from .smp_request import Refused, field

# As in protocols/smp_codes.py.
_GROUP_SHELL = const(9)
_SHELL_EXECUTE = const(0)

_OUTPUT_LIMIT = const(1024)  # characters of a verb's answer
_CUT = const(" ...\ncut off here; in a terminal (fieldbeat console) it is whole")


class ShellGroup:
    ID = _GROUP_SHELL

    def __init__(self, server):
        self._shell = server.shell
        self.commands = {_SHELL_EXECUTE: (None, self._execute)}

    async def _execute(self, body):
        argv = field(body, "argv", list)
        if not argv or not all(type(word) is str for word in argv):
            raise Refused(smp.EINVAL, text="field argv must be a list of words")
        text, ret = await self._shell.execute(argv)
        if len(text) > _OUTPUT_LIMIT:
            text = text[: _OUTPUT_LIMIT - len(_CUT)] + _CUT
        return {"o": text, "ret": ret}
