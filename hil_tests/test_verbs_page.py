"""docs/serial-console.md tells which verbs a unit has: what its firmware gives its profile."""

from __future__ import annotations

import re
from contextlib import suppress
from types import SimpleNamespace

import pytest
from fieldbeat.host_tools import boards, node_config, profiles
from fieldbeat.host_tools.errors import FieldbeatError

from firmware import shell

from .transcripts import ROOT

PAGE = ROOT / "docs" / "serial-console.md"
HEAD = """\
node = {{ name = "a", site = "b", board = "{board}", profile = "{profile}" }}
uplink = {{ host = "collector.example", port = 5690, apn = "" }}
"""
# What a unit of a profile may need to be one at all.
RIVER = "[fitted.river]\nenabled = false\n[fitted.{}]\ndatum_mm = 5000\n"
PLACES = (
    *("", "[fitted.river]\ndatum_mm = 5000\n", RIVER.format("loop"), RIVER.format("radar")),
    '[wifi]\nssid = "office"\n',
)
# What its file may have.
TABLES = {
    "power": "[power]\nledger = true\n",
    "trace": "[trace]\n",
    "control": '[control]\nutc_offset = "+08:00"\n[actuator.fan]\nsafe = "off"\nlease = "5 min"\n',
    "speaker": "[speaker]\n",
    "pictures": "[pictures]\n",
}


def configs(texts: list[str], more: str = "") -> dict[str, dict]:
    """What units get for a configuration, by the text of their file, where that may have more."""
    found = {}
    for text in texts:
        with suppress(FieldbeatError):
            found[text] = node_config.parse(text + more, "a.toml").to_device_map()
    return found


def verbs(config: dict, role: object = True) -> list[str]:
    return shell.names(SimpleNamespace(config=config, role=role))


def gained(profile: str) -> dict[str, str]:
    """Which verbs units of a profile have: always, or with a table of their file."""
    heads = [HEAD.format(board=board, profile=profile) for board in boards.names()]
    units = configs([head + place for head in heads for place in PLACES])
    (always,) = {tuple(verbs(config)) for config in units.values()}
    found = dict.fromkeys(always, "always")
    for name, table in TABLES.items():
        for config in configs(list(units), table).values():
            for verb in verbs(config):
                found.setdefault(verb, f"`[{name}]`")
    return found


@pytest.fixture(scope="module")
def by_profile() -> dict[str, dict[str, str]]:
    return {profile: gained(profile) for profile in profiles.names()}


@pytest.fixture(scope="module")
def everywhere() -> list[str]:
    """The verbs of a unit that has no keys, and so no role, whatever its configuration is."""
    return verbs(dict.fromkeys(TABLES), role=None)


def rows(head: str) -> list[list[str]]:
    """The table of the page whose first line begins so."""
    _, _, rest = PAGE.read_text("utf-8").partition(f"\n| {head} |")
    lines = f"| {head} |{rest}".split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_page_tells_which_profile_has_which_verbs(by_profile, everywhere):
    known = verbs(dict.fromkeys(TABLES))
    wanted = [
        ["profile", *(f"`{profile}`" for profile in by_profile)],
        ["---"] * (len(by_profile) + 1),
    ]
    for verb in (verb for verb in known if verb not in everywhere):
        wanted.append([f"`{verb}`", *(found.get(verb, "") for found in by_profile.values())])
    assert sorted(rows("profile")) == sorted(wanted), "\n".join(
        f"| {' | '.join(row)} |" for row in wanted
    )


def test_what_no_profile_has_of_its_own_each_has(by_profile, everywhere):
    for profile, found in by_profile.items():
        assert [verb for verb in found if verb in everywhere] == everywhere, profile


def test_the_page_explains_each_verb():
    explained = " ".join(row[0] for row in rows("verb"))
    lost = [
        verb for verb in verbs(dict.fromkeys(TABLES)) if not re.search(rf"`{verb}\b", explained)
    ]
    assert not lost
