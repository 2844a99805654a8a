"""What `pio test` runs: pytest on a bench, each case reported to PlatformIO.

PlatformIO's own Python runs this file, which has no fieldbeat: pytest is the one beside the
`fieldbeat` command. An environment says which tests (`custom_tests`), and on which bench
(`custom_bench`, default: virtual); what stands after `-a` goes to pytest.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import click
from platformio.exception import UserSideException
from platformio.project.helpers import get_project_dir
from platformio.test.result import TestCase, TestStatus
from platformio.test.runners.base import TestRunnerBase

PLUGIN = "fieldbeat.hil_tests.plugin.hooks"  # knows benches, in a project of others too


class CustomTestRunner(TestRunnerBase):
    """Runs pytest and reads its JUnit XML."""

    def stage_building(self) -> None:
        """Nothing: a virtual bench builds what it needs, a real one is provisioned."""

    def stage_uploading(self) -> None:
        """Nothing, see above."""

    def stage_testing(self) -> None:
        """Show pytest's lines while it runs, then report its cases."""
        if self.options.without_testing:
            return
        environment = self.test_suite.env_name
        build = Path(self.project_config.get("platformio", "build_dir")) / environment
        build.mkdir(parents=True, exist_ok=True)
        report = build / "tests.xml"
        report.unlink(missing_ok=True)
        tests = shlex.split(self.platform.option(environment, "tests"))
        bench = self.platform.option(environment, "bench", "virtual")
        command = [self.platform.command("python"), "-m", "pytest", "-v", "--tb=short"]
        command += ["-p", PLUGIN, "--bench", bench, f"--junitxml={report}"]
        command += [*(self.options.program_args or ()), *tests]
        exit_code = self._show(command)
        cases = _cases(report) if report.exists() else []
        for case in cases:
            self.test_suite.add_case(case)
        if not cases:
            raise UserSideException(
                f"error: pytest ended with {exit_code} and without a test; next: see its lines"
                " above (no pytest there: pip install 'fieldbeat[test]'), or run"
                f" {shlex.join(command)}"
            )

    def _show(self, command: list[str]) -> int:
        pipe = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=get_project_dir(), stdout=pipe, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout:
                click.echo(line, nl=False)
        return process.returncode


def _cases(report: Path) -> list[TestCase]:
    return [_case(case) for case in ElementTree.parse(report).iter("testcase")]


def _case(case: ElementTree.Element) -> TestCase:
    name = f"{case.get('classname', '').rpartition('.')[2]}::{case.get('name')}"
    result = {"name": name, "duration": float(case.get("time", 0)), "status": TestStatus.PASSED}
    for tag, status in (("skipped", "SKIPPED"), ("failure", "FAILED"), ("error", "ERRORED")):
        found = case.find(tag)
        if found is None:
            continue
        message = found.get("message", "")
        result |= {"status": TestStatus[status], "message": message, "stdout": found.text}
        if status == "ERRORED":
            result["exception"] = UserSideException(message)
    return TestCase(**result)
