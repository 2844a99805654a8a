"""A bundle has all that a plan takes, and a damaged one is refused."""

import json
import zipfile

import pytest
from fieldbeat.host_tools import unit_bundle, unit_job
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.tests.village import rows, village


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    path = folder / "village.fieldbeat"
    plan = str(village(folder, rows(3)))
    assert main(["bundle", plan, "-o", str(path), "--virtual"]) == 0
    return path.read_bytes()


@pytest.fixture
def bundle(made, tmp_path):
    village(tmp_path, rows(3))
    path = tmp_path / "village.fieldbeat"
    path.write_bytes(made)
    return path


def test_it_gives_the_same_images_without_anything_beside_it(bundle, tmp_path):
    wanted = unit_job.from_folder(tmp_path / "village.csv", virtual=True)
    for name in ("village.csv", "greenhouse.toml"):
        (tmp_path / name).unlink()
    found = unit_bundle.load(bundle)
    assert [job.digest for job in found] == [job.digest for job in wanted]
    assert [job.image() for job in found] == [job.image() for job in wanted]
    assert [job.goal for job in found] == [job.goal for job in wanted]


def test_the_same_plan_gives_the_same_bundle_and_no_key_is_in_it(bundle, tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path / "home"))
    registry = Registry()
    unit = registry.allocate("gh-1")
    (_, master) = registry.keys(unit.kid)[0]
    content, _ = unit_bundle.make(tmp_path / "village.csv", virtual=True)
    assert content == bundle.read_bytes()
    with zipfile.ZipFile(bundle) as zipped:
        inside = b"".join(map(zipped.read, zipped.namelist()))
    assert master not in inside and master.hex().encode() not in inside


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("how", ["cut", "changed"])
def test_a_damaged_one_is_refused_with_what_to_do(bundle, capsys, share, how):
    content = bytearray(bundle.read_bytes())
    at = int(share * len(content))
    if how == "cut":
        del content[at:]
    else:
        content[at : at + 64] = bytes(byte ^ 0x55 for byte in content[at : at + 64])
    bundle.write_bytes(content)
    assert main(["batch", str(bundle), "--check"]) == 2
    said = capsys.readouterr().err
    assert "is damaged: " in said and "next: copy it again from where it was made" in said


def changed(bundle, change):
    with zipfile.ZipFile(bundle) as zipped:
        members = {name: zipped.read(name) for name in zipped.namelist()}
    contents = json.loads(members["bundle.json"])
    change(contents, members)
    members["bundle.json"] = json.dumps(contents).encode()
    with zipfile.ZipFile(bundle, "w") as zipped:
        for name, content in members.items():
            zipped.writestr(name, content)


def files(contents, unit):
    return contents["units"][unit]["files"]


def exchange(name):
    """gh-1 gets a file that is of something else."""

    def change(contents, members):
        of = {"config.cbor": files(contents, "gh-2")["config.cbor"]}
        files(contents, "gh-1")[name] = of.get(name, files(contents, "gh-1")["app.cbor"])

    return change


def swap(contents, members):
    name = next(name for name in members if name.startswith("blobs/"))
    members[name] += b"more"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda contents, members: contents.update(kind="x"), "is no bundle of fieldbeat"),
        (lambda contents, members: contents.update(version=2), "was made by fieldbeat"),
        (lambda contents, members: contents["units"].pop("gh-2"), "what gh-2 gets is not in it"),
        (lambda contents, members: contents["sources"].clear(), "village.csv is not in it"),
        (lambda contents, members: contents.pop("units"), "units: missing"),
        (lambda contents, members: contents.update(plan="../x.csv"), "plan = '../x.csv'"),
        (swap, "is changed"),
        (exchange("config.cbor"), "what gh-1 gets is of another unit"),
        (exchange("profile.cbor"), "what gh-1 gets is of another unit"),
        (lambda contents, members: files(contents, "gh-1").update({"/x": ""}), "is damaged"),
    ],
)
def test_one_that_was_made_up(bundle, change, expected):
    changed(bundle, change)
    with pytest.raises(CannotTry, match=expected):
        unit_bundle.load(bundle)


@pytest.mark.parametrize("index", [b"[" * 200_000, b"1" * 20_000, b"\xff", b"[]"])
def test_one_whose_index_is_none(bundle, index):
    with zipfile.ZipFile(bundle, "w") as zipped:
        zipped.writestr("bundle.json", index)
    with pytest.raises(CannotTry, match="is damaged: |is no bundle of fieldbeat"):
        unit_bundle.load(bundle)


def test_a_zip_of_which_any_byte_was_changed_is_damage(bundle):
    index = json.dumps({"kind": unit_bundle.KIND, "version": 1}).encode()
    with zipfile.ZipFile(bundle, "w") as zipped:
        zipped.writestr("bundle.json", index)
        zipped.writestr("blobs/x", b"whose hash is another")
    whole = bundle.read_bytes()
    for at in range(len(whole)):
        for value in (0x00, 0x7F, 0xFF):
            changed = bytearray(whole)
            changed[at] = value
            with pytest.raises(CannotTry):
                unit_bundle._Bundle("it", bytes(changed))


def test_one_that_would_fill_the_memory_is_refused_before_it_is_unpacked(bundle, monkeypatch):
    unpacked = []
    monkeypatch.setattr(zipfile.ZipFile, "read", lambda *member: unpacked.append(member))
    monkeypatch.setattr(unit_bundle, "MOST_BYTES", 1 << 20)
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as zipped:
        for n in range(9):
            zipped.writestr(f"blobs/{n}", bytes(120_000))
    assert bundle.stat().st_size < 10_000
    with pytest.raises(CannotTry, match="is damaged: all that is in it .* 1 MiB; next: copy"):
        unit_bundle.load(bundle)
    with bundle.open("r+b") as file:
        file.truncate(unit_bundle.MOST_BYTES + 1)  # the file itself: it has no bytes on the disk
    with pytest.raises(CannotTry, match="is damaged: all that is in it"):
        unit_bundle.load(bundle)
    assert unpacked == []


def test_what_could_not_be_loaded_is_not_made(tmp_path, monkeypatch):
    plan = village(tmp_path, rows(3))
    monkeypatch.setattr(unit_bundle, "MOST_BYTES", 1000)
    with pytest.raises(CannotTry, match="make a bundle of each half of the plan"):
        unit_bundle.make(plan, virtual=True)


def test_a_workbook_is_no_damaged_bundle(tmp_path, capsys):
    (tmp_path / "village.xlsx").write_bytes(b"PK\3\4\x14\0\6\0\x08\0\0\0!\0\xdf\xa4")
    assert main(["batch", str(tmp_path / "village.xlsx"), "--check"]) == 2
    assert "save it as 'CSV UTF-8'" in capsys.readouterr().err


def test_a_plan_with_mistakes_makes_no_bundle(bundle, tmp_path, capsys):
    plan = village(tmp_path, rows(2) + "gh-1,valley,absent.toml,\n")
    out = tmp_path / "new.fieldbeat"
    assert main(["bundle", str(plan), "-o", str(out), "--virtual"]) == 2
    told = capsys.readouterr().err
    assert "line 4: column unit: gh-1 is that of line 2" in told and "2 mistakes" in told
    assert not out.exists()
