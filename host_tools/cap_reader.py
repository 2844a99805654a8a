"""Reads CAP 1.2 messages, see cap.py, out of XML from outside.

Nothing in it is fetched, no entity is expanded, and a message that is not quite what the standard
says is refused with the place and the next step, since half an alert is worse than a phone call.
Order of elements and unknown ones (a signature, say) are passed over.
Source: CAP-v1.2-os, 3.2 and 3.4.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

from .cap import ALERT, CANCEL, UPDATE, Area, CapError, Info, Message
from .geometry import EARTH_KM, Point, is_point
from .issuers import CLASSES
from .language import os_reason, tr
from .times import iso

MAX_SIZE = 256 * 1024
MAX_POINTS = 2000  # of all polygons of an info: each unit is looked for in each of them
NAMESPACE = "urn:oasis:names:tc:emergency:cap:1.2"

_DRILL, _EMERGENCY = CLASSES.index("drill"), CLASSES.index("emergency")
_CLASSES = {"Actual": _EMERGENCY, "Exercise": _DRILL}
_LEVELS = {"Extreme": 1, "Severe": 2, "Moderate": 3, "Minor": 4, "Unknown": None}
_CHOICES = {
    "status": ("Actual", "Exercise", "System", "Test", "Draft"),
    "msgType": (ALERT, UPDATE, CANCEL, "Ack", "Error"),
    "scope": ("Public", "Restricted", "Private"),
    "urgency": ("Immediate", "Expected", "Future", "Past", "Unknown"),
    "severity": tuple(_LEVELS),
    "certainty": ("Observed", "Likely", "Possible", "Unlikely", "Unknown"),
}
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_DECLARED = re.compile(rb"""<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]+)""")
# Encodings that the XML parser does not know; GB 18030 has all of the two before it.
_WIDE = {"gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "big5": "big5"}
_EVENT_BYTES = 16  # of the text that a command carries


def read(path: Path) -> Message:
    """Read a CAP file.

    Raises:
        CapError: it cannot be read, is too large, or is no CAP 1.2 message that can be sent.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        step = tr("name a CAP 1.2 file")
        raise CapError(
            tr("{path} cannot be read: {strerror}").format(path=path, strerror=os_reason(error)),
            step,
        ) from None
    return parse(data, str(path))


def parse(data: bytes, source: str = tr("the message")) -> Message:
    """Return a CAP message.

    Args:
        data: the XML.
        source: what it is called in error messages.

    Raises:
        CapError: it is too large, malformed, or no CAP 1.2 message that can be sent.
    """
    if len(data) > MAX_SIZE:
        message = tr("{source} has more than {value} kB").format(
            source=source, value=MAX_SIZE // 1024
        )
        raise CapError(message, tr("leave embedded resources (derefUri) out of it"))
    return _Reader(source).message(_root(data, source))


def _root(data: bytes, source: str) -> Any:
    """Return the element `alert`."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException, ElementTree

    try:
        root = ElementTree.fromstring(_readable(data), forbid_dtd=True)
    except DefusedXmlException:
        step = tr("have it written without <!DOCTYPE>, CAP needs none")
        raise CapError(
            tr("{source} declares a document type or entities").format(source=source), step
        ) from None
    except (ParseError, ValueError, LookupError) as error:
        text = " ".join(str(error).split())
        step = (
            tr("have it written in UTF-8")
            if "encoding" in text
            else tr("ask its sender for the whole file")
        )
        raise CapError(
            tr("{source} is no XML: {text}").format(source=source, text=text), step
        ) from None
    namespace, _, tag = root.tag.rpartition("}")
    if tag != "alert" or namespace != f"{{{NAMESPACE}":
        given = namespace[1:] or tr("<{tag}> without a namespace").format(tag=tag)
        raise CapError(
            tr("{source} is no CAP 1.2 alert: it is {given}").format(source=source, given=given),
            tr("have it in {namespace}").format(namespace=NAMESPACE),
        )
    return root


def _readable(data: bytes) -> bytes | str:
    """Return what the XML parser can read of a message."""
    declared = _DECLARED.match(data)
    wide = _WIDE.get(declared[1].decode().lower()) if declared else None
    return data.decode(wide) if wide else data


class _Reader:
    """Reads elements, and says in which file and element a mistake is."""

    def __init__(self, source: str) -> None:
        self._source = source

    def message(self, alert: Any) -> Message:
        names = ("identifier", "sender", "sent", "status", "msgType", "scope")
        identifier, sender, sent, status, kind, _ = (self._must(alert, name) for name in names)
        for name, text in (("identifier", identifier), ("sender", sender)):
            if re.search(r"[\s,<&]", text):
                raise self._error(
                    tr("{name} '{text}' has a blank or comma").format(name=name, text=text),
                    tr("have it written anew"),
                )
        if status not in _CLASSES:
            step = tr("loudspeakers take Actual and Exercise; or send a drill: --drill --text")
            raise self._error(
                tr("its status is {status}: it is not for the public").format(status=status), step
            )
        if kind not in (ALERT, UPDATE, CANCEL):
            step = tr("only Alert, Update and Cancel can be sent")
            raise self._error(tr("its msgType is {kind}").format(kind=kind), step)
        sent_s = self._time(sent, "sent")
        origin = _origin(sender, identifier, sent_s)
        references = self._references(alert) if kind != ALERT else ()
        found = alert.findall(_in("info")) if kind != CANCEL else []
        if kind != CANCEL and not found:
            raise self._error(
                tr("it has no info: nothing can be spoken"), tr("ask for the whole message")
            )
        infos = tuple(self._info(info) for info in found)
        return Message(origin, sent_s, kind, _CLASSES[status], references, infos)

    def _info(self, info: Any) -> Info:
        event = self._must(info, "event")
        severity = self._must(info, "severity")
        for name in ("category", "certainty"):
            self._must(info, name)
        past = self._must(info, "urgency") == "Past"
        codes = self._codes(info, "eventCode")
        effective_s = self._optional_time(info, "effective")
        expires_s = self._optional_time(info, "expires")
        areas = tuple(self._area(area) for area in info.findall(_in("area")))
        if sum(len(ring) for area in areas for ring in area.polygons) > MAX_POINTS:
            step = tr("have its polygons drawn more simply, or choose with --area")
            raise self._error(
                tr("its polygons have more than {max_points} points").format(
                    max_points=MAX_POINTS
                ),
                step,
            )
        if effective_s is not None and expires_s is not None and expires_s <= effective_s:
            text = tr("it expires at {expires_s}, before it is effective").format(
                expires_s=iso(expires_s)
            )
            raise self._error(text, tr("ask its sender for an update"))
        return Info(
            language=self._maybe(info, "language") or "en-US",
            event=event,
            event_code=_event_code(event, codes),
            severity=severity,
            level=_LEVELS[severity],
            effective_s=effective_s,
            expires_s=expires_s,
            headline=self._maybe(info, "headline"),
            description=self._maybe(info, "description"),
            instruction=self._maybe(info, "instruction"),
            areas=areas,
            is_past=past or "AllClear" in _texts(info, "responseType"),
        )

    def _area(self, area: Any) -> Area:
        return Area(
            self._must(area, "areaDesc"),
            tuple(self._codes(area, "geocode")),
            tuple(self._polygon(text) for text in _texts(area, "polygon")),
            tuple(self._circle(text) for text in _texts(area, "circle")),
        )

    def _polygon(self, text: str) -> tuple[Point, ...]:
        ring = tuple(self._point(pair, text, "polygon") for pair in text.split())
        if len(ring) < 4 or ring[0] != ring[-1]:
            step = tr("have it written as four points or more, of which the last is the first")
            raise self._error(tr("<polygon> is not closed: '{text}'").format(text=text[:40]), step)
        return ring

    def _circle(self, text: str) -> tuple[Point, float]:
        middle, _, radius = text.partition(" ")
        try:
            radius_km = float(radius)
        except ValueError:
            radius_km = -1.0
        if not 0 <= radius_km < EARTH_KM * 4:  # also refuses what is no number
            step = tr("have it written as latitude,longitude radius, in km")
            raise self._error(tr("<circle> is '{text}'").format(text=text[:40]), step)
        return self._point(middle, text, "circle"), radius_km

    def _point(self, pair: str, text: str, tag: str) -> Point:
        try:
            latitude, longitude = map(float, pair.split(","))
            if is_point(latitude, longitude):
                return latitude, longitude
        except ValueError:
            pass
        step = tr("have its points written as latitude,longitude, in degrees")
        raise self._error(
            tr("<{tag}> has the point '{pair}'").format(tag=tag, pair=pair[:40]), step
        )

    def _codes(self, element: Any, tag: str) -> list[tuple[str, str]]:
        found = element.findall(_in(tag))
        return [(self._must(each, "valueName"), self._must(each, "value")) for each in found]

    def _references(self, alert: Any) -> tuple[str, ...]:
        origins = []
        for text in self._must(alert, "references").split():
            sender, identifier, sent = (*text.split(","), "", "")[:3]
            if text.count(",") != 2 or not sender or not identifier:
                step = tr("have it written as sender,identifier,sent")
                raise self._error(tr("references has '{text}'").format(text=text), step)
            origins.append(_origin(sender, identifier, self._time(sent, "references")))
        return tuple(origins)

    def _must(self, element: Any, tag: str) -> str:
        text = self._maybe(element, tag)
        parent = element.tag.rpartition("}")[2]
        if not text:
            step = tr("ask its sender for a message with <{tag}>").format(tag=tag)
            raise self._error(tr("<{parent}> has no <{tag}>").format(parent=parent, tag=tag), step)
        allowed = _CHOICES.get(tag)
        if allowed and text not in allowed:
            step = tr("allowed: {listed}").format(listed=", ".join(allowed))
            raise self._error(
                tr("<{tag}> in <{parent}> is '{text}'").format(
                    tag=tag, parent=parent, text=text[:40]
                ),
                step,
            )
        return text

    def _maybe(self, element: Any, tag: str) -> str:
        """Return the text of a child, '' if there is none; white space is made single blanks."""
        found = element.findall(_in(tag))
        if len(found) > 1 and tag != "category":
            parent = element.tag.rpartition("}")[2]
            raise self._error(
                tr("<{parent}> has <{tag}> twice").format(parent=parent, tag=tag),
                tr("ask its sender which one is true"),
            )
        return " ".join((found[0].text or "").split()) if found else ""

    def _optional_time(self, element: Any, tag: str) -> float | None:
        text = self._maybe(element, tag)
        return self._time(text, tag) if text else None

    def _time(self, text: str, tag: str) -> float:
        if text[-1:] in ("Z", "z"):
            step = tr("have it written with an offset, -00:00 for UTC: CAP does not know 'Z'")
            raise self._error(tr("<{tag}> is '{text}'").format(tag=tag, text=text[:40]), step)
        try:
            if _TIME.fullmatch(text):
                return datetime.fromisoformat(text).timestamp()
        except ValueError:
            pass  # the 30th of February
        step = tr("have it written like 2026-07-31T08:30:00+08:00")
        raise self._error(
            tr("<{tag}> has the time '{text}'").format(tag=tag, text=text[:40]), step
        )

    def _error(self, message: str, next_step: str) -> CapError:
        return CapError(f"{self._source}: {message}", next_step)


def _texts(element: Any, tag: str) -> list[str]:
    """Return the texts of all children of a name, white space made single blanks."""
    return [" ".join((found.text or "").split()) for found in element.findall(_in(tag))]


def _in(tag: str) -> str:
    return f"{{{NAMESPACE}}}{tag}"


def _origin(sender: str, identifier: str, sent_s: float) -> str:
    """Return what names a message, however its time was written."""
    return f"{sender},{identifier},{iso(sent_s)}"


def _event_code(event: str, codes: list[tuple[str, str]]) -> str:
    """Return a short name of the event: the national code, any code, or the event if it fits."""
    national = [value for name, value in codes if name.upper() == "EBM"]
    for text in (*national, *(value for _, value in codes), event):
        if len(text.encode()) <= _EVENT_BYTES:
            return text
    return ""
