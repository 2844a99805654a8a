"""A whole station whose modem and soil probe are on another board: the stimulus fixture's UARTs.

Two virtual boards in one world, the wires between them: TX to RX, and the two pins of the modem.
"""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import node_config

from .stimulus.remote import Stimulus, StimulusError
from .stimulus.wired import add_fixture, connect
from .virtual.site import CONFIG, Site

QUICK = (
    CONFIG.format(unit="gh-01", board="greenhouse_esp32").replace("3600", "60")
    + """
ack_timeout_s = 10
budget_bytes_day = 1000000

[sampling]
interval_s = 10
report_samples = 3
"""
)
VALUES = {"soil_moisture": 31.4, "soil_temperature": -2.6}


class Bench:
    """The station, the fixture, and the host between the fixture and the collector."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.pico = add_fixture(site, VALUES, int(site.now_s))
        self.stimulus = Stimulus(self.pico.console_write, site.run_until, self.up)
        self.pico.on_output(self.stimulus.feed)
        self.sent: list[bytes] = []
        node = node_config.parse(QUICK, "gh-01.toml")
        self.host = node.tables.uplink.host, node.tables.uplink.port
        self.station = site.add_station(node)
        connect(self.station, self.pico)

    def up(self, number: int, host: str, port: int, data: bytes) -> None:
        """A datagram of the fixture's modem goes to the collector of the site."""
        assert (host, port) == self.host
        self.sent.append(data)
        for answer in self.site.collector.handle(data, f"fixture:{number}", self.site.now_s):
            self.stimulus.post(number, answer)


@pytest.fixture
def wired(tmp_path):
    with Site(seed=3, workdir=tmp_path) as site:
        yield Bench(site)


def history(site: Site, channel: str) -> list[float]:
    """The values of a channel that the collector has, oldest first."""
    rows = sorted(site.views.history("gh-01", channel, 1000), key=lambda row: row.at_s)
    return [row.value for row in rows if row.value is not None]


@pytest.mark.long
def test_a_station_reports_what_the_fixture_plays(wired):
    site, stimulus = wired.site, wired.stimulus
    site.run_for(150)
    assert len(wired.sent) >= 2
    assert len(history(site, "soil_moisture")) >= 6
    assert all(abs(value - 31.4) < 1 for value in history(site, "soil_moisture"))
    assert all(abs(value + 2.6) < 0.5 for value in history(site, "soil_temperature"))
    assert history(site, "air_temperature")  # of the station's own bus
    stimulus.set("soil_temperature", 24.0)
    stimulus.faults.modem.send_ok_never_sent = True  # reports are lost without a word
    sent = len(wired.sent)
    site.run_for(100)
    assert stimulus.faults.fired["modem.send_ok_never_sent"] >= 1
    assert len(wired.sent) == sent
    stimulus.faults.modem.send_ok_never_sent = False
    site.run_for(200)
    assert len(wired.sent) > sent
    assert abs(history(site, "soil_temperature")[-1] - 24.0) < 0.5
    view = site.views.unit("gh-01", site.now_s)
    assert (view.missing, view.refused) == (0, {})
    assert stimulus.faults.unfired() == []


def test_what_the_fixture_refuses_is_told(wired):
    wired.site.run_for(5)
    with pytest.raises(StimulusError, match="no fault 'melted'"):
        wired.stimulus.faults.soil.melted = True
    assert wired.stimulus.ask("status")["parts"] == ["modem", "soil"]
    wired.pico.power_off()
    with pytest.raises(StimulusError, match="does not answer to 'status': is main.py running"):
        wired.stimulus.ask("status")
