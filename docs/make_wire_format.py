"""Writes docs/wire-format.md out of the code: layout comments, CDDL, golden vectors, examples.

    python docs/make_wire_format.py          # writes the page
    python docs/make_wire_format.py --check  # exit code 1 if the page is stale

What a person has to say stands here; every byte, table and layout comes from `protocols/`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from pathlib import Path
from typing import Any

from fieldbeat.host_tools import cose_frames, explain_cbor, explain_command, explain_report
from fieldbeat.host_tools.explain import frame_layer
from fieldbeat.host_tools.layers import Layer
from fieldbeat.protocols import (
    ack,
    blocks,
    cbor,
    event,
    event_reader,
    frame,
    packing_reader,
    report_reader,
    schema_map,
)
from fieldbeat.protocols.reason_codes import CODES
from fieldbeat.protocols.schema import QUALITY_NAMES

ROOT = Path(__file__).resolve().parents[1]
PROTOCOLS = ROOT / "protocols"
PAGE = ROOT / "docs" / "wire-format.md"
SALT = b"fieldbeat 1"


# What the sources say


def layout(module: str) -> str:
    """Return the header comment of a protocol file: the layout that it implements."""
    lines = (PROTOCOLS / f"{module}.py").read_text().splitlines()
    kept = []
    for line in lines[2:]:  # after the title and the licence
        if not line.startswith("#"):
            break
        kept.append(line[2:])
    return fenced("\n".join(kept).strip("\n"))


def cddl(name: str) -> str:
    """Return a CDDL file."""
    lines = (PROTOCOLS / "cddl" / f"{name}.cddl").read_text().splitlines()
    return fenced("\n".join(line for line in lines if "SPDX" not in line), "cddl")


def vectors(name: str) -> list[list[str]]:
    """Return the lines of a golden vector file, split into fields."""
    lines = (PROTOCOLS / "vectors" / f"{name}.hex").read_text().splitlines()
    return [line.split(" | ") for line in lines if line and not line.startswith("#")]


def fenced(text: str, kind: str = "text") -> str:
    """Return text as a block of code."""
    return f"```{kind}\n{text}\n```"


def table(head: tuple[str, ...], rows: list[tuple]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def event_example(meaning: str) -> bytes:
    """Return the golden event whose meaning begins so."""
    (found,) = [fields[0] for fields in vectors("event") if fields[-1].startswith(meaning)]
    return bytes.fromhex(found)


def golden(name: str, *columns: int) -> str:
    """Return a vector file as a table: meaning, then the chosen columns."""
    first = (PROTOCOLS / "vectors" / f"{name}.hex").read_text().splitlines()[0]
    names = [
        part.strip() for part in first.partition(":")[2].removesuffix(". - is empty.").split("|")
    ]
    rows = [(fields[-1], *(f"`{fields[c].strip()}`" for c in columns)) for fields in vectors(name)]
    return table(("meaning", *(names[c] for c in columns)), rows)


# The wake: the frames of wake.hex


class Wake:
    """The golden frames of one wake, taken to pieces."""

    def __init__(self) -> None:
        lines = vectors("wake")
        self.master, self.kid = bytes.fromhex(lines[0][0]), bytes.fromhex(lines[0][1])
        self.epoch, self.check_value = int(lines[0][2]), lines[0][9]
        self.frames = [bytes.fromhex(fields[8]) for fields in lines]
        self.plaintexts = [bytes.fromhex(fields[7]) for fields in lines]
        self.directions = [int(fields[4]) for fields in lines]
        self.meanings = [fields[-1] for fields in lines]
        self.records = [packing_reader.unpack(self.plaintexts[i])[0] for i in (0, 1)]
        map_ = event_reader.decode(self.records[0][1])[3][event.SCHEMA_MAP]
        self.schema = schema_map.from_map(map_)


def bytes_of(title: str, data: bytes, keys: Any = None) -> str:
    """Return a record or CBOR message byte by byte."""
    layer = Layer(title, data)
    if data[0] == 0:
        layer.number(1, "0", "an event")
        layer.varint("rn")
        keys = explain_cbor.event_keys(event_reader.decode(data)[1])
    explain_cbor.walk(layer, keys)
    return fenced("\n".join(layer.lines()))


def bits_of(title: str, wake: Wake, record: bytes) -> str:
    """Return a report bit by bit."""
    layer = Layer(title, record)
    explain_report.walk(layer, lambda _: wake.schema)
    return fenced("\n".join(layer.lines()))


def values(wake: Wake, record: bytes) -> str:
    """Return the values of a report as a table."""
    block = report_reader.decode(record, lambda _: wake.schema)
    rows = []
    for i, t in enumerate(block.times):
        cells = []
        for c, column in enumerate(block.schema.columns):
            counts, quality = block.columns[c][i], QUALITY_NAMES[block.qualities[c][i]]
            text = "-" if counts is None else explain_report.in_units(counts, column)
            cells.append(text if quality == "normal" else f"{text} ({quality})")
        rows.append((t, *cells))
    return table(("time, s since 2024", *(c.name for c in block.schema.columns)), rows)


def keys_example(wake: Wake) -> str:
    """Return the derivation of keys and nonce of the second frame, with every byte between."""
    data, plaintext = wake.frames[1], wake.plaintexts[1]
    header = frame.parse(data, len(wake.kid))
    secret = _hmac(SALT, wake.master)
    rows = [("master secret", wake.master), ("salt", SALT), ("PRK = HMAC(salt, master)", secret)]
    made = {}
    for label, size in (("Key", 16), ("IV", 13)):
        info = cbor.encode([wake.kid, wake.epoch, header.cls, frame.UP, 10, label, size])
        made[label] = _hmac(secret, info + b"\x01")[:size]
        rows += [(f"info of the {label}", info), (label, made[label])]
    padded = bytes([len(wake.kid)]) + wake.kid.rjust(7, b"\0") + header.piv.to_bytes(5, "big")
    nonce = bytes(a ^ b for a, b in zip(padded, made["IV"], strict=True))
    outside = data[: header.size]
    aad = cbor.encode(["Encrypt0", b"\xa1\x01\x0a", outside])
    first_block = b"\x59" + nonce + len(plaintext).to_bytes(2, "big")
    check = _hmac(secret, cbor.encode([wake.kid, wake.epoch, "check"]) + b"\x01")[:4]
    rows += [
        ("size of kid, kid in 7 bytes, PIV in 5", padded),
        ("nonce = that XOR IV", nonce),
        ("header of the frame", outside),
        ("AAD", aad),
        ("B_0 of CCM (RFC 3610, 2.2)", first_block),
        ("plaintext", plaintext),
        ("ciphertext", data[header.size : -8]),
        ("tag", data[-8:]),
        ("check value of this key", check),
    ]
    sealed = frame.ccm.seal(made["Key"], nonce, plaintext, aad)
    if outside + sealed != data or check.hex() != wake.check_value:
        raise AssertionError("the example does not give the golden frame")
    return table(("what", "bytes"), [(name, f"`{value.hex()}`") for name, value in rows])


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


def command_example(meaning: str) -> str:
    """Return a golden command, and what is signed in it, byte by byte."""
    data = next(bytes.fromhex(fields[0]) for fields in vectors("command") if fields[-1] == meaning)
    lines = (line for layer in explain_command.layers(meaning, data) for line in layer.lines())
    return fenced("\n".join(lines))


def commands() -> str:
    """Return the golden commands that have a form, with what a unit makes of them."""
    rows = [
        (meaning, f"`{data}`", f"`{outcome}`")
        for data, _, outcome, meaning in vectors("command")
        if outcome != "cmd_form"
    ]
    return table(("meaning", "plaintext", "outcome"), rows)


def frame_example(data: bytes) -> str:
    """Return the outside of a frame, byte by byte."""
    return fenced("\n".join(frame_layer(data, frame.parse(data)).lines()))


def cose_example(wake: Wake) -> str:
    """Return the ack of the wake as a COSE_Encrypt0."""
    message, aad = cose_frames.expand(wake.frames[2])
    rows = [("frame", wake.frames[2]), ("COSE_Encrypt0", message), ("external_aad", aad)]
    return table(("what", "bytes"), [(name, f"`{value.hex()}`") for name, value in rows])


def expected(wake: Wake) -> str:
    """Return the frames with all that is in them as JSON: what a new decoder has to give."""
    found = []
    for i, (data, text) in enumerate(zip(wake.frames, wake.plaintexts, strict=True)):
        header = frame.parse(data)
        entry: dict[str, Any] = {"meaning": wake.meanings[i], "frame": data.hex()}
        entry["direction"] = wake.directions[i]
        entry |= {"class": header.cls, "piv": header.piv}
        if header.cls == frame.TELEMETRY:
            records, last = packing_reader.unpack(text)
            entry |= {"last": last, "records": [_record(wake, raw) for raw in records]}
        else:
            entry["map"] = _plain(cbor.decode(text))
            (ack.decode if header.cls == frame.ACK else blocks.parse)(text)
        found.append(entry)
    keys = {"master": wake.master.hex(), "kid": wake.kid.hex(), "epoch": wake.epoch}
    rows = ",\n  ".join(json.dumps(entry) for entry in found)
    return fenced(f'{{"keys": {json.dumps(keys)}, "frames": [\n  {rows}\n]}}', "json")


def _record(wake: Wake, raw: bytes) -> dict[str, Any]:
    if raw[0] == 0:
        rn, type_, t, body = event_reader.decode(raw)
        return {"rn": rn, "type": type_, "time": t, "map": _plain(body)}
    block = report_reader.decode(raw, lambda _: wake.schema)
    names = [column.name for column in block.schema.columns]
    columns = dict(zip(names, block.columns, strict=True))
    qualities = dict(zip(names, block.qualities, strict=True))
    head = {"rn": block.rn, "schema": block.schema.id, "clock_set": block.synced}
    return {**head, "times": block.times, "counts": columns, "qualities": qualities}


def _plain(value: Any) -> Any:
    """Return CBOR as JSON has it: keys as text, byte strings as hexadecimal digits."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.hex() if isinstance(value, bytes) else value


def page() -> str:
    """Return the whole page."""
    wake = Wake()
    report, small = wake.records[1][0], wake.records[1][1]
    return (
        (ROOT / "docs" / "wire-format.in.md")
        .read_text()
        .format_map(
            Fields(
                {
                    "layout": layout,
                    "cddl": cddl,
                    "keys": keys_example(wake),
                    "frame_epoch": frame_example(wake.frames[0]),
                    "frame": frame_example(wake.frames[1]),
                    "packing": golden("packing", 0, 1, 2),
                    "report": bits_of("record 3", wake, report),
                    "values": values(wake, report),
                    "small": bits_of("record 4", wake, small),
                    "boot": bytes_of("record 1", wake.records[0][0]),
                    "schema_event": bytes_of("record 2", wake.records[0][1]),
                    "health": bytes_of("record 5", wake.records[1][2]),
                    "schemas": golden("schema", 0, 1),
                    "events": golden("event", 0),
                    "acks": golden("ack", 0),
                    "ack": bytes_of("the ack", wake.plaintexts[2], explain_cbor.ACK),
                    "blocks": golden("block", 0),
                    "block": bytes_of("the header", wake.plaintexts[3], explain_cbor.BLOCK),
                    "receipt": bytes_of("a receipt", event_example("receipt: done")),
                    "command": command_example("an emergency of level 2, signed with ES256"),
                    "commands": commands(),
                    "issuers": golden("issuer", 0, 1, 2, 3, 4),
                    "qualities": table(("code", "quality"), list(enumerate(QUALITY_NAMES))),
                    "reasons": table(
                        ("code", "reason"), [(n, f"`{name}`") for name, n in CODES.items()]
                    ),
                    "cose": cose_example(wake),
                    "modbus": golden("modbus", 0, 1),
                    "smp": golden("smp", 0, 7),
                    "expected": expected(wake),
                }
            )
        )
    )


class Fields(dict):
    """Fields of the template; `{layout:frame}` calls the function of that name."""

    def __missing__(self, key: str) -> str:
        raise KeyError(f"wire-format.in.md asks for '{key}', which nobody makes")

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        return Called(value) if callable(value) else value


class Called:
    """Formats as what a function makes of the format specification."""

    def __init__(self, make: Any) -> None:
        self.make = make

    def __format__(self, spec: str) -> str:
        return self.make(spec)


def main(arguments: list[str]) -> int:
    """Write the page, or compare it."""
    text = page()
    if arguments == ["--check"]:
        if PAGE.exists() and PAGE.read_text() == text:
            return 0
        print("docs/wire-format.md is stale; next: python docs/make_wire_format.py")
        return 1
    PAGE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
