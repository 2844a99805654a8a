"""Takes the CBOR of events, acks, commands and blocks to pieces, with the names of their keys."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fieldbeat.protocols import cbor, command, event, reasons

from .decisions import cause_name, why_name
from .language import tr
from .layers import Layer
from .operations import source_name
from .pictures import KIND_NAMES, WHY_NAMES
from .record_words import COMMAND_NAMES, EVENT_NAMES, stage_name
from .times import DEVICE_EPOCH_S, iso

# What a key is called and how its value is told: by a function, or with the keys inside it.
Keys = Callable[[Any], tuple[str, Any]]
_BYTES, _TEXT, _ARRAY, _MAP, _TAG = 2, 3, 4, 5, 6  # major types


def named(names: dict[Any, Any]) -> Keys:
    """Return the keys of a table of names, or of (name, how)."""

    def find(key: Any) -> tuple[str, Any]:
        found = names.get(key, tr("key {key}").format(key=key))
        return found if isinstance(found, tuple) else (found, None)

    return find


def _any(key: Any) -> tuple[str, Any]:
    return str(key), None


def since_2024(seconds: Any) -> str:
    """Return a device's time as text."""
    return f"{seconds} = {iso(seconds + DEVICE_EPOCH_S)}"


def picture_kind(number: Any) -> str:
    """Return what kind of picture it is."""
    return KIND_NAMES.get(number, str(number))


_COLUMN = named(
    {
        1: "name",
        2: "unit",
        3: tr("counts per unit"),
        4: "minimum",
        5: "maximum",
        6: tr("dead band"),
    }
)
_SCHEMA = named({1: tr("schema id"), 2: "version", 3: "interval s", 4: ("columns", _COLUMN)})
_COMMON = {0: ("type", lambda type_: EVENT_NAMES.get(type_, "unknown")), 1: ("time", since_2024)}
_EVENTS: dict[int, dict[int, Any]] = {
    event.BOOT: {
        2: "cause",
        3: tr("app version"),
        4: tr("config hash"),
        5: tr("clock set"),
        6: (
            "schemas",
            lambda id_: (tr("hash of {id}").format(id=id_), lambda hash_: f"{hash_:04x}"),
        ),
    },
    event.SCHEMA: {2: ("schema", _SCHEMA)},
    event.HEALTH: {
        2: tr("free heap bytes"),
        3: ("counters", lambda code: (reasons.name(code), None)),
        4: "uptime s",
        5: ("signal", _any),
        6: "battery mV",
        7: tr("records waiting"),
        8: tr("lowest record"),
    },
    event.ALARM: {
        2: "rule",
        3: "channel",
        4: "unit",
        5: tr("counts per unit"),
        6: "value",
        7: tr("clock set"),
        8: "begins",
    },
    event.RECEIPT: {
        2: tr("command id"),
        3: ("stage", stage_name),
        4: ("reason", reasons.name),
        5: "proof",
        6: ("start", since_2024),
        7: ("end", since_2024),
        8: "source",
        9: (tr("hops ms"), _any),
    },
    event.CONFIG: {2: (tr("issuers obeyed"), _any), 3: "clips", 4: (tr("alarm rules"), _any)},
    event.ENERGY: {
        2: "period s",
        3: tr("awake ms"),
        4: (tr("asleep ms: light, deep"), _any),
        5: tr("deep sleeps"),
        6: (tr("radio ms: sends, listens, reachable, asleep"), _any),
        7: (tr("supplies ms"), _any),
        8: tr("camera ms"),
        9: tr("bytes sent"),
        10: tr("wakes of the modem"),
    },
    event.SELF_TEST: {
        2: "scheduled",
        3: "silent",
        4: ("failed", reasons.name),
        5: "proof",
        6: "missed",
        7: "battery mV",
    },
    event.PICTURE: {
        2: ("why", lambda n: WHY_NAMES.get(n, str(n))),
        3: ("kind", picture_kind),
        4: "bytes",
        5: "width",
        6: "height",
        7: "quality",
        8: ("flags", lambda bits: f"{bits:b}"),
        9: "sha256",
        10: tr("clock set"),
    },
    event.SILENCE: {2: ("reason", reasons.name), 3: ("since", since_2024)},
    event.DECISION: {
        2: "actuator",
        3: "value",
        4: ("cause", cause_name),
        5: "rule",
        6: ("why", why_name),
        7: (tr("looked at"), _any),
        8: tr("clock set"),
    },
    event.ACTUATOR_FAULT: {
        2: "actuator",
        3: ("reason", reasons.name),
        4: tr("value told"),
        5: "feedback",
        6: tr("clock set"),
    },
    event.OPERATION: {
        2: "kind",
        3: "batch",
        4: "thousandths",
        5: "unit",
        6: "note",
        7: ("entered", source_name),
        8: "issuer",
        9: tr("clock set"),
    },
    event.ROOT: {
        2: tr("signs from"),
        3: tr("chain before"),
        4: "key",
        5: "signature",
        6: ("gaps", _any),
        7: tr("clock set"),
    },
}
ACK = named(
    {
        1: "cumulative",
        2: ("bitmap", lambda bits: f"{bits:032b}"),
        3: ("time", since_2024),
        5: (tr("schemas wanted"), _any),
        6: ("question", _any),
    }
)
BLOCK = named(
    {
        0: "object",
        1: "length",
        2: tr("chunk bytes"),
        3: "sha256",
        4: ("time", since_2024),
        5: "type",
        6: "index",
        7: "data",
        8: ("check", lambda check: f"{check:04x}"),
        9: "ask",
        10: "base",
        11: ("bitmap", lambda bits: f"{bits:b}"),
        12: ("result", lambda n: {1: "done", 2: "unwanted", 3: tr("wrong hash")}.get(n, str(n))),
    }
)


_CLASSES = {command.DAILY: "daily", command.DRILL: "drill", command.EMERGENCY: "emergency"}
_ALERT = named(
    {
        0: ("class", lambda n: _CLASSES.get(n, str(n))),
        1: "level",
        2: ("content", _any),
        3: "repeat",
        4: "volume",
        5: "event",
        6: "silent",
    }
)
_RULE = named(
    {
        0: "rule",
        1: "channel",
        2: "unit",
        3: tr("counts per unit"),
        4: "threshold",
        5: "below",
        6: "hysteresis",
        7: "hold s",
        8: "pause s",
        9: "window s",
        10: ("alert", _ALERT),
    }
)
_ARGS: dict[int, Keys] = {
    command.ALERT: _ALERT,
    command.CANCEL: named({0: tr("cancelled id")}),
    command.SELFTEST: named({6: "silent"}),
    command.ALARM_RULES: named({0: ("rules", _RULE)}),
    command.ISSUERS: named({0: ("added", _any), 1: ("revoked", _any)}),
    command.PICTURE: named({0: ("kind", picture_kind), 1: "bytes"}),
    command.OPERATE: named({0: "actuator", 1: "value", 2: "held s"}),
    command.RECORD: named({0: "kind", 1: "batch", 2: "thousandths", 3: "unit", 4: "note"}),
}


def command_keys(kind: Any) -> Keys:
    """Return the keys of a command of this kind."""
    args = _ARGS.get(kind, _any) if isinstance(kind, int) else _any
    return named(
        {
            0: ("command", lambda n: COMMAND_NAMES.get(n, "unknown")),
            1: "id",
            2: ("target", _any),
            3: (tr("not before"), since_2024),
            4: ("expires", since_2024),
            5: "counter",
            6: ("args", args),
            7: ("sent s, ms", _any),
        }
    )


def event_keys(type_: Any) -> Keys:
    """Return the keys of an event of this type."""
    known = _EVENTS.get(type_, {}) if isinstance(type_, int) else {}
    return named({**_COMMON, **known})


def walk(layer: Layer, keys: Keys = _any) -> Any:
    """Note the rest of a layer, one deterministic CBOR item, and return it.

    Raises:
        CBORError: it is no such item; then nothing is noted.
    """
    item = cbor.decode(layer.data[layer.at // 8 :])
    _item(layer, layer.at, "", keys, 0)
    return item


def _item(layer: Layer, start: int, name: str, how: Any, depth: int) -> None:
    """Note one item; `start` is where its key begins, if it has one."""
    begin = layer.at
    major, count = _head(layer)
    if major in (_MAP, _ARRAY):
        kind = tr("map") if major == _MAP else tr("list")
        layer.note(
            start,
            name or kind,
            tr("{kind} of {count}").format(kind=kind, count=count),
            depth=depth,
        )
        for index in range(count):
            at = layer.at
            inner, how_inner = (f"{index}", how) if major == _ARRAY else _named_key(layer, how)
            _item(layer, at, inner, how_inner, depth + 1)
        return
    if major == _TAG:
        layer.note(start, name or "tag", tr("tag {count}").format(count=count), depth=depth)
        _item(layer, layer.at, "", None, depth + 1)
        return
    if major in (_BYTES, _TEXT):
        layer.at += 8 * count
    value = cbor.decode(layer.data[begin // 8 : layer.at // 8])
    layer.note(start, name, _told(value, how), depth=depth)


def _named_key(layer: Layer, how: Any) -> tuple[str, Any]:
    start = layer.at
    major, count = _head(layer)
    if major in (_BYTES, _TEXT):
        layer.at += 8 * count
    key = cbor.decode(layer.data[start // 8 : layer.at // 8])
    try:
        return how(key) if callable(how) else _any(key)
    except TypeError:  # not of the type that it should be
        return _any(key)


def _head(layer: Layer) -> tuple[int, int]:
    """Read the head of an item: major type and argument (RFC 8949, 3)."""
    first = layer.get(8)
    short = first & 0x1F
    return first >> 5, short if short < 24 else layer.get(8 << (short - 24))


def _told(value: Any, how: Any) -> str:
    if isinstance(value, bytes):
        return tr("{count} bytes").format(count=len(value))
    plain = repr(value) if isinstance(value, str) else str(value)
    if callable(how):
        try:
            told = how(value)
        except (TypeError, ValueError):  # not of the type that it should be
            return plain
        return told if isinstance(told, str) else plain
    return plain
