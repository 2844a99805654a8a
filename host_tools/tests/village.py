"""A folder with a plan and the configuration that it names."""

from __future__ import annotations

import shutil
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "greenhouse.toml"


def village(folder: Path, text: str, name: str = "village.csv") -> Path:
    """Writes a plan and `greenhouse.toml` beside it."""
    shutil.copy(EXAMPLE, folder)
    plan = folder / name
    plan.write_text(text, "utf-8", newline="")
    return plan


def rows(count: int, more: str = "") -> str:
    """A plan of so many greenhouse stations, gh-1 to gh-`count`."""
    lines = [f"gh-{n},valley,greenhouse.toml,{more}" for n in range(1, count + 1)]
    return "\n".join(["unit,site,config,slot", *lines]) + "\n"
