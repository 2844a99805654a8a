"""Files with a passphrase, a password or a code: who may read them, and what they hold."""

import os
from pathlib import Path

import pytest
from fieldbeat.host_tools import issuer_keys, unit_code, wifi_password
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.node_tables import Wifi
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.secret_file import first_line

WIFI = Wifi(ssid="riverside")


@pytest.fixture(params=["passphrase", "code", "password"])
def reader(request, tmp_path):
    """Reads a file as one of the three is read; with what it may hold."""
    registry = Registry(tmp_path / "registry.sqlite")
    return {
        "passphrase": (issuer_keys.read_passphrase, "four words of mine"),
        "code": (unit_code.find, "7ZK40M1X"),
        "password": (lambda f: wifi_password.find(registry, "s-1", WIFI, f), "eight or more"),
    }[request.param]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_file_that_others_may_read_is_refused(reader, tmp_path, mode):
    read, secret = reader
    file = tmp_path / "it"
    file.write_text(f"{secret}\nand more\n")
    file.chmod(mode)
    with pytest.raises(CannotTry, match=f"others may read .*it; next: chmod 600 {file}") as caught:
        read(file)
    assert secret not in str(caught.value)
    file.chmod(0o600)
    assert read(file) == secret
    file.chmod(0o400)
    assert read(file) == secret


def test_a_file_that_is_not_there_or_no_text(reader, tmp_path):
    read, _ = reader
    with pytest.raises(CannotTry, match="cannot be read: No such file.*; next: name a file whose"):
        read(tmp_path / "none")
    (tmp_path / "it").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "it").chmod(0o600)
    with pytest.raises(CannotTry, match="cannot be read: it is no text; next: name a file whose"):
        read(tmp_path / "it")


def test_a_pipe_and_a_credential_of_systemd_are_taken(tmp_path, monkeypatch):
    near, far = os.pipe()
    os.write(far, b"four words of mine\n")
    os.close(far)
    assert first_line(Path(f"/dev/fd/{near}"), "") == "four words of mine"
    os.close(near)
    given = tmp_path / "it"
    given.write_text("four words of mine")
    given.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert first_line(given, "") == "four words of mine"
