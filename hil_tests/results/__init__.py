"""One results dictionary, and the reports that are made from it: JSON, JUnit, HTML, Markdown.

results = Results("fieldbeat bench cuts", bench={"name": "virtual"})
results.add(Case("cut 1041 before program 0x201000", "failed", message="record 7 is lost",
                 reproduce="fieldbeat bench cuts --only 1041"))
write_reports(results, Path("build/report"))
"""

from __future__ import annotations

from pathlib import Path

from . import html, junit, markdown
from .results import Case, Measurement, Results

__all__ = ["Case", "Measurement", "Results", "write_reports"]


def write_reports(results: Results, directory: Path) -> list[Path]:
    """Writes results.json and what is made from it; returns the files."""
    directory.mkdir(parents=True, exist_ok=True)
    data = results.to_dict()
    texts = {
        "results.json": results.to_json(),
        "junit.xml": junit.render(data),
        "report.html": html.render(data),
        "summary.md": markdown.render(data),
    }
    for name, text in texts.items():
        (directory / name).write_text(text, encoding="utf-8")
    return [directory / name for name in texts]
