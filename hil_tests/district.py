"""A district on the bench: an issuer, poles that know him, and a desk that orders alerts.

with District(folder) as district:
    pole = district.add_pole()
    order = district.order([[TONE, STEADY, 3000]])
    district.until(order, receipt.DONE)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fieldbeat.host_tools import alerts, issuer_keys, node_config
from fieldbeat.host_tools.alerts import Maker, Signer, Sound, Window, choose
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.orders import Delivery, Order, Orders
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import command, command_writer, cose
from fieldbeat.protocols.command import DAILY, EMERGENCY

from .virtual.site import Site

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
EXAMPLE = EXAMPLES / "speaker.toml"


class District(Site):
    """A site with an issuer and poles that know him."""

    def __init__(self, workdir: Path, seed: int = 1, **options: Any) -> None:
        super().__init__(seed, workdir, **options)
        self.issuers = Issuers(self.registry, now=lambda: self.now_s)
        self.signer = self.new_issuer("district")
        self.desk_store = Store(workdir / "collector.db", create=False)  # as another process
        self.desk = Orders(self.desk_store)

    def close(self) -> None:
        """Ends all of it."""
        self.desk_store.close()
        super().close()

    def new_issuer(self, name: str, highest_class: int = EMERGENCY, level: int = 1) -> Signer:
        """Makes an issuer; poles that are put up from now on know him."""
        key = issuer_keys.generate(cose.ES256)
        return Signer(self.issuers.add(name, cose.ES256, key.public, highest_class, level), key)

    def add_pole(self, name: str = "speaker-01", sounds=None, more: str = "", **changes):
        """Puts up a pole; `changes` are keys of its config, `more` goes to the end of it."""
        text = EXAMPLE.read_text().replace("speaker-01", name)
        for key, value in changes.items():
            before = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
            text = text.replace(before, f"{key} = {value}")
        pole = self.add_station(node_config.parse(text + more, f"{name}.toml"), sounds=sounds)
        self.run_for(30)  # it has asked the server, and knows the time
        return pole

    def order(
        self,
        content: list[list[Any]],
        class_: int = EMERGENCY,
        level: int = 1,
        minutes: float = 10,
        start_s: float = 0.0,
        signers: Sequence[Signer] = (),
        **more: Any,
    ) -> Order:
        """Orders an alert for everybody; without `signers` the district signs."""
        signers = signers or [self.signer]
        sound = Sound(class_, level, content, **more)
        window = Window(start_s, self.now_s + 60 * minutes)
        maker = Maker(self.issuers, signers, self.now_s)
        made = maker.alert(sound, window, choose(self.registry, everyone=True))
        return self.hand_over(command.ALERT, sound, window, made)

    def cancel(self, order: Order) -> Order:
        """Cancels what was ordered."""
        sent = [
            alerts.Made(id_, plaintext, tuple(self.registry.unit(name) for name in names))
            for id_, plaintext, names in self.desk.commands(order)
        ]
        rank = order.class_, order.level
        window = Window(0, order.expires_s)
        maker = Maker(self.issuers, [self.signer], self.now_s)
        made = maker.cancel(rank, sent, order.expires_s)
        return self.hand_over(command.CANCEL, Sound(*rank, []), window, made, order.id)

    def self_test(self, silent: bool) -> Order:
        """Orders a self-test of the first pole."""
        unit = self.registry.unit("speaker-01")
        args = command_writer.command(
            command.SELFTEST,
            bytes([silent]) * 8,
            True,
            int(self.now_s) - DEVICE_EPOCH_S + 600,
            silent,
            counter=self.issuers.next_counter(self.signer.issuer),
        )
        signed = command_writer.sign(
            command_writer.encode(args),
            cose.ES256,
            self.signer.issuer.kid,
            self.signer.key.sign,
        )
        made = [alerts.Made(args.id, signed, (unit,))]
        window = Window(0, self.now_s + 600)
        return self.hand_over(command.SELFTEST, Sound(DAILY, 4, []), window, made)

    def hand_over(
        self,
        kind: int,
        sound: Sound,
        window: Window,
        made: Sequence[alerts.Made],
        cancels: bytes | None = None,
    ) -> Order:
        """Writes commands into the collector's store, as `fieldbeat alert send` does."""
        order = Order(
            made[0].id,
            kind,
            sound.class_,
            sound.level,
            sound.silent,
            self.now_s,
            window.start_s,
            window.expires_s,
            "district",
            "a test",
            cancels=cancels,
        )
        self.desk.add(order, made)
        self.dispatch()
        return order

    def told(self, order: Order, unit: str = "speaker-01") -> Delivery:
        """Returns what the collector knows of an order at a pole."""
        return next(d for d in self.desk.deliveries(order) if d.unit == unit)

    def until(self, order: Order, stage: int, timeout_s: float = 60) -> Delivery:
        """Lets time pass until the first pole has told a stage."""
        assert self.run_until(lambda: self.told(order).stage == stage, timeout_s), self.told(order)
        return self.told(order)
