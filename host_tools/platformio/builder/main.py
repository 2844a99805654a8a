"""What PlatformIO's buttons do: SCons runs this file for one environment of platformio.ini."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from platformio.exception import UserSideException
from SCons.Script import COMMAND_LINE_TARGETS, AlwaysBuild, Default, DefaultEnvironment

env: Any = DefaultEnvironment()
platform = env.PioPlatform()
environment = env.subst("$PIOENV")
project = Path(env.subst("$PROJECT_DIR"))


def stop(error: UserSideException | str) -> None:
    sys.stderr.write(f"{error}\n")
    env.Exit(1)


try:
    config = project / platform.option(environment, "config")
    virtual = platform.is_virtual(environment)
except UserSideException as error:
    stop(error)


def run(*arguments: str | Path) -> int:
    """Run a verb; what it says on stdout and stderr is what PlatformIO shows."""
    try:  # not before: the IDE asks for its buttons when .venv is not there yet
        command = platform.command()
    except UserSideException as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.flush()
    return subprocess.run([command, *map(str, arguments)]).returncode


def flags(key: str) -> list[str]:
    return shlex.split(env.GetProjectOption(key, ""))


def build(target: list[Any], source: list[Any], env: Any) -> int:
    kind = ["--virtual"] if virtual else []
    more = flags("custom_build_flags")
    board = env.subst("$BOARD")
    return run("build", config, "--board", board, "-o", target[0].abspath, *kind, *more)


def flash(target: list[Any], source: list[Any], env: Any) -> int:
    baud = ["--baud", env.subst("$UPLOAD_SPEED")] if env.subst("$UPLOAD_SPEED") else []
    more = [env.subst(flag) for flag in env.Flatten(env.get("UPLOAD_FLAGS", []))]
    return run("flash", "--port", env.subst("$UPLOAD_PORT"), *baud, *more, source[0].abspath)


def at_port(*words: str | Path) -> Callable[..., int]:
    def act(target: list[Any], source: list[Any], env: Any) -> int:
        return run(words[0], "--port", env.subst("$UPLOAD_PORT"), *words[1:])

    return act


def verb(*words: str | Path) -> Callable[..., int]:
    return lambda target, source, env: run(*words)


def find_port(target: list[Any], source: list[Any], env: Any) -> None:
    """Let PlatformIO look for the port, if no virtual board is meant: it would take a real one."""
    if virtual and not env.subst("$UPLOAD_PORT"):
        board = env.subst("$BOARD")
        stop(
            f"error: {environment} is for a virtual board, whose port PlatformIO cannot find;"
            f" next: run 'fieldbeat bench up {board}', and give the port with --upload-port"
        )
    env.AutodetectUploadPort()


def shown(action: Callable[..., int | None], text: str) -> Any:
    return env.VerboseAction(action, text)


env.Replace(PROGNAME="flash", PROGSUFFIX=".img")
path = env.subst("$BUILD_DIR/${PROGNAME}${PROGSUFFIX}")
if "nobuild" in COMMAND_LINE_TARGETS:
    image = env.File(path)
else:  # fieldbeat build knows itself what has not changed
    image = env.Command(path, [], shown(build, f"Building the image of {config.name}"))
    AlwaysBuild(image)
AlwaysBuild(env.Alias("nobuild", image))
Default(image)

look = shown(find_port, "Looking for the port ...")
provision = at_port("provision", config, *flags("custom_provision_flags"))
status = at_port("console", "--exec", "status")
check = verb("config", "check", config)
firmware = verb("firmware", "get", env.subst("$BOARD"), *flags("custom_firmware_flags"))
for target, needs, actions, title, description in (
    ("upload", image, [look, shown(flash, "Flashing")], "Upload", "Builds, writes and verifies"),
    ("provision", None, [look, shown(provision, "Provisioning")], "Provision", "Identity and key"),
    ("status", None, [look, shown(status, "Asking the unit")], "Status", "What the unit says"),
    ("config", None, [shown(check, "Checking")], "Check", "The unit's TOML file"),
    ("power", None, [shown(verb("power", config), "Reckoning")], "Power", "What a day costs"),
    ("firmware", None, [shown(firmware, "Fetching")], "Firmware", "MicroPython, into the cache"),
):
    env.AddPlatformTarget(target, needs, actions, title, description)
