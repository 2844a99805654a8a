"""Files that are written whole: by several at once, and before the power is cut."""

import os

import pytest
from fieldbeat.host_tools import files


def test_two_who_write_at_once_write_one_after_the_other(tmp_path, monkeypatch):
    target, replace = tmp_path / "x.json", os.replace

    def meanwhile(source, name):
        monkeypatch.setattr(files.os, "replace", replace)
        files.write_atomically(target, b"of the other" * 9999)
        assert target.read_bytes() == b"of the other" * 9999
        replace(source, name)

    monkeypatch.setattr(files.os, "replace", meanwhile)
    files.write_atomically(target, b"mine")
    assert target.read_bytes() == b"mine" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("write", [files.write_atomically, files.write_new])
def test_content_and_name_are_on_the_disk_in_this_order(tmp_path, monkeypatch, write):
    done, fsync, replace, link = [], os.fsync, os.replace, os.link

    def synced(descriptor):
        name = os.path.basename(os.readlink(f"/proc/self/fd/{descriptor}"))
        done.append("folder" if name == tmp_path.name else name.partition(".")[0])
        fsync(descriptor)

    def named(by):
        return lambda source, target: (done.append("named"), by(source, target))

    monkeypatch.setattr(files.os, "fsync", synced)
    monkeypatch.setattr(files.os, "replace", named(replace))
    monkeypatch.setattr(files.os, "link", named(link))
    write(tmp_path / "x.json", b"content")
    assert done == ["x", "named", "folder"]


def test_a_new_file_takes_no_place_of_another(tmp_path):
    files.write_new(tmp_path / "x", b"first", files.PRIVATE)
    with pytest.raises(FileExistsError):
        files.write_new(tmp_path / "x", b"second")
    assert (tmp_path / "x").read_bytes() == b"first"
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 1
