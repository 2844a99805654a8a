"""What the unit of a golden run lives through.

The full story meets every kind of write: appends, acks, rotation and trimming of segments, an
alarm, three changes of the configuration over the console, sequence blocks reserved at boots and
in the middle of an outage, the replay window, and NVS pages that fill up and are compacted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from fieldbeat.host_tools import node_config
from fieldbeat.host_tools.node_config import NodeConfig

from .desk import BOARD, PORT, SERVER, UNIT

if TYPE_CHECKING:
    from .recorder import Golden

CONFIG = """
[node]
name = "{unit}"
site = "bench"
board = "{board}"
profile = "greenhouse"
[uplink]
host = "{server}"
port = {port}
apn = "iot.example"
interval_s = {interval_s}
budget_bytes_day = 1000000
[sampling]
interval_s = {sampling_s}
report_samples = {samples}
"""


def node(interval_s: int, sampling_s: int, samples: int, more: str = "") -> NodeConfig:
    """The unit's configuration: seconds between wakes, between samples, samples in a report."""
    text = CONFIG.format(
        unit=UNIT,
        board=BOARD,
        server=SERVER,
        port=PORT,
        interval_s=interval_s,
        sampling_s=sampling_s,
        samples=samples,
    )
    return node_config.parse(text + more, "cuts.toml")


def first() -> NodeConfig:
    """The configuration that every unit of a campaign begins with."""
    return node(60, 10, 12)


def signing() -> NodeConfig:
    """That of a unit that signs what it tells."""
    return node(60, 10, 12, "[trace]\n")


class Story(NamedTuple):
    """`boots` is the unit's age: how many boots have written to its NVS before."""

    tell: Callable[[Golden], None]
    boots: int
    first: Callable[[], NodeConfig] = first


def tell_full(golden: Golden) -> None:
    """Everything."""
    golden.until_told()
    golden.run_for(300)
    golden.reconfigure(node(30, 30, 12))
    golden.until_told()
    golden.away(2.3 * 3600)  # 256 wakes and more: a sequence block runs out without a reset
    golden.until_told()
    golden.run_for(120)
    golden.lose_store()
    golden.run_for(400)
    golden.reconfigure(node(60, 10, 12))
    golden.reconfigure(node(30, 10, 12))
    golden.until_told()
    golden.run_for(240)


def tell_short(golden: Golden) -> None:
    """A first contact, a new configuration, a report: what the quick tests need."""
    golden.until_told()
    golden.reconfigure(node(30, 10, 10))
    golden.until_told()
    golden.run_for(150)


def tell_keys(golden: Golden) -> None:
    """A first contact, and two new keys, each with a report under it."""
    golden.until_told()
    for _ in range(2):
        golden.rekey()
        golden.until_told()


def tell_contact(golden: Golden) -> None:
    """A first contact and a report, without a reset."""
    golden.until_told()
    golden.until_told()


def tell_trace(golden: Golden) -> None:
    """Two signatures, before the clock is set and after it, and records on both sides."""
    golden.until_told()
    golden.until_told()
    golden.run_for(150)


STORIES = {
    "full": Story(tell_full, 285),
    "short": Story(tell_short, 0),
    "keys": Story(tell_keys, 0),
    "contact": Story(tell_contact, 0),
    "trace": Story(tell_trace, 0, signing),
}
