"""Puts the files of a stimulus fixture into a folder, for mpremote to copy.

python -m fieldbeat.hil_tests.stimulus.install build/stimulus
mpremote connect /dev/ttyACM0 fs cp -r build/stimulus/. : + reset
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from pathlib import Path
from typing import Any

from ..virtual.bench import board_manifest
from ..virtual.scene import Scene

ROOM = Path(__file__).parent
VIRTUAL = ROOM.parent / "virtual"
MODELS = VIRTUAL / "models"
PICO = ROOM / "pico.toml"
NOON_US = 12 * 3_600_000_000


class WiringError(ValueError):
    """The wiring names a part that the board does not have."""


def config(
    manifest: dict[str, Any],
    wiring: dict[str, Any],
    seed: int = 1,
    values: dict[str, float] | None = None,
    utc_s: int | None = None,
) -> dict[str, Any]:
    """Return fixture.json: the wired part of a board's manifest, and values at a summer noon."""
    spec = manifest.get("fieldbeat", manifest)
    uarts, i2c = wiring.get("uart", {}), wiring.get("i2c", {})
    modem = spec.get("modem") if spec.get("modem", {}).get("bus") in uarts else None
    fitted = {
        name: part
        for name, part in spec["fitted"].items()
        if name in i2c or part.get("bus") in uarts and part.get("enabled", True)
    }
    known = {"i2c": spec["fitted"], "uart": spec["buses"], "pins": modem or {}}
    for kind, allowed in known.items():
        for name in wiring.get(kind, {}):
            if name not in allowed:
                raise WiringError(
                    f"{kind}.{name}: the board has no such part; it has: {', '.join(allowed)}"
                )
    scene = Scene()
    noon = {name: round(scene.value(name, NOON_US), 3) for name in scene.columns}
    return {
        "seed": seed,
        "utc_s": int(time.time()) if utc_s is None else utc_s,
        "values": noon | (values or {}),
        "manifest": {"buses": spec["buses"], "fitted": fitted, "modem": modem},
        "order": list(fitted),  # of taking seeds; MicroPython's dictionaries have none
        "wiring": wiring,
    }


def files(fixture: dict[str, Any]) -> dict[str, str]:
    """Return what goes on the board: path -> text. The models are those of the virtual bench."""
    device = ROOM / "device"
    found = {
        path.relative_to(device).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(device.rglob("*.py"))
    }
    for path in [VIRTUAL / "errors.py", *sorted(MODELS.glob("*.py"))]:
        name = path.relative_to(VIRTUAL).as_posix()
        found[f"virtual/{name}"] = path.read_text(encoding="utf-8")
    found["fixture.json"] = json.dumps(fixture)
    return found


def write(folder: Path, contents: dict[str, str]) -> None:
    """Write the files under a folder."""
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description="Write the files of a stimulus fixture into a folder."
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--board", default="greenhouse_esp32", help="whose surroundings it plays")
    parser.add_argument(
        "--wiring", type=Path, default=PICO, help="which pins (default: pico.toml)"
    )
    parser.add_argument("--seed", type=int, default=1, help="of noise, delays, serial numbers")
    arguments = parser.parse_args()
    wiring = tomllib.loads(arguments.wiring.read_text(encoding="utf-8"))
    try:
        fixture = config(board_manifest(arguments.board), wiring, arguments.seed)
    except WiringError as error:
        raise SystemExit(f"{arguments.wiring}: {error}") from error
    contents = files(fixture)
    write(arguments.folder, contents)
    print(f"{len(contents)} files in {arguments.folder}; now copy them:")
    print(f"mpremote connect /dev/ttyACM0 fs cp -r {arguments.folder}/. : + reset")


if __name__ == "__main__":
    main()
