"""Takes a command to pieces: a map, or the messages of one or two issuers around it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from fieldbeat.protocols import cbor, cose

from . import explain_cbor
from .language import tr
from .layers import Layer


def layers(title: str, plaintext: bytes) -> list[Layer]:
    """Return the plaintext of a command frame, and what is signed in it, as layers."""
    layer = Layer(title, plaintext)
    found = [layer]
    try:
        item = cbor.decode(plaintext)
        if isinstance(item, dict):
            explain_cbor.walk(layer, explain_cbor.command_keys(item.get(0)))
        elif isinstance(item, list):
            explain_cbor.walk(layer)
            if len(item) != 2:
                raise ValueError(
                    tr("messages of {count} issuers, allowed are 2").format(count=len(item))
                )
            for message, name in zip(item, (tr("first issuer"), tr("second issuer")), strict=True):
                found += _signed(Layer(tr("message of the {name}").format(name=name), message))
        else:
            found = _signed(layer)
    except (TypeError, ValueError) as error:
        layer.problem = tr("the rest makes no sense: {error}").format(error=error)
    return found


def _signed(layer: Layer) -> list[Layer]:
    message = cose.decode(layer.data, cose.SIGN1)
    explain_cbor.walk(layer)
    payload = message.payload
    if payload and payload[0] >> 5 == 5:  # a map
        return [layer, *layers(tr("what is signed"), payload)]
    inside = Layer(tr("what is signed"), payload)
    inside.raw(len(payload), "sha256", tr("of the first message"))
    return [layer, inside]
