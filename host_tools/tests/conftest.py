"""What tests of verbs share."""

from __future__ import annotations

import time

import pytest
from fieldbeat.host_tools import issuer_keys

from .collector_site import Site
from .county import County

PASSPHRASE = "correct horse battery"


@pytest.fixture
def county(tmp_path, monkeypatch):
    """A collector with registry and store, whose issuer's passphrase is in the file `pass`."""
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    made = County(tmp_path)
    made.now_s = time.time()
    monkeypatch.setattr(time, "sleep", made.pick_up)
    issuer_keys.save("county", made.signer.key, PASSPHRASE)
    (tmp_path / "pass").write_text(PASSPHRASE)
    (tmp_path / "pass").chmod(0o600)
    yield made
    made.close()


@pytest.fixture
def site(tmp_path):
    """A collector with its files, which can be closed and opened again."""
    return Site(tmp_path)
