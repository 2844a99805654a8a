"""Makes the key of an issuer: the public half in the registry, the private one in its file."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

from . import issuer_keys
from .asking import passphrase
from .issuers import Issuer, Issuers
from .language import tr
from .node_tables import check_name
from .output import say


def make(
    issuers: Issuers, name: str, algorithm: int, class_: int, level: int, file: Path | None
) -> Issuer:
    """Make the key of a new issuer: in the registry and in its file, or in none of them."""
    check_name(name)
    secret = passphrase(name, file, new=True)
    key = issuer_keys.generate(algorithm)
    with ExitStack() as undone:
        return issuers.add(
            *(name, key.algorithm, key.public, class_, level),
            also=lambda _: undone.enter_context(issuer_keys.saved(name, key, secret)),
        )


def tell(made: Issuer) -> None:
    """Tell what was made, and where the private half is."""
    say(
        tr("issuer {name}: key id {kid}, may order {rights}").format(
            name=made.name, kid=made.kid.hex(), rights=made.rights
        )
    )
    path = issuer_keys.key_path(made.name)
    say(tr("private key: {path}, encrypted; keep a copy of it in a safe place").format(path=path))
