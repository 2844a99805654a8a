"""Reads a unit for `doctor`: by its serial port, and what registry and store know of it.

What fails does not end the reading: it is told as missing, and the rest is looked at.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from . import open_files, retired_boards, tracebacks
from .boot_window import HeldLink
from .doctor_evidence import Evidence
from .errors import FieldbeatError
from .language import tr
from .registry import Registry
from .smp_link import AtPrompt, Silent, SmpLink

ANSWERS_S = 8.0  # a unit that runs answers within; after a reset of it by the port, too
VERBS = ("status", "id", "counters", "log", "sensors", "modem")
FILES = ("flight.cbor", "crash.txt", "config.cbor")
VERB_S = 20.0


def read_port(port: str, remark: Callable[[str], None]) -> Evidence:
    """Read a unit; one that is silent is reset and held in its boot window.

    Raises:
        CannotTry: the port cannot be opened, or nothing there speaks.
    """
    evidence = Evidence()
    with HeldLink(port, remark=remark) as link:
        try:
            link.wait(ANSWERS_S)
            evidence.port = "running"
        except AtPrompt:
            evidence.port = "prompt"
            return evidence
        except Silent:
            remark(tr("it is silent: it is reset, and held before its program begins"))
            if not link.hold(remark):
                if not link.empty:
                    raise
                evidence.port = "empty"
                evidence.console = link.said.decode("utf-8", "replace")
                return evidence
            evidence.port = "held"
            link.wait(ANSWERS_S)
        evidence.console = link.said.decode("utf-8", "replace") if link.held else ""
        read_link(link, evidence)
        if link.held:
            _let_go(link, evidence)
    return evidence


def read_link(link: SmpLink, evidence: Evidence) -> None:
    """Add what a unit says by a link that is open."""
    for verb in VERBS:
        _ask(link, evidence, verb)
    for name in FILES:
        try:
            data = link.download(f"/{name}")
        except FieldbeatError as error:
            evidence.missing.append(f"{name}: {error}")
            continue
        if data is not None:
            evidence.files[name] = data
    try:
        evidence.mac = (link.read_setting("id/mac") or b"").hex(":")
    except FieldbeatError as error:
        evidence.missing.append(f"id/mac: {error}")
    crash = evidence.files.get("crash.txt")
    if crash:
        from . import app_files

        text = tracebacks.explain(crash.decode("utf-8", "replace"), app_files.source_files())
        evidence.files["crash.txt"] = text.encode()
    _add_config(evidence)
    if "speaker" in evidence.config:
        _ask(link, evidence, "selftest", "speaker")
        try:
            evidence.issuers = link.read_setting("key/issuers")
        except FieldbeatError as error:
            evidence.missing.append(f"key/issuers: {error}")


def _ask(link: SmpLink, evidence: Evidence, verb: str, *words: str) -> None:
    try:
        evidence.verbs[verb] = link.run([verb, *words], attempts=2, timeout_s=VERB_S)[0]
    except FieldbeatError as error:
        evidence.missing.append(f"{verb}: {error}")


def _let_go(link: HeldLink, evidence: Evidence) -> None:
    """It is left as it was found: at work, or on its way to the same end."""
    try:
        link.run(["reboot"], timeout_s=VERB_S)
    except FieldbeatError as error:
        evidence.missing.append(f"reboot: {error}")


def _add_config(evidence: Evidence) -> None:
    from .strict_cbor import StrictCBORError, loads

    try:
        config = loads(evidence.files.get("config.cbor", b"\xa0"))
    except StrictCBORError as error:
        evidence.here.append(f"config unreadable {error}")
        return
    if isinstance(config, dict):
        evidence.config = config
        evidence.unit = str(config.get("node", {}).get("name", ""))


def add_knowledge(evidence: Evidence, registry: Path | None, db: Path | None) -> None:
    """Add what registry and store of this machine know of the unit, if there are any."""
    from .views import Views

    if not evidence.unit:
        return
    try:
        with open_files.registry_if_there(registry) as units:
            if units:
                if now := retired_boards.successor(units, evidence.mac):
                    # What else is known is about the board that has the name now.
                    evidence.here.append(f"registry replaced {now.name} {evidence.mac} {now.mac}")
                    return
                unit = units.unit(evidence.unit)
                state = unit.state if unit else "unknown"
                evidence.here.append(f"registry state {state}")
                _add_strangers(evidence, units)
            with open_files.store_if_there(db) as store:
                if store:
                    _add_reports(evidence, Views(store, units))
    except FieldbeatError as error:
        evidence.missing.append(str(error))


def _add_strangers(evidence: Evidence, units: Registry) -> None:
    from . import told_issuers
    from .issuers import Issuers

    issuers = Issuers(units)
    if issuers.all() and (names := told_issuers.strangers(evidence.issuers, issuers)):
        evidence.here.append(f"registry strangers {', '.join(names)}")


def _add_reports(evidence: Evidence, views: object) -> None:
    from .times import iso
    from .views import Views

    assert isinstance(views, Views)
    view = views.unit(evidence.unit, time.time())
    if view.last_s is None:
        return
    if view.silent:
        evidence.here.append(f"store silent {iso(view.last_s)}")
    evidence.here += [f"store refused {name} {n}" for name, n in view.refused.items()]
    evidence.here += [f"store alarm {alarm}" for alarm in view.alarms]
