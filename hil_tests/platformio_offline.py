"""SCons of PyPI in the place of PlatformIO's `tool-scons`, where its registry is out of reach.

pip install scons
python -m fieldbeat.hil_tests.platformio_offline     # once for each core folder of PlatformIO
"""

from __future__ import annotations

import json
import os
from pathlib import Path

NAME = "tool-scons"
RUN_SCONS = """import sys

sys.path[:0] = {path!r}
from SCons.Script.Main import main

main()
"""


def core_folder() -> Path:
    """Returns where PlatformIO keeps its packages: $PLATFORMIO_CORE_DIR or ~/.platformio."""
    return Path(os.environ.get("PLATFORMIO_CORE_DIR") or Path.home() / ".platformio")


def install(core: Path) -> Path:
    """Makes the package and returns its folder.

    Args:
        core: PlatformIO's core folder.
    """
    import SCons
    from platformio.dependencies import get_core_dependencies

    version = get_core_dependencies()[NAME].lstrip("~^=> ")  # what this PlatformIO asks for
    folder = core / "packages" / NAME
    folder.mkdir(parents=True, exist_ok=True)
    package = {"name": NAME, "version": version, "description": "SCons of PyPI"}
    spec = {"owner": "platformio", "name": NAME, "id": None, "requirements": None, "uri": None}
    record = {"type": "tool", "name": NAME, "version": version, "spec": spec}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / ".piopm").write_text(json.dumps(record))  # as if it had come from the registry
    path = [str(Path(SCons.__file__).parent.parent)]
    (folder / "scons.py").write_text(RUN_SCONS.format(path=path))
    return folder


if __name__ == "__main__":
    print(install(core_folder()))
