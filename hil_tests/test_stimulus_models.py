"""The device models under MicroPython: the very same files, the very same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from .stimulus import install, transcript
from .virtual.bench import board_manifest
from .virtual.models import build
from .virtual.models.i2c import Nack
from .virtual.world import World

START = "2026-03-01T12:00:00+00:00"
MANIFEST = board_manifest("greenhouse_esp32")["fieldbeat"]
# What a config adds has models for the virtual bench alone.
MANIFEST["fitted"] = {n: part for n, part in MANIFEST["fitted"].items() if "enabled" not in part}
# A Pico has 264 kB of RAM and leaves about 190 kB; the same objects take twice the bytes here.
PICO_HEAP = "360k"


def on_cpython(seed: int) -> list[str]:
    """The transcript of the models as the virtual bench runs them."""
    world = World(seed, START)
    try:
        network = transcript.Network(world)
        fitted = build(world, MANIFEST, transcript.Scene(), network)
        return list(
            transcript.visit(
                world,
                fitted.parts,
                fitted.modem,
                fitted.uart["rs485"],
                Nack,
                lambda us: world.run_for(us / 1e6),
            )  # fmt: skip
        )
    finally:
        world.close()


def on_micropython(seed: int, folder: Path) -> list[str]:
    """The transcript of the same files in the folder of an installed fixture."""
    fixture = install.config(
        MANIFEST, {}, seed=seed, utc_s=int(datetime.fromisoformat(START).timestamp())
    )
    fixture["manifest"] = MANIFEST
    fixture["order"] = list(MANIFEST["fitted"])
    install.write(folder, install.files(fixture))
    source = Path(transcript.__file__).read_text(encoding="utf-8")
    install.write(folder, {"transcript.py": source})
    beside = str(Path(sys.executable).parent / "micropython")
    done = subprocess.run(
        [os.environ.get("MICROPYTHON", beside), "-X", f"heapsize={PICO_HEAP}", "transcript.py"],
        cwd=folder,
        env={"MICROPYPATH": ":.frozen:lib", "PATH": os.environ.get("PATH", "")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()


@pytest.mark.parametrize("seed", [1, 2**40 + 7])
def test_the_models_say_the_same_under_micropython(seed, tmp_path):
    expected = on_cpython(seed)
    assert on_micropython(seed, tmp_path) == expected
    text = "\n".join(expected)
    assert "nack measuring" in text and b'+QIURC: "recv"'.hex() in text
    assert all(line.endswith(" []") for line in expected[-6:]), expected[-6:]  # every fault fired


def test_no_model_is_copied(tmp_path):
    files = install.files(install.config(MANIFEST, {}))
    for path in install.MODELS.glob("*.py"):
        assert files[f"virtual/models/{path.name}"] == path.read_text()
        assert not (install.ROOM / "device" / "virtual" / "models" / path.name).exists()


def test_a_wiring_that_names_no_part_is_refused():
    with pytest.raises(install.WiringError, match="i2c.soul: the board has no such part; it has"):
        install.config(MANIFEST, {"i2c": {"soul": {}}})
