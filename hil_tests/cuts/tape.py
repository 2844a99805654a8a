"""What happened to a unit and its collector, in one ordered list: of a golden run, or a recovery.

    recording.history     # (us, what): every flash operation and datagram

`what` is a `FlashOp`, a `Datagram` or a `Stage`. The flash before operation N is `base` changed by
all operations before N (`states.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from fieldbeat.host_tools.nvs_image import Identity

from ..virtual.flash import FlashOp
from .desk import Desk
from .host import Memory

SENT, TAKEN, ANSWERED, ARRIVED = "sent", "taken", "answered", "down"
BEGUN, DONE, LEARNT = "begun", "done", "learnt"


class Datagram(NamedTuple):
    """What was on the air ("sent", "down"), or at the collector ("taken", "answered")."""

    kind: str
    data: bytes


class Stage(NamedTuple):
    """Where in its story the run is; with the indexes of configuration and identity it is about.

    "learnt" stands where the registry was written without a datagram: `memories` has one more.
    """

    name: str
    config: int = -1
    identity: int = 0


Happened = FlashOp | Datagram | Stage


@dataclass
class Recording:
    """One golden run; plain data, so that it can go to other processes."""

    story: str
    seed: int
    base: bytes = field(repr=False)
    nvs: tuple[int, int]  # offset and size of the partition
    vfs: tuple[int, int]
    identities: list[Identity]  # every one, in order
    history: list[tuple[int, Happened]] = field(default_factory=list)
    configs: list[bytes] = field(default_factory=list)  # every /config.cbor, in order
    memories: list[Memory] = field(default_factory=list)  # what the host knew, in order
    flash_at_end: bytes = field(default=b"", repr=False)

    @property
    def ops(self) -> list[FlashOp]:
        """The flash operations; number N stands at index N - 1."""
        return [what for _, what in self.history if isinstance(what, FlashOp)]


class Tape:
    """Fills a recording.

    Args:
        recording: what to fill.
        desk: where it happens.
        began_us: when the clock of the desk began, in us since the golden run did.
    """

    def __init__(self, recording: Recording, desk: Desk, began_us: int = 0) -> None:
        self.recording = recording
        self._desk = desk
        self._began_us = began_us
        self._aired = 0
        recording.memories.append(desk.host.memory())

    def note(self, what: Happened) -> None:
        """Add to the history, after what the network has carried meanwhile."""
        capture, history = self._desk.network.capture, self.recording.history
        for at_us, direction, data in capture[self._aired :]:
            kind = SENT if direction == "up" else ARRIVED
            history.append((self._began_us + at_us, Datagram(kind, data)))
        self._aired = len(capture)
        history.append((self._began_us + self._desk.world.now_us, what))

    def look(self) -> None:
        """Note it when the host knows more than it did."""
        memory = self._desk.host.memory()
        if memory != self.recording.memories[-1]:
            self.note(Stage(LEARNT))
            self.recording.memories.append(memory)

    def taken(self, datagram: bytes, answers: list[bytes]) -> None:
        """Note what the collector has stored and answered, and what it knows now."""
        self.note(Datagram(TAKEN, datagram))
        for answer in answers:
            self.note(Datagram(ANSWERED, answer))
        self.recording.memories.append(self._desk.host.memory())
