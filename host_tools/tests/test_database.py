"""Files that are taken, refused, and brought up to date."""

import asyncio
import dataclasses
import os
import shutil
import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from fieldbeat.host_tools import store, udp_server
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.database import Database, DatabaseBusy
from fieldbeat.host_tools.database_layout import Layout
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.store import Store

from .sender import NOW_S, Sender, report_record

DATA = Path(__file__).with_name("data")
NOTES = Layout(
    "notebook",
    application_id=7,
    version=1,
    tables="""
    CREATE TABLE notes (text TEXT DEFAULT ';');
    CREATE TABLE log (text TEXT);
    CREATE TRIGGER copy AFTER INSERT ON notes BEGIN
        INSERT INTO log VALUES (new.text);
        INSERT INTO log VALUES ('; twice');
    END;
    """,
    since_version_1="notes",
)


def made(file, script, **pragmas):
    """Return a file with what a script makes, as another program would make it."""
    connection = sqlite3.connect(file)
    connection.executescript(script)
    for name, value in pragmas.items():
        connection.execute(f"PRAGMA {name}={value}")
    connection.close()
    return file


def old_store(folder, version):
    return made(folder / "store.sqlite", (DATA / f"store_v{version}.sql").read_text())


def test_a_script_may_hold_triggers_and_texts(tmp_path):
    notes = Database(tmp_path / "n.sqlite", NOTES)
    notes.write("INSERT INTO notes DEFAULT VALUES")
    assert [tuple(row) for row in notes.all("SELECT text FROM log")] == [(";",), ("; twice",)]
    notes.close()
    Database(tmp_path / "n.sqlite", NOTES, create=False).close()


FOREIGN = {
    "no tables of ours": ("CREATE TABLE urls (id)", {}),
    "a known version": ("CREATE TABLE urls (id)", {"user_version": 1}),
    "another kind": ("CREATE TABLE frames (id)", {"application_id": 9, "user_version": 2}),
    "no tables at all": ("", {"application_id": 9}),
}


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("kind", [Store, Registry])
@pytest.mark.parametrize(("script", "pragmas"), FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_database_is_refused_and_left_as_it_is(tmp_path, script, pragmas, kind, create):
    file = made(tmp_path / "places.sqlite", script, **pragmas)
    os.chmod(file, 0o640)
    before = file.read_bytes()
    with pytest.raises(CannotTry, match=f"is no fieldbeat {kind.__name__.lower()}"):
        kind(file, create=create)
    assert file.read_bytes() == before and file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_a_registry_is_no_store(tmp_path):
    Registry(tmp_path / "registry.sqlite").close()
    Store(tmp_path / "store.sqlite").close()
    with pytest.raises(CannotTry, match="is no fieldbeat store"):
        Store(tmp_path / "registry.sqlite")
    with pytest.raises(CannotTry, match="is no fieldbeat registry"):
        Registry(tmp_path / "store.sqlite")


def test_an_empty_file_is_no_store_to_a_reader(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    file = tmp_path / "typo"
    file.touch()
    assert main(["show", "--db", str(file)]) == 2
    assert f"{file} is empty, it is no fieldbeat store" in capsys.readouterr().err
    Store().close()
    assert main(["show", "--registry", str(file)]) == 2
    assert f"{file} is empty, it is no fieldbeat registry" in capsys.readouterr().err
    assert main(["decode", "00", "--db", str(file)]) == 2
    assert file.read_bytes() == b""


def test_an_early_file_of_ours_gets_its_mark(tmp_path):
    file = tmp_path / "registry.sqlite"
    registry = Registry(file)
    registry.allocate("gh-1")
    registry.close()
    made(file, "", application_id=0)  # as before there were marks
    Registry(file).close()
    assert file.read_bytes()[68:72] == b"fbrg"
    with pytest.raises(CannotTry, match="is no fieldbeat store"):
        Store(file)


# Tables of older versions


TOLD = {
    "samples": "SELECT series, t, record, value, quality FROM samples ORDER BY series, t",
    "frames": "SELECT * FROM frames ORDER BY id",
    "records": "SELECT * FROM records ORDER BY id",
    "contacts": "SELECT * FROM contacts ORDER BY unit",
}


def told(file):
    """Return what a store says, read as any program would."""
    connection = sqlite3.connect(file)
    rows = {name: connection.execute(sql).fetchall() for name, sql in TOLD.items()}
    connection.close()
    return rows


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_collecting_brings_a_store_up_to_date(tmp_path, version):
    file = old_store(tmp_path, version)
    before = told(file)
    assert len(before["samples"]) == 8
    Store(file).close()  # killed before it had decoded anything again
    opened = Store(file)
    registry = Registry(tmp_path / "registry.sqlite", random_bytes=lambda n: b"\1" * n)
    collector = Collector(opened, registry)
    assert told(file) == before
    sender = Sender(registry, "gh-1")  # whose key and sequence number are those of the file
    sender.piv = 4
    answer = sender.open_ack(collector.handle(sender.seal([report_record(5)]), "x", 1.8e9))
    assert answer.cumulative == 6
    opened.close()
    Store(file, create=False).close()


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_a_reader_leaves_an_older_store_as_it_is(tmp_path, capsys, monkeypatch, version):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    file = old_store(tmp_path, version)
    before = file.read_bytes()
    for verb in (["show"], ["export", "gh-1"], ["decode", "00"]):
        assert main(verb) == 2
        assert "start 'fieldbeat collect' on it once" in capsys.readouterr().err
    assert file.read_bytes() == before


def test_a_step_that_fails_changes_nothing(tmp_path, monkeypatch):
    file = old_store(tmp_path, 1)
    before = told(file)
    steps = {**store.LAYOUT.steps, 1: store.LAYOUT.steps[1] + "; DROP TABLE nowhere"}
    with monkeypatch.context() as patch:
        patch.setattr(store, "LAYOUT", dataclasses.replace(store.LAYOUT, steps=steps))
        with pytest.raises(CannotTry, match="no such table"):
            Store(file)
    assert told(file) == before
    Store(file).close()


def test_columns_are_found_by_name(tmp_path):
    opened = Store(tmp_path / "store.sqlite")
    opened.database.write("ALTER TABLE contacts ADD COLUMN of_another_program")
    contact = store.Contact("gh-1", 1.0, 2.0)
    opened.save_contact(contact)
    assert opened.contact("gh-1") == contact


def test_a_locked_file_is_busy_and_not_damaged(tmp_path):
    one, other = (Database(tmp_path / "n.sqlite", NOTES) for _ in range(2))
    other._connection.execute("PRAGMA busy_timeout=0")
    with one.transaction(), pytest.raises(DatabaseBusy, match="end the other program"):
        other.write("INSERT INTO notes DEFAULT VALUES")


# Where nothing can be written, and what is still in the log


@pytest.fixture
def guest(tmp_path_factory):
    """A folder that others may look into, and a function that makes us others."""
    folder = Path(tempfile.mkdtemp(prefix="fieldbeat-guest-"))
    folder.chmod(0o755)
    root = os.geteuid() == 0

    def arrive():
        if root:
            os.seteuid(65534)  # nobody
        else:
            folder.chmod(0o555)

    yield folder, arrive
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_reader_needs_no_right_to_write(guest, monkeypatch, capsys):
    folder, arrive = guest
    monkeypatch.setenv("FIELDBEAT_HOME", str(folder))
    registry, collected = Registry(), Store()
    sender = Sender(registry)
    Collector(collected, registry).handle(sender.seal([report_record(3)]), "x", NOW_S)
    for database in (registry, collected):
        database.close()
    files = [path for path in folder.iterdir() if path.suffix != ".key"]  # a guest sees no key
    before = {path: path.read_bytes() for path in files}
    (folder / "registry.sqlite").chmod(0o644)
    arrive()
    assert main(["show", "--json"]) == 0
    assert '"records": 1' in capsys.readouterr().out
    assert main(["show", "gh-1", "--gaps"]) == 0
    assert {path: path.read_bytes() for path in files} == before
    assert len(list(folder.iterdir())) == len(files) + 1


def test_what_is_still_in_the_log_is_not_left_out_in_silence(guest, capsys):
    folder, arrive = guest
    (folder / "live").mkdir()
    collected = Store(folder / "live" / "store.sqlite")
    for name in ("store.sqlite", "store.sqlite-wal"):  # as a copy of a running collector's has it
        shutil.copy(folder / "live" / name, folder / name)
    collected.close()
    arrive()
    assert main(["show", "--db", str(folder / "store.sqlite")]) == 2
    said = capsys.readouterr().err
    assert "store.sqlite-wal belongs to it; next: copy both to a folder where you may wr" in said


def test_a_running_collector_leaves_whole_files_behind(tmp_path):
    registry, collected = Registry(tmp_path / "r.sqlite"), Store(tmp_path / "s.sqlite")
    collector = Collector(collected, registry)
    sender = Sender(registry)
    collector.handle(sender.seal([report_record(3)]), "x", NOW_S)
    collector.tidy()
    for name, table in (("s.sqlite", "records"), ("r.sqlite", "keys")):
        shutil.copy(tmp_path / name, tmp_path / "copy.sqlite")  # without its log
        copy = sqlite3.connect(tmp_path / "copy.sqlite")
        assert copy.execute(f"SELECT COUNT(*) FROM {table}").fetchone() == (1,)
        copy.close()
    collected.close()
    collector.tidy()  # a disk that fails does not end the collector
    registry.close()


def test_the_server_tidies_now_and_then(tmp_path, monkeypatch):
    monkeypatch.setattr(udp_server, "TIDY_S", 0.0)
    collector = Collector(Store(tmp_path / "s.sqlite"), Registry(tmp_path / "r.sqlite"))
    tidied = []

    async def serve_until_tidied():
        collector.tidy = lambda: tidied.append(1) or len(tidied) > 1 and server.cancel()
        server = asyncio.create_task(udp_server.serve(collector, "127.0.0.1", 0))
        with suppress(asyncio.CancelledError):
            await server

    asyncio.run(serve_until_tidied())
    assert len(tidied) == 2


@pytest.mark.parametrize(
    ("free", "said"),
    [(0, "the disk is full; next: free space"), (10**9, "disk I/O error; next: look at the")],
)
def test_a_disk_that_is_full_is_told_whatever_fails_first(tmp_path, monkeypatch, free, said):
    """SQLite has an I/O error where there is no room for the files beside one."""

    def fails(*arguments, **options):
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR | 19 << 8  # SHMSIZE
        raise error

    monkeypatch.setattr(sqlite3, "connect", fails)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(1, 1, free))
    with pytest.raises(CannotTry, match=said):
        Database(tmp_path / "n.sqlite", NOTES)
