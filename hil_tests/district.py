"""A district on the bench: an issuer, poles that know him, and the desk that orders alerts.

with District(folder) as district:
    pole = district.add_pole()
    order = district.order([[TONE, STEADY, 3000]])
    district.until(order, receipt.DONE)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fieldbeat.host_tools import issuer_keys, node_config, upkeep
from fieldbeat.host_tools.alert_desk import Desk
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.alert_plan import Plan
from fieldbeat.host_tools.alert_request import Request
from fieldbeat.host_tools.issuers import Issuer
from fieldbeat.host_tools.node_config import NodeConfig
from fieldbeat.host_tools.orders import Delivery, Order
from fieldbeat.host_tools.signed_commands import Signer, Window
from fieldbeat.host_tools.sounds import Sound
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import cbor, cose
from fieldbeat.protocols.command import EMERGENCY

from .virtual.site import Site

EXAMPLES = Path(__file__).resolve().parents[1] / "docs" / "examples"
EXAMPLE = EXAMPLES / "speaker.toml"


class District(Site):
    """A site with an issuer and poles that know him."""

    def __init__(self, workdir: Path, seed: int = 1, **options: Any) -> None:
        super().__init__(seed, workdir, **options)
        self.desk_store = Store(workdir / "collector.db", create=False)  # as another process
        self.desk = Desk(self.registry, self.desk_store, lambda: self.now_s)
        self.issuers = self.desk.issuers
        self.signer = self.new_issuer("district")
        self.nodes: dict[str, NodeConfig] = {}  # of its poles

    def close(self) -> None:
        """Ends all of it."""
        self.desk_store.close()
        super().close()

    def new_issuer(self, name: str, highest_class: int = EMERGENCY, level: int = 1) -> Signer:
        """Makes an issuer; poles that are put up from now on know him."""
        key = issuer_keys.generate(cose.ES256)
        return Signer(self.issuers.add(name, cose.ES256, key.public, highest_class, level), key)

    def add_pole(self, name: str = "speaker-01", sounds=None, more: str = "", **changes):
        """Puts up a pole, and waits until it knows the time; see `begin_pole`."""
        pole = self.begin_pole(name, sounds, more, **changes)
        self.run_for(30)  # it has asked the server
        return pole

    def begin_pole(self, name: str, sounds=None, more: str = "", **changes):
        """The same at once; `changes` are keys of its config, `more` goes to the end of it."""
        text = EXAMPLE.read_text().replace("speaker-01", name)
        changes = {"battery_min_mv": 3000} | changes  # the scene has one cell of lithium
        for key, value in changes.items():
            before = next(line for line in text.splitlines() if line.startswith(f"{key} ="))
            text = text.replace(before, f"{key} = {value}")
        self.nodes[name] = node_config.parse(text + more, f"{name}.toml")
        return self.add_station(self.nodes[name], sounds=sounds)

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
        window = Window(start_s, self.now_s + 60 * minutes)
        parts = choose(self.registry, everyone=True)
        issuers = [signer.issuer for signer in signers]
        plan = self.desk.plan_sound(Sound(class_, level, content, **more), window, parts, issuers)
        return self.send(plan, *signers)

    def cancel(self, order: Order) -> Order:
        """Cancels what was ordered."""
        done = self.desk.cancel(order, [self.signer.issuer], self._keys(self.signer))
        self.dispatch()
        return done

    def self_test(self, silent: bool) -> Order:
        """Orders a self-test of every pole."""
        request = Request(everyone=True, silent=silent, issuers=["district"])
        return self.send(upkeep.self_test(self.desk, request))

    def send(self, plan: Plan, *signers: Signer) -> Order:
        """Hands an order to the collector, as `fieldbeat alert send` does."""
        order = self.desk.send(plan, self._keys(*(signers or [self.signer])))
        self.dispatch()
        return order

    def _keys(self, *signers: Signer):
        def keys(issuers: Sequence[Issuer]) -> list[Signer]:
            assert len(issuers) == len(signers)
            return list(signers)

        return keys

    def told(self, order: Order, unit: str = "speaker-01") -> Delivery:
        """Returns what the collector knows of an order at a pole."""
        return next(d for d in self.desk.orders.deliveries(order) if d.unit == unit)

    def until(
        self, order: Order, stage: int, timeout_s: float = 60, unit: str = "speaker-01"
    ) -> Delivery:
        """Lets time pass until a pole has told a stage; looks whenever something was received."""
        looked = -1

        def has_told() -> bool:
            nonlocal looked
            if looked == len(self.outcomes):
                return False
            looked = len(self.outcomes)
            return self.told(order, unit).stage == stage

        assert self.run_until(has_told, timeout_s), self.told(order, unit)
        return self.told(order, unit)

    def events(self, unit: str, type_: int) -> list[dict]:
        """Returns what a pole has told of one type, oldest first."""
        rows = self.desk_store.database.all(
            "SELECT body FROM events WHERE unit = ? AND type = ? ORDER BY record", unit, type_
        )
        return [cbor.decode(row["body"]) for row in rows]
