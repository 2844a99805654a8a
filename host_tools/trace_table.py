"""The table `[trace]` of a node's file: what the unit tells is chained and signed."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pydantic import Field

from .language import tr
from .validation import Strict, did_you_mean

if TYPE_CHECKING:
    from .node_config import NodeConfig

KIND = r"^[a-z0-9-]{1,24}$"


class Button(Strict):
    """A fitted contact, and the operation that whoever presses it has done."""

    contact: str
    kind: str = Field(pattern=KIND, description="1 to 24 of a-z, 0-9 and '-', as 'irrigated'")


class Trace(Strict):
    """See docs/trace.md."""

    button: Button | None = None


def problems(config: NodeConfig) -> Iterator[str]:
    """Yield what a unit could not do, with the way out."""
    trace = config.tables.trace
    if trace is None:
        return
    if config.profile.role == "speaker":
        yield tr("[trace]: a speaker measures little and signs nothing, remove the table")
    if trace.button is None:
        return
    contacts = [name for name, part in config.enabled.items() if part.part == "contact"]
    named = trace.button.contact
    if named not in contacts:
        yield tr("[trace.button] contact = '{named}': no contact, {did_you_mean}").format(
            named=named, did_you_mean=did_you_mean(named, contacts)
        )
    for name, actuator in config.tables.actuator.items():
        for key in ("switch", "interlock"):
            if getattr(actuator, key) == named:
                yield tr(
                    "[trace.button] contact = '{named}': is the {key} of {name}, too; who uses "
                    "that would be signed as '{kind}', name another contact"
                ).format(named=named, key=key, name=name, kind=trace.button.kind)
    if trace.button.kind.startswith("batch-"):
        yield tr("[trace.button] kind = '{kind}': a button cannot name a batch").format(
            kind=trace.button.kind
        )
    if config.tables.power and config.tables.power.sleep != "never":
        yield (
            tr(
                "[trace.button]: a unit with [power] sleep = '{sleep}' does not see a "
                "button, set it to never or remove the button"
            ).format(sleep=config.tables.power.sleep)
        )
