"""A district whose poles have Wi-Fi, with NB-IoT as the way back."""

from __future__ import annotations

from typing import Any

from fieldbeat.host_tools import node_config

from .district import EXAMPLES, District
from .virtual.access_point import AccessPoint
from .virtual.board import VirtualBoard

TEXT = (EXAMPLES / "speaker-nbiot.toml").read_text()
SSID, PASSWORD = "riverside-poles", "correct horse"


class TwoRoads(District):
    """Its access point stands in `wifi`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.wifi = self.network.lan.wifi[SSID] = AccessPoint(PASSWORD)

    def put_up(
        self, name: str = "speaker-01", run_s: float = 60, wifi: str = "", **options: Any
    ) -> VirtualBoard:
        """Puts up a pole; after `run_s` it has asked the server, and knows the time.

        `wifi` is TOML in place of the line with the name of the access point.
        """
        text = TEXT.replace("speaker-01", name)
        if wifi:
            before = next(line for line in text.splitlines() if line.startswith("ssid ="))
            text = text.replace(before, wifi)
        pole = self.add_station(node_config.parse(text, f"{name}.toml"), **options)
        self.run_for(run_s)
        return pole

    def source(self, name: str = "speaker-01") -> str:
        """Where the collector heard the pole last."""
        return self.store.contact(name).source

    def road(self, pole: VirtualBoard, name: str = "speaker-01") -> str:
        """Which road its frames have come over last, as the network has seen it."""
        modem = pole.fitted.modem
        sources = {
            f"{host}:{port}"
            for socket in modem.radio.sockets.values()
            for mapping in socket.line.mappings.values()
            for host, port in [mapping.source]
        }
        return "nbiot" if self.source(name) in sources else "wifi"
