"""The registry's lock: what lies in its file, what opens it, and what happens without that."""

import base64
import hashlib
import shutil
import sqlite3
import stat
import threading
from pathlib import Path

import pytest
from Cryptodome.Cipher import AES
from fieldbeat.host_tools import sealing, vault
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.database import Database
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.registry_tables import LAYOUT
from fieldbeat.host_tools.store import Store
from fieldbeat.host_tools.vault import LockedError
from fieldbeat.protocols import cbor

from .sender import Sender, report_record

NOW_S = 1_780_000_000.0
WORDS = "correct horse battery"
COST = sealing.SCRYPT_N, sealing.SCRYPT_R, sealing.SCRYPT_P


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    for name in (vault.KEY_FILE_VARIABLE, vault.PASSPHRASE_VARIABLE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sealing, "SCRYPT_N", 2**10)  # stored with what is sealed
    return tmp_path


def filled(**options):
    """A registry with two epochs of a unit and a password; with all that is secret in it."""
    registry = Registry(**options)
    registry.allocate("gh-1")
    unit = registry.allocate("gh-1")
    registry.keep_wifi_password("gh-1", WORDS)
    registry.keep_secret("gh-1", "console", bytes(range(20)))
    keys = [master for _, master in registry.keys(unit.kid)]
    return registry, [*keys, WORDS.encode(), bytes(range(20))]


def forms(secret):
    return secret, secret.hex().encode(), base64.b64encode(secret), repr(secret)[2:-1].encode()


def told_in(data, known):
    return [secret for secret in known if any(form in data for form in forms(secret))]


def in_files(folder, known, but=()):
    """Which secrets lie in the files of a folder."""
    data = b"|".join(p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name not in but)
    return told_in(data, known)


def assert_opens(registry, known):
    assert [master for _, master in registry.keys(b"\0\1")] == known[:2]
    assert registry.wifi_password("gh-1") == WORDS
    assert registry.secret("gh-1", "console") == known[3]


def test_a_new_registry_tells_nothing_to_whoever_copies_it(place):
    registry, known = filled()
    assert in_files(place, known) == []
    key = place / "registry.sqlite.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().startswith("# The key of a fieldbeat registry.")
    registry.close()
    assert in_files(place, known) == []
    assert_opens(Registry(create=False), known)
    assert in_files(place, [bytes.fromhex(key.read_text().split()[-1])], {key.name}) == []


def test_what_was_deleted_or_in_clear_before_is_nowhere_in_the_file(place, capsys):
    registry, known = filled(locked=False)
    assert in_files(place, known) == known  # the search finds it
    other = Registry()
    registry.keep_wifi_password("gh-1", "the password before")
    registry.keep_wifi_password("gh-1", WORDS)
    assert main(["registry", "lock"]) == 0
    assert "locked by the key file" in (said := capsys.readouterr()).out and not said.err
    assert in_files(place, [*known, b"the password before"]) == []
    for each in (registry, other):  # they were open meanwhile, as a collector's is
        assert_opens(each, known)
        assert each.vault.lock() is not None


def test_whoever_reads_while_it_is_locked_is_told_of_a_log_that_cannot_be_emptied(
    place, capsys, monkeypatch
):
    monkeypatch.setattr("fieldbeat.host_tools.database.BUSY_TIMEOUT_S", 0.1)
    registry, known = filled(locked=False)
    with registry.database.reading():
        registry.database.all("SELECT * FROM keys")
        assert main(["registry", "lock"]) == 0
        assert "keys in clear may be left in its log" in capsys.readouterr().err
    assert main(["registry", "lock"]) == 0
    assert in_files(place, known) == [] and not capsys.readouterr().err


def test_another_implementation_opens_it_by_what_is_written_in_it(place):
    registry, known = filled()
    registry.vault.lock_by(sealing.PASSPHRASE, sealing.passphrase_bytes("Wörter gehören"))
    row = registry.database.one("SELECT * FROM lock")
    assert (row["kind"], row["n"], row["r"], row["p"]) == ("passphrase", 2**10, 8, 1)
    cost = {"n": row["n"], "r": row["r"], "p": row["p"], "dklen": 32}
    wrapping = hashlib.scrypt("Wörter gehören".encode(), salt=row["salt"], **cost)

    def opened(key, sealed, where):
        cipher = AES.new(key, AES.MODE_GCM, nonce=sealed[:12])
        cipher.update(where)
        return cipher.decrypt_and_verify(sealed[12:-16], sealed[-16:])

    data_key = opened(wrapping, row["wrapped"], b"fieldbeat: the data key of a registry")
    rows = registry.database.all("SELECT kid, epoch, master FROM keys ORDER BY epoch DESC")
    for (kid, epoch, sealed), master in zip(rows, known, strict=False):
        assert opened(data_key, sealed, cbor.encode(["key", kid, epoch])) == master
    [sealed] = registry.database.one("SELECT value FROM secrets WHERE name = 'console'")
    assert opened(data_key, sealed, cbor.encode(["secret", "gh-1", "console"])) == known[3]


def test_the_cost_of_a_guess_is_what_owasp_recommends():
    assert COST == (2**17, 8, 1)


def test_a_composed_letter_is_the_same_letter():
    assert sealing.passphrase_bytes("u\u0308") == sealing.passphrase_bytes("\u00fc")


def test_a_passphrase_opens_it_and_a_wrong_one_loses_nothing(place, monkeypatch, capsys):
    registry, known = filled()
    words = place / "words"
    words.write_text("seven small boats\n")
    words.chmod(0o600)
    assert main(["registry", "lock", "--passphrase-file", str(words)]) == 0
    registry.close()
    before = (place / "registry.sqlite").read_bytes()
    with pytest.raises(LockedError, match="nobody is there to ask"):
        Registry().keys(b"\0\1")
    monkeypatch.setenv(vault.PASSPHRASE_VARIABLE, "seven small goats")
    with pytest.raises(LockedError, match="does not open with this passphrase"):
        Registry().allocate("gh-2")
    assert Registry().unit("gh-2") is None and (place / "registry.sqlite").read_bytes() == before
    monkeypatch.setattr(vault, "_warned", threading.Event())
    monkeypatch.setenv(vault.PASSPHRASE_VARIABLE, "seven small boats")
    opened = Registry()
    capsys.readouterr()
    for _ in range(3):
        assert_opens(opened, known)
    assert capsys.readouterr().err.count("which other programs of yours can read") == 1


def test_a_person_is_asked_once_and_may_mistype(place, monkeypatch):
    registry, known = filled()
    registry.vault.lock_by(sealing.PASSPHRASE, b"seven small boats")
    answers = iter(["seven", "seven small boats"])
    monkeypatch.setattr("fieldbeat.host_tools.asking.is_anybody_there", lambda: True)
    monkeypatch.setattr("fieldbeat.host_tools.asking.secret", lambda question: next(answers))
    opened, errors = Registry(), []

    def read():
        try:
            assert_opens(opened, known)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == [] and next(answers, None) is None


def test_a_new_lock_makes_the_old_key_worthless_but_for_old_copies(place):
    registry, known = filled()
    shutil.copy(place / "registry.sqlite.key", place / "stolen.key")
    registry.checkpoint()
    shutil.copy(place / "registry.sqlite", place / "copy.sqlite")
    data_key = registry.vault.lock().wrapped.open(sealing.read_key_file(place / "stolen.key"))
    assert main(["registry", "lock", "--key-file", str(place / "new.key")]) == 0
    assert_opens(registry, known)  # the running program finds the new file by itself
    [sealed] = registry.database.one("SELECT master FROM keys WHERE epoch = 2")
    with pytest.raises(sealing.DoesNotOpen):  # nor who has taken the data key itself
        data_key.open(sealed, vault.place_of_key(b"\0\1", 2))
    (place / "new.key").rename(place / "aside")
    shutil.copy(place / "stolen.key", place / "new.key")
    with pytest.raises(LockedError, match="is the key file of another registry .*, or an older"):
        Registry().keys(b"\0\1")
    shutil.copy(place / "stolen.key", place / "copy.sqlite.key")
    copy = Registry(place / "copy.sqlite")
    with pytest.raises(LockedError, match="the key file .*registry.sqlite.key"):
        (place / "registry.sqlite.key").unlink()
        copy.keys(b"\0\1")


def meanwhile(monkeypatch, name, work):
    """Let another program work once in the middle of a function of `sealing`."""
    function = getattr(sealing, name)

    def first(*arguments):
        monkeypatch.setattr(sealing, name, function)
        work()
        return function(*arguments)

    monkeypatch.setattr(sealing, name, first)


def test_who_locks_while_another_one_locks_seals_nothing_twice(place, monkeypatch):
    registry, known = filled(locked=False)
    other = Registry()
    meanwhile(monkeypatch, "wrap", lambda: other.vault.lock_by_file(place / "registry.sqlite.key"))
    registry.vault.lock_by(sealing.PASSPHRASE, WORDS.encode())  # what is locked by now is opened
    monkeypatch.setenv(vault.PASSPHRASE_VARIABLE, WORDS)
    for each in (registry, other, Registry()):
        assert_opens(each, known)


@pytest.mark.parametrize("by_whom", ["lock", "unlock"])
def test_who_changes_the_lock_while_another_one_does_is_told_and_loses_nothing(
    place, monkeypatch, by_whom
):
    _, known = filled()
    registry, other = Registry(), Registry()
    assert_opens(other, known)
    meanwhile(monkeypatch, "read_key_file", lambda: other.vault.lock_by_file(place / "new.key"))
    with pytest.raises(LockedError, match="another program has just locked or unlocked .*run it"):
        if by_whom == "lock":
            registry.vault.lock_by(sealing.PASSPHRASE, WORDS.encode())
        else:
            registry.vault.unlock()
    for each in (registry, other, Registry()):
        assert_opens(each, known)
    assert registry.vault.lock().place == "new.key"


def test_two_who_make_a_key_file_have_the_same(place, monkeypatch):
    file, others = place / "site.key", []
    make = sealing.secrets.token_bytes

    def meanwhile_made(size):
        monkeypatch.setattr(sealing.secrets, "token_bytes", make)
        others.append(sealing.make_key_file(file))
        return make(size)

    monkeypatch.setattr(sealing.secrets, "token_bytes", meanwhile_made)
    assert sealing.make_key_file(file) == others[0] == sealing.read_key_file(file)


def test_a_lost_key_file_is_named_and_its_copy_is_enough(place, monkeypatch, capsys):
    registry, known = filled()
    registry.close()
    (place / "registry.sqlite.key").rename(place / "kept")
    for verb in (["collect", "--bind", "127.0.0.1:0"], ["registry", "status"]):
        assert main(verb) == 2
        said = capsys.readouterr().err
        assert f"the key file {place}/registry.sqlite.key of" in said and "is missing" in said
        assert "registry rebuild" in said
    assert main(["show"]) in (0, 1, 2)  # which needs no key
    assert "key file" not in capsys.readouterr().err
    monkeypatch.setenv(vault.KEY_FILE_VARIABLE, str(place / "kept"))
    assert_opens(Registry(), known)


def test_a_registry_is_moved_with_the_key_file_beside_it(place, tmp_path):
    registry, known = filled()
    registry.close()
    (tmp_path / "elsewhere").mkdir()
    for name in ("registry.sqlite", "registry.sqlite.key"):
        (place / name).rename(tmp_path / "elsewhere" / name)
    assert_opens(Registry(tmp_path / "elsewhere" / "registry.sqlite"), known)


def test_a_named_key_file_counts_for_a_new_registry_and_not_for_others(place, monkeypatch):
    _, known = filled()
    monkeypatch.setenv(vault.KEY_FILE_VARIABLE, str(place / "deep" / "site.key"))
    Registry(place / "other.sqlite").allocate("gh-9")
    assert (place / "deep" / "site.key").exists() and not (place / "other.sqlite.key").exists()
    assert_opens(Registry(), known)  # by the one beside it
    monkeypatch.delenv(vault.KEY_FILE_VARIABLE)
    assert Registry(place / "other.sqlite").keys(b"\0\1")


@pytest.mark.parametrize("content", ["", "00" * 31, "nonsense\n", "00" * 32 + "\n" + "00" * 32])
def test_what_is_no_key_file_is_never_overwritten(place, content):
    file = place / "registry.sqlite.key"
    file.write_text(content)
    file.chmod(0o600)
    with pytest.raises(CannotTry, match="is no key file of a registry"):
        Registry()
    assert file.read_text() == content
    file.unlink()
    Registry().allocate("gh-1")  # what failed left nothing behind


def test_a_key_file_that_others_may_read_is_refused(place):
    registry, _ = filled()
    registry.close()
    (place / "registry.sqlite.key").chmod(0o640)
    with pytest.raises(CannotTry, match="others may read .*; next: chmod 600"):
        Registry().keys(b"\0\1")


def test_a_credential_that_systemd_hands_to_a_service_is_taken(place, monkeypatch):
    registry, known = filled()
    registry.close()
    folder = place / "credentials"
    folder.mkdir()
    (place / "registry.sqlite.key").rename(folder / "site.key")
    (folder / "site.key").chmod(0o440)
    monkeypatch.setenv(vault.KEY_FILE_VARIABLE, str(folder / "site.key"))
    for elsewhere in (place, f"{folder}-of-another"):
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(elsewhere))
        with pytest.raises(CannotTry, match="others may read"):
            Registry().keys(b"\0\1")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    assert_opens(Registry(), known)


def test_secrets_cannot_change_places(place):
    registry, _ = filled()
    registry.allocate("gh-2")
    sql = "UPDATE keys SET master = (SELECT master FROM keys WHERE kid = x'0001' AND epoch = 2)"
    registry.database.write(sql)
    assert len(registry.database.all("SELECT DISTINCT master FROM keys")) == 1
    with pytest.raises(LockedError, match="was changed or is damaged"):
        registry.keys(b"\0\2")


def test_unlocking_stores_it_in_clear_and_asks_before(place, capsys):
    registry, known = filled()
    assert main(["registry", "unlock"]) == 2
    assert registry.vault.lock() is not None
    assert main(["registry", "unlock", "--yes", "--json"]) == 0
    assert '"locked_by": null' in capsys.readouterr().out
    assert in_files(place, known) == known
    assert_opens(registry, known)


def test_a_registry_from_before_goes_on_in_clear_and_tells_once_how_to_lock(place, capsys):
    database = Database(place / "registry.sqlite", LAYOUT)
    database.close()
    connection = sqlite3.connect(place / "registry.sqlite")
    connection.executescript(
        "DROP TABLE lock; DROP TABLE secrets; DROP TABLE configs; DROP TABLE retired;"
        "DROP TABLE technicians; DROP TABLE signed;"
        "ALTER TABLE keys DROP COLUMN revoked_s; INSERT INTO settings VALUES ('kid_size', 2);"
        "CREATE TABLE wifi (unit TEXT PRIMARY KEY, password TEXT NOT NULL, changed_s REAL);"
        "INSERT INTO wifi VALUES ('gh-1', 'correct horse', 1.0);"
        "INSERT INTO keys (kid, epoch, master, created_s) VALUES"
        " (x'0001', 1, x'000102030405060708090a0b0c0d0e0f', 1.0); PRAGMA user_version=8;"
    )
    connection.close()
    arguments = ["provision", "--port", "/dev/ttyNONE", str(GREENHOUSE)]
    assert [main(arguments), main(arguments)] == [2, 2]
    assert capsys.readouterr().err.count("'fieldbeat registry lock' seals them") == 1
    registry = Registry()
    assert registry.keys(b"\0\1") == [(1, bytes(range(16)))]
    assert registry.wifi_password("gh-1") == "correct horse"
    assert main(["registry", "lock"]) == 0
    assert registry.keys(b"\0\1") == [(1, bytes(range(16)))]
    assert registry.wifi_password("gh-1") == "correct horse"
    assert in_files(place, [bytes(range(16)), b"correct horse"]) == []


GREENHOUSE = Path(__file__).parents[2] / "docs" / "examples" / "greenhouse.toml"


def test_a_collector_goes_on_while_it_is_locked_anew_and_refuses_without_the_key(place):
    registry, store = Registry(), Store()
    sender, collector = Sender(registry), Collector(store, registry)

    def sent(rn):
        return collector.handle(sender.seal([report_record(rn)]), "x", NOW_S + rn)

    assert sent(1)
    assert main(["registry", "lock", "--key-file", str(place / "new.key")]) == 0
    assert sent(2)
    assert main(["registry", "lock", "--key-file", str(place / "third.key")]) == 0
    (place / "third.key").rename(place / "aside")
    assert not sent(3) and collector.refused["store"] == 1  # not acknowledged: it comes again
    (place / "aside").rename(place / "third.key")
    assert sent(3)


def test_no_verb_tells_a_key(place, capfd, caplog, monkeypatch):
    """Each that reads keys, with --json, with --debug and an error, and what they log."""
    caplog.set_level(0)
    registry, known = filled()
    sender = Sender(registry, "gh-2")
    frame = sender.seal([report_record(1)])
    Collector(Store(), registry).handle(frame, "x", NOW_S)
    known += [master for _, master in registry.keys(b"\0\2")]
    out = place / "secrets.bin"
    words = place / "words"
    words.write_text(WORDS)
    words.chmod(0o600)
    for verb in (
        ["build", str(GREENHOUSE), "--virtual", "-o", str(place / "x.img"), "--unit", "gh-3"]
        + ["--secrets-out", str(out)],
        ["decode", frame.hex()],
        ["show"],
        ["show", "gh-2"],
        ["registry", "status"],
        ["registry", "lock", "--key-file", str(place / "b.key")],
        ["registry", "lock", "--passphrase-file", str(words)],
        ["registry", "status", "--debug"],
        ["provision", "--port", "/dev/ttyNONE", str(GREENHOUSE), "--unit", "gh-1", "--debug"],
        ["decode", frame.hex(), "--debug"],
    ):
        main(verb)
        main([*verb, "--json"])
    (place / "b.key").unlink()
    monkeypatch.setenv(vault.PASSPHRASE_VARIABLE, WORDS + "!")
    main(["decode", frame.hex(), "--debug"])
    told = capfd.readouterr()
    text = (told.out + told.err + caplog.text).encode()
    assert b"locked by" in text and b"Traceback" in text
    objects = [registry, registry.vault, registry.vault.lock(), registry.vault._opened]
    text += repr([vars(each) if hasattr(each, "__dict__") else each for each in objects]).encode()
    known += [bytes.fromhex((place / "registry.sqlite.key").read_text().split()[-1])]
    assert told_in(text, known) == []
