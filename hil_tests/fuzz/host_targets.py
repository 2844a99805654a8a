"""Parsers that only a host has: parts of a flash image, and the explanation of a frame."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from fieldbeat.host_tools import (
    cap,
    cap_reader,
    esp_image,
    explain,
    image_info,
    nvs_image,
    partition_table,
    strict_cbor,
)
from fieldbeat.host_tools.errors import FieldbeatError
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.tests import cap_files
from fieldbeat.protocols import frame

from hil_tests.fuzz.mutate import getrandbits
from hil_tests.fuzz.targets import column, refusing

Target = tuple[list[bytes], Callable[[bytes], bool]]


def _table() -> bytes:
    text = (files("fieldbeat.boards") / "greenhouse_4mb.csv").read_text()
    table = partition_table.from_csv(text, "greenhouse_4mb.csv")
    return partition_table.to_bytes(table)[: 32 * (len(table) + 2)]


def partitions() -> Target:
    """The partition table; every other one with an MD5 that is right."""
    marker = b"\xeb\xeb" + b"\xff" * 14

    def parse(data: bytes) -> None:
        position = data.find(marker)
        if position >= 0 and getrandbits(1):
            digest = hashlib.md5(data[:position], usedforsecurity=False).digest()
            data = data[: position + 16] + digest + data[position + 32 :]
        table = partition_table.from_bytes(data)
        partition_table.to_bytes(table)
        inspect(b"\xff" * partition_table.TABLE_OFFSET + data)

    def inspect_named(image: bytes) -> None:
        image_info.inspect(image, "image")

    inspect = refusing(FieldbeatError, inspect_named)  # an image that ends with its table
    return [_table()], refusing(FieldbeatError, parse)


def applications() -> Target:
    """The header and the description of an application; None says that there is none."""
    description = esp_image.AppDescription("fieldbeat", "1.0", "v5.4").to_bytes()

    def work(data: bytes) -> bool:
        return bool(esp_image.app_description(data)) | bool(esp_image.chip_of(data))

    return [esp_image.pack("esp32", 0x3F400020, description, True)], work


def secrets() -> Target:
    """The image of the NVS partition."""
    identity = nvs_image.Identity("gh-01", b"\0\1", 1, bytes(range(16)))
    whole = nvs_image.build(identity, 0x3000)

    def parse(data: bytes) -> None:
        nvs_image.read_identity(data, "secrets")

    return [whole[:512], whole[:4096]], refusing(FieldbeatError, parse)


def host_cbor() -> Target:
    """What the host reads of a build, by another library."""
    seeds = [*column("cbor_appendix_a.hex"), *column("cbor_malformed.hex"), *column("schema.hex")]
    return seeds, refusing(strict_cbor.StrictCBORError, strict_cbor.loads)


def explanations() -> Target:
    """`fieldbeat decode`, of frames and of what is sealed in them."""
    folder = tempfile.TemporaryDirectory()
    registry = Registry(Path(folder.name) / "registry")
    unit = registry.allocate("gh-01")
    epoch, master = registry.keys(unit.kid)[0]
    keys = frame.KeySet(master, unit.kid, epoch)

    def parse(data: bytes) -> None:
        if data[:1] not in (b"\x41", b"\x42"):
            data = keys.seal(getrandbits(2), getrandbits(1), getrandbits(16), data)
        explain.Explainer(registry).explain(data).to_json()
        assert folder  # is kept as long as this

    seeds = column("frame.hex", 8) + column("wake.hex", 7) + column("block.hex")
    return seeds, refusing(FieldbeatError, parse)


def cap_messages() -> Target:
    """A CAP message, and what is to be spoken of each of its infos."""

    def parse(data: bytes) -> None:
        message = cap_reader.parse(data)
        if message.kind == cap.CANCEL:
            if not message.references:
                raise AssertionError("it cancels nothing")
        elif not message.info(0.0).language:
            raise AssertionError("nobody knows in which language it is spoken")

    area = cap_files.AREA.format(name="Riverside", geocodes="")
    fields = {"language": "en-US", "severity": "Extreme", "areas": area, "headline": "Flood"}
    info = cap_files.INFO.format(expires="2024-06-01T22:00:00+08:00", **fields)
    sent = "2024-06-01T20:00:00+08:00"
    whole = {"identifier": "a.1", "sent": sent, "status": "Actual", "references": ""}
    first = cap_files.CAP.format(kind="Alert", infos=info, **whole)
    whole["references"] = f"<references>flood@county.example,a.0,{sent}</references>"
    update = cap_files.CAP.format(kind="Update", infos=info + info, **whole)
    cancel = cap_files.CAP.format(kind="Cancel", infos="", **whole)
    seeds = [text.encode() for text in (first, update, cancel)]
    return seeds, refusing(FieldbeatError, parse)


HOST_TARGETS = {
    "partitions": partitions,
    "application": applications,
    "secrets": secrets,
    "host-cbor": host_cbor,
    "explain": explanations,
    "cap": cap_messages,
}
