"""What a slot holds: all that the firmware can load, and nothing else."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fieldbeat.host_tools import app_files, app_imports

MICROPYTHON = os.environ.get("MICROPYTHON") or Path(sys.executable).with_name("micropython")
IMPORT_ALL = """
import sys

sys.modules["machine"] = sys.modules["esp32"] = sys  # nothing of them is needed to load a module
for name in sys.argv[1:]:
    __import__(name)
    print(name)
"""


@pytest.fixture(scope="module")
def sources() -> dict[str, bytes]:
    return app_files.source_files()


def test_what_is_imported_named_or_data_is_there(sources):
    assert {
        "drivers/scd4x.py",  # imported in a function
        "drivers/maps/soil_7in1_womaster.json",
        "firmware/boot.py",
        "firmware/smp_fs.py",  # named in a string of smp_server.py, which node.py names
        "firmware/roles/__init__.py",
        "protocols/rice.py",
    } <= set(sources)


def test_what_only_a_host_or_nobody_uses_is_not(sources):
    for name in ("compat_host", "report_reader", "ack_writer", "command_writer", "smp_codes"):
        assert f"protocols/{name}.py" not in sources
    assert not [path for path in sources if "tests" in path or "profiles" in path]


def test_all_files_alone_suffice_to_import_each(sources, tmp_path):
    assert_it_suffices(sources, tmp_path)
    assert len(sources) > 60


def assert_it_suffices(sources: dict[str, bytes], tmp_path: Path) -> None:
    """Each module can be imported by MicroPython where there is nothing but these."""
    for path, content in sources.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(content)
    modules = [app_imports.module_of(path) for path in sources if path.endswith(".py")]
    modules.remove("firmware.boot")  # runs when it is imported
    done = subprocess.run(
        [MICROPYTHON, "-X", "heapsize=2M", "-c", IMPORT_ALL, *modules],
        cwd=tmp_path,
        env=os.environ | {"MICROPYPATH": f"{tmp_path}:.frozen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == modules, done.stderr


def test_a_private_constant_takes_no_name(sources):
    """Inside const() it is put where it is used. A name stays in the heap, in a table that doubles
    at 1,260 of them."""
    for path, content in sources.items():
        for node in ast.parse(content).body if path.endswith(".py") else ():
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant | ast.Tuple):
                name = ast.unparse(node.targets[0])
                variable = any(isinstance(part, ast.Name) for part in ast.walk(node.value))
                assert not name.startswith("_") or name.startswith("__") or variable, (path, name)
