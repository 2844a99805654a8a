"""A support bundle: one ZIP file with all that `doctor` has seen of a unit, without a secret.

Secrets are masked before anything is written (`doctor_masks.py`); keys are never read in the first
place. What is judged is masked before, so that a bundle leads to the same findings as its unit.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from .doctor import Finding
from .doctor_evidence import Evidence
from .doctor_masks import masked
from .errors import CannotTry
from .files import write_atomically
from .language import tr

LINES = "lines.txt"
# What zipfile raises of a file that is none, is cut short, or was packed or sealed by others.
_NO_BUNDLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)


def write(path: Path, evidence: Evidence, findings: Iterable[Finding]) -> None:
    """Write a bundle, whole or not at all.

    Raises:
        CannotTry: the file cannot be written.
    """
    files = {
        LINES: "\n".join(evidence.lines()),
        "missing.txt": "\n".join(evidence.missing),
    }
    files |= {f"console/{verb}.txt": text for verb, text in evidence.verbs.items()}
    crash = evidence.files.get("crash.txt")
    if crash:
        files["crash.txt"] = crash.decode("utf-8", "replace")
    files = {name: masked(text) for name, text in files.items()}
    files["unit.txt"] = evidence.unit
    files["findings.json"] = json.dumps([asdict(each) for each in findings], indent=1)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, text in files.items():
            bundle.writestr(name, text and text + "\n")
    write_atomically(path, content.getvalue())


def read(path: Path) -> tuple[str, list[str]]:
    """Return the unit's name and the lines of a bundle.

    Raises:
        CannotTry: it is none.
    """
    try:
        with zipfile.ZipFile(path) as bundle:
            unit = bundle.read("unit.txt").decode().strip()
            return unit, bundle.read(LINES).decode().splitlines()
    except (OSError, KeyError, UnicodeDecodeError, *_NO_BUNDLE) as error:
        message = tr("{path} is no bundle of doctor ({error})").format(path=path, error=error)
        raise CannotTry(message, tr("name a file that doctor --bundle has written")) from None
