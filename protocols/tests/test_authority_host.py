"""The authority against signers that are not ours: pycose, cryptography, gmssl."""

# SPDX-License-Identifier: Apache-2.0

import hashlib

import cbor2
import gmssl.sm2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given
from hypothesis import strategies as st
from pycose.algorithms import Es256
from pycose.headers import KID, Algorithm
from pycose.keys import EC2Key
from pycose.messages import Sign1Message

from protocols import command_writer, cose
from protocols.authority import Authority
from protocols.command import ALERT, EMERGENCY, Alert, issuer_kid
from protocols.tests.support import vectors

NOW = 78000000
UNIT = b"\x00\x2a"
SECRETS = {bytes.fromhex(line[4]): bytes.fromhex(line[0]) for line in vectors("issuer.hex")}
ISSUERS = {
    bytes.fromhex(kid): [int(algorithm), bytes.fromhex(key), eval(rights)]
    for _, algorithm, key, rights, kid, _ in vectors("issuer.hex")
}
FIRST, SECOND, _, SM2 = ISSUERS
MAP = {
    0: 1,
    1: b"8 bytes!",
    2: True,
    4: NOW + 60,
    5: 9,
    6: {0: 2, 1: 2, 2: [[0, 1, 5000], [1, "flood"], [2, 1, "洪水".encode("gbk")]], 3: 5},
}


def signed_by_pycose(payload: bytes, kid: bytes, protect_kid: bool = True) -> bytes:
    key = ISSUERS[kid][1]
    kids = {KID: kid}
    message = Sign1Message(
        {Algorithm: Es256} | (kids if protect_kid else {}), {} if protect_kid else kids, payload
    )
    message.key = EC2Key(crv="P_256", x=key[:32], y=key[32:], d=SECRETS[kid])
    return message.encode()


def reason(data: bytes, two: bool = False) -> str | None:
    authority = Authority(dict(ISSUERS), {}, {(EMERGENCY, 2)} if two else ())
    return authority.check(data, UNIT, (), NOW, True).reason


@pytest.mark.parametrize("protect_kid", [False, True])
def test_what_a_stock_library_signs_is_obeyed(protect_kid: bool) -> None:
    data = signed_by_pycose(cbor2.dumps(MAP, canonical=True), FIRST, protect_kid)
    assert reason(data) is None
    assert reason(data, two=True) == "cmd_second_issuer"


def test_two_issuers_of_a_stock_library() -> None:
    first = signed_by_pycose(cbor2.dumps(MAP, canonical=True), FIRST)
    second = signed_by_pycose(hashlib.sha256(first).digest(), SECOND)
    assert reason(cbor2.dumps([first, second]), two=True) is None
    assert reason(cbor2.dumps([second, first]), two=True) == "cmd_form"
    for other in (first, signed_by_pycose(hashlib.sha256(first).digest(), FIRST)):
        assert reason(cbor2.dumps([first, other]), two=True) == "cmd_second_issuer"


@pytest.mark.parametrize("protect_kid", [False, True])
def test_every_byte_counts(protect_kid: bool) -> None:
    data = signed_by_pycose(cbor2.dumps(MAP, canonical=True), FIRST, protect_kid)
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        assert reason(bytes(changed)) is not None, at
        assert reason(data[:at]) is not None, at


def test_every_byte_of_two_issuers_counts() -> None:
    first = signed_by_pycose(cbor2.dumps(MAP, canonical=True), FIRST)
    data = cbor2.dumps([first, signed_by_pycose(hashlib.sha256(first).digest(), SECOND)])
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << (at + 3) % 8
        assert reason(bytes(changed), two=True) is not None, at


def test_what_we_sign_a_stock_library_verifies() -> None:
    private = ec.derive_private_key(int.from_bytes(SECRETS[FIRST], "big"), ec.SECP256R1())

    def signer(data: bytes) -> bytes:
        pair = utils.decode_dss_signature(private.sign(data, ec.ECDSA(hashes.SHA256())))
        return b"".join(number.to_bytes(32, "big") for number in pair)

    alert = Alert(EMERGENCY, 2, [[1, "flood"]], 1, None, "", False)
    command = command_writer.command(ALERT, b"8 bytes!", True, NOW + 1, alert, counter=1)
    data = command_writer.sign(command_writer.encode(command), cose.ES256, FIRST, signer)
    message = Sign1Message.from_cose_obj(cbor2.loads(data[1:]), allow_unknown_attributes=True)
    key = ISSUERS[FIRST][1]
    message.key = EC2Key(crv="P_256", x=key[:32], y=key[32:])
    assert message.verify_signature()
    assert message.payload == cbor2.dumps(command_writer.to_map(command), canonical=True)
    assert reason(data) is None


def test_sm2_of_gmssl_is_obeyed() -> None:
    signer = gmssl.sm2.CryptSM2(SECRETS[SM2].hex(), "")
    signer.public_key = signer._kg(int.from_bytes(SECRETS[SM2], "big"), signer.ecc_table["g"])
    assert ISSUERS[SM2][1].hex() == signer.public_key

    def sign(data: bytes) -> bytes:
        return bytes.fromhex(signer.sign_with_sm3(data, f"{12345:064x}"))

    payload = cbor2.dumps(MAP, canonical=True)
    assert reason(command_writer.sign(payload, cose.SM2_SM3, SM2, sign)) is None
    # An issuer's key is of one algorithm, whatever the message says.
    said = command_writer.sign(payload, cose.ES256, SM2, sign)
    assert reason(said) == "cmd_signature"


def test_kids_are_of_the_key_and_its_algorithm() -> None:
    for kid, (algorithm, key, _) in ISSUERS.items():
        assert hashlib.sha256(cbor2.dumps(algorithm) + key).digest()[:8] == kid
        assert issuer_kid(-9, key) != kid


GOLDEN = [bytes.fromhex(line[0].strip("-")) for line in vectors("command.hex")]
OBEYED = [bytes.fromhex(line[0]) for line in vectors("command.hex") if line[2] == "ok"]


@given(st.sampled_from(GOLDEN) | st.binary(max_size=80), st.data())
def test_any_bytes_get_a_verdict(data: bytes, chance: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(chance.draw(st.integers(0, 3)) if data else 0):
        changed[chance.draw(st.integers(0, len(data) - 1))] = chance.draw(st.integers(0, 255))
    verdict = Authority(dict(ISSUERS), {}, {(EMERGENCY, 1)}).check(
        bytes(changed), UNIT, (7,), NOW, True
    )
    if verdict.reason is None and verdict.command.command == ALERT:
        alert = verdict.command.args
        assert alert.cls == 0 or bytes(changed) in OBEYED
