# A station with a camera: what is measured goes first, then pictures, and whoever may ask for one.
# SPDX-License-Identifier: Apache-2.0
from protocols import command as commands
from protocols import receipt
from protocols.compat import const
from protocols.event import COMMANDED
from protocols.reasons import code

from .. import later
from ..commands import Commands
from ..issuers import Issuers
from ..picture_store import PictureStore
from ..picture_uplink import PictureUplink
from ..pictures import Pictures
from .station import Station

_GOOD = const(("acked", "partly"))
_CHANGES = const("firmware.issuer_changes")
_OPERATIONS = const("firmware.operations protocols.event_writer")
_PICTURES_SILENCE_S = const(1800)  # a few shots over a slow line, and a wake


def make(node, board, profile):
    return CameraStation(node, board, profile)


class CameraStation(Station):
    Uplink = PictureUplink
    uplink: PictureUplink

    def __init__(self, node, board, profile):
        super().__init__(node, board, profile)
        table = node.config["pictures"]
        store = PictureStore(node.root, table["keep_bytes"], node.counters)
        camera = self.parts.get("camera")
        regions = ()
        if camera:
            fitted = node.config["fitted"].get("camera", {})
            regions = fitted.get("regions") or board.manifest["fitted"]["camera"].get("regions")
        self.pictures = Pictures(node, camera, store, table, regions or (), self._bring)
        issuers = Issuers()
        shared = node.secrets, issuers, node.counters, node.clock
        self.commands = Commands(*shared, (), (), self)
        listen_s = table["listen_s"] if issuers.list() else 0
        self.uplink.serve(self.pictures, self.commands, table["budget_bytes_day"], listen_s)

    def tasks(self):
        own = (("pictures", self.pictures.run, _PICTURES_SILENCE_S),)
        return super().tasks() + (own if self.parts.get("camera") else ())

    async def _wakes(self, beat):
        if not self._started:  # it does not come out of a deep sleep
            self._tell_issuers()
        await super()._wakes(beat)

    # A picture that somebody waits for: what nobody answers is tried again as an alarm is.
    async def _bring(self, beat):
        await self.wake(beat)
        if self.watch and self.uplink.outcome not in _GOOD:
            self.watch.hurry()

    # Somebody stands there and wants the server to have one: a small one, now.
    def take(self):
        self.pictures.ask(COMMANDED, 0)

    # Whom it obeys: where nobody may give a command there is nothing to tell.
    def _tell_issuers(self):
        if self.commands.authority.issuers:
            self._node.tell("speaker", list(self.commands.authority.issuers))

    # --- what commands.py finds

    def obey(self, command, verdict):
        kind, id = command.command, command.id
        if kind == commands.PICTURE:
            self.commands.note(id, receipt.ACCEPTED)
            self._shoot(command)
        elif kind == commands.RECORD and self.trace:
            why = later.call(_OPERATIONS, "record", self._node, command, verdict)
            self.commands.settle(id, why)
        elif kind == commands.ISSUERS:
            authority, counters = self.commands.authority, self._node.counters
            self.commands.settle(id, later.call(_CHANGES, "change", authority, counters, command))
            self._tell_issuers()
        elif kind == commands.STATUS:
            self._node.tell("health", True)
            self._tell_issuers()
            self.answer(id, receipt.DONE)  # not noted, as nobody has signed it
        else:
            self.commands.settle(id, "cmd_unknown")

    def _shoot(self, command):
        if self.parts.get("camera"):
            kind, size = command.args
            settle, id = self.commands.settle, command.id
            self.pictures.ask(COMMANDED, kind, size, lambda why: settle(id, why))
        else:
            self.commands.settle(command.id, "camera_silent")

    def answer(self, id, stage, reason=None):
        self._node.tell("receipt", receipt.body(id, stage, code(reason) if reason else None))

    # The server has not heard of it. One that a reset has cut is obeyed now.
    def repeated(self, command):
        stage = self.commands.authority.seen(command.id)
        if receipt.is_final(stage):
            self.answer(command.id, stage)
        elif command.command == commands.PICTURE and not self.pictures.busy:
            self._shoot(command)
