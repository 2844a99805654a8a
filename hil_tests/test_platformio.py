"""PlatformIO's buttons with the real `pio`: build, upload, provision, monitor, test.

No registry is asked: SCons of PyPI stands in the place of PlatformIO's package of it.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from fieldbeat.hil_tests import platformio_offline
from fieldbeat.hil_tests.virtual.site import CONFIG, Site
from fieldbeat.host_tools import boards, image, image_info, node_config
from fieldbeat.host_tools.registry import Registry
from fieldbeat.protocols import frame, smp
from platformio.project.config import ProjectConfig

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
INI = f"""
[platformio]
boards_dir = {ROOT}/boards
test_dir = {ROOT}/hil_tests/platformio

[env]
platform = symlink://{ROOT}/host_tools/platformio
board = greenhouse_esp32
monitor_filters = fieldbeat
test_framework = custom
custom_virtual = yes
"""


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """A core folder of PlatformIO as a fresh machine has it, but with SCons."""
    folder = tmp_path_factory.mktemp("core")
    platformio_offline.install(folder)
    return folder


class Project:
    """A project with its own ini, or ours; all that comes into being is in one folder."""

    def __init__(self, folder: Path, core: Path) -> None:
        self.folder = folder
        self.core = core
        self.builds = folder / "pio" / "build"

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "PLATFORMIO_CORE_DIR": str(self.core),
            "PLATFORMIO_WORKSPACE_DIR": str(self.folder / "pio"),
            "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
            "PLATFORMIO_DISABLE_UPGRADE_CHECK": "true",
            "FIELDBEAT_HOME": str(self.folder),
            "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        }
        return os.environ | ours

    def write(self, ini: str) -> None:
        (self.folder / "platformio.ini").write_text(INI + ini)

    def unit(self, name: str, more: str = "") -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text(CONFIG.format(unit=name, board="greenhouse_esp32") + more)
        return path

    def pio(self, *arguments: str, expect: int = 0, root: Path | None = None, **more: str) -> str:
        """Runs PlatformIO, in a project folder; returns all that it said."""
        done = subprocess.run(
            [BIN / "pio", *arguments],
            cwd=root or self.folder,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=150,
        )
        assert done.returncode == expect, done.stdout
        return done.stdout


@pytest.fixture
def project(tmp_path, core):
    return Project(tmp_path, core)


# platformio.ini


def our_config() -> ProjectConfig:
    return ProjectConfig(str(ROOT / "platformio.ini"), parse_extra=False)


def test_each_board_has_an_environment_whose_config_is_for_it():
    config = our_config()
    assert sorted(config.envs()) == sorted([*boards.names(), "desk"])
    for name in config.envs():
        said = config.items(env=name, as_dict=True)
        node = node_config.load(ROOT / said["custom_config"])
        assert node.board.id == said["board"] and name in (said["board"], "desk")
        assert all((ROOT / test).exists() for test in said["custom_tests"].split())
        assert said["monitor_speed"] == node.board.console.baud
        assert (said["custom_virtual"] == "yes") == (name == "desk")


def test_our_project_builds_the_desk_and_changes_nothing_of_the_tree(project):
    before = {path.name for path in ROOT.iterdir()}
    said = project.pio("run", root=ROOT)
    assert "SUCCESS" in said and "files " in said and "greenhouse-07 on greenhouse_esp32" in said
    content = (project.builds / "desk" / "flash.img").read_bytes()
    assert content == image.build(node_config.load(ROOT / "docs/examples/desk.toml"))
    assert image_info.inspect(content, "x").virtual
    made = {path.name for path in ROOT.iterdir()} - before
    assert not made & {".pio", ".vscode", "src", "include", "lib", "test"}


@pytest.mark.longest
def test_every_environment_builds(project):
    names = [name for name in our_config().envs() if name != "desk"]
    ini = project.folder / "all.ini"
    virtual = "".join(f"[env:{name}]\ncustom_virtual = yes\n" for name in names)
    ini.write_text(f"[platformio]\nextra_configs = {ROOT}/platformio.ini\n{virtual}")
    project.pio("run", "-c", str(ini), *(f"-e{name}" for name in names), root=ROOT)
    for name in names:
        content = (project.builds / name / "flash.img").read_bytes()
        assert image_info.inspect(content, name).board_id == name


@pytest.mark.longest
def test_each_of_two_checkouts_uses_its_own_platform(project):
    """PlatformIO keeps one link for both, by the name of the folder."""
    platform = project.folder / "host_tools" / "platformio"
    shutil.copytree(ROOT / "host_tools" / "platformio", platform)
    (platform / "builder" / "main.py").write_text("print('the second one')\n")
    line = next(
        line
        for line in (ROOT / "platformio.ini").read_text().splitlines()
        if line.startswith("platform = ")
    )
    own = f"[platformio]\nboards_dir = {ROOT}/boards\n[env:x]\nboard = greenhouse_esp32\n{line}\n"
    (project.folder / "platformio.ini").write_text(own)
    for _ in range(2):
        assert "the second one" not in project.pio("run", "-tconfig", root=ROOT)
        assert "the second one" in project.pio("run")


@pytest.mark.longest
def test_the_ide_gets_its_list_of_buttons(project):
    data = json.loads(project.pio("project", "metadata", "--json-output", "-edesk", root=ROOT))
    targets = {target["name"] for target in data["desk"]["targets"]}
    assert targets == {"upload", "provision", "status", "config", "power", "firmware"}
    listed = project.pio("run", "--list-targets", "-edesk", root=ROOT)
    page = (ROOT / "docs" / "platformio.md").read_text()
    assert all(f" {target} " in listed and f"-t {target}`" in page for target in targets)
    assert "desk.toml: ok" in project.pio("run", "-edesk", "-tconfig", "-tpower", root=ROOT)


@pytest.mark.longest
def test_the_ide_takes_the_project_when_it_is_opened_before_the_command_is_there(project):
    project.unit("gh-01")
    project.write("[env:x]\ncustom_config = gh-01.toml\n")
    before = set(project.folder.iterdir())
    said = project.pio("project", "init", "--ide", "vscode", PATH="/usr/bin:/bin")
    assert "Project has been successfully updated" in said
    made = {path.name for path in set(project.folder.iterdir()) - before}
    assert made <= {"pio", ".vscode", ".gitignore"}
    assert json.loads((project.folder / "pio/build/x/idedata.json").read_text())["targets"]


# What is wrong is told, and nothing is built

WRONG = {
    "custom_config = no.toml": "no.toml: No such file",
    "custom_config = gh-01.toml\nboard = speaker_esp32_eth": "is for board greenhouse_esp32",
    "board = greenhouse_esp32": "has no custom_config; next: write custom_config = ...",
    "custom_config = gh-01.toml\ncustom_virtual = maybe": "is neither yes nor no; next: write",
    "custom_config = gh-01.toml\ncustom_virtual = no": "next: fieldbeat firmware get",
    "custom_config = bad.toml": "bad.toml",
}


@pytest.mark.longest
@pytest.mark.parametrize("ini", WRONG)
def test_a_wrong_environment_is_told(project, ini):
    project.unit("gh-01")
    project.unit("bad", "interval_s = 'soon'\n")
    project.write(f"[env:x]\n{ini}\n")
    said = project.pio("run", expect=1)
    assert WRONG[ini] in said and "error: " in said and "FAILED" in said
    assert not list(project.builds.rglob("*.img"))


def test_the_firmware_button_takes_what_its_message_says(project):
    project.unit("gh-01")
    project.write("[env:x]\ncustom_config = gh-01.toml\ncustom_firmware_flags = --sha256 0f\n")
    said = project.pio("run", "-tfirmware", expect=1)
    assert "next: give 64 hex digits" in said


def test_without_the_command_it_is_said_how_to_get_it(project):
    project.unit("gh-01")
    project.write("[env:x]\ncustom_config = gh-01.toml\n")
    said = project.pio("run", expect=1, PATH="/usr/bin:/bin")
    assert f"there is no fieldbeat command, neither in {project.folder}/.venv/bin nor in" in said
    assert "next: run 'make .venv/.installed' in the project" in said


def test_the_port_of_a_virtual_board_is_not_looked_for_among_real_ones(project):
    project.unit("gh-01")
    project.write("[env:x]\ncustom_config = gh-01.toml\n")
    said = project.pio("run", "-tprovision", expect=1)
    assert "next: run 'fieldbeat bench up greenhouse_esp32', and give the port" in said
    assert "Auto-detected" not in said


# At a virtual board's port


class Desk(Site):
    """A bare board; the world follows the wall clock while PlatformIO runs."""

    def __init__(self, project: Project) -> None:
        super().__init__(seed=1, workdir=project.folder / "site")
        self.project = project
        self.board = self.add_board("greenhouse_esp32", "gh-01")

    def pio(self, *arguments: str, expect: int = 0) -> str:
        self.start_real()
        try:
            return self.project.pio(*arguments, expect=expect)
        finally:
            self.stop_real()


@pytest.fixture
def desk(project):
    project.unit("gh-01")
    environment = "custom_config = gh-01.toml\nupload_speed = 921600\n"
    project.write(
        f"[env:gh-01]\n{environment}"
        f"[env:gh-02]\n{environment}custom_build_flags = --unit gh-02\n"
        f"[env:moved]\n{environment}custom_build_flags = --unit gh-02\n"
        "upload_flags = --repurpose\ncustom_provision_flags = --unit gh-02 --rekey\n"
    )
    with Desk(project) as desk:
        yield desk


@pytest.mark.long
def test_upload_and_provision_make_a_unit_and_keep_our_interlocks(desk):
    port = ("--upload-port", desk.board.port)
    said = desk.pio("run", "-egh-01", "-tupload", "-tprovision", "-tstatus", *port)
    assert "now runs gh-01" in said and "gh-01 is provisioned as key id 0001" in said
    assert re.search(r"unit +gh-01\n", said)
    said = desk.pio("run", "-egh-02", "-tupload", *port, expect=1)
    assert "this board is gh-01 (MAC" in said and "the image is for gh-02" in said
    said = desk.pio("run", "-emoved", "-tupload", "-tprovision", *port)
    assert "now runs gh-02" in said and "gh-02 is provisioned as key id 0002" in said
    kept = (desk.project.builds / "gh-02" / "flash.img").read_bytes()
    desk.project.unit("gh-01", "interval_s = 'soon'\n")  # nobuild: what is there is flashed
    desk.pio("run", "-emoved", "-tnobuild", "-tupload", *port)
    assert (desk.project.builds / "gh-02" / "flash.img").read_bytes() == kept


# The monitor


class Monitor:
    """`pio device monitor` in a terminal of ours."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self._ours, theirs = os.openpty()
        self._process = subprocess.Popen(
            [BIN / "pio", "device", "monitor", *arguments],
            cwd=project.folder,
            env=project.environment,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""

    def type(self, data: bytes) -> None:
        os.write(self._ours, data)

    def until(self, text: str, seconds: float = 90) -> None:
        """Reads the screen until a text is on it."""
        end = time.monotonic() + seconds
        while text not in self.shown:
            readable, _, _ = select.select([self._ours], [], [], max(0, end - time.monotonic()))
            assert readable, self.shown
            data = os.read(self._ours, 4096).decode(errors="replace")
            self.shown += data.replace("\r", "")

    def close(self) -> int:
        self.type(b"\x03")
        code = self._process.wait(20)
        os.close(self._ours)
        return code


LOUD = """#!{python}
import signal, sys
signal.alarm(20)  # who is never read ends
for line in sys.stdin:
    print("warning: " + "x" * 100_000, file=sys.stderr, flush=True)
    print('["told"]', flush=True)
"""


def test_warnings_of_the_decoder_do_not_stop_the_monitor(tmp_path, monkeypatch):
    path = ROOT / "host_tools/platformio/monitor/filter_fieldbeat.py"
    spec = importlib.util.spec_from_file_location("filter_fieldbeat", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    stub = tmp_path / "fieldbeat"
    stub.write_text(LOUD.format(python=sys.executable))
    stub.chmod(0o755)
    platform = SimpleNamespace(command=lambda: str(stub))
    monkeypatch.setattr(module.PlatformFactory, "from_env", lambda _: platform)
    shown = module.FieldbeatFilter({})
    shown.environment = "x"
    line = b"".join(smp.encode_lines(smp.pack(1, 0, 7, 0, {}))).decode()
    assert [shown.rx(line) for _ in range(3)] == ["  | told\n"] * 3


@pytest.mark.longest
def test_the_monitor_decodes_what_comes_in_pieces_and_shows_text_as_it_is(project):
    """The unit is a terminal of ours: so each piece comes when we want."""
    project.unit("gh-01")
    project.write("[env:x]\ncustom_config = gh-01.toml\n")
    registry = Registry(project.folder / "registry.sqlite")
    registry.allocate("gh-01")
    ((epoch, master),) = registry.keys(b"\0\1")
    registry.close()
    sealed = frame.KeySet(master, b"\0\1", epoch).seal(frame.COMMAND, frame.DOWN, 7, b"\xa0")
    ours, theirs = os.openpty()
    monitor = Monitor(project, "-ex", "-p", os.ttyname(theirs))
    monitor.until("Quit: Ctrl+C")
    os.write(ours, b"fieldbeat> ")
    monitor.until("fieldbeat> ")  # no line has ended, and it is on the screen
    answer = b"".join(smp.encode_lines(smp.pack(1, 0, 7, 0, {"r": "x" * 90})))
    for at in range(0, len(answer), 50):
        os.write(ours, answer[at : at + 50])
        time.sleep(0.02)
    monitor.until("  | SMP 7 read answer: os echo r='xxx")
    os.write(ours, b"sent %s\nlast \x04 line\n" % sealed.hex().encode())
    monitor.until("line\n")
    assert monitor.close() == 0
    after = monitor.shown[monitor.shown.index("fieldbeat> ") :].splitlines()
    assert after[0] == "fieldbeat> " and after[1].startswith("  | SMP 7")
    assert after[2] == f"sent {sealed.hex()}"
    assert after[3] == "  | frame of gh-01, down, to the unit: plaintext: command"
    assert after[4] == "last \x04 line"
    os.close(ours)
    os.close(theirs)


@pytest.mark.long
def test_the_monitor_shows_a_board_and_decodes_its_answers(project):
    with Site(seed=1, workdir=project.folder) as site:
        site.add_station()
        station = site.boards["gh-01"]
        project.unit("gh-01")
        project.write("[env:x]\ncustom_config = gh-01.toml\n")
        site.start_real()
        monitor = Monitor(project, "-ex", "-p", station.port)
        monitor.until("Quit: Ctrl+C")
        monitor.type(b"status\r")
        monitor.until("gh-01")
        for line in smp.encode_lines(smp.pack(2, 0, 9, 0, {"d": "hello"})):
            monitor.type(line)
        monitor.until("  | SMP 9 write answer: os echo r='hello'\n")
        assert monitor.close() == 0
        site.stop_real()


@pytest.mark.longest
def test_the_monitor_goes_on_without_the_command(project):
    project.unit("gh-01")
    project.write("[env:x]\ncustom_config = gh-01.toml\n")
    (project.folder / ".venv" / "bin").mkdir(parents=True)
    stub = project.folder / ".venv" / "bin" / "fieldbeat"
    stub.write_text("#!/bin/sh\necho 'error: out of order' >&2\nexit 2\n")
    stub.chmod(0o755)
    ours, theirs = os.openpty()
    monitor = Monitor(project, "-ex", "-p", os.ttyname(theirs))
    monitor.until("Quit: Ctrl+C")
    for _ in range(2):
        os.write(ours, b"".join(smp.encode_lines(smp.pack(1, 0, 7, 0, {}))) + b"text\n")
    monitor.until("text\n")
    os.write(ours, b"end\n")
    monitor.until("end\n")
    assert monitor.shown.count("no frames are decoded: error: out of order") == 1
    assert monitor.close() == 0
    os.close(ours)
    os.close(theirs)


# Tests

CASES = """
import pytest
def test_good(): pass
def test_bad(): assert 1 == 2
def test_left_out(): pytest.skip("no lamp")
@pytest.fixture
def broken(): raise OSError("no line")
def test_broken(broken): pass
"""


@pytest.mark.long
def test_pio_test_runs_ours_on_the_virtual_bench(project):
    report = project.folder / "report.xml"
    said = project.pio("test", "--junit-output-path", str(report), root=ROOT)
    assert "4 test cases: 4 succeeded" in said and "test_reports_arrive PASSED" in said
    assert report.read_text().count("<testcase ") == 4
    chosen = project.pio("test", "-a-k", "-asays_who", root=ROOT)
    assert "1 test cases: 1 succeeded" in chosen


@pytest.mark.longest
def test_pio_test_reports_each_case(project):
    (project.folder / "test_cases.py").write_text(CASES)
    project.write("[env:x]\ncustom_tests = test_cases.py\n")
    out = project.folder / "out.json"
    said = project.pio("test", "--json-output-path", str(out), expect=1)
    cases = json.loads(out.read_text())["test_suites"][0]["test_cases"]
    assert {case["name"]: case["status"] for case in cases} == {
        "test_cases::test_good": "PASSED",
        "test_cases::test_bad": "FAILED",
        "test_cases::test_left_out": "SKIPPED",
        "test_cases::test_broken": "ERRORED",
    }
    assert "assert 1 == 2" in said and "no lamp" in out.read_text()


@pytest.mark.longest
def test_pio_test_fails_where_there_is_no_test(project):
    project.write("[env:x]\ncustom_tests = test_no.py\n[env:y]\ncustom_virtual = no\n")
    said = project.pio("test", expect=1)
    assert "file or directory not found: test_no.py" in said
    assert "pytest ended with 4 and without a test; next: see its lines above" in said
    assert "environment y has no custom_tests; next: write custom_tests" in said


def test_versions_agree():
    with open(ROOT / "pyproject.toml", "rb") as file:
        version = tomllib.load(file)["project"]["version"]
    manifest = json.loads((ROOT / "host_tools/platformio/platform.json").read_text())
    assert manifest["version"] == version
