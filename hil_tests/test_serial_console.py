"""docs/serial-console.md shows what happens."""

from __future__ import annotations

from contextlib import closing

import pytest

from .transcripts import ROOT, Page


@pytest.mark.long
def test_a_person_at_a_terminal(tmp_path):
    with closing(Page(ROOT / "docs" / "serial-console.md", tmp_path)) as page:
        page.run()
