"""Prints one table and writes build/bench/<area>.json; ends with 1 if a limit is missed.

With --markdown the table is one for docs/performance.md.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from fieldbeat.hil_tests import benchmarks
from rich.console import Console
from rich.table import Table

OUTPUT = Path("build/bench")


def run_area(area: str) -> list[benchmarks.Figure]:
    figures = importlib.import_module(f"{benchmarks.__name__}.{area}").run()
    rows = [
        {
            "name": figure.name,
            "value": figure.value,
            "unit": figure.unit,
            "limit": figure.limit,
            "peer": figure.peer,
            "ok": figure.ok,
        }
        for figure in figures
    ]
    OUTPUT.mkdir(parents=True, exist_ok=True)
    (OUTPUT / f"{area}.json").write_text(json.dumps(rows, indent=1) + "\n")
    return figures


COLUMNS = ("area", "figure", "value", "unit", "at most", "measured against", "")


def rows(results: dict[str, list[benchmarks.Figure]]) -> Iterator[tuple[str, ...]]:
    """The table's rows as text."""
    for area, figures in results.items():
        for figure in figures:
            limit = "" if figure.limit is None else f"{figure.limit:g}"
            verdict = "ok" if figure.ok else "missed"
            yield (
                area,
                figure.name,
                f"{figure.value:.4g}",
                figure.unit,
                limit,
                figure.peer,
                verdict,
            )


def print_table(results: dict[str, list[benchmarks.Figure]]) -> None:
    table = Table(*COLUMNS)
    for *cells, verdict in rows(results):
        table.add_row(*cells, verdict if verdict == "ok" else f"[bold red]{verdict}[/]")
    Console(width=None if sys.stdout.isatty() else 150).print(table)


def print_markdown(results: dict[str, list[benchmarks.Figure]]) -> None:
    for cells in (COLUMNS, ["---"] * len(COLUMNS), *rows(results)):
        print("|", " | ".join(cells), "|")


def main() -> int:
    known = [
        module.name
        for module in pkgutil.iter_modules(benchmarks.__path__)
        if "_" not in module.name  # wire_device and the like help an area
    ]
    wanted = [word for word in sys.argv[1:] if word != "--markdown"] or known
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(
            f"error: no area {', '.join(unknown)}; there are: {', '.join(known)}", file=sys.stderr
        )
        return 2
    results = {area: run_area(area) for area in wanted}
    (print_markdown if "--markdown" in sys.argv else print_table)(results)
    return 0 if all(figure.ok for figures in results.values() for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
