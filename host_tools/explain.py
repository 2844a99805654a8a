"""Explains a frame byte by byte: its header, and with the registry's key what it carries."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from fieldbeat.protocols import event, event_reader, frame, report_reader, schema_map
from fieldbeat.protocols.ccm import TAG_SIZE
from fieldbeat.protocols.schema import Schema

from . import cose_frames, explain_cbor, explain_command, explain_report, scaled
from .errors import FieldbeatError
from .language import tr
from .layers import Layer
from .registered_unit import Unit
from .registry import Registry
from .schemas import Schemas
from .store import Store
from .times import DEVICE_EPOCH_S, iso
from .wording import counted

CLASSES = ("telemetry", "command", "block", "ack")
DIRECTIONS = (tr("up, from the unit"), tr("down, to the unit"))
_NO_FRAME = {
    "short": tr("it is too short for its header and the tag"),
    "version": tr("its first two bits are not 01, version 1"),
    "piv": tr("its sequence number is not 1 to 5 bytes without a leading zero"),
}


@dataclass
class Explanation:
    """A frame in layers; `sealed` says why the plaintext stays closed, if it does."""

    layers: list[Layer]
    sealed: str = ""
    unit: str = ""
    epoch: int | None = None
    direction: str = ""
    reports: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        layers = [
            {
                "title": layer.title,
                "bytes": layer.data.hex(),
                "problem": layer.problem,
                "parts": [asdict(part) for part in layer.parts],
            }
            for layer in self.layers
        ]
        known = {"unit": self.unit, "epoch": self.epoch, "direction": self.direction}
        return {**known, "sealed": self.sealed, "layers": layers, "reports": self.reports}


class Explainer:
    """Explains frames, with keys and schemas from where they are kept.

    Args:
        registry: opens frames; None leaves them sealed.
        store: knows the schemas that units announced.
        kid_size: bytes of a key id, 2 or 4; default as in the registry, or 2.
    """

    def __init__(
        self,
        registry: Registry | None = None,
        store: Store | None = None,
        kid_size: int | None = None,
    ) -> None:
        self._registry, self._store = registry, store
        self._kid_size = kid_size or (registry.kid_size if registry else 2)
        self._unit: Unit | None = None  # whose frame it is
        self._told: dict[int, Schema] = {}  # by the frame itself

    def explain(self, data: bytes) -> Explanation:
        """Return a frame in layers.

        Raises:
            FieldbeatError: it is no frame.
        """
        header = self._header(data)
        found = Explanation([frame_layer(data, header)])
        opened = self._open(data, header, found)
        if opened is not None:
            self._plaintext(header.cls, opened, found)
        return found

    def as_cose(self, data: bytes) -> tuple[bytes, bytes]:
        """Return a frame as a COSE_Encrypt0 message, and the external_aad that belongs to it.

        Raises:
            FieldbeatError: it is no frame.
        """
        self._header(data)
        return cose_frames.expand(data, self._kid_size)

    def _header(self, data: bytes) -> frame.Header:
        try:
            return frame.parse(data, self._kid_size)
        except frame.FrameError as error:
            problem = _NO_FRAME.get(error.reason, error.reason)
            raise FieldbeatError(
                tr("these {count} bytes are no frame: {problem}").format(
                    count=len(data), problem=problem
                ),
                tr("give one whole datagram; with key ids of 4 bytes say --kid-size 4"),
            ) from None

    def _open(self, data: bytes, header: frame.Header, found: Explanation) -> bytes | None:
        """Return the plaintext, or None with the reason in `found.sealed`."""
        kid, wanted = header.kid.hex(), header.epoch
        unit = self._registry.unit_of_kid(header.kid) if self._registry else None
        if self._registry is None or unit is None:
            found.sealed = tr("the key of key id {kid} is missing: ").format(kid=kid)
            if self._registry:
                found.sealed += tr("{path} has no such unit").format(path=self._registry.path)
            else:
                found.sealed += tr("there is no registry (--registry FILE names one)")
            return None
        keys = self._registry.keys(header.kid)
        for epoch, master in keys:
            for direction in (frame.UP, frame.DOWN) if wanted in (None, epoch) else ():
                try:
                    opened = frame.KeySet(master, header.kid, epoch).open(direction, data)
                except frame.FrameError:
                    continue
                found.unit, found.epoch = unit.name, epoch
                found.direction = DIRECTIONS[direction]
                self._unit = unit
                return opened[2]
        epochs = ", ".join(str(epoch) for epoch, _ in keys)
        which = tr("key id {kid} ({name}) has keys of epoch {epochs}").format(
            kid=kid, name=unit.name, epochs=epochs
        )
        if wanted is not None and wanted not in [epoch for epoch, _ in keys]:
            found.sealed = tr("{which}, but not of epoch {wanted}").format(
                which=which, wanted=wanted
            )
        else:
            found.sealed = tr(
                "{which}, and none opens it: the frame is damaged, forged or foreign"
            ).format(which=which)
        return None

    # What the plaintext is

    def _plaintext(self, cls: int, plaintext: bytes, found: Explanation) -> None:
        title = tr("plaintext: {classes}").format(classes=CLASSES[cls])
        if cls == frame.COMMAND:
            found.layers += explain_command.layers(title, plaintext)
            return
        layer = Layer(title, plaintext)
        found.layers.append(layer)
        try:
            if cls == frame.TELEMETRY:
                self._records(layer, found)
            else:
                keys = explain_cbor.ACK if cls == frame.ACK else explain_cbor.BLOCK
                explain_cbor.walk(layer, keys)
        except ValueError as error:
            layer.problem = tr("the rest makes no sense: {error}").format(error=error)

    def _records(self, layer: Layer, found: Explanation) -> None:
        records = []
        while layer.left:
            size = layer.varint("length", _length)
            if size or layer.left:
                records.append(layer.raw(size or layer.left, "record", tr("see below")))
        for raw in records:
            self._learn(raw)
        for raw in records:
            found.layers.append(self._record(raw, found))

    def _record(self, raw: bytes, found: Explanation) -> Layer:
        layer = Layer("record", raw)
        try:
            schema_id, rn = report_reader.peek(raw)
            layer.title = tr("record {rn}: {value}").format(
                rn=rn, value=tr("report") if schema_id else tr("event")
            )
            if schema_id:
                schema = self._schema(schema_id, rn)
                explain_report.walk(layer, lambda _: schema)
                if schema:
                    found.reports.append(_report(raw, schema))
            else:
                layer.number(1, "0", tr("an event"))
                layer.varint("rn", tr("record number {}").format)
                explain_cbor.walk(layer, explain_cbor.event_keys(event_reader.decode(raw)[1]))
        except ValueError as error:
            layer.problem = tr("the rest makes no sense: {error}").format(error=error)
        return layer

    # Schemas: of this frame, of the unit's announcements, of its profile

    def _learn(self, raw: bytes) -> None:
        try:
            _, type_, _, body = event_reader.decode(raw)
            if type_ == event.SCHEMA:
                learned = schema_map.from_map(body[event.SCHEMA_MAP])
                self._told[learned.id] = learned
        except (ValueError, LookupError):
            return

    def _schema(self, schema_id: int, rn: int) -> Schema | None:
        return (
            self._told.get(schema_id)
            or self._announced(schema_id, rn)
            or (of_profile(self._unit, schema_id) if self._unit else None)
        )

    def _announced(self, schema_id: int, rn: int) -> Schema | None:
        if self._store is None or self._unit is None:
            return None
        contact = self._store.contact(self._unit.name)
        if contact is None:
            return None
        return Schemas(self._store).find(self._unit.name, contact.run, rn, schema_id)


def of_profile(unit: Unit, schema_id: int) -> Schema | None:
    """Return the schema of the profile that a unit was provisioned with."""
    from . import profiles  # takes 0.2 s to import

    if unit.profile not in profiles.names():
        return None
    profile = profiles.load(unit.profile)
    if profile.layout.id != schema_id:
        return None
    names = ("name", "unit", "scale", "minimum", "maximum", "dead_band")
    columns = [[getattr(channel, name) for name in names] for channel in profile.channels]
    columns = [schema_map.Column(*column) for column in columns]
    return Schema(schema_id, profile.layout.version, profile.interval_s, columns)


def frame_layer(data: bytes, header: frame.Header) -> Layer:
    """Return the outside of a frame: header, ciphertext, tag."""
    layer = Layer("frame", data)
    layer.bits(2, "version", "1")
    layer.bits(2, "class", lambda cls: f"{cls} {CLASSES[cls]}")
    layer.bits(1, tr("epoch follows"), lambda bit: "yes" if bit else "no")
    piv_size = layer.bits(3, "PIV size", lambda n: counted(n, "byte"))
    layer.raw(len(header.kid), "kid", tr("key id"))
    if header.epoch is not None:
        layer.number(4, "epoch")
    layer.number(piv_size, "PIV", tr("sequence number {}").format)
    layer.raw(layer.left - TAG_SIZE, "ciphertext", tr("as long as the plaintext"))
    layer.raw(TAG_SIZE, "tag", "AES-CCM-16-64-128")
    return layer


def _length(size: int) -> str:
    return (
        tr("{size} bytes").format(size=size)
        if size
        else tr("0: the rest, and the last datagram: please answer")
    )


def _report(raw: bytes, schema: Schema) -> dict[str, Any]:
    """Return the values of a report with units, times and qualities."""
    block = report_reader.decode(raw, lambda _: schema)
    samples = []
    for i, t in enumerate(block.times):
        values = {}
        for c, column in enumerate(schema.columns):
            counts = block.columns[c][i]
            values[column.name] = {
                "value": None if counts is None else counts / column.scale,
                "text": "-" if counts is None else scaled.text(counts, column.scale),
                "unit": column.unit,
                "quality": scaled.quality_name(block.qualities[c][i]),
            }
        samples.append({"time": iso(t + DEVICE_EPOCH_S), "values": values})
    head = {"schema": schema.id, "rn": block.rn, "clock_set": block.synced}
    return {**head, "uptime_s": block.uptime_s, "samples": samples}
