"""The compiled app is kept by what it was made of."""

from __future__ import annotations

import pytest
from fieldbeat.host_tools import app_cache, app_files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_CACHE", str(tmp_path / "cache"))
    app_cache._app.cache_clear()
    yield tmp_path / "cache"
    app_cache._app.cache_clear()


@pytest.fixture(scope="module")
def made():
    sources = app_files.source_files()
    return {app_files.BOOT: sources[app_files.BOOT], **app_files.slot_files(sources)}


def test_it_is_what_is_compiled_whether_it_was_kept_or_not(folder, made, monkeypatch):
    assert app_cache.app() == made and list(app_cache.app()) == list(made)
    imports = app_cache._app(app_cache._key()).imports
    [kept] = folder.iterdir()
    app_cache._app.cache_clear()
    monkeypatch.setattr(app_files, "source_files", lambda: pytest.fail("it was compiled again"))
    assert app_cache.app() == made and list(app_cache.app()) == list(made)
    assert app_cache._app(app_cache._key()).imports == imports != {}
    assert [*folder.iterdir()] == [kept]


def test_another_source_is_another_app(folder, made, monkeypatch, tmp_path):
    before = app_cache._key()
    (tmp_path / "more.py").write_text("X = 1\n")
    sources = [*app_cache._sources()]
    monkeypatch.setattr(app_cache, "_sources", lambda: [*sources, tmp_path / "more.py"])
    after = app_cache._key()
    (tmp_path / "more.py").write_text("X = 2\n")
    assert len({before, after, app_cache._key()}) == 3
    assert {"boot.py", "bh1750.py", "river.json"} <= {file.name for file in sources}


@pytest.mark.parametrize("damage", [b"", b"PK\3\4 no zip"])
def test_one_that_is_damaged_is_made_anew(folder, made, damage):
    app_cache.app()
    [kept] = folder.iterdir()
    whole = kept.read_bytes()
    for content in (damage, whole[:5000] + b"?" + whole[5001:]):
        kept.write_bytes(content)
        app_cache._app.cache_clear()
        assert app_cache.app() == made


def test_the_newest_are_kept(folder, made):
    folder.mkdir()
    for number in range(20):
        (folder / f"app-{number}.zip").touch()
    (folder / "ESP32.bin").touch()
    app_cache.app()
    assert len([*folder.glob("app-*.zip")]) == app_cache.KEPT and (folder / "ESP32.bin").exists()
    [_] = folder.glob(f"app-{app_cache._key()}.zip")


def test_without_a_folder_it_is_compiled(tmp_path, made, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("FIELDBEAT_CACHE", str(tmp_path / "file"))
    app_cache._app.cache_clear()
    assert app_cache.app() == made
    app_cache._app.cache_clear()
