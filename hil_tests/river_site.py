"""River stations on a bench, with a collector: what tests and demos of rivers stand on."""

from __future__ import annotations

from fieldbeat.host_tools import node_config
from fieldbeat.host_tools.node_config import NodeConfig

from .virtual.river import River
from .virtual.site import CONFIG, Site

UNIT = "river-01"
BOARDS = ("river_cam_esp32s3", "river_cam_esp32_uart")
DATUM_MM = 4200  # as in virtual/river.py
FITTED = f"""
[fitted.river]
datum_mm = {DATUM_MM}
"""


def river_config(
    board: str = BOARDS[0], unit: str = UNIT, more: str = "", profile: str = "river"
) -> NodeConfig:
    """The node of a river station; `more` is TOML that goes to the end, first of its level."""
    text = CONFIG.format(unit=unit, board=board).replace('"greenhouse"', f'"{profile}"')
    return node_config.parse(text + FITTED + more, f"{unit}.toml")


class RiverSite(Site):
    """A site at the scene's river."""

    @property
    def river(self) -> River:
        return self.scene.river

    def value(self, channel: str, unit: str = UNIT) -> str:
        """The latest value of a channel as the collector shows it."""
        readings = self.views.unit(unit, self.now_s).readings
        [found] = [reading.text for reading in readings if reading.channel == channel]
        return found
