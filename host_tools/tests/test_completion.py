"""A shell completes verbs and options, by what `fieldbeat --show-completion` gives."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FIELDBEAT = str(Path(sys.executable).parent / "fieldbeat")


def run(command, **variables):
    folder = str(Path(FIELDBEAT).parent)
    environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"} | variables
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout


def script_for(shell: str) -> str:
    # What --show-completion prints below such a shell; CI has none above it.
    return run([FIELDBEAT], _FIELDBEAT_COMPLETE=f"source_{shell}")


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("fieldbeat fl", ["flash"]),
        ("fieldbeat config ch", ["check"]),
        ("fieldbeat flash --rep", ["--repurpose"]),
        ("fieldbeat boards greenhouse_c", ["greenhouse_climate_esp32"]),
        ("fieldbeat bench up speaker_esp32_eth greenhouse_c", ["greenhouse_climate_esp32"]),
    ],
)
def test_bash_completes_verbs_that_are_not_loaded_yet(words, completed):
    script = script_for("bash")
    script += f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
    script += '_fieldbeat_completion fieldbeat; echo "${COMPREPLY[@]}"'
    assert run(["bash", "-c", script]).split() == completed


@pytest.mark.parametrize(("language", "told"), [("en", "Write an image"), ("zh", "把映像烧录")])
def test_zsh_is_told_what_a_word_means(language, told):
    answer = run(
        [FIELDBEAT],
        _FIELDBEAT_COMPLETE="complete_zsh",
        _TYPER_COMPLETE_ARGS="fieldbeat fl",
        FIELDBEAT_LANG=language,
    )
    assert f'"flash":"{told}' in answer


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh_takes_the_script():
    script = script_for("zsh")
    run(
        ["zsh", "-c", f"autoload -U compinit; compinit -D\n{script}\nwhence _fieldbeat_completion"]
    )
