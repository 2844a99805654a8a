"""Power by a Shelly plug or relay, over HTTP.

[board.gh-01.power]
kind = "shelly"
host = "192.0.2.8"
generation = 2         # 1: /relay/0, 2 and newer: /rpc/Switch.Set
relay = 0

password_env = "PLUG_PASSWORD"

A password travels by HTTP basic authentication to generation 1, and by digest authentication with
SHA-256 (RFC 7616) to generation 2, whose only user is admin.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..benches.bench_file import Shelly
from . import http_switch
from .switch import RealSwitch

if TYPE_CHECKING:
    from requests.auth import AuthBase


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

    def _get(self, path: str) -> dict[str, Any]:
        table = self.table
        step = http_switch.wrong_password(table.user, table.password_env)
        return http_switch.get(table.host, path, self._auth(), step)

    def _auth(self) -> AuthBase | None:
        password = http_switch.password(self.table.password_env)
        if password is None:
            return None
        from requests.auth import HTTPBasicAuth, HTTPDigestAuth

        kind = HTTPBasicAuth if self.table.generation == 1 else HTTPDigestAuth
        return kind(self.table.user, password)
