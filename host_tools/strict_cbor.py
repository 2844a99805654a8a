"""CBOR as another implementation reads it: cbor2 checks here what our own codec wrote.

Where the host only reads what a device or a build wrote, it reads with this, so that a mistake of
`protocols/cbor.py` cannot hide by being made twice.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import io
from typing import Any

from .language import tr

MAX_DEPTH = 16


class StrictCBORError(ValueError):
    """The bytes are not exactly one CBOR item of definite lengths without a key twice."""


def loads(data: bytes) -> Any:
    """Return the one item that `data` holds.

    Raises:
        StrictCBORError: it is malformed, or more bytes follow it.
    """
    import cbor2

    file = io.BytesIO(data)
    decoder = cbor2.CBORDecoder(
        file, read_size=1, max_depth=MAX_DEPTH, allow_indefinite=False, allow_duplicate_keys=False
    )
    try:
        item = decoder.decode()
    except (cbor2.CBORError, ValueError, TypeError, OverflowError) as error:
        text = " ".join(str(error).split())
        raise StrictCBORError(tr("this is no CBOR item: {text}").format(text=text)) from None
    if file.read(1):
        raise StrictCBORError(
            tr("bytes follow the CBOR item of {value} bytes").format(value=file.tell() - 1)
        )
    return item
