"""Secure frames, expanded, are opened by pycose, which knows nothing of this project."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json

import cbor2
import pytest
from cryptography.exceptions import InvalidTag
from fieldbeat.host_tools import cose_frames
from fieldbeat.host_tools.cli import main
from fieldbeat.protocols import cose, frame
from fieldbeat.protocols.frame import DOWN, TELEMETRY, UP, FrameError, KeySet
from pycose import messages
from pycose.keys import SymmetricKey

MASTER = bytes(range(16))
CASES = [
    pytest.param(bytes((0, 1)), TELEMETRY, UP, 0, False, b"", id="first, empty"),
    pytest.param(bytes((0, 1)), TELEMETRY, UP, 300, False, bytes(82), id="a report"),
    pytest.param(bytes((0, 1)), frame.COMMAND, DOWN, 2**40 - 1, True, b"command", id="epoch"),
    pytest.param(b"site", frame.BLOCK, UP, 65536, False, bytes(980), id="kid of 4 bytes"),
    pytest.param(b"site", frame.ACK, DOWN, 7, True, b"\xa1\x01\x07", id="ack"),
]


def sealed(
    kid: bytes, cls: int, direction: int, piv: int, epoch: bool, text: bytes
) -> tuple[bytes, bytes, bytes]:
    keys = KeySet(MASTER, kid, 3)
    key, common_iv = keys._key_iv(cls, direction)
    base_iv = frame.nonce(common_iv, kid, 0)  # a Partial IV is XORed with it
    return keys.seal(cls, direction, piv, text, with_epoch=epoch), key, base_iv


@pytest.mark.parametrize(("kid", "cls", "direction", "piv", "epoch", "text"), CASES)
@pytest.mark.parametrize("whole_iv", [False, True])
def test_pycose_opens_a_frame(
    kid: bytes, cls: int, direction: int, piv: int, epoch: bool, text: bytes, whole_iv: bool
) -> None:
    data, key, base_iv = sealed(kid, cls, direction, piv, epoch, text)
    expanded, external_aad = cose_frames.expand(data, len(kid), base_iv if whole_iv else None)
    # CoseMessage.decode() does not know what cbor2 6 makes of a tag: the step after it does.
    assert expanded[0] == 0xC0 | messages.Enc0Message.cbor_tag
    message = messages.Enc0Message.from_cose_obj(cbor2.loads(expanded[1:]), False)
    assert message.phdr_encoded == b"\xa1\x01\x0a"
    message.external_aad = external_aad
    message.key = SymmetricKey(k=key, optional_params={"BASE_IV": base_iv})
    assert message.decrypt() == text

    message.external_aad = external_aad + b"\0"
    with pytest.raises(InvalidTag):
        message.decrypt()


@pytest.mark.parametrize(("kid", "cls", "direction", "piv", "epoch", "text"), CASES)
def test_this_project_opens_it_too(
    kid: bytes, cls: int, direction: int, piv: int, epoch: bool, text: bytes
) -> None:
    data, key, base_iv = sealed(kid, cls, direction, piv, epoch, text)
    pair = (cose.AES_CCM_16_64_128, key)
    expanded, external_aad = cose_frames.expand(data, len(kid))
    assert cose.open0(expanded, pair, external_aad, base_iv).payload == text
    expanded, external_aad = cose_frames.expand(data, len(kid), base_iv)
    assert cose.open0(expanded, pair, external_aad).payload == text


def test_decode_writes_a_message_for_others(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path))
    data, key, base_iv = sealed(b"site", TELEMETRY, UP, 300, False, b"a report")
    command = ["decode", data.hex(), "--kid-size", "4", "--cose"]
    assert main([*command, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    message, external_aad = (bytes.fromhex(value) for value in told.values())
    pair = (cose.AES_CCM_16_64_128, key)
    assert cose.open0(message, pair, external_aad, base_iv).payload == b"a report"
    assert main(command) == 0
    assert f"cose_encrypt0 {message.hex()}\n" in capsys.readouterr().out
    assert main(["decode", "00", "--cose"]) == 1
    assert "are no frame" in capsys.readouterr().err


def test_what_is_no_frame_is_refused() -> None:
    for data, reason in ((b"", "short"), (b"\x41\0\1", "short"), (bytes(40), "version")):
        with pytest.raises(FrameError) as caught:
            cose_frames.expand(data)
        assert caught.value.reason == reason
