"""What a wheel has of our files, and that the bench finds what it must not have."""

from __future__ import annotations

import subprocess
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest
from fieldbeat.host_tools import recorded_year
from fieldbeat.host_tools.errors import CannotTry

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = {
    "hil_tests/data/greenhouse.csv",  # not ours to pass on: hil_tests/data/README.md
    "host_tools/locale/zh/LC_MESSAGES/fieldbeat.po",  # the .mo is made of it
}


def folders(setuptools):
    """The folder of each package, by its name."""
    roots = setuptools["package-dir"]
    for package in setuptools["packages"]:
        room = next(root for root in roots if f"{package}.".startswith(f"{root}."))
        yield package, Path(roots[room], *package.removeprefix(room).split("."))


def packaged(setuptools):
    """Every file that is not code, as setuptools takes them: by patterns below each package."""
    data, excluded = setuptools["package-data"], setuptools["exclude-package-data"]
    for package, folder in folders(setuptools):
        for pattern in data["*"] + data.get(package, []):
            for path in (ROOT / folder).glob(pattern):
                if not any(fnmatch(path.name, name) for name in excluded.get(package, [])):
                    yield str(path.relative_to(ROOT))


def test_a_wheel_has_every_file_that_its_code_may_read():
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    homes = {str(folder) for _, folder in folders(setuptools)}
    run = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    there = {
        name
        for name in run.stdout.splitlines()
        if not name.endswith((".py", ".md"))
        and any(f"{name}/".startswith(f"{home}/") for home in homes)
        and not name.startswith(NOT_READ)
    }
    assert there - set(packaged(setuptools)) == LEFT_OUT


NOT_READ = (  # by whoever installs it: CI's, the tests', the wire's documents, PlatformIO's own
    "hil_tests/mutants/",
    "host_tools/platformio/",
    "host_tools/tests/",
    "protocols/cddl/",
    "protocols/vectors/",
)


def test_an_installed_bench_takes_the_recorded_year_from_the_projects_folder(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(ROOT)
    assert recorded_year.path(tmp_path) == ROOT / "hil_tests/data/greenhouse.csv"


def test_elsewhere_it_says_where_to_begin(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CannotTry, match="is not there") as caught:
        recorded_year.path(tmp_path)
    assert "in the project's folder" in caught.value.next_step
    assert "-m fieldbeat.hil_tests.data.make_greenhouse" in caught.value.next_step


def test_the_clone_itself_has_it_wherever_it_is_started(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert recorded_year.path().exists()
