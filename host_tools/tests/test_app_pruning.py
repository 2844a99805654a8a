"""A slot holds what its unit can ever load, whatever its config: no less, and little more."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest
from fieldbeat.host_tools import (
    app_cache,
    app_files,
    app_pruning,
    boards,
    clips,
    file_system,
    image,
    modem_table,
    node_config,
    partition_table,
    profiles,
)
from fieldbeat.host_tools.app_imports import Edge, edges, module_of
from fieldbeat.host_tools.app_pruning import CUTS, Unit
from fieldbeat.host_tools.board_model import Modem
from littlefs import LittleFS

from .test_app_files import assert_it_suffices

EXAMPLES = Path(__file__).resolve().parents[2] / "docs/examples"
NODES = [path for path in sorted(EXAMPLES.glob("*.toml")) if "node" in path.read_text()]
OTHER_BOARD = "river_cam_esp32_uart", "river"  # which river.toml names in a comment
OUTBOX_BYTES = 512 * 1024  # as in firmware/set_up.py
SPARE_BYTES = 32 * 1024  # for configs, a crash, and the file system itself
CLIPS_BYTES = 128 * 1024  # 16 s of IMA ADPCM


def units() -> dict[str, Unit]:
    nodes = [tomllib.loads(path.read_text())["node"] for path in NODES]
    pairs = sorted({(node["board"], node["profile"]) for node in nodes} | {OTHER_BOARD})
    return {
        f"{board}, {profile}": Unit(boards.load(board), profiles.load(profile).role)
        for board, profile in pairs
    }


UNITS = units()
each_unit = pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS.keys())


@pytest.fixture(scope="module")
def sources():
    return app_files.source_files()


@pytest.fixture(scope="module")
def graph(sources):
    return app_files.imports(sources)


def slot_of(unit: Unit) -> dict[str, bytes]:
    slot = app_cache.app_of(unit)
    del slot[app_files.BOOT]
    return slot


def test_every_board_and_every_role_is_looked_at():
    assert {unit.board.id for unit in UNITS.values()} == set(boards.names())
    assert {unit.role for unit in UNITS.values()} == {"station", "speaker", "camera"}


# What is named, by the text of the sources and not by their trees


def named_in(path: str, text: str) -> set[str]:
    """Return modules of ours that a source names, wherever."""
    package = path.rpartition("/")[0].replace("/", ".")
    words = set(re.findall(r"\b(?:drivers|firmware|protocols)(?:\.\w+)+", text))
    for dots, origin, names in re.findall(r"from (\.*)([\w.]*) import ([\w, ]+)", text):
        base = [*package.split(".")[: 1 - len(dots) or None]] if dots else []
        full = ".".join([*base, *filter(None, [origin])])
        words |= {full, *(f"{full}.{name.split()[0]}" for name in names.split(","))}
    return words


@each_unit
def test_what_is_left_out_is_named_only_where_it_is_said_to_be(unit, sources, graph):
    kept = app_pruning.paths_of(unit, graph)
    assert kept <= set(sources)
    left_out = {module_of(path) for path in sources if path.endswith(".py")}
    left_out -= {module_of(path) for path in kept}
    said = {(source, target) for is_needed, source, target in CUTS if not is_needed(unit)}
    in_tables = {
        (module_of(path), module_of(edge.target))
        for path in kept
        for edge in graph.get(path, [])
        if edge.table
    }
    for path in sorted(path for path in kept if path.endswith(".py")):
        for target in named_in(path, sources[path].decode()) & left_out:
            assert (module_of(path), target) in said | in_tables, (path, target)
        for edge in graph[path]:
            assert not (edge.at_once and module_of(edge.target) in left_out), (path, edge.target)


@each_unit
def test_micropython_can_import_each_slot_alone(unit, sources, graph, tmp_path):
    kept = app_pruning.paths_of(unit, graph)
    assert_it_suffices({path: sources[path] for path in sorted(kept)}, tmp_path)


@pytest.mark.parametrize(("source", "target"), [cut[1:] for cut in CUTS])
def test_what_is_cut_is_there_and_is_not_loaded_at_once(source, target, graph):
    ends = [
        edge
        for path, found in graph.items()
        for edge in found
        if (module_of(path), module_of(edge.target)) == (source, target)
    ]
    assert ends, "nothing is named there any more: remove the line"
    assert not any(edge.at_once for edge in ends)


def test_a_file_tells_when_what_is_loaded():
    text = b"""
import drivers.a
_TEXT = const("drivers.b is no module")
PARTS = {"x": _x, "y": _y, "z": "drivers.z"}
_RARE = const((("t", "firmware.t firmware.u"),))
_ELSEWHERE = const(("firmware.v p q",))
def _x(): from drivers import c
def _y(): from drivers import d
def other():
    return _y, lambda: __import__("drivers.e")
try:
    import drivers.f
except ImportError:
    import drivers.g
"""
    found = {edge.target: edge[1:] for edge in edges("firmware/x.py", text)}
    assert found["firmware"] == found["drivers.a"] == found["drivers.f"] == (True, "", ())
    assert found["drivers.b"] == found["drivers.d"] == found["drivers.e"] == (False, "", ())
    assert found["drivers.c"] == (False, "PARTS", ("x",)) and "drivers.g" not in found
    assert found["drivers.z"] == (False, "PARTS", ("z",))
    assert found["firmware.t"] == found["firmware.u"] == (False, "_RARE", ("t",))
    assert found["firmware.v"] == (False, "_ELSEWHERE", ("p", "q"))


def test_what_is_imported_at_once_is_never_cut():
    is_needed, source, target = next(cut for cut in CUTS if not cut[0](UNITS[GREENHOUSE]))
    paths = [f"{name.replace('.', '/')}.py" for name in (source, target)]
    root = "firmware/main.py"
    for at_once in (False, True):
        graph = {root: [Edge(paths[0])], paths[0]: [Edge(paths[1], at_once)]}
        assert (paths[1] in app_pruning.paths_of(UNITS[GREENHOUSE], graph)) == at_once


# What a unit needs


GREENHOUSE = "greenhouse_esp32, greenhouse"


def names_of(unit: Unit) -> set[str]:
    return {path.partition(".")[0] for path in slot_of(unit)}


@each_unit
def test_every_fitted_part_has_its_map(unit):
    wanted = {f"drivers/maps/{part.map}" for _, part in _fitted(unit) if part.map}
    assert {name for name in names_of(unit) if name.startswith("drivers/maps/")} == wanted


def test_a_role_has_its_own_files_and_no_other_has_them():
    own = {
        "station": {"firmware/roles/station"},
        "camera": {"firmware/roles/camera", "firmware/pictures", "drivers/cropped_shot"},
        "speaker": {"firmware/player", "firmware/alerts", "protocols/tone", "protocols/jitter"},
    }
    for unit in UNITS.values():
        names = names_of(unit)
        assert own[unit.role] <= names
        for role in {"camera", "speaker"} - {unit.role}:
            assert not own[role] & names
        # Whoever may be given orders verifies all that an issuer may have signed with.
        assert {"protocols/p256", "protocols/sm2", "protocols/lms"} <= names


def test_only_who_has_actuators_controls():
    control = {"firmware/control", "firmware/control_config", "protocols/sun"}
    for name, unit in UNITS.items():
        assert (control <= names_of(unit)) == (name == "greenhouse_climate_esp32, climate")
        assert not control & names_of(unit) or unit.controls


@pytest.mark.parametrize("modem", modem_table.MODEMS)
def test_a_modem_brings_its_driver_and_no_other(modem):
    board = UNITS[GREENHOUSE].board
    fitted = Modem(part=modem, bus="modem", pwrkey=4, reset=5)
    names = names_of(Unit(board.model_copy(update={"modem": fitted}), "station"))
    assert f"drivers/{modem}" in names
    assert not {f"drivers/{other}" for other in modem_table.MODEMS if other != modem} & names
    assert ("firmware/other_modems" in names) == (modem != "bc26")


def test_a_level_of_a_register_map_brings_what_finds_it():
    board = UNITS[GREENHOUSE].board
    radar = board.fitted["soil"].model_copy(update={"map": "radar_distance", "enabled": False})
    more = board.model_copy(update={"fitted": board.fitted | {"radar": radar}})
    river = {"firmware/river_parts", "drivers/level", "drivers/surface"}
    assert river <= names_of(Unit(more, "station"))
    assert not river & names_of(Unit(board, "station"))


@each_unit
def test_a_part_that_is_switched_off_is_there_all_the_same(unit):
    on = {name: part.model_copy(update={"enabled": True}) for name, part in _fitted(unit)}
    other = Unit(unit.board.model_copy(update={"fitted": on}), unit.role)
    assert slot_of(other) == slot_of(unit)


def _fitted(unit: Unit):
    return unit.board.fitted.items()


# Its room


def on_flash_bytes(files: dict[str, bytes], size: int) -> int:
    """What littlefs takes of a partition for them; files up to 128 bytes are in their folders."""
    content = file_system.pack(files, size)
    disk = LittleFS(
        context=file_system.Memory(bytearray(content)),
        block_size=file_system.BLOCK_SIZE,
        block_count=size // file_system.BLOCK_SIZE,
        disk_version=file_system.LITTLEFS_VERSION,
        mount=False,
        **file_system.LITTLEFS_SIZES,
    )
    disk.mount()
    return disk.used_block_count * file_system.BLOCK_SIZE


@each_unit
def test_two_slots_and_all_that_a_unit_keeps_fit_into_its_file_system(unit):
    vfs = partition_table.find(unit.board.partition_table(), "vfs")
    slots = {f"{slot}/{path}": data for slot in "ab" for path, data in slot_of(unit).items()}
    kept = {
        "station": 0,
        "speaker": CLIPS_BYTES,
        "camera": node_config.Pictures().keep_bytes,
    }[unit.role]
    needed = on_flash_bytes(slots, vfs.size) + OUTBOX_BYTES + SPARE_BYTES + kept
    assert needed <= vfs.size, f"{(needed - vfs.size) // 1024} kB too much: see app_pruning.py"


def test_the_room_of_clips_counts_with_a_full_outbox():
    set_up = resources.files("fieldbeat.firmware").joinpath("set_up.py").read_text("utf-8")
    assert f"_OUTBOX_BYTES = const({OUTBOX_BYTES})" in set_up
    assert clips.SPARE >= OUTBOX_BYTES + SPARE_BYTES


@pytest.mark.parametrize("path", NODES, ids=[path.stem for path in NODES])
def test_the_image_of_each_example_holds_its_slot(path):
    config = node_config.load(path)
    files = image.files(config)
    slot = {name[2:]: data for name, data in files.items() if name.startswith("a/")}
    assert slot == slot_of(Unit(config.board, config.profile.role))
    for name in (name for name in slot if name.endswith(".json")):
        json.loads(slot[name])
