"""The golden run: a story that a provisioned unit lives through, with all that it leaves behind.

recording = record("full")
recording.history     # (us, what): every flash operation and datagram, in one ordered list
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.host_tools.partition_table import Partition
from fieldbeat.host_tools.provisioner import Provisioner
from fieldbeat.host_tools.provisioning_plan import Plan
from fieldbeat.protocols import cbor

from ..virtual import nvs
from ..virtual.board import VirtualBoard
from ..virtual.errors import BenchError, PowerCut
from ..virtual.flash import SECTOR, FlashOp
from . import firmware_image
from .desk import SIGNING_KEY, UNIT, Desk, scratch_folder
from .smp_console import SmpConsole
from .tape import BEGUN, DONE, Recording, Stage, Tape


class Golden:
    """What a story can do with its unit."""

    def __init__(self, recording: Recording, desk: Desk, cut_before: int | None) -> None:
        self.desk = desk
        self.recording = recording
        self._cut_before = cut_before
        self.is_cut = False
        self._provisioning = False
        self.console = SmpConsole(desk, desk.unit)
        self._tape = Tape(recording, desk)
        self.note = self._tape.note
        desk.unit.flash.before_op = self._flash
        desk.host.on_taken = self._tape.taken

    @property
    def board(self) -> VirtualBoard:
        """The unit."""
        return self.desk.unit

    def _flash(self, op: FlashOp) -> None:
        if op.number == self._cut_before:
            self.is_cut = True
            raise PowerCut
        if self._provisioning:
            self._tape.look()
        self.note(op)

    # What stories are made of

    def run_for(self, seconds: float) -> None:
        """Let virtual time pass; PowerCut when the power went."""
        self._until(lambda: False, seconds)

    def _until(self, condition: Callable[[], object], seconds: float) -> bool:
        met = self.desk.run_until(lambda: self.is_cut or condition(), seconds)
        if self.is_cut:
            raise PowerCut
        return met

    def until_told(self, timeout_s: float = 600) -> None:
        """Wait until the collector has taken another datagram and answered, and the unit knows."""
        before = self.desk.host.taken
        if not self._until(lambda: self.desk.host.taken > before, timeout_s):
            raise BenchError(f"the golden run heard nothing for {timeout_s} s")
        self.run_for(8)

    def reconfigure(self, node: NodeConfig) -> None:
        """Give the unit another configuration, as `fieldbeat provision` does."""
        self.recording.configs.append(cbor.encode(node.to_device_map()))
        self._provision(len(self.recording.identities) - 1, rekey=False)

    def rekey(self) -> None:
        """Give the unit another key, as `fieldbeat provision --rekey` does."""
        self._provision(len(self.recording.identities), rekey=True)

    def _provision(self, identity: int, rekey: bool) -> None:
        configs, registry = self.recording.configs, self.desk.host.registry
        self.note(Stage(BEGUN, len(configs) - 1, identity))
        self._provisioning = True
        try:
            provisioner = Provisioner(self.console, registry, lambda *step: None)
            provisioner.run(plan_of(configs[-1]), rekey)
        except BenchError as error:
            raise PowerCut if self.is_cut else error from error
        finally:
            if rekey:
                self.recording.identities.append(self.desk.host.identity(UNIT))
        self._provisioning = False
        self._tape.look()
        self.note(Stage(DONE, len(configs) - 1, identity))

    def away(self, seconds: float) -> None:
        """Take the network away for a while."""
        self.note(Stage("network away"))
        self.desk.network.away(True)
        self.run_for(seconds)
        self.desk.network.away(False)
        self.note(Stage("network back"))

    def lose_store(self) -> None:
        """Let the collector begin again with an empty store."""
        self.note(Stage("the collector's store is lost"))
        self.desk.host.lose_store()
        self.recording.memories[-1] = self.desk.host.memory()


def plan_of(config: bytes) -> Plan:
    """What `fieldbeat provision` makes of the content of a /config.cbor."""
    map_ = cbor.decode(config)
    names = map_["node"]
    return Plan(
        *(names["name"], names["site"], names["board"], names["profile"]),
        map_["uplink"]["interval_s"],
        config,
    )


def age_files(desk: Desk, part: Partition) -> None:
    """Fill free sectors with what somebody has left there: no flash in the field is blank."""
    flash, blank = desk.unit.flash, b"\xff" * SECTOR
    chance = random.Random(desk.world.seed)
    for at in range(part.offset, part.offset + part.size, SECTOR):
        if flash.read(at, SECTOR) == blank:
            flash.load(at, chance.randbytes(SECTOR))


def age_nvs(desk: Desk, part: Partition, boots: int) -> None:
    """Leave in NVS what so many boots leave there, so that its pages turn during the run."""
    store = nvs.Nvs(desk.unit.flash, part.offset, part.size)
    for _ in range(boots):
        store.set_i32("fieldbeat", "tries", 1)
        store.set_i32("fieldbeat", "tries", 0)


def record(
    story: str = "full",
    seed: int = 1,
    patches: firmware_image.Patches | None = None,
    base: bytes | None = None,
    cut_before: int | None = None,
) -> Recording:
    """Run a story and return what happened.

    Args:
        story: a name in `stories.STORIES`.
        seed: of the bench.
        patches: changes to the firmware's files, for proofs that the oracle sees.
        base: the flash to begin with, of an earlier recording of this story and seed.
        cut_before: cut the power of the board before this operation, and end there.

    Raises:
        BenchError: the run did not go as its story tells.
    """
    from .stories import STORIES

    if story not in STORIES:
        raise BenchError(f"there is no story {story!r}: give one of {', '.join(STORIES)}")
    with scratch_folder() as folder, Desk(seed, folder) as desk:
        recording = _prepare(
            desk, STORIES[story].first(), story, STORIES[story].boots, patches, base
        )
        golden = Golden(recording, desk, cut_before)
        desk.unit.power_on()
        try:
            STORIES[story].tell(golden)
        except PowerCut:
            pass
        recording.flash_at_end = desk.unit.flash.read(0, desk.unit.flash.size)
    if cut_before is not None and not golden.is_cut:
        raise BenchError(f"operation {cut_before} never came: the run has {len(recording.ops)}")
    return recording


def _prepare(
    desk: Desk,
    node: NodeConfig,
    story: str,
    boots: int,
    patches: firmware_image.Patches | None,
    base: bytes | None,
) -> Recording:
    """Fill the flash of a unit that has a key and a past."""
    flash, registry = desk.unit.flash, desk.host.registry
    nvs_part, vfs_part = firmware_image.layout(node)
    registry.allocate(UNIT, "bench")
    identity = desk.host.identity(UNIT)
    if base is None:
        signs = replace(identity, trace=SIGNING_KEY) if node.tables.trace else identity
        flash.load(0, firmware_image.build(node, signs, patches))
        age_files(desk, vfs_part)
        age_nvs(desk, nvs_part, boots)
        flash.ops = 0
        base = flash.read(0, flash.size)
    flash.load(0, base)
    areas = (nvs_part.offset, nvs_part.size), (vfs_part.offset, vfs_part.size)
    recording = Recording(story, desk.world.seed, base, *areas, [identity])
    recording.configs.append(cbor.encode(node.to_device_map()))
    return recording
