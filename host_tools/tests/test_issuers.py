"""Issuers: their keys on disk, their rights, and counters that nobody gets twice."""

import base64
import json
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from fieldbeat.host_tools import issuer_keys, obedience, sm2_signer
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.database import Database
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.issuer_keys import KeyFileError
from fieldbeat.host_tools.issuers import IssuerError, Issuers
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.times import DEVICE_EPOCH_S
from fieldbeat.protocols import command, cose, p256, replay, sm2
from gmssl import sm2 as gmssl_sm2

from .sender import NOW_S

DATA = Path(__file__).with_name("data")
PASSPHRASE = "correct horse battery"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    (tmp_path / "pass").write_text(PASSPHRASE + "\n")
    (tmp_path / "pass").chmod(0o600)
    return tmp_path


@pytest.fixture
def issuers(home):
    registry = Registry()
    yield Issuers(registry, now=lambda: NOW_S)
    registry.close()


def make(issuers, name="county", algorithm=cose.ES256, class_=2, level=1):
    key = issuer_keys.generate(algorithm)
    return key, issuers.add(name, algorithm, key.public, class_, level)


# Rights and counters


def test_an_issuer_is_found_by_name_and_known_by_the_hash_of_its_key(issuers):
    key, made = make(issuers)
    assert issuers.get("county") == made
    assert made.kid == command.issuer_kid(cose.ES256, key.public)
    assert command.parse_issuer(made.for_units()) == [-7, key.public, {0: 2, 1: 1}]


@pytest.mark.parametrize(
    ("class_", "level", "allowed", "rights"),
    [
        (2, 1, {(c, n) for c in range(3) for n in range(1, 5)}, "emergency and below, levels 1"),
        (1, 3, {(0, 3), (0, 4), (1, 3), (1, 4)}, "drill and below, levels 3 to 4"),
        (0, 4, {(0, 4)}, "daily, level 4"),
    ],
)
def test_rights(issuers, class_, level, allowed, rights):
    _, made = make(issuers, class_=class_, level=level)
    assert {(c, n) for c in range(3) for n in range(1, 5) if made.may(c, n)} == allowed
    assert rights in made.rights


def test_a_name_is_free_again_after_it_was_revoked(issuers):
    _, first = make(issuers)
    with pytest.raises(IssuerError, match="has an issuer 'county' already"):
        make(issuers)
    issuers.revoke("county")
    with pytest.raises(IssuerError, match="no issuer 'county'"):
        issuers.get("county")
    with pytest.raises(IssuerError, match="no issuer 'county'"):
        issuers.next_counter(first, NOW_S)
    _, second = make(issuers)
    assert [(each.kid, bool(each.revoked_s)) for each in issuers.all()] == [
        (first.kid, True),
        (second.kid, False),
    ]


def test_what_belongs_to_an_issuer_fails_with_him(issuers):
    key = issuer_keys.generate(cose.ES256)

    def fails(_):
        raise CannotTry("the disk is full", "free space")

    with pytest.raises(CannotTry, match="full"):
        issuers.add("county", cose.ES256, key.public, 2, 1, also=fails)
    assert issuers.all() == []


def test_a_counter_begins_at_the_time_and_never_comes_twice(issuers):
    _, county = make(issuers)
    _, school = make(issuers, "school")
    first = int(NOW_S) - DEVICE_EPOCH_S
    assert [issuers.next_counter(county, NOW_S) for _ in range(3)] == [first, first + 1, first + 2]
    other = Issuers(Registry(issuers._registry.path), now=lambda: NOW_S - 1000)  # a clock behind
    assert other.next_counter(county, NOW_S) == first + 3
    assert issuers.next_counter(school, NOW_S) == first


def test_orders_over_a_day_stay_within_the_window_of_a_unit(home):
    """A unit that was out of reach gets an alert after newer ones, and takes it."""
    clock = [NOW_S]
    issuers = Issuers(Registry(), now=lambda: clock[0])
    _, county = make(issuers)
    window = replay.Window()
    numbers = []
    for _ in range(20):
        numbers.append(issuers.next_counter(county, NOW_S))
        clock[0] += 3600
    for number in reversed(numbers):
        assert window.check(number)
        window.accept(number)


COUNTING = """
import sys
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.registry import Registry
issuers = Issuers(Registry())
for _ in range(50):
    print(issuers.next_counter(issuers.get("county"), 0.0))
"""


def test_processes_that_sign_at_once_share_no_counter(issuers):
    make(issuers)
    counting = [
        subprocess.Popen([sys.executable, "-c", COUNTING], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    numbers = [line for process in counting for line in process.communicate()[0].split()]
    assert len(numbers) == len(set(numbers)) == 150


def test_a_registry_of_version_1_gets_its_issuers(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    connection = sqlite3.connect(tmp_path / "registry.sqlite")
    connection.executescript((DATA / "registry_v1.sql").read_text())
    connection.close()
    with pytest.raises(CannotTry, match="start 'fieldbeat collect' with it once"):
        Registry(create=False)
    registry = Registry()
    unit = registry.unit("gh-1")
    assert (unit.site, unit.role, unit.group_numbers) == ("riverside", "station", ())
    assert Issuers(registry).all() == []
    registry.describe("gh-1", "joined", groups="3,17")
    assert registry.unit("gh-1").group_numbers == (3, 17)
    registry.close()
    Registry(create=False).close()


# Keys, against other implementations


def test_an_es256_key_file_is_what_others_read(home):
    key = issuer_keys.generate(cose.ES256)
    path = issuer_keys.save("county", key, PASSPHRASE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    command_line = ["openssl", "ec", "-in", str(path), "-passin", f"pass:{PASSPHRASE}", "-pubout"]
    shown = subprocess.run(command_line, capture_output=True, check=True).stdout
    numbers = serialization.load_pem_public_key(shown).public_numbers()
    assert numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big") == key.public


def test_es256_signatures_are_verified_by_others():
    key = issuer_keys.generate(cose.ES256)
    signature = key.sign(b"flood")
    assert len(signature) == 64 and p256.verify(key.public, b"flood", signature)
    numbers = [int.from_bytes(key.public[at : at + 32], "big") for at in (0, 32)]
    other = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    r, s = (int.from_bytes(signature[at : at + 32], "big") for at in (0, 32))
    other.verify(utils.encode_dss_signature(r, s), b"flood", ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        other.verify(utils.encode_dss_signature(r, s), b"fire", ec.ECDSA(hashes.SHA256()))


def gmssl_key(public):
    """gmssl strips every leading 0 and 4 of a key that begins with 04, so that is put before."""
    found = gmssl_sm2.CryptSM2(private_key="", public_key="")
    found.public_key = public.hex()
    return found


@pytest.mark.parametrize("message", [b"", b"flood", bytes(range(256)) * 5])
def test_sm2_signatures_are_verified_by_others(message):
    key = issuer_keys.generate(cose.SM2_SM3)
    signature = key.sign(message)
    assert sm2.verify(key.public, message, signature)
    assert gmssl_key(key.public).verify_with_sm3(signature.hex(), message)
    assert not gmssl_key(key.public).verify_with_sm3(signature.hex(), message + b"!")


def test_sm2_public_keys_are_those_of_others():
    for number in (1, 2, 0x1234567, sm2.CURVE.n - 2, sm2_signer.generate()):
        other = gmssl_key(b"")._kg(number, gmssl_sm2.default_ecc_table["g"])
        assert sm2_signer.public_key(number).hex() == other


@pytest.mark.parametrize("algorithm", [cose.ES256, cose.SM2_SM3])
def test_a_key_file_opens_with_its_passphrase_alone(issuers, algorithm):
    key, made = make(issuers, algorithm=algorithm)
    path = issuer_keys.save("county", key, PASSPHRASE)
    loaded = issuer_keys.load(made, lambda path: PASSPHRASE)
    assert loaded.public == key.public and len(loaded.sign(b"x")) == 64
    for wrong in ("", "wrong passphrase"):
        with pytest.raises(KeyFileError, match="does not open with this passphrase"):
            issuer_keys.load(made, lambda path, wrong=wrong: wrong)
    content = path.read_bytes()
    for broken in (content[:-40], content[:60], b"", b"\xff" * 90, content.replace(b"\n", b"\n!")):
        path.write_bytes(broken)
        with pytest.raises(KeyFileError, match="does not open with this passphrase, or is no key"):
            issuer_keys.load(made, lambda path: PASSPHRASE)


def test_no_key_file_holds_its_key_in_clear(home):
    key = issuer_keys.generate(cose.SM2_SM3)
    lines = issuer_keys.save("county", key, PASSPHRASE).read_text().splitlines()
    assert lines[-2] == "-----END FIELDBEAT SM2 KEY-----"
    assert key._number.to_bytes(32, "big") not in base64.b64decode("".join(lines[1:-2]))
    assert len({key.to_pem(b"x" * 8) for _ in range(3)}) == 3  # fresh salt and nonce


def test_key_files_that_are_refused(issuers, home):
    key, made = make(issuers)
    with pytest.raises(KeyFileError, match=r"county.pem is missing; next: sign where it was made"):
        issuer_keys.load(made, lambda path: PASSPHRASE)
    path = issuer_keys.save("county", key, PASSPHRASE)
    with pytest.raises(KeyFileError, match="exists already"):
        issuer_keys.save("county", key, PASSPHRASE)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match=r"others may read .*; next: chmod 600"):
        issuer_keys.load(made, lambda path: PASSPHRASE)
    path.unlink()
    issuer_keys.save("county", issuer_keys.generate(cose.ES256), PASSPHRASE)
    with pytest.raises(KeyFileError, match="is not the key of issuer 'county'"):
        issuer_keys.load(made, lambda path: PASSPHRASE)
    other = ec.generate_private_key(ec.SECP384R1())
    path.write_bytes(
        other.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(PASSPHRASE.encode()),
        )
    )
    with pytest.raises(KeyFileError, match="another kind than ES256"):
        issuer_keys.load(made, lambda path: PASSPHRASE)


@pytest.mark.parametrize("content", [b"", b"\n", b"short\n", b"\xff\xfe\x00"])
def test_a_file_without_a_passphrase_is_refused(home, content):
    (home / "pass").write_bytes(content)
    (home / "pass").chmod(0o600)
    with pytest.raises(CannotTry, match=r"has \d characters|cannot be read: it is no text"):
        issuer_keys.read_passphrase(home / "pass")


def test_a_key_that_a_file_does_not_name_is_no_key(issuers):
    """Its last line is whose it is, by which nobody else's is moved aside."""
    key, made = make(issuers)
    path = issuer_keys.save("county", key, PASSPHRASE)
    other = issuer_keys.generate(cose.ES256)
    assert path.read_text().endswith(f"\npublic key: {key.public.hex()}\n")
    path.write_text(path.read_text().replace(key.public.hex(), other.public.hex()))
    with pytest.raises(KeyFileError, match="does not open with this passphrase, or is no key"):
        issuer_keys.load(made, lambda path: PASSPHRASE)
    path.write_text(path.read_text().partition("public key")[0])  # one that was made before
    assert issuer_keys.load(made, lambda path: PASSPHRASE).public == key.public


@pytest.mark.parametrize("algorithm", [cose.ES256, cose.SM2_SM3])
def test_the_key_of_a_namesake_stays_where_it_is(issuers, algorithm):
    key, made = make(issuers, algorithm=algorithm)
    path = issuer_keys.save("county", key, PASSPHRASE)
    namesake = replace(made, key=issuer_keys.generate(cose.ES256).public, kid=b"other")
    assert issuer_keys.retire(namesake) is None and path.exists()
    aside = issuer_keys.retire(made)
    assert aside and aside.exists() and not path.exists()
    assert issuer_keys.retire(made) is None


@pytest.mark.parametrize("kind", [issuer_keys.ISSUER, issuer_keys.TECHNICIAN])
def test_a_key_file_goes_with_what_it_belongs_to(home, monkeypatch, kind):
    path, transaction = issuer_keys.key_path("li", kind), Database.transaction

    @contextmanager
    def on_a_bad_disk(database):
        with transaction(database):
            yield
            if path.exists():
                raise sqlite3.OperationalError("disk I/O error")  # as COMMIT does

    monkeypatch.setattr(Database, "transaction", on_a_bad_disk)
    new = [kind, "new", "li", "--key-file", str(home / "pass")]
    assert main(new) == 1
    assert list(path.parent.iterdir()) == []
    monkeypatch.setattr(Database, "transaction", transaction)
    assert main(new) == 0 and path.exists()


# The verbs


def run(*arguments):
    return main(["issuer", *arguments])


def test_new_list_revoke(home, capsys):
    secret = ["--key-file", str(home / "pass")]
    assert run("new", "county", *secret) == 0
    said = capsys.readouterr()
    assert "may order emergency and below, levels 1 to 4" in said.out
    assert f"private key: {home}/issuers/county.pem, encrypted" in said.out
    narrow = ["--class", "drill", "--level", "3", "--algorithm", "sm2"]
    assert run("new", "school", *narrow, *secret, "--json") == 0
    school = json.loads(capsys.readouterr().out)
    assert (school["class"], school["level"], school["algorithm"]) == ("drill", 3, "sm2")
    assert run("list") == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines() if "sm2" in line]
    assert rows[0][:3] == ["school", school["kid"], "sm2"]
    assert run("revoke", "school", "--yes") == 0
    assert "is revoked" in capsys.readouterr().out
    assert not issuer_keys.key_path("school").exists()
    assert run("list", "--json") == 0
    listed = json.loads(capsys.readouterr().out)
    assert [(each["name"], each["revoked"] is None) for each in listed] == [
        ("county", True),
        ("school", False),
    ]
    assert run("new", "school", *secret) == 0  # rotated


def test_no_verb_tells_a_private_key_or_a_passphrase(home, capsys):
    run("new", "county", "--key-file", str(home / "pass"), "--json")
    run("list", "--json")
    run("revoke", "county", "--yes")
    said = "".join(capsys.readouterr())
    assert PASSPHRASE not in said and "PRIVATE" not in said
    registry = Registry()
    told = repr(registry.history("issuer county"))
    assert "revoked" in told and PASSPHRASE not in told
    retired = next((home / "issuers").glob("*.revoked"))
    key = serialization.load_pem_private_key(retired.read_bytes(), PASSPHRASE.encode())
    number = key.private_numbers().private_value
    assert f"{number:x}" not in said and str(number) not in said
    assert stat.S_IMODE(retired.stat().st_mode) == 0o600


def test_what_cannot_be_tried(home, capsys):
    cases = {
        ("new", "County!"): "is not allowed; next: give 1 to 32",
        ("new", "county"): "no terminal to ask for the passphrase of county; next: name a file",
        ("new", "county", "--key-file", str(home / "none")): "cannot be read: No such file",
        ("new", "county", "--level", "5"): "5 is not in the range",
        ("revoke", "county", "--yes"): "no issuer 'county' is in",
    }
    for arguments, expected in cases.items():
        assert run(*arguments) == 2, arguments
        said = capsys.readouterr().err
        assert expected in said and said.count("\n") == 1, said
    assert run("list") == 0 and "no issuers yet" in capsys.readouterr().out
    assert list(home.glob("issuers/*")) == []


def provision(registry, name, role="speaker", action="provisioned"):
    registry.allocate(name)
    registry.describe(name, action, role=role)


def test_who_still_obeys_a_revoked_issuer_is_listed(home, capsys):
    clock = [NOW_S]
    registry = Registry(now=lambda: clock[0])
    provision(registry, "sp-0")  # before there was an issuer
    provision(registry, "sp-9")
    clock[0] += 10
    issuers = Issuers(registry, now=lambda: clock[0])
    make(issuers)
    clock[0] += 10
    provision(registry, "gh-1", role="station")
    provision(registry, "sp-1")
    provision(registry, "sp-2", action="provisioning")  # the cable was pulled
    provision(registry, "sp-9")  # again
    clock[0] += 10
    make(issuers, "school")
    assert run("revoke", "county", "--yes") == 0
    said = capsys.readouterr().out
    assert "is still obeyed by 3 units, until you tell them" in said
    assert [line.strip() for line in said.splitlines() if line.startswith("  ")] == [
        *("sp-1", "sp-2", "sp-9")
    ]
    clock[0] += 10
    provision(registry, "sp-1")
    assert run("revoke", "school", "--yes", "--json") == 0
    assert json.loads(capsys.readouterr().out)["obeyed_by"] == ["sp-1"]
    clock[0] += 10
    make(issuers)
    assert run("revoke", "county", "--yes") == 0
    assert "no unit was told of it" in capsys.readouterr().out
    registry.close()


def test_nothing_is_revoked_without_a_yes(home, capsys):
    run("new", "county", "--key-file", str(home / "pass"))
    assert run("revoke", "county") == 2
    assert re.search("nobody is there to confirm it; next: add --yes", capsys.readouterr().err)
    assert Issuers(Registry()).get("county")


def test_more_issuers_than_fit_are_told_when_they_are_made(home, capsys):
    for n in range(7):
        capsys.readouterr()
        assert run("new", f"i{n}", "--key-file", str(home / "pass")) == 0
        said = capsys.readouterr().err
        assert said.count("next: revoke who is not needed") == (n == 6)
    assert said.startswith("7 issuers are in office: too many to tell a unit by cable; next")


def test_who_obeys_whom_is_found_in_as_many_queries_for_many_as_for_one(issuers, monkeypatch):
    _, made = make(issuers)
    registry = issuers._registry
    queries = []
    ask = Database.all
    monkeypatch.setattr(Database, "all", lambda *args: (queries.append(args[1]), ask(*args))[1])

    def asked():
        queries.clear()
        found = obedience.everybody(registry, None)
        assert all(each.kids == {made.kid} for each in found)
        return len(queries), len(found)

    def add(name):
        registry.allocate(name, "new unit")
        registry.describe(name, "provisioned", role="speaker")

    add("pole-0")
    once, one = asked()
    for n in range(1, 30):
        add(f"pole-{n}")
    assert asked() == (once, 30) and one == 1


def test_who_was_told_of_an_issuer_takes_as_many_steps_as_there_are_units(issuers):
    _, made = make(issuers)
    registry = issuers._registry
    steps = []
    registry.database._connection.set_progress_handler(lambda: steps.append(1), 100)

    def asked(first, count):
        with registry.database.transaction():
            for n in range(first, count):
                registry.allocate(f"pole-{n}", "new unit")
                registry.describe(f"pole-{n}", "provisioned", role="speaker")
        steps.clear()
        assert len(issuers.obeyed_by(made)) == count
        return len(steps)

    few, many = asked(0, 100), asked(100, 200)
    assert many < 3 * few
