"""The secrets of a unit as an image of its `nvs` partition: identity, keys, passwords and lock.

Format: ESP-IDF, "Non-Volatile Storage", by esp-idf-nvs-partition-gen. Everything else that the
device keeps there (sequence numbers, replay window, boot tries) begins anew with a new key.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

from . import nvs_reader
from .errors import CannotTry, FieldbeatError
from .language import tr

NAMESPACE = "fieldbeat"
MASTER_BYTES = 16

PAGE_BYTES = 4096


@dataclass(frozen=True)
class Identity:
    """Who a unit is: name, key id (2 or 4 bytes), key epoch and the 16-byte master key."""

    unit: str
    kid: bytes
    epoch: int
    master: bytes = field(repr=False)
    issuers: bytes = b""  # whom a loudspeaker obeys, see issuers.py
    wifi: bytes = field(default=b"", repr=False)  # the password of its access point
    trace: bytes = field(default=b"", repr=False)  # with which it signs, see trace_keys.py
    code: bytes = field(default=b"", repr=False)  # what it keeps of its code, see unit_code.py


def build(identity: Identity, size: int) -> bytes:
    """Return the partition's content.

    Args:
        identity: what to write.
        size: bytes of the partition, as the partition table says.

    Raises:
        FieldbeatError: the identity is not of the right form.
    """
    from esp_idf_nvs_partition_gen import nvs_partition_gen as nvs

    if len(identity.master) != MASTER_BYTES or len(identity.kid) not in (2, 4):
        raise FieldbeatError(
            tr("the identity of {unit} is malformed").format(unit=identity.unit),
            tr("allocate a new key"),
        )
    usable = size - PAGE_BYTES  # the last page stays empty, NVS needs it to move entries
    blobs = {"master": identity.master, "kid": identity.kid, "unit": identity.unit.encode()}
    if identity.issuers:
        blobs["issuers"] = identity.issuers
    if identity.wifi:
        blobs["wifi"] = identity.wifi
    if identity.trace:
        blobs["trace_key"] = identity.trace
    if identity.code:
        blobs["code"] = identity.code
    result = io.BytesIO()
    with redirect_stdout(io.StringIO()):
        writer = nvs.nvs_open(result, usable, nvs.Page.VERSION2)
        nvs.write_entry(writer, NAMESPACE, "namespace", "", "")
        for key, value in blobs.items():
            nvs.write_entry(writer, key, "data", "hex2bin", value.hex())
        nvs.write_entry(writer, "epoch", "data", "i32", str(identity.epoch))
        nvs.nvs_close(writer)
    return result.getvalue()


def read_identity(image: bytes, source: str) -> Identity:
    """Return the identity in an image that `build` made.

    Raises:
        CannotTry: there is none.
    """
    values: dict[str, Any] = nvs_reader.read(image)
    try:
        unit, issuers = values["unit"].decode("utf-8", "replace"), values.get("issuers", b"")
        more = issuers, *(values.get(name, b"") for name in ("wifi", "trace_key", "code"))
        return Identity(unit, values["kid"], values["epoch"], values["master"], *more)
    except KeyError as missing:
        message = tr("{source} is no secrets image, it has no {missing}").format(
            source=source, missing=missing
        )
        raise CannotTry(message, tr("make one with 'fieldbeat build --secrets-out'")) from None
