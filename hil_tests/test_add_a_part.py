"""docs/add-a-board.md, add-a-driver.md, add-a-modem.md: done in a copy of the project."""

from __future__ import annotations

from contextlib import closing

import pytest

from .transcripts import ROOT, Page


@pytest.mark.longest
@pytest.mark.parametrize("what", ["board", "driver", "modem"])
def test_what_is_added_as_the_page_says_works(tmp_path, what):
    with closing(Page(ROOT / "docs" / f"add-a-{what}.md", tmp_path, own=True)) as page:
        page.run()
