"""The pages of the project: what they link to is there, and README has every verb."""

from __future__ import annotations

import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest
import typer

from .transcripts import ROOT

PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "boards/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


def prose(page: Path) -> str:
    return re.sub(r"^```.*?^```", "", page.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """What links may name in a page, as GitHub makes it out of its headings."""
    headings = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", each).lower() for each in headings)
    return {re.sub(r"[^\w\- ]", "", each).replace(" ", "-") for each in plain}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    lost = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            lost.append(target)
    assert not lost


def test_readme_has_every_verb():
    found = entry_points(group="fieldbeat.commands")
    ours = {each.name: each.load() for each in found if each.value.startswith("fieldbeat.")}
    groups = {name: app for name, app in ours.items() if isinstance(app, typer.Typer)}
    commands = {name: typer.main.get_command(app) for name, app in groups.items()}
    verbs = {name: getattr(each, "commands", [""]) for name, each in commands.items()}
    there = {(name, verb) for name in ours for verb in verbs.get(name, [""])}
    table = (ROOT / "README.md").read_text("utf-8").partition("## The verbs")[2]
    told = set()
    for cell in re.findall(r"^\| `fieldbeat ([^`]+)`", table.partition("\n## ")[0], re.MULTILINE):
        names, _, rest = cell.replace("\\|", "|").partition(" ")
        for name in names.split("|"):
            words = rest.split(" ")[0].split("|") if "" not in verbs.get(name, [""]) else [""]
            told |= {(name, word) for word in words}
    assert told == there
