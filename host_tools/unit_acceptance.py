"""Has a unit test itself over its console port, and makes a certificate of what it finds."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from fieldbeat.protocols import cbor

from . import acceptance
from .acceptance import FAILED, NOT_TESTED, Check, Limit
from .certificate import Certificate, Picture
from .errors import CannotTry
from .language import tr
from .node_tables import check_name
from .registered_unit import SPEAKER
from .unit_words import in_words

WAKE_S = 300.0  # a modem in bad coverage takes minutes
VERB_S = 60.0  # a sensor of a slow kind takes 15 s, and a unit on the air lets it wait
BUSY_TRIES, BUSY_S = 6, 5.0  # a unit on the air may have no heap for a check
UPLINK = "modem.uplink"
# What it reports into where there is no server, or no network: protocols/reasons.py. A modem or a
# SIM that does not do what it should has other reasons.
_NO_NETWORK = {"reg_searching", "attach_paused", "network_down", "network_no_route"}
NOBODY_THERE = frozenset({"no_ack", "wifi_no_answer"} | _NO_NETWORK)


class Link(Protocol):
    """What is needed of an `SmpLink`."""

    def download(self, path: str) -> bytes | None: ...
    def run(self, argv: list[str], attempts: int = 1, timeout_s: float = 0) -> tuple[str, int]: ...
    def read_setting(self, name: str) -> bytes | None: ...
    def information(self) -> str: ...


@dataclass(frozen=True)
class Facts:
    """What a unit says that it is."""

    unit: str
    site: str
    kid: bytes
    mac: bytes
    board: str
    profile: str
    role: str
    firmware: str
    app: str
    build_id: str
    config_sha256: bytes
    issuers: bytes | None = None  # whom a loudspeaker obeys, as it keeps them


def facts(link: Link) -> Facts:
    """Return what a unit is.

    Raises:
        CannotTry: it was not flashed or not provisioned, or one of its files is torn.
        LinkError: the connection failed.
    """
    config, board, profile, app = (
        _file(link, name) for name in ("config", "board", "profile", "app")
    )
    kid, mac = link.read_setting("id/kid"), link.read_setting("id/mac")
    digest = link.read_setting("config/sha256")
    if not kid or not mac or not digest:
        message = tr("the unit is not provisioned")
        raise CannotTry(message, tr("fieldbeat provision --port PORT FILE.toml"))
    role = profile.get("role", "station")
    return Facts(
        unit=check_name(_entry(config, "config", "node", "name")),  # files are named after it
        site=check_name(_entry(config, "config", "node", "site")),
        kid=kid,
        mac=mac,
        board=_entry(board, "board", "id"),
        profile=_entry(profile, "profile", "id"),
        role=role,
        firmware=link.information(),
        app=_entry(app, "app", "version"),
        build_id=_entry(app, "app", "build_id"),
        config_sha256=digest,
        issuers=link.read_setting("key/issuers") if role == SPEAKER else None,
    )


def build_id(link: Link) -> str:
    """Return the build id of a unit's app.

    Raises:
        CannotTry: it does not say it: it was not flashed, or its file is torn.
        LinkError: the connection failed.
    """
    return _entry(_file(link, "app"), "app", "build_id")


def run(
    link: Link,
    tell: Callable[[float], None] = lambda share: None,
    on_air: bool = False,
    pause: Callable[[float], None] = time.sleep,
) -> list[Check]:
    """Have a unit run all its checks; return what it found.

    Args:
        link: to the unit.
        tell: gets which share of the checks is done, after each.
        on_air: let it report first, so that signal, way and clock can be judged. Without it a
            way that led to nobody was not tested: there may be no server here.
        pause: waits for seconds.

    Raises:
        CannotTry: its program has no self-test.
        LinkError: the connection failed.
    """
    text, code = link.run(["selftest", "list"], attempts=3, timeout_s=VERB_S)
    if code or not text.split():
        message = tr("this unit's program has no self-test: {answer}")
        step = tr("build a newer image, and flash it")
        raise CannotTry(message.format(answer=in_words(" ".join(text.split()))), step)
    if on_air:
        link.run(["uplink"], timeout_s=WAKE_S)  # what became of it is the check of the modem
    found: list[Check] = []
    names = text.split()
    for done, name in enumerate(names, 1):
        rows = _one(link, name, pause)
        found += rows if on_air else map(_without_a_way, rows)
        tell(done / len(names))
    return found


def _without_a_way(row: Check) -> Check:
    nobody = row.name == UPLINK and row.verdict == FAILED and row.text in NOBODY_THERE
    return replace(row, verdict=NOT_TESTED) if nobody else row


def _one(link: Link, name: str, pause: Callable[[float], None]) -> list[Check]:
    text = ""
    for attempt in range(BUSY_TRIES):
        text, _ = link.run(["selftest", name], attempts=3, timeout_s=VERB_S)
        if rows := acceptance.parse(text):
            return rows
        if "MemoryError" not in text:
            break
        if attempt + 1 < BUSY_TRIES:
            pause(BUSY_S)
    told = " ".join(text.split())
    return acceptance.parse(f"FAIL {name} {told}")


def certificate(
    of: Facts,
    found: Sequence[Check],
    limits: Sequence[Limit],
    technician: str,
    at_s: float,
    pictures: Sequence[Picture] = (),
    firmware_sha256: bytes | None = None,
) -> Certificate:
    """Return a certificate of what was found, judged by the limits."""
    return Certificate(
        unit=of.unit,
        site=of.site,
        kid=of.kid,
        mac=of.mac,
        board=of.board,
        profile=of.profile,
        firmware=of.firmware,
        app=of.app,
        build_id=of.build_id,
        config_sha256=of.config_sha256,
        technician=technician,
        at_s=int(at_s),
        checks=tuple(acceptance.judge(found, limits, of.board, of.role)),
        pictures=tuple(pictures),
        firmware_sha256=firmware_sha256,
    )


def differences(done: Certificate, now: Facts) -> list[str]:
    """Return in what a unit is not the one of a certificate, or not as it was then."""
    if now.unit != done.unit:
        return [tr("this unit is {unit}, it is of {other}").format(unit=now.unit, other=done.unit)]
    told = [
        (tr("the chip"), done.mac, now.mac),
        (tr("the key id"), done.kid, now.kid),
        (tr("the board"), done.board, now.board),
        (tr("the firmware"), done.firmware, now.firmware),
        (tr("the app"), done.build_id, now.build_id),
        (tr("the configuration"), done.config_sha256, now.config_sha256),
    ]
    text = tr("{what} of this unit is another one than was tested")
    return [text.format(what=what) for what, then, today in told if then != today]


def _file(link: Link, name: str) -> dict[str, Any]:
    data = link.download(f"/{name}.cbor")
    if data is None:
        message = tr("the unit has no /{name}.cbor").format(name=name)
        raise CannotTry(message, tr("flash and provision it first: 'fieldbeat flash'"))
    try:
        content = cbor.decode(data)
    except cbor.CBORError:
        content = None
    if not isinstance(content, dict):
        raise _torn(name)
    return content


def _entry(content: Any, name: str, *keys: str) -> str:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    if not isinstance(content, str):
        raise _torn(name)
    return content


def _torn(name: str) -> CannotTry:
    message = tr("/{name}.cbor of the unit is damaged").format(name=name)
    if name == "config":
        return CannotTry(message, tr("fieldbeat provision --port PORT FILE.toml"))
    return CannotTry(message, tr("flash it again, then provision it: 'fieldbeat flash'"))
