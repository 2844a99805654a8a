"""A loudspeaker as the collector sees it: opens commands, judges them, and tells how far it came.

It has no sound; what it says in its receipts is chosen by the test.
"""

from __future__ import annotations

from typing import Any

from fieldbeat.host_tools.issuers import Issuer
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import command, event, frame, receipt
from fieldbeat.protocols.authority import REPEATED, Authority
from fieldbeat.protocols.reason_codes import CODES
from fieldbeat.protocols.replay import Window

from .sender import Sender


class Loudspeaker(Sender):
    """Obeys some issuers; `address` is where its datagrams come from."""

    def __init__(
        self,
        registry: Registry,
        name: str,
        area: str = "riverside",
        groups: tuple[int, ...] = (),
        issuers: tuple[Issuer, ...] = (),
        address: Any = None,
    ) -> None:
        super().__init__(registry, name)
        told = {"role": "speaker", "site": area, "groups": ",".join(map(str, groups))}
        registry.describe(name, "test", **told)
        self.groups = groups
        self.authority = Authority({each.kid: each.for_units() for each in issuers}, {})
        self.address = address or ("192.0.2.1", 10_000 + int.from_bytes(self.keys.kid, "big"))
        self.window = Window()
        self.rn = 0
        self.got: list[Any] = []  # commands, also the refused and repeated ones
        self.acks = 0
        self.synced = True  # knows the time; an answer tells it

    @property
    def source(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    def hello(self) -> bytes:
        """Return a datagram that asks for an answer, as a keep-alive does."""
        return self.seal([])

    def tell(self, id_: bytes, stage: int, t: float, reason: str = "", **more: Any) -> bytes:
        """Return a datagram with a receipt."""
        code = CODES[reason] if reason else None
        body = receipt.body(id_, stage, code, **more)
        self.rn += 1
        return self.seal([event.encode(self.rn, event.RECEIPT, int(t) - DEVICE_EPOCH_S, body)])

    def event(self, type_: int, body: dict[int, Any], now_s: float) -> bytes:
        """Return an event record under its next number."""
        self.rn += 1
        return event.encode(self.rn, type_, int(now_s) - DEVICE_EPOCH_S, body)

    def issuers(self, now_s: float, clips: str | None = None) -> bytes:
        """Return a datagram that tells whom it obeys, and its clips, as after its start."""
        body: dict[int, Any] = {event.CONFIG_ISSUERS: list(self.authority.issuers)}
        if clips is not None:
            body[event.CONFIG_CLIPS] = clips
        return self.seal([self.event(event.CONFIG, body, now_s)])

    def _change(self, told: Any, now_s: float) -> bytes:
        after = self.authority.issuers_after(told)
        if after is None:
            return self.tell(told.id, receipt.REFUSED, now_s, "cmd_rights")
        self.authority.issuers = after
        self.authority.note(told.id, receipt.DONE)
        records = [
            self.event(event.CONFIG, {event.CONFIG_ISSUERS: list(after)}, now_s),
            self.event(event.RECEIPT, receipt.body(told.id, receipt.DONE), now_s),
        ]
        return self.seal(records)

    def take(self, datagram: bytes, now_s: float) -> bytes | None:
        """Take a datagram and return its receipt if it is a command."""
        cls, piv, plaintext = self.keys.open(frame.DOWN, datagram, self.window)
        if cls != frame.COMMAND:
            self.acks += 1
            self.synced = True
            return None
        self.window.accept(piv)
        now = int(now_s) - DEVICE_EPOCH_S
        verdict = self.authority.check(plaintext, self.keys.kid, self.groups, now, self.synced)
        self.got.append(verdict.command)
        if verdict.reason == REPEATED:
            stage = self.authority.seen(verdict.command.id)
            return self.tell(verdict.command.id, stage, now_s)
        if verdict.reason:
            return self.tell(verdict.command.id, receipt.REFUSED, now_s, verdict.reason)
        self.authority.accept(verdict)
        if verdict.command.command == command.ISSUERS:
            return self._change(verdict.command, now_s)
        self.authority.note(verdict.command.id, receipt.ACCEPTED)
        return self.tell(verdict.command.id, receipt.ACCEPTED, now_s)
