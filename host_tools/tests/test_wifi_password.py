"""Where the password of an access point comes from, and that it is seen nowhere."""

import stat

import pytest
from fieldbeat.host_tools import wifi_password
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.node_tables import Wifi
from fieldbeat.host_tools.registry import Registry

WIFI = Wifi(ssid="riverside")


@pytest.fixture
def registry(tmp_path, monkeypatch):
    monkeypatch.delenv(wifi_password.VARIABLE, raising=False)
    return Registry(tmp_path / "registry.sqlite")


def test_a_file_before_the_environment_before_the_registry(registry, tmp_path, monkeypatch):
    registry.keep_wifi_password("s-1", "from the registry")
    assert wifi_password.find(registry, "s-1", WIFI, None) == "from the registry"
    monkeypatch.setenv(wifi_password.VARIABLE, "from the environment")
    assert wifi_password.find(registry, "s-1", WIFI, None) == "from the environment"
    file = tmp_path / "wifi.pass"
    file.write_text("from the file\nand a second line\n")
    file.chmod(0o600)
    assert wifi_password.find(registry, "s-1", WIFI, file) == "from the file"
    assert stat.S_IMODE(registry.path.stat().st_mode) == 0o600


def test_a_person_is_asked_unseen(registry, monkeypatch):
    asked = []
    monkeypatch.setattr("sys.stdin", type("Terminal", (), {"isatty": lambda self: True})())
    monkeypatch.setattr(
        "typer.prompt", lambda text, **options: asked.append((text, options)) or "eight or more"
    )
    assert wifi_password.find(registry, "s-1", WIFI, None) == "eight or more"
    ((question, options),) = asked
    assert question == "Password of the Wi-Fi 'riverside'"
    assert options["hide_input"] and options["err"] and not options["confirmation_prompt"]


@pytest.mark.parametrize("stdin", [type("Pipe", (), {"isatty": lambda self: False})(), None])
def test_nobody_is_there_to_ask(registry, monkeypatch, stdin):
    monkeypatch.setattr("sys.stdin", stdin)  # None: a service whose input is closed
    with pytest.raises(CannotTry, match="nobody is there"):
        wifi_password.find(registry, "s-1", WIFI, None)


def test_a_unit_that_needs_none(registry, tmp_path):
    for wifi in (None, Wifi(ssid="riverside", open=True)):
        assert wifi_password.find(registry, "s-1", wifi, None) == ""
        with pytest.raises(CannotTry, match="joins no network that has a password"):
            wifi_password.find(registry, "s-1", wifi, tmp_path / "wifi.pass")


@pytest.mark.parametrize("bad", ["seven77", "x" * 64, "caf\u00e9 au lait", "tab\tinside it", ""])
def test_what_no_access_point_takes_is_refused_unsaid(bad):
    with pytest.raises(CannotTry) as caught:
        wifi_password.checked(bad, "wifi.pass")
    assert "wifi.pass" in str(caught.value) and (not bad or bad not in str(caught.value))


def test_the_limits():
    for good in ("x" * 8, "x" * 63, " !~" * 3):
        assert wifi_password.checked(good, "it") == good
