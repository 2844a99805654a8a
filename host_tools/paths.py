"""Where fieldbeat keeps what it must not lose: the registry and the collector's store.

`FIELDBEAT_HOME` names the folder; without it, it is `fieldbeat` in the user's XDG data folder
(`$XDG_DATA_HOME`, by default `~/.local/share`).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """Return the folder of the user's data; it need not exist yet."""
    home = os.environ.get("FIELDBEAT_HOME")
    if home:
        return Path(home).expanduser()
    xdg = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(xdg).expanduser() / "fieldbeat"


def registry_file(chosen: Path | None = None) -> Path:
    """Return the file of the registry: the chosen one or the default."""
    return chosen or data_folder() / "registry.sqlite"


def store_file(chosen: Path | None = None) -> Path:
    """Return the file of the collector's store: the chosen one or the default."""
    return chosen or data_folder() / "store.sqlite"
