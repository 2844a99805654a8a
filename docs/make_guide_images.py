"""Draws the pictures of docs/technicians-guide.md, which it runs, and of docs/ui.md.

    python docs/make_guide_images.py

Pages of HTML become pictures by `chromium`, or what $BROWSER names.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
import os
import subprocess
import tempfile
from contextlib import closing
from pathlib import Path

from fieldbeat.hil_tests import test_ui
from fieldbeat.hil_tests.transcripts import ROOT, Page, lines_of
from fieldbeat.host_tools.ui import Choices
from rich.console import Console
from rich.text import Text
from textual.pilot import Pilot

IMAGES = ROOT / "docs" / "images"
COLUMNS = 96


def terminal(typed: str, said: str, image: Path) -> None:
    """Draw a terminal in which a command has just ended."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"$ {typed}", style="bold"))
    for line in lines_of(said):
        style = "green" if "done" in line or "PASSED" in line or "passed" in line else ""
        console.print(Text(line, style=style))
    console.save_svg(str(image), title=typed.split()[1])


def screen(image: Path) -> None:
    """Draw the tab of units of `fieldbeat ui`, for a store of three units."""
    test_ui.a_store()

    async def story(pilot: Pilot) -> None:
        await test_ui.until(pilot, "F9 Light/dark")
        await test_ui.until(pilot, "battery 3.912 V normal")
        image.write_text(pilot.app.export_screenshot(title="fieldbeat ui"), "utf-8")

    test_ui.play(Choices(), story)


def page(html: Path, image: Path, width: int, height: int, profile: Path) -> None:
    """Draw a page as a browser shows it."""
    browser = os.environ.get("BROWSER", "chromium")
    subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--user-data-dir={profile}", f"--window-size={width},{height}"),
            *(f"--screenshot={image}", html.as_uri()),
        ],
        check=True,
        capture_output=True,
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = folder / "work"
        work.mkdir()
        os.environ |= {"FIELDBEAT_HOME": str(folder / "home"), "FIELDBEAT_LANG": "en"}
        screen(IMAGES / "ui.svg")
        with closing(Page(ROOT / "docs" / "technicians-guide.md", work)) as guide:
            guide.run()
        for typed, said in guide.said:
            if typed.startswith("fieldbeat batch"):
                terminal(
                    "fieldbeat batch village.fieldbeat", said, IMAGES / "technician-batch.svg"
                )
        made = work / "build" / "village"
        profile = folder / "profile"
        labels, certificate = (
            IMAGES / "technician-labels.png",
            IMAGES / "technician-certificate.png",
        )
        page(made / "village-labels.html", labels, 800, 220, profile)
        first = min(made.glob("gh-01-*.html"))
        page(first, certificate, 800, 1130, profile)


if __name__ == "__main__":
    main()
