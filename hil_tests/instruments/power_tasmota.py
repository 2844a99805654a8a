"""Power by a plug with Tasmota, over HTTP.

[board.gh-01.power]
kind = "tasmota"
host = "192.0.2.7"
relay = 1
"""

from __future__ import annotations

from urllib.parse import urlencode

from ..benches.bench_file import Tasmota
from . import http_switch
from .switch import RealSwitch


class TasmotaPower(RealSwitch):
    """Implements `Power`; Tasmota's documentation, "Commands" (Power) and "HTTP"."""

    table: Tasmota

    def set(self, on: bool) -> None:
        word = "On" if on else "Off"
        if self._command(f"Power{self.table.relay} {word}") != on:
            answer = {"POWER": "unchanged"}
            raise http_switch.surprising(
                self.table.host, word, answer, "see PowerOnState, Interlock"
            )

    def is_on(self) -> bool:
        return self._command(f"Power{self.table.relay}")

    def _command(self, command: str) -> bool:
        table = self.table
        query = {"cmnd": command}
        password = http_switch.password(table.password_env)
        if password is not None:
            query = {"user": table.user, "password": password} | query
        path = "/cm?" + urlencode(query).replace("+", "%20")
        step = http_switch.wrong_password(table.user, table.password_env)
        answer = http_switch.get(table.host, path, step_401=step)
        # One relay answers POWER, several POWER1, POWER2, ...
        state = answer.get(f"POWER{table.relay}", answer.get("POWER"))
        if state not in ("ON", "OFF"):
            step = f"see that this is Tasmota, has relay {table.relay} and takes the password"
            raise http_switch.surprising(table.host, '{"POWER": ...}', answer, step)
        return state == "ON"
