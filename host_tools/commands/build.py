"""Build the flash image of a node."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..output import JsonOption, RegistryOption, print_json, say

if TYPE_CHECKING:
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
        raise CannotTry("--base and --virtual exclude each other", "give one of them")
    node = node_config.load(config).renamed(unit, None)
    sounds = clip_files.read(clips) if clips else {}
    base_name = str(base or "the cached build")
    content = image.build(node, _base(node, base, virtual), base_name, sounds)
    info = image_info.inspect(content, str(output))
    files.write_atomically(output, content)
    result = {
        "image": str(output),
        "board": info.board_id,
        "node": info.node,
        "virtual": info.virtual,
        "micropython": info.micropython,
        "app": info.app_version,
        "build_id": info.build_id,
        "bytes": len(content),
        "clips": clip_files.names(sounds),
    }
    if secrets_out:
        result["secrets"] = str(secrets_out)
        result["kid"] = _secrets(node, secrets_out, registry, wifi_password_file).hex()
    if as_json:
        print_json(result)
        return
    kind = "for virtual boards" if info.virtual else f"MicroPython {info.micropython}"
    say(f"{output}: {info.node} on {info.board_id}, {kind}")
    say(f"app {info.app_version}, build {info.build_id}, {len(content)} bytes")
    if sounds:
        size = sum(map(len, sounds.values()))
        say(f"clips {', '.join(clip_files.names(sounds))}, {size} bytes")
    if secrets_out:
        say(f"{secrets_out}: key id {result['kid']}; it fits one unit, once, then delete it")


def _base(node: NodeConfig, base: Path | None, virtual: bool) -> bytes | None:
    from .. import firmware_cache
    from ..errors import CannotTry

    if virtual:
        return None
    if base is None:
        return firmware_cache.read(node.board)
    try:
        return base.read_bytes()
    except OSError as error:
        raise CannotTry(f"{base}: {error.strerror}", "name the merged .bin of the build") from None


def _secrets(node: NodeConfig, path: Path, registry: Path | None, wifi_file: Path | None) -> bytes:
    """Give the unit a new key, write it as an NVS image, and return its key id."""
    from .. import files, nvs_image, partition_table, profiles, wifi_password
    from ..issuers import Issuers
    from ..registry import Registry

    unit = node.tables.node.name
    units = Registry(registry)
    try:
        wifi = wifi_password.find(units, unit, node.tables.wifi, wifi_file)
        units.keep_wifi_password(unit, wifi or None)
        given = units.allocate(unit, f"by build into {path}")
        master = dict(units.keys(given.kid))[given.epoch]
        obeys = node.profile.role in profiles.OBEYING
        if obeys:  # so that an alert knows where it is
            units.describe(unit, "built", "", **node.for_registry)
        issuers = Issuers(units).list_for_units() if obeys else b""
    finally:
        units.close()
    identity = nvs_image.Identity(unit, given.kid, given.epoch, master, issuers, wifi.encode())
    size = partition_table.find(node.board.partition_table(), "nvs").size
    files.write_atomically(path, nvs_image.build(identity, size), files.PRIVATE)
    return given.kid
