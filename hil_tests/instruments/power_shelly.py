"""Power by a Shelly plug or relay, over HTTP.

[board.gh-01.power]
kind = "shelly"
host = "192.0.2.8"
generation = 2         # 1: /relay/0, 2 and newer: /rpc/Switch.Set
relay = 0

A password works with generation 1; generation 2 wants HTTP digest authentication by SHA-256,
which this does not speak.
"""

from __future__ import annotations

from ..benches.bench_file import Shelly
from . import http_switch
from .switch import RealSwitch


class ShellyPower(RealSwitch):
    """Implements `Power`; Shelly's API reference, "Relay" (gen 1) and "Switch" (gen 2)."""

    table: Shelly

    def set(self, on: bool) -> None:
        relay = self.table.relay
        if self.table.generation == 1:
            self._get(f"/relay/{relay}?turn={'on' if on else 'off'}")
        else:
            self._get(f"/rpc/Switch.Set?id={relay}&on={'true' if on else 'false'}")
        if self.is_on() != on:
            answer = {"output": not on}
            step = "see its overload protection and interlock"
            raise http_switch.surprising(self.table.host, f"output {on}", answer, step)

    def is_on(self) -> bool:
        relay, old = self.table.relay, self.table.generation == 1
        answer = self._get(f"/relay/{relay}" if old else f"/rpc/Switch.GetStatus?id={relay}")
        state = answer.get("ison" if old else "output")
        if not isinstance(state, bool):
            step = f"see that generation = {self.table.generation} and relay = {relay} are right"
            raise http_switch.surprising(self.table.host, "its state", answer, step)
        return state

    def _get(self, path: str) -> dict:
        password = http_switch.password(self.table.password_env)
        return http_switch.get(self.table.host, path, self.table.user, password)
