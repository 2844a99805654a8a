"""One results dictionary, and the reports that are made from it: JSON, JUnit, HTML, Markdown.

results = Results("fieldbeat tests", bench={"name": "virtual"})
results.add(Case("test_it.py::test_a", "failed", message="record 7 is lost",
                 reproduce="python -m pytest test_it.py::test_a"))
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
