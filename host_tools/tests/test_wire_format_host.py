"""docs/wire-format.md is enough: a decoder that was written from that page alone reads the frames.

It imports nothing of this project. Bits are text, nothing is fast, and CBOR, AES-CCM and HMAC are
other people's.
"""

import ast
import hashlib
import hmac
import json
import re
import subprocess
import sys
from pathlib import Path

import cbor2
import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "wire-format.md").read_text()
GIVEN = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.S)[-1])
MASTER, KID = bytes.fromhex(GIVEN["keys"]["master"]), bytes.fromhex(GIVEN["keys"]["kid"])


def vectors(name: str) -> list[list[str]]:
    lines = (ROOT / "protocols" / "vectors" / name).read_text().splitlines()
    return [
        [field.strip() for field in line.split(" | ")]
        for line in lines
        if not line.startswith("#")
    ]


# 2. The secure frame


def hkdf(master: bytes, info: list, size: int) -> bytes:
    secret = hmac.digest(b"fieldbeat 1", master, "sha256")
    return hmac.digest(secret, cbor2.dumps(info) + b"\x01", "sha256")[:size]


def open_frame(data: bytes, direction: int, master: bytes, kid: bytes, epoch: int):
    first = f"{data[0]:08b}"
    assert first[:2] == "01"
    cls, has_epoch, piv_size = int(first[2:4], 2), first[4] == "1", int(first[5:], 2)
    assert data[1 : 1 + len(kid)] == kid
    at = 1 + len(kid)
    if has_epoch:
        assert int.from_bytes(data[at : at + 4], "big") == epoch
        at += 4
    piv = data[at : at + piv_size]
    header, sealed = data[: at + piv_size], data[at + piv_size :]
    key = hkdf(master, [kid, epoch, cls, direction, 10, "Key", 16], 16)
    iv = hkdf(master, [kid, epoch, cls, direction, 10, "IV", 13], 13)
    padded = bytes([len(kid)]) + kid.rjust(7, b"\0") + piv.rjust(5, b"\0")
    nonce = bytes(a ^ b for a, b in zip(padded, iv, strict=True))
    aad = cbor2.dumps(["Encrypt0", bytes.fromhex("a1010a"), header])
    plaintext = AESCCM(key, tag_length=8).decrypt(nonce, sealed, aad)
    return cls, int.from_bytes(piv, "big"), plaintext


# 1. and 3. Numbers and packing


class Reader:
    """Reads bytes, and after them bits, from the front."""

    def __init__(self, data: bytes) -> None:
        self.bits = "".join(f"{byte:08b}" for byte in data)

    def take(self, count: int) -> str:
        assert len(self.bits) >= count
        taken, self.bits = self.bits[:count], self.bits[count:]
        return taken

    def number(self, bits: int) -> int:
        return int(self.take(bits) or "0", 2)

    def varint(self) -> int:
        groups: list[str] = []
        while True:
            byte = self.take(8)
            groups.insert(0, byte[1:])
            if byte[0] == "0":
                return int("".join(groups), 2)

    def zigzag(self) -> int:
        return signed(self.varint())

    def byte_end(self) -> None:
        assert set(self.take(len(self.bits) % 8)) <= {"0"}

    def ones(self, most: int) -> int:
        count = 0
        while count < most and self.take(1) == "1":
            count += 1
        return count


def signed(number: int) -> int:
    return -(number + 1) // 2 if number % 2 else number // 2


def unpack(plaintext: bytes):
    records: list[bytes] = []
    while plaintext:
        reader = Reader(plaintext)
        size = reader.varint()
        rest = plaintext[-(len(reader.bits) // 8) :] if reader.bits else b""
        if size == 0:
            return records + [rest] * bool(rest), True
        records.append(rest[:size])
        plaintext = rest[size:]
    return records, False


# 4. Reports


def numbers(reader: Reader, count: int) -> list[int]:
    code = reader.number(4)
    if code == 0:
        return [0] * count
    if code == 15:
        width = reader.number(5) + 1
        return [reader.number(width) for _ in range(count)]
    result = []
    for _ in range(count):
        ones = reader.ones(24)
        low = 32 if ones == 24 else code - 1
        result.append(reader.number(low) + (0 if ones == 24 else ones << low))
    return result


def wrapped(value: int) -> int:
    return (value + 2**31) % 2**32 - 2**31


def qualities(reader: Reader, count: int) -> list[int]:
    if reader.take(1) == "0":
        return [0] * count
    result: list[int] = []
    while len(result) < count:
        quality = reader.number(3)
        if reader.take(1) == "1":
            run = count - len(result)
        else:
            zeros = 0
            while reader.take(1) == "0":
                zeros += 1
            run = int("1" + reader.take(zeros), 2)
        result += [quality] * run
    return result


def report(record: bytes, interval_s: int, columns: int) -> dict:
    reader = Reader(record)
    schema, flags = reader.varint(), reader.number(8)
    assert flags < 64
    rn, count, t = reader.varint(), reader.varint(), reader.number(32)
    interval_s = reader.varint() if flags & 4 else interval_s
    uptime_s = reader.number(32) if flags & 32 else None
    gaps = reader.varint() if flags & 2 else 0
    present = []
    for c in range(columns):
        present.append(reader.take(count) if gaps >> c & 1 else "1" * count)
        reader.byte_end()
    firsts = [reader.zigzag() if "1" in here else None for here in present]
    late = numbers(reader, count - 1) if flags & 8 else [0] * (count - 1)
    times = [t]
    for number in late:
        times.append((times[-1] + interval_s + signed(number)) % 2**32)
    counts = []
    for here, first in zip(present, firsts, strict=True):
        values = [first or 0]
        if here.count("1") > 1:
            for number in numbers(reader, here.count("1") - 1):
                values.append(wrapped(values[-1] + signed(number)))
        counts.append([values.pop(0) if bit == "1" else None for bit in here])
    codes = [qualities(reader, count) if flags & 16 else [0] * count for _ in range(columns)]
    reader.byte_end()
    assert not reader.bits
    return {
        "rn": rn,
        "schema": schema,
        "clock_set": not flags & 1,
        "uptime_s": uptime_s,
        "times": times,
        "counts": counts,
        "qualities": codes,
    }


# 6. Events, and the check of section 13


def plain(value):
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def decode_record(record: bytes, schemas: dict[int, dict]) -> dict:
    if record[0] == 0:
        reader = Reader(record[1:])
        rn = reader.varint()
        map_ = cbor2.loads(record[-(len(reader.bits) // 8) :])
        type_, t = map_.pop(0), map_.pop(1)
        if type_ == 2:
            schemas[map_[2][1]] = map_[2]
        return {"rn": rn, "type": type_, "time": t, "map": plain(map_)}
    schema = schemas[record[0]]
    names = [column[1] for column in schema[4]]
    found = report(record, schema[3], len(names))
    assert found.pop("uptime_s") is None
    for key in ("counts", "qualities"):
        found[key] = dict(zip(names, found[key], strict=True))
    return found


def decode(data: bytes, direction: int, schemas: dict[int, dict]) -> dict:
    cls, piv, plaintext = open_frame(data, direction, MASTER, KID, GIVEN["keys"]["epoch"])
    head = {"frame": data.hex(), "direction": direction, "class": cls, "piv": piv}
    if cls != 0:
        return {**head, "map": plain(cbor2.loads(plaintext))}
    records, last = unpack(plaintext)
    return {**head, "last": last, "records": [decode_record(raw, schemas) for raw in records]}


def test_the_page_is_up_to_date():
    script = ROOT / "docs" / "make_wire_format.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_frames_of_the_page():
    schemas: dict[int, dict] = {}
    for given in GIVEN["frames"]:
        meaning = given.pop("meaning")
        found = decode(bytes.fromhex(given["frame"]), given["direction"], schemas)
        assert found == given, meaning


def test_every_changed_bit_is_refused():
    given = GIVEN["frames"][2]
    data = bytes.fromhex(given["frame"])
    for bit in range(8 * len(data)):
        bad = bytearray(data)
        bad[bit // 8] ^= 1 << bit % 8
        with pytest.raises((AssertionError, InvalidTag, ValueError)):
            decode(bytes(bad), given["direction"], {})


def test_the_golden_frames():
    for fields in vectors("frame.hex"):
        master, kid = bytes.fromhex(fields[0]), bytes.fromhex(fields[1])
        epoch, cls, direction, piv = (int(field) for field in fields[2:6])
        found = open_frame(bytes.fromhex(fields[8]), direction, master, kid, epoch)
        assert found == (cls, piv, bytes.fromhex(fields[7]))
        assert hkdf(master, [kid, epoch, "check"], 4).hex() == fields[9]


def test_the_golden_reports():
    for data, columns, text, meaning in vectors("report.hex"):
        given = ast.literal_eval(text)
        rows = given["rows"]
        found = report(bytes.fromhex(data), 300, int(columns))
        assert found["rn"] == given["rn"], meaning
        assert found["clock_set"] == given.get("synced", True), meaning
        assert found["uptime_s"] == given.get("uptime_s"), meaning
        assert found["times"] == [row[0] for row in rows], meaning
        for c in range(int(columns)):
            assert found["counts"][c] == [row[1][c] for row in rows], meaning
            assert found["qualities"][c] == [row[2][c] if row[2] else 0 for row in rows], meaning


def test_the_golden_packing():
    for plaintext, last, records, meaning in vectors("packing.hex"):
        wanted = [bytes.fromhex(record) for record in records.strip("-").split()]
        assert unpack(bytes.fromhex(plaintext.strip("-"))) == (wanted, last == "1"), meaning


def test_the_schema_hashes():
    for map_, hash_, *_ in vectors("schema.hex"):
        assert hashlib.sha256(bytes.fromhex(map_)).hexdigest()[:4] == hash_


# 9. Commands


def signed_by(message: bytes, issuers: dict[bytes, ec.EllipticCurvePublicKey]) -> bytes:
    """Return the payload of a message whose signature is right."""
    protected, unprotected, payload, signature = cbor2.loads(message).value
    headers = cbor2.loads(protected)
    assert headers[1] == -7 and unprotected == {} and len(signature) == 64
    r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
    signed = cbor2.dumps(["Signature1", protected, b"", payload])
    key = issuers[headers[4]]
    key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
    return payload


def command(plaintext: bytes, issuers: dict[bytes, ec.EllipticCurvePublicKey]) -> dict:
    kind = plaintext[0] >> 5
    if kind == 6:
        return cbor2.loads(signed_by(plaintext, issuers))
    if kind == 5:
        return cbor2.loads(plaintext)
    first, second = cbor2.loads(plaintext)
    assert signed_by(second, issuers) == hashlib.sha256(first).digest()
    return cbor2.loads(signed_by(first, issuers))


def test_the_golden_commands():
    issuers = {}
    for private, algorithm, key, _, kid, _ in vectors("issuer.hex"):
        raw = bytes.fromhex(key)
        assert hashlib.sha256(cbor2.dumps(int(algorithm)) + raw).hexdigest()[:16] == kid
        if algorithm == "-7":
            public = ec.derive_private_key(int(private, 16), ec.SECP256R1()).public_key()
            x, y = public.public_numbers().x, public.public_numbers().y
            assert (x.to_bytes(32, "big") + y.to_bytes(32, "big")) == raw
            issuers[bytes.fromhex(kid)] = public
    read = 0
    for plaintext, map_, outcome, meaning in vectors("command.hex"):
        data = bytes.fromhex(plaintext.strip("-"))
        if outcome == "ok" and "SM2" not in meaning:
            assert command(data, issuers) == ast.literal_eval(map_), meaning
            assert f"`{plaintext}`" in PAGE
            read += 1
        elif outcome == "cmd_signature" and "SM2" not in meaning:
            with pytest.raises(InvalidSignature):
                command(data, issuers)
            read += 1
    assert read > 10
