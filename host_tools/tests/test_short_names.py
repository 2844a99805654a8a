"""Short private names: what is renamed, what is not, and that a program stays what it is."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.host_tools import app_files, cli, short_names
from fieldbeat.host_tools.errors import FieldbeatError

MICROPYTHON = os.environ.get("MICROPYTHON") or Path(sys.executable).with_name("micropython")
RENAMED = {
    "variable": ("_size = f()\nprint(_size)\n", "_a = f()\nprint(_a)\n"),
    "attribute": (
        "class A:\n    def f(self):\n        self._n = self.x = 1\n        self._n += 2\n",
        "class A:\n    def f(self):\n        self._a = self.x = 1\n        self._a += 2\n",
    ),
    "class attribute": (
        "class A:\n    _n = 1\n    def f(self): return self._n\n",
        "class A:\n    _a = 1\n    def f(self): return self._a\n",
    ),
    "methods and functions": (
        "async def _run(): pass\nclass A:\n    @wraps\n    def  _go(self): self._go(_run)\n",
        "async def _b(): pass\nclass A:\n    @wraps\n    def  _a(self): self._a(_b)\n",
    ),
    "nested functions": (
        "def f():\n    _n = 1\n    def _g(): return _n\n    return _g\n",
        "def f():\n    _b = 1\n    def _a(): return _b\n    return _a\n",
    ),
    "comprehension": ("x = [_n for _n in y if _n]\n", "x = [_a for _a in y if _a]\n"),
    "subscripts and other owners": (
        "class A:\n    def f(self):\n        self._d[0].x += self._d.y\n        self._d = 0\n",
        "class A:\n    def f(self):\n        self._a[0].x += self._a.y\n        self._a = 0\n",
    ),
    "over several lines": (
        "class A:\n    def f(self):\n        (self\n         ._d) = 'ä', (\n _n := 1)\n",
        "class A:\n    def f(self):\n        (self\n         ._a) = 'ä', (\n _b := 1)\n",
    ),
    "beside text that is not ASCII": ("x = 'äöü'; _n = 1\n", "x = 'äöü'; _a = 1\n"),
    "comment": ("_n = 1  # _n is it\n", "_a = 1  # _n is it\n"),
    "keyword value": ("_n = 1\nf(n=_n)\n", "_a = 1\nf(n=_a)\n"),
    "parameters": (
        "def f(size, *, last=0): return lambda row: size + row + last\n",
        "def f(_c, *, _a=0): return lambda _b: _c + _b + _a\n",
    ),
    "parameters in what is inside": (
        "async def f(rows):\n    def g(): return [n for n in rows]\n    return g\n",
        "async def f(_a):\n    def g(): return [n for n in _a]\n    return g\n",
    ),
    "a variable that is called as a parameter": (
        "_n = 1\ndef f(size): return size\ndef g():\n    size = _n\n    return size\n",
        "_a = 1\ndef f(_b): return _b\ndef g():\n    _b = _a\n    return _b\n",
    ),
    "the pool leaves out what is there": (
        "_a = 1\n_b = f(_x='_c')\n",
        "_d = 1\n_e = f(_x='_c')\n",
    ),
}
KEPT = {
    "string": "class A:\n    def f(self):\n        self._n = 1\n        getattr(self, '_n')\n",
    "bytes": "_n = 1\nx = b'_n'\n",
    "format string": "_n = 1\nx = f'{_n} {self._n!r}'\n",
    "__slots__": "class A:\n    __slots__ = ('_n',)\n    def f(self): self._n = 1\n",
    "namedtuple": "T = namedtuple('T', ('_n', 'x'))\n_n = 1\n",
    "words of a string": "_n = 1\nlater.call('a.b c._n', '_n')\n",
    "global": "_n = 1\ndef f():\n    global _n\n    _n = 2\n",
    "nonlocal": "def f():\n    _n = 1\n    def g():\n        nonlocal _n\n        _n = 2\n",
    "parameter": "def f(_n, *_rest, **_more):\n    _n = _rest = _more = 1\n",
    "keyword": "_n = 1\nf(_n=2)\n",
    "class": "class _C: pass\nx = _C()\n",
    "import": "import _n\nfrom x import y as _y\n_n = _y = 1\n",
    "exception": "_n = 1\ntry: pass\nexcept E as _n: pass\n",
    "another owner": "class A:\n    def f(self):\n        self._n = x._n\n        x._m = 1\n",
    "parameter by keyword": "def f(size=1): return size\nf(size=2)\n",
    "parameter in a string": "def f(size): return size\nx = 'the size of it'\n",
    "parameter in a format string": "def f(size): return f'{size}'\n",
    "parameter that is an attribute": "def f(size): return size.x, x.size\n",
    "parameter that a class has": "class A:\n    size = 1\n    def f(self, size): return size\n",
    "parameter that a module has": "for size in x: pass\ndef f(size): return size\n",
    "parameter that is global": "def f():\n    global size\ndef g(size): return size\n",
    "parameter as a function": "def size(): pass\ndef f(size): return size\n",
    "parameter as a built-in": "def f(type): return type\ndef g(): return type(1)\n",
    "rest and keywords": "def f(*rest, **more): return rest, more\n",
    "const": "_N = const(5)\nx = _N\n",
    "what nobody gives": "class A(B):\n    def f(self): return self._n + _m\n",
    "double and single": "class A:\n    def __init__(self): self.__n = 1\n_ = __x = 1\n",
}

BROKEN = b"""\
from drivers import y

class Part:
    def run(self):
        y.call(self._go)

    def _go(self):
        if self._level:
            self._level = 0
"""


def renamed(**files: str) -> dict[str, str]:
    """Short names in files a.py, b.py ..., as text."""
    sources = {f"{name}.py": text.encode() for name, text in files.items()}
    found = short_names.shorten(sources, shared=False)
    return {path.removesuffix(".py"): content.decode() for path, content in found.items()}


def original(tree: ast.AST, names: dict[str, str]) -> ast.AST:
    """A tree with every string in it that is a new name made the old one again."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, str):
                setattr(node, field, names.get(value, value))
            elif isinstance(value, list):
                found = [names.get(one, one) if isinstance(one, str) else one for one in value]
                setattr(node, field, found)
    return tree


@pytest.mark.parametrize("what", RENAMED)
def test_what_is_private_to_a_file_is_renamed(what):
    before, after = RENAMED[what]
    assert renamed(x=before) == {"x": after}
    ast.parse(after)


@pytest.mark.parametrize("what", KEPT)
def test_what_something_else_names_too_is_not(what):
    assert renamed(x=KEPT[what]) == {"x": KEPT[what]}


@pytest.mark.parametrize(
    "other",
    ["x._n()\n", "from a import _n\n", "f(_n=1)\n", "x = '_n'\n", "class _n: 0\n"],
)
def test_a_name_that_another_file_uses_stays(other):
    files = {"a": "_n = 1\n", "b": other}
    assert renamed(**files) == files


@pytest.mark.parametrize("other", ["x.size\n", "f(size=1)\n", "x = 'a size'\n", "size = 1\n"])
def test_a_parameter_that_another_file_names_stays(other):
    files = {"a": "def f(size): return size\n", "b": other}
    assert renamed(**files) == files


def test_each_of_two_files_may_have_the_name_for_itself():
    files = {"a": "_n = 1\n", "b": "_m = 2\n_n = 3\n"}
    assert renamed(**files) == {"a": "_a = 1\n", "b": "_a = 2\n_b = 3\n"}


def test_a_name_that_two_classes_of_one_object_have_stays():
    method = "class %s:\n    def f(self):\n        self._n = 1\n"
    files = {"a": method % "A", "b": method % "B(A)"}
    assert renamed(**files) == files


def test_a_name_in_data_stays():
    files = {"a.py": b"_n = _m = 1\n", "maps/b.json": b'{"x": "_n"}'}
    assert short_names.shorten(files) == files | {"a.py": b"_n = _a = 1\n"}


def test_files_share_the_pool():
    assert renamed(a="_n = 1\n", b="_m = 1\n") == {"a": "_a = 1\n", "b": "_a = 1\n"}


@pytest.mark.parametrize(
    ("imported", "base"),
    [("from b import B", "B"), ("import b", "b.B"), ("from b import B as C", "C")],
)
def test_one_object_never_has_a_new_name_twice(imported, base):
    """Base and derived classes of three files, which come in another order."""
    inits = "    def g(self): self._{} = 1\n"
    found = renamed(
        a=f"{imported}\nclass A({base}, x.Y):\n" + inits.format("k"),
        b="from c import C0\nclass B(C0):\n" + inits.format("m"),
        c="class C0(ValueError):\n" + inits.format("n"),
        d="class D(ValueError):\n" + inits.format("o"),
    )
    new = [found[path].rpartition("self.")[2][:2] for path in "abcd"]
    assert sorted(new[:3]) == ["_a", "_b", "_c"] and new[3] == "_a"


def test_more_names_than_letters():
    names = [f"_name{i:02}" for i in range(60)]
    new = renamed(x="".join(f"{name} = 1\n" for name in names))["x"].split(" = 1\n")
    assert new[0] == "_a" and new[26] == "_aa" and new[59] == "_bh" and len(set(new)) == 61


def test_the_same_for_the_same_sources_in_any_order():
    sources = app_files.source_files()
    other = dict(reversed(sources.items()))
    assert short_names.shorten(sources) == short_names.shorten(other)


def test_a_source_that_does_not_parse_is_named():
    with pytest.raises(FieldbeatError, match="drivers/x.py does not compile"):
        short_names.shorten({"drivers/x.py": b"def\n"})


def test_the_slot_is_the_same_program():
    """The tree of each renamed file is the original's once the names are put back."""
    sources = app_files.source_files()
    short = short_names.shorten(sources)
    names = short_names.new_names(sources)
    assert sum(map(len, names.values())) > 400
    assert len({new for file in names.values() for new in file.values() if "_" in new}) < 60
    for path, content in short.items():
        if path.endswith(".py"):
            back = {new: old for old, new in names[path].items()}
            assert len(back) == len(names[path])
            assert not back.keys() & set(ast.unparse(ast.parse(sources[path])).split())
            tree = original(ast.parse(content), back)
            assert ast.dump(tree) == ast.dump(ast.parse(sources[path])), path
        else:
            assert content == sources[path]


def test_self_is_an_object_of_the_file_s_own_classes():
    """A function outside of a class could be given another file's object."""
    for path, content in app_files.source_files().items():
        for node in ast.parse(content).body if path.endswith(".py") else ():
            for part in ast.walk(node) if not isinstance(node, ast.ClassDef) else ():
                assert not (isinstance(part, ast.arg) and part.arg == "self"), path


def test_a_traceback_has_its_names_again(tmp_path, capsys, monkeypatch):
    """Out of MicroPython itself, from byte code of a slot, through the verb."""
    sources = {
        "drivers/x.py": BROKEN,
        "drivers/y/__init__.py": b"def _call(f): f()\ncall = _call\n",
        "drivers/z.py": b"from drivers.x import Part\nPart().run()\n",
    }
    for path, content in app_files.slot_files(sources).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    done = subprocess.run(
        [MICROPYTHON, "-c", "import drivers.z"],
        cwd=tmp_path, env=os.environ | {"MICROPYPATH": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert "no attribute '_b'" in done.stdout and "_call" not in done.stdout
    assert "'A0' object" in done.stdout
    crash = tmp_path / "crash.txt"
    crash.write_text(f"after 3 s:\n{done.stdout}after 5 s:\n")
    monkeypatch.setattr(app_files, "source_files", lambda: sources)
    assert cli.main(["firmware", "crash", str(crash)]) == 0
    said = capsys.readouterr().out
    frames = [line.rpartition(" in ")[2] for line in said.splitlines() if 'File "drivers' in line]
    assert frames == ["<module>", "run", "_call", "_go"]
    assert "'Part' object has no attribute '_level'" in said
    assert said.startswith("after 3 s:\nTraceback") and said.endswith("\nafter 5 s:\n")


def test_no_file_of_tracebacks(tmp_path, capsys):
    assert cli.main(["firmware", "crash", str(tmp_path / "none")]) == 2
    assert "name a file" in capsys.readouterr().err


@pytest.mark.parametrize("kept", ["", "\n"])
def test_a_file_without_a_traceback(tmp_path, capsys, kept):
    crash = tmp_path / "crash.txt"
    crash.write_text(kept)
    assert cli.main(["firmware", "crash", str(crash)]) == 0
    assert "has kept no traceback" in capsys.readouterr().out
