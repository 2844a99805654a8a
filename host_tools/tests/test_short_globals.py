"""Short names for what modules give to one another: what is renamed, and what is not."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import app_files, short_globals, short_names

RENAMED = {
    "a function": (
        {"x": "def grow(n): return n\n", "y": "from .x import grow\nz = [grow(1)]\n"},
        {"x": "def A0(n): return n\n", "y": "from .x import A0\nB0 = [A0(1)]\n"},
    ),
    "of a module": (
        {"x": "def grow(n): return n\n", "y": "from . import x\n\nx.grow(1)\n"},
        {"x": "def A0(n): return n\n", "y": "from . import x\n\nx.A0(1)\n"},
    ),
    "of a module under another name": (
        {"x": "SIZE = 1\n", "y": "from drivers import x as w\ng(w.SIZE)\n"},
        {"x": "A0 = 1\n", "y": "from drivers import x as w\ng(w.A0)\n"},
    ),
    "a class, a constant, in functions": (
        {
            "x": "class Part: pass\n\nSIZE = const(1)\n",
            "y": "def _f():\n    from .x import Part\n",
        },
        {"x": "class A0: pass\n\nB0 = const(1)\n", "y": "def _f():\n    from .x import A0\n"},
    ),
    "handed on": (
        {"x": "SIZE = 1\n", "y": "from .x import SIZE\n", "z": "from .y import SIZE\n"},
        {"x": "A0 = 1\n", "y": "from .x import A0\n", "z": "from .y import A0\n"},
    ),
    "the pool is shared by modules": (
        {"x": "SIZE = 1\n", "y": "REST = 1\n"},
        {"x": "A0 = 1\n", "y": "A0 = 1\n"},
    ),
    "and leaves out what is there": ({"x": "SIZE = 1\nf(A0=1)\n"}, {"x": "B0 = 1\nf(A0=1)\n"}),
    "a variable of a function of another file": (
        {"x": "SIZE = 1\n", "y": "def _f():\n    SIZE = 2\n    return SIZE\n"},
        {"x": "A0 = 1\n", "y": "def _f():\n    SIZE = 2\n    return SIZE\n"},
    ),
}
KEPT = {
    "an attribute of something else": {"x": "SIZE = 1\n", "y": "f(1).SIZE\n"},
    "a method": {"x": "def grow(): pass\n", "y": "class _C:\n    def grow(self): pass\n"},
    "an attribute of a class": {"x": "SIZE = 1\n", "y": "class _C:\n    SIZE = 1\n"},
    "a string": {"x": "SIZE = 1\n", "y": "call('drivers.x', 'SIZE')\n"},
    "bytes": {"x": "SIZE = 1\n", "y": "f(b'SIZE')\n"},
    "a format string": {"x": "SIZE = 1\n", "y": "def _f(): return f'{SIZE}'\n"},
    "a parameter": {"x": "SIZE = 1\n", "y": "def _f(SIZE): pass\n"},
    "a keyword": {"x": "SIZE = 1\n", "y": "f(SIZE=1)\n"},
    "another name": {"x": "SIZE = 1\n", "y": "from x import SIZE as _S\n"},
    "two files": {"x": "SIZE = 1\n", "y": "SIZE = 2\n"},
    "somebody else's": {"x": "def sleep(): pass\n", "y": "from time import sleep\n"},
    "a module that is a variable, too": {
        "x": "SIZE = 1\n",
        "y": "from . import x\n\ndef _f(x): return x.SIZE\n",
    },
    "a module's name": {"x": "def y(): pass\n", "y": ""},
    "an error": {"x": "class BusError(ValueError): pass\n"},
    "a built-in": {"x": "def print(): pass\n"},
    "a global": {"x": "SIZE = 1\ndef _f():\n    global SIZE\n"},
}


def short(files: dict[str, str]) -> dict[str, str]:
    sources = {f"drivers/{name}.py": text.encode() for name, text in files.items()}
    found = short_names.shorten(sources, parameters=False)
    return {path[len("drivers/") : -len(".py")]: text.decode() for path, text in found.items()}


@pytest.mark.parametrize("what", RENAMED)
def test_what_one_module_defines_is_renamed(what):
    before, after = RENAMED[what]
    private = {name: text.replace("_f", "_a") for name, text in after.items()}
    assert short(before) == private


@pytest.mark.parametrize("what", KEPT)
def test_what_something_else_may_mean_is_not(what):
    found = short(KEPT[what])
    assert {name: text.replace("_a", "_f") for name, text in found.items()} == KEPT[what]


def test_what_boot_names_stays():
    sources = {"firmware/boot.py": b"main.go()\n", "firmware/main.py": b"def go(): pass\n"}
    assert short_names.shorten(sources) == sources


def test_the_slot_has_hundreds_of_names_less():
    names = short_globals.new_names(app_files.source_files())
    old = {name for file in names.values() for name in file}
    new = {name for file in names.values() for name in file.values()}
    assert len(old) > 400 and len(new) < 100
