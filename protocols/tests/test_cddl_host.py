"""Every CBOR message against its CDDL (RFC 8610), golden and as the code writes it.

Each description also refuses what it should: a validator that accepts everything proves nothing.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import cddl_verifier
import pytest
from fieldbeat.host_tools import boards, cose_frames, image, node_config, profiles
from hypothesis import given
from hypothesis import strategies as st

from protocols import (
    ack_writer,
    blocks,
    cbor,
    command,
    command_writer,
    cose,
    event,
    event_reader,
    frame,
    receipt,
    receipt_reader,
    schema_map,
)
from protocols.schema import MAX_COLUMNS, Column, Schema
from protocols.tests.support import vectors

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "protocols" / "cddl"

u8, u16, u32, u64 = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
i32 = st.integers(-(2**31), 2**31 - 1)


def description(name: str) -> cddl_verifier.Validator:
    text = (FOLDER / f"{name}.cddl").read_text()
    if name == "event":
        text += (FOLDER / "schema.cddl").read_text()
    return cddl_verifier.Validator(text)


CDDL = {path.stem: description(path.stem) for path in sorted(FOLDER.glob("*.cddl"))}


def valid(name: str, data: bytes) -> bool:
    return CDDL[name].validate(bytes(data)).valid


@pytest.mark.parametrize(
    ("name", "file", "column"),
    [
        ("ack", "ack.hex", 0),
        ("schema", "schema.hex", 0),
        ("event", "event.hex", 1),
        ("block", "block.hex", 0),
    ],
)
def test_golden_vectors(name: str, file: str, column: int) -> None:
    lines = list(vectors(file))
    assert lines
    for fields in lines:
        assert valid(name, bytes.fromhex(fields[column])), fields[-1]


ONLY_THE_CODE_REFUSES = {
    "not the shortest form",
    "a tag in two bytes",
    "a window that ends when it begins",
    "a group that is no multicast address",
    "a batch without a name begins",
}


def test_golden_commands() -> None:
    accepted = set()
    for data, _, outcome, meaning in vectors("command.hex"):
        if outcome not in ("cmd_form", "cmd_unknown"):
            assert valid("command", bytes.fromhex(data)), meaning
        elif valid("command", bytes.fromhex(data.strip("-"))):
            accepted.add(meaning)
    assert accepted == ONLY_THE_CODE_REFUSES


def test_golden_alarm_rules() -> None:
    head, accepted = {0: 4, 1: b"8 bytes!", 2: True, 4: 9}, set()
    for data, outcome, meaning in vectors("alarm_rules.hex"):
        is_valid = valid("command", cbor.encode(head | {6: {0: cbor.decode(bytes.fromhex(data))}}))
        if outcome == "ok":
            assert is_valid, meaning
        elif is_valid:
            accepted.add(meaning)
    assert accepted == {"two rules of one number", "a rule with a live stream"}


def test_traces() -> None:
    trace = {0: "fieldbeat trace 1", 1: "gh-01", 2: b"\0\1", 3: [bytes(64)], 4: [b"a"], 5: b"1234"}
    assert valid("trace", cbor.encode(trace))
    for key, wrong in ((0, "fieldbeat trace 2"), (2, b"123"), (3, []), (3, [b"a"]), (4, [])):
        assert not valid("trace", cbor.encode(trace | {key: wrong}))


@pytest.mark.parametrize("name", sorted(CDDL))
def test_other_messages_are_refused(name: str) -> None:
    for value in (0, [], {}, {99: 0}, "text", [1, 2, 3], {0: 9, 1: -1}, {1: "a"}):
        assert not valid(name, cbor.encode(value)), value


@given(u32, u32, st.none() | u32, st.lists(u32))
def test_acks(cumulative: int, bitmap: int, time: int | None, schemas: list):
    data = ack_writer.encode(cumulative, bitmap, time, schemas, time)
    assert valid("ack", data)


def test_bad_acks() -> None:
    for body in ({1: -1}, {1: 2**32}, {2: 1}, {1: 1, 2: 2**32}, {1: 1, 5: ["a"]}):
        assert not valid("ack", cbor.encode(body)), body


columns = st.builds(
    Column, st.text(), st.text(), st.integers(1, 10**6), i32, i32, st.integers(0, 2**31 - 1)
)
schemas = st.builds(
    Schema,
    st.integers(1, 2**32 - 1),
    u32,
    st.integers(1, 2**32 - 1),
    st.lists(columns, min_size=1, max_size=4),
)


@given(schemas)
def test_schemas(schema: Schema) -> None:
    data = schema_map.to_map(schema)
    assert valid("schema", cbor.encode(data))
    assert valid("event", cbor.encode({0: event.SCHEMA, 1: 0, event.SCHEMA_MAP: data}))
    for key in data:
        less = {other: value for other, value in data.items() if other != key}
        assert not valid("schema", cbor.encode(less))
        assert not valid("event", cbor.encode({0: event.SCHEMA, 1: 0, event.SCHEMA_MAP: less}))


def test_the_columns_of_a_schema_are_bounded() -> None:
    column = Column("a", "1", 1, 0, 0, 0)
    data = schema_map.to_map(Schema(1, 1, 1, [column] * MAX_COLUMNS))
    assert valid("schema", cbor.encode(data))
    data[4].append(data[4][0])
    assert not valid("schema", cbor.encode(data))


@given(u32, st.text(), st.text(), st.binary(min_size=8, max_size=8), st.booleans(), u16)
def test_boots(t: int, cause: str, version: str, config: bytes, synced: bool, hash_: int) -> None:
    body = {
        event.BOOT_CAUSE: cause,
        event.BOOT_VERSION: version,
        event.BOOT_CONFIG_HASH: config,
        event.BOOT_SYNCED: synced,
        event.BOOT_SCHEMAS: {1: hash_},
    }
    record = event.encode(1, event.BOOT, t, body)
    assert valid("event", record[2:])
    body[event.BOOT_CONFIG_HASH] += b"\0"
    assert not valid("event", event.encode(1, event.BOOT, t, body)[2:])


@given(u32, st.dictionaries(st.integers(1, 99), u32), st.dictionaries(st.text(), i32))
def test_healths(n: int, counters: dict, signal: dict) -> None:
    body = dict.fromkeys((2, 4, 6, 7, 8), n) | {3: counters, 5: signal}
    assert valid("event", event.encode(1, event.HEALTH, n, body)[2:])
    assert valid("event", event.encode(1, event.ALARM, n, {8: False, 9: "later"})[2:])
    assert not valid("event", event.encode(1, event.ALARM, n, {2: "text"})[2:])
    body[event.HEALTH_UPTIME_S] = "long"
    assert not valid("event", event.encode(1, event.HEALTH, n, body)[2:])


@given(u32, st.one_of(st.none(), u32))
def test_silences(n: int, since: int | None) -> None:
    body = {event.SILENCE_REASON: n} | ({} if since is None else {event.SILENCE_SINCE: since})
    assert valid("event", event.encode(1, event.SILENCE, n, body)[2:])
    assert not valid("event", event.encode(1, event.SILENCE, n, {3: n})[2:])


def test_the_policy_of_a_modem() -> None:
    text = (ROOT / "docs" / "examples" / "greenhouse.toml").read_text()
    table = "\n[modem]\npsm_periodic_s = 0\nedrx_s = 20.48\nbands = [5]\nretry_bytes_day = 0\n"
    config = node_config.parse(text + table, "x")
    assert valid("device", cbor.encode(config.to_device_map()))
    plain = node_config.parse(text + "\n[modem]\n", "x")
    assert valid("device", cbor.encode(plain.to_device_map()))


@given(st.data())
def test_blocks(data) -> None:
    length = data.draw(st.integers(0, 3000))
    size = data.draw(st.integers(1, 1300))
    header = blocks.describe(
        data.draw(u32), length, size, lambda at, n: bytes(n), data.draw(u32), data.draw(u8)
    )
    ask = data.draw(u32)
    assert valid("block", blocks.encode_header(header, ask))
    chunk = data.draw(st.binary(max_size=size))
    assert valid("block", blocks.encode_chunk(header, data.draw(u16), chunk))
    assert valid("block", blocks.encode_chunk(header, data.draw(u16), chunk, ask))
    base = data.draw(st.none() | st.integers(0, 65536))
    status = header.object, header.check(), ask, base, data.draw(u64)
    assert valid("block", blocks.encode_status(*status, data.draw(st.none() | u8)))


steps = st.one_of(
    st.tuples(st.just(0), st.integers(0, 2), st.integers(100, 60000)),
    st.tuples(st.just(1), st.text("abcxyz019_-", min_size=1, max_size=24)),
    st.tuples(st.just(2), st.integers(0, 3), st.binary(min_size=1, max_size=400)),
    st.tuples(
        st.just(3),
        st.sampled_from([0, 8, 10, 11]),
        st.integers(1, 65535),
        st.just(b"") | st.binary(min_size=3, max_size=3).map(lambda rest: b"\xe0" + rest),
        st.integers(1, 86400),
    ),
).map(list)
alerts = st.builds(
    command.Alert,
    st.integers(0, 2),
    st.integers(1, 4),
    st.lists(steps, min_size=1, max_size=8),
    st.integers(1, 100),
    st.none() | st.integers(0, 100),
    st.text(st.characters(max_codepoint=0x7F), max_size=16),
    st.just(False),
)
ids = st.binary(min_size=8, max_size=8)
members = u16 | st.binary(min_size=2, max_size=2) | st.binary(min_size=4, max_size=4)
targets = st.just(True) | members | st.lists(members, min_size=1, max_size=16)


@given(ids, targets, alerts, u32, st.none() | u32, st.none() | st.tuples(u32, st.integers(0, 999)))
def test_commands(id: bytes, target, alert, start: int, counter: int | None, sent) -> None:
    expires = max(1, start)
    given = command_writer.command(1, id, target, expires, alert, start // 2, counter, sent)
    data = command_writer.encode(given)
    assert valid("command", data)
    found = command.decode(data)
    assert found._replace(sent=sent) == given and found.sent == (sent and list(sent))


@given(ids, st.integers(0, 9), u16, st.binary(min_size=3, max_size=3), u32, st.lists(u32))
def test_receipts(id: bytes, stage: int, small: int, proof: bytes, t: int, hops: list) -> None:
    for body in (receipt.body(id, stage), receipt.body(id, stage, small, proof, t, t, 1, hops)):
        record = event.encode(1, event.RECEIPT, t, body)
        assert valid("event", record[2:])
        assert receipt_reader.parse(event_reader.decode(record)[3]).stage == stage
    for key in (2, 3):
        bad = event.encode(1, event.RECEIPT, t, body | {key: b"a" * 9})
        assert not valid("event", bad[2:])


def test_bad_blocks() -> None:
    header = blocks.describe(1, 10, 5, lambda at, n: bytes(n), 9, blocks.LOG)
    good = cbor.decode(blocks.encode_header(header, 1))
    for key, value in ((0, 2**32), (1, -1), (2, 0), (2, 65536), (3, bytes(31)), (5, 256)):
        assert not valid("block", cbor.encode(good | {key: value})), (key, value)
    assert not valid("block", cbor.encode(good | {13: 0}))  # no later keys: all three are closed


@given(st.binary(min_size=2, max_size=2) | st.binary(min_size=4, max_size=4), u32)
def test_what_keys_are_made_of(kid: bytes, epoch: int) -> None:
    for label, size in (("Key", 16), ("IV", 13)):
        for cls in range(4):
            info = [kid, epoch, cls, cls & 1, 10, label, size]
            assert valid("frame", cbor.encode(info))
    assert not valid("frame", cbor.encode([kid, epoch, 0, 0, 10, "Key", 13]))
    assert valid("frame", cbor.encode([kid, epoch, "check"]))


def test_what_the_frame_encodes(monkeypatch) -> None:
    """Not a copy of it: what `frame.py` hands to HKDF and CCM."""
    infos, aads = [], []
    expand, seal = frame.hkdf.expand, frame.ccm.seal
    monkeypatch.setattr(frame.hkdf, "expand", lambda s, i, n: infos.append(i) or expand(s, i, n))
    monkeypatch.setattr(frame.ccm, "seal", lambda k, n, t, a: aads.append(a) or seal(k, n, t, a))
    keys = frame.KeySet(bytes(16), b"ab", 7)
    keys.seal(frame.TELEMETRY, frame.UP, 300, b"text", True)
    keys.check_value()
    assert len(infos) == 3 and len(aads) == 1
    assert all(valid("frame", data) for data in infos + aads)


@pytest.mark.parametrize("whole_iv", [False, True])
def test_every_golden_frame_expanded(whole_iv: bool) -> None:
    for fields in vectors("frame.hex"):
        kid, sealed = bytes.fromhex(fields[1]), bytes.fromhex(fields[8])
        base_iv = bytes(13) if whole_iv else None
        expanded, _ = cose_frames.expand(sealed, len(kid), base_iv)
        assert valid("cose", expanded)


def test_cose_messages() -> None:
    assert valid("cose", cose.mac0(b"x", (cose.HMAC_256_64, bytes(16)), {cose.KID: b"11"}))
    assert valid("cose", cose.seal0(b"x", (cose.AES_CCM_16_64_128, bytes(16)), bytes(13)))
    for algorithm in (cose.ES256, cose.ESP256, cose.HSS_LMS, cose.SM2_SM3):
        protected = cose.protect({cose.ALG: algorithm, cose.KID: b"11"})
        assert valid("cose", cose.encode(cose.SIGN1, protected, {}, b"payload", bytes(64)))
    protected = cose.protect({cose.ALG: cose.AES_CCM_16_64_128})
    assert not valid("cose", cose.encode(cose.SIGN1, protected, {}, b"payload", bytes(64)))
    assert not valid("cose", cbor.encode([b"", {}, b""]))


def test_the_maps_of_every_board_and_profile() -> None:
    for name in boards.names():
        assert valid("device", cbor.encode(boards.device_map(name))), name
    for name in profiles.names():
        assert valid("device", cbor.encode(profiles.device_map(name))), name


def test_the_maps_in_an_image() -> None:
    config = node_config.load(ROOT / "docs" / "examples" / "greenhouse.toml")
    files = image.files(config)
    maps = {path: content for path, content in files.items() if path.endswith(".cbor")}
    assert set(maps) == {"app.cbor", "board.cbor", "profile.cbor", "config.cbor"}
    for path, content in maps.items():
        assert valid("device", content), path
        item = cbor.decode(content)
        assert not valid("device", cbor.encode(item | {"more": 1})), path
