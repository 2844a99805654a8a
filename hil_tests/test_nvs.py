"""NVS pages, against Espressif's own image generator as the outside oracle."""

import csv
import random
from types import SimpleNamespace

import pytest
from esp_idf_nvs_partition_gen import nvs_partition_gen
from fieldbeat.hil_tests.virtual import nvs as nvs_module
from fieldbeat.hil_tests.virtual.errors import PowerCut
from fieldbeat.hil_tests.virtual.flash import Flash
from fieldbeat.hil_tests.virtual.nvs import KEY_TOO_LONG, NOT_FOUND, Nvs, NvsError
from fieldbeat.host_tools import held_name, nvs_image, unit_code
from fieldbeat.host_tools.nvs_image import Identity

OFFSET, SIZE = 0x9000, 0x6000


@pytest.fixture
def flash(tmp_path):
    flash = Flash(tmp_path / "flash.bin", 1 << 20)
    yield flash
    assert flash.violations == 0
    flash.close()


def reopened(flash):
    return Nvs(flash, OFFSET, SIZE)


def generate(tmp_path, rows):
    """The partition image that esp_idf_nvs_partition_gen makes of CSV rows."""
    source, image = tmp_path / "in.csv", tmp_path / "out.bin"
    with source.open("w", newline="") as file:
        csv.writer(file).writerows([("key", "type", "encoding", "value"), *rows])
    nvs_partition_gen.generate(
        SimpleNamespace(
            input=str(source), output=str(image), size=hex(SIZE), version=2, outdir=str(tmp_path)
        )
    )
    return image.read_bytes()


def test_reads_what_espressifs_generator_wrote(flash, tmp_path):
    rows = [
        ("fieldbeat", "namespace", "", ""),
        ("epoch", "data", "i32", "-77"),
        ("master", "data", "hex2bin", "00112233445566778899aabbccddeeff"),
        ("long", "data", "hex2bin", bytes(range(250)).hex() * 30),
        ("other", "namespace", "", ""),
        ("epoch", "data", "i32", "5"),
    ]
    flash.load(OFFSET, generate(tmp_path, rows))
    nvs = reopened(flash)
    assert nvs.get_i32("fieldbeat", "epoch") == -77
    assert nvs.get_i32("other", "epoch") == 5
    assert nvs.get_blob("fieldbeat", "master").hex() == "00112233445566778899aabbccddeeff"
    assert nvs.get_blob("fieldbeat", "long") == bytes(range(250)) * 30


def test_a_secrets_image_locks_its_unit(flash):
    kept = unit_code.for_unit("7ZK40M1X", bytes(8))
    flash.load(OFFSET, nvs_image.build(Identity("gh-1", b"\0\1", 1, bytes(16), code=kept), SIZE))
    assert reopened(flash).get_blob("fieldbeat", "code") == kept  # where firmware/lock.py looks


def test_writes_what_espressifs_generator_writes(flash, tmp_path):
    rows = [
        ("fieldbeat", "namespace", "", ""),
        ("epoch", "data", "i32", "-77"),
        ("master", "data", "hex2bin", "00112233445566778899aabbccddeeff" * 3),
    ]
    nvs = reopened(flash)
    nvs.open("fieldbeat")
    nvs.set_i32("fieldbeat", "epoch", -77)
    nvs.set_blob("fieldbeat", "master", bytes.fromhex("00112233445566778899aabbccddeeff" * 3))
    assert flash.read(OFFSET, SIZE) == generate(tmp_path, rows)


def test_values_survive_a_reset_overwriting_and_erasing(flash):
    nvs = reopened(flash)
    for value in (1, 2, 2, -3):
        nvs.set_i32("a", "n", value)
        nvs.set_blob("a", "b", b"x" * (10 - value))
    nvs.set_i32("a", "gone", 9)
    nvs.erase_key("a", "gone")
    nvs = reopened(flash)
    assert (nvs.get_i32("a", "n"), nvs.get_blob("a", "b")) == (-3, b"x" * 13)
    with pytest.raises(NvsError) as caught:
        nvs.get_i32("a", "gone")
    assert caught.value.code == NOT_FOUND
    with pytest.raises(NvsError) as caught:
        nvs.set_i32("a", "sixteen_letters_", 1)
    assert caught.value.code == KEY_TOO_LONG


def test_an_unchanged_value_costs_no_flash(flash):
    nvs = reopened(flash)
    nvs.set_i32("a", "n", 1)
    nvs.set_blob("a", "b", b"same")
    before = flash.ops
    nvs.set_i32("a", "n", 1)
    nvs.set_blob("a", "b", b"same")
    assert flash.ops == before


def test_ten_thousand_writes_need_compaction_and_lose_nothing(flash):
    nvs = reopened(flash)
    chance = random.Random(1)
    expected = {}
    for n in range(10_000):
        key = f"k{chance.randrange(12)}"
        if key < "k6":
            expected[key] = n
            nvs.set_i32("a", key, n)
        else:
            expected[key] = chance.randbytes(chance.randrange(300))
            nvs.set_blob("a", key, expected[key])
    nvs = reopened(flash)
    for key, value in expected.items():
        assert (nvs.get_i32 if isinstance(value, int) else nvs.get_blob)("a", key) == value
    assert flash.erases > 20


def test_a_full_partition_refuses_and_keeps_what_it_has(flash):
    nvs = reopened(flash)
    with pytest.raises(NvsError) as caught:
        for n in range(1000):
            nvs.set_i32("a", f"n{n}", n)
    assert caught.value.code == nvs_module.NOT_ENOUGH_SPACE
    nvs = reopened(flash)
    assert [nvs.get_i32("a", f"n{i}") for i in range(n)] == list(range(n))


def run_until_cut(flash, at, change):
    """Applies `change` to a fresh view of the flash with the power cut before operation `at`."""

    def cut(op):
        if op.number == at:
            raise PowerCut

    flash.ops = 0
    flash.before_op = cut
    try:
        change(reopened(flash))
        return False
    except PowerCut:
        return True
    finally:
        flash.before_op = None


@pytest.mark.long
def test_every_power_cut_leaves_the_old_value_or_the_new_one(flash):
    nvs = reopened(flash)
    for n in range(115):  # two entries below a full page, the others follow
        nvs.set_i32("a", f"n{n}", n)
    nvs.set_i32("a", "seq", 1)
    nvs.set_blob("a", "rx", b"old" * 20)
    for n in range(8 * 60):
        nvs.set_i32("a", "churn", n)
    before = flash.read(OFFSET, SIZE)

    def change(nvs):
        nvs.set_i32("a", "seq", 2)
        nvs.set_blob("a", "rx", b"new" * 30)
        for n in range(120):
            nvs.set_i32("a", "churn", n)

    at = 0
    while True:
        at += 1
        flash.load(OFFSET, before)
        if not run_until_cut(flash, at, change):
            break
        nvs = reopened(flash)
        assert nvs.get_i32("a", "seq") in (1, 2)
        assert nvs.get_blob("a", "rx") in (b"old" * 20, b"new" * 30)
        assert nvs.get_i32("a", "n114") == 114
    assert at > 300 and flash.erases > 0


def test_the_host_finds_the_name_that_a_board_holds(flash):
    nvs = reopened(flash)
    assert held_name.find(flash.read(OFFSET, SIZE)) == ""
    nvs.set_blob("other", "unit", b"nobody")
    assert held_name.find(flash.read(OFFSET, SIZE)) == ""
    for number in range(400):  # pages fill up and are freed
        nvs.set_blob("fieldbeat", "unit", b"gh-%d" % number)
        nvs.set_blob("fieldbeat", "seen", bytes(number))
        assert held_name.find(flash.read(OFFSET, SIZE)) == f"gh-{number}"
    nvs.erase_key("fieldbeat", "unit")
    assert held_name.find(flash.read(OFFSET, SIZE)) == ""
