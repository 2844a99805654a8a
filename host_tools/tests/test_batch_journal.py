"""How far units are: kept after each step, read back after a crash."""

import os

import pytest
from fieldbeat.host_tools.batch_journal import BOUND, DONE, FAILED, FLASHED, Journal, JournalError
from fieldbeat.host_tools.errors import CannotTry

MAC = "02:00:00:00:00:01"


def test_the_last_step_counts_and_another_run_knows_it(tmp_path):
    path = tmp_path / "village.journal"
    journal = Journal(path)
    for step in (BOUND, FLASHED):
        journal.note("gh-1", MAC, step, "abc")
    journal.close()
    journal = Journal(path)
    entry = journal.entry("gh-1")
    assert entry.reached(FLASHED, "abc") and not entry.reached(DONE, "abc")
    assert not entry.reached(FLASHED, "another image")
    assert journal.unit_of_mac(MAC) == "gh-1" and journal.entry("gh-2") is None
    journal.note("gh-1", MAC, FAILED, "")
    assert not journal.entry("gh-1").reached(BOUND, "abc")


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_last_line_that_is_cut_short_is_left_out(tmp_path, cut):
    path = tmp_path / "village.journal"
    journal = Journal(path)
    journal.note("gh-1", MAC, FLASHED, "abc")
    journal.note("gh-1", MAC, DONE, "abc")
    journal.close()
    path.write_bytes(path.read_bytes()[:-cut])
    journal = Journal(path)
    assert journal.entry("gh-1").step == (DONE if cut == 1 else FLASHED)
    journal.note("gh-2", MAC, DONE, "abc")
    journal.close()
    assert Journal(path).entry("gh-2").step == DONE


def test_one_batch_at_a_time(tmp_path):
    first = Journal(tmp_path / "village.journal")
    with pytest.raises(CannotTry, match="another batch goes on with"):
        Journal(tmp_path / "village.journal")
    first.close()
    Journal(tmp_path / "village.journal").close()


def test_a_full_disk_and_a_folder_that_is_not_there(tmp_path):
    journal = Journal(tmp_path / "village.journal")
    os.dup2(os.open("/dev/full", os.O_RDWR), journal._file)
    with pytest.raises(JournalError, match="No space left on device; next: free space on that"):
        journal.note("gh-1", MAC, BOUND, "abc")
    assert journal.entry("gh-1") is None
    with pytest.raises(CannotTry, match="cannot be written: No such file .* --journal FILE"):
        Journal(tmp_path / "absent" / "village.journal")
