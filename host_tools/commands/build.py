"""Build the flash image of a node."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, say

if TYPE_CHECKING:
    from ..image_info import ImageInfo
    from ..node_config import NodeConfig


def build(
    config: Path = typer.Argument(help="The node's TOML file."),
    output: Path = typer.Option(..., "-o", "--output", help="The image to write."),
    base: Path = typer.Option(None, help="An official build to take instead of the cached one."),
    virtual: bool = typer.Option(False, "--virtual", help="For virtual boards: no real firmware."),
    clips: Path = typer.Option(
        None, help="Folder of NAME.wav files that a loudspeaker is to have."
    ),
    secrets_out: Path = typer.Option(None, help="Also write an NVS image with a new key here."),
    wifi_password_file: Path = typer.Option(
        None, help="For --secrets-out: file whose first line is the password of its Wi-Fi."
    ),
    unit: str = typer.Option(None, help="The unit's name; default: the file's."),
    board: str = typer.Option(None, help="Refuse a file that is for another board than this."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build one flash image: base firmware, partition table, app and configuration.

    The same inputs give the same image, and nothing in it is secret. Usually `provision` gives the
    unit its key; with --secrets-out it goes into a file of its own, for `flash --secrets`.

    \b
    Example:
        fieldbeat build docs/examples/greenhouse.toml -o greenhouse.img
        fieldbeat build docs/examples/greenhouse.toml -o virtual.img --virtual
        fieldbeat build docs/examples/speaker.toml --clips clips -o speaker.img
    """
    from .. import clips as clip_files
    from .. import files, image, image_info, node_config
    from ..errors import CannotTry

    if base and virtual:
        raise CannotTry(tr("--base and --virtual exclude each other"), tr("give one of them"))
    node = node_config.load(config).renamed(unit, None)
    if board and node.board.id != board:
        message = tr("{file} is for board {its}, and not for {board}")
        raise CannotTry(
            message.format(file=config, its=node.board.id, board=board),
            tr("name the file of a unit with that board, or the board of this file"),
        )
    sounds = clip_files.read(clips) if clips else {}
    base_name = str(base or tr("the cached build"))
    content = image.build(node, _base(node, base, virtual), base_name, sounds)
    info = image_info.inspect(content, str(output))
    result = _as_map(info, content, output) | {"clips": clip_files.names(sounds)}
    files.write_atomically(output, content)
    if secrets_out:
        result["secrets"] = str(secrets_out)
        result["kid"] = _secrets(node, secrets_out, registry, wifi_password_file).hex()
    if as_json:
        print_json(result)
    else:
        _tell(info, result, sum(map(len, sounds.values())))


def _as_map(info: ImageInfo, content: bytes, output: Path) -> dict[str, Any]:
    from .. import file_system, partition_table

    vfs = partition_table.find(info.table, "vfs")
    return {
        "image": str(output),
        "board": info.board_id,
        "node": info.node,
        "virtual": info.virtual,
        "micropython": info.micropython,
        "app": info.app_version,
        "build_id": info.build_id,
        "bytes": len(content),
        "files_bytes": file_system.used(content[vfs.offset : vfs.end], str(output)),
        "files_room_bytes": vfs.size,
    }


def _tell(info: ImageInfo, result: dict[str, Any], clips_size: int) -> None:
    kind = tr("for virtual boards") if info.virtual else f"MicroPython {info.micropython}"
    say(
        tr("{output}: {node} on {board_id}, {kind}").format(
            output=result["image"], node=info.node, board_id=info.board_id, kind=kind
        )
    )
    say(
        tr("app {app_version}, build {build_id}, {count} bytes").format(
            app_version=info.app_version, build_id=info.build_id, count=result["bytes"]
        )
    )
    used, room = result["files_bytes"] // 1024, result["files_room_bytes"] // 1024
    say(tr("files {used} of {room} kB").format(used=used, room=room))
    if result["clips"]:
        say(
            tr("clips {listed}, {size} bytes").format(
                listed=", ".join(result["clips"]), size=clips_size
            )
        )
    if "secrets" in result:
        say(
            tr("{secrets_out}: key id {result}; it fits one unit, once, then delete it").format(
                secrets_out=result["secrets"], result=result["kid"]
            )
        )


def _base(node: NodeConfig, base: Path | None, virtual: bool) -> bytes | None:
    from .. import files, firmware_cache

    if virtual:
        return None
    if base is None:
        return firmware_cache.read(node.board)
    return files.read(base, tr("name the merged .bin of the build"))


def _secrets(node: NodeConfig, path: Path, registry: Path | None, wifi_file: Path | None) -> bytes:
    """Give the unit a new key, write it as an NVS image, and return its key id."""
    from fieldbeat.protocols import cbor

    from .. import control_spoken, files, nvs_image, partition_table, unit_code, wifi_password
    from ..issuers import Issuers
    from ..registry import Registry
    from ..trace_keys import TraceKeys

    unit = node.tables.node.name
    with closing(Registry(registry)) as units:
        wifi = wifi_password.find(units, unit, node.tables.wifi, wifi_file)
        units.keep_wifi_password(unit, wifi or None)
        given = units.allocate(unit, tr("by build into {path}").format(path=path))
        master = dict(units.keys(given.kid))[given.epoch]
        obeys = node.obeys
        if obeys:  # so that an alert knows where it is
            units.describe(unit, "built", "", **node.for_registry)
        units.keep_config(unit, cbor.encode(node.to_device_map()))
        units.keep_control(unit, control_spoken.of_node(node))
        issuers = Issuers(units).list_for_units() if obeys else b""
        signing = TraceKeys(units).make(unit).for_unit if node.tables.trace else b""
        code = unit_code.kept(units, unit)
    more = issuers, wifi.encode(), signing, code
    identity = nvs_image.Identity(unit, given.kid, given.epoch, master, *more)
    size = partition_table.find(node.board.partition_table(), "nvs").size
    files.write_atomically(path, nvs_image.build(identity, size), files.PRIVATE)
    return given.kid
