"""CAP 1.2 messages for tests, written after the schema of the standard."""

from __future__ import annotations

CAP = """\
<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{identifier}</identifier>
  <sender>flood@county.example</sender>
  <sent>{sent}</sent>
  <status>{status}</status>
  <msgType>{kind}</msgType>
  <scope>Public</scope>
  {references}
  {infos}
</alert>
"""

INFO = """\
<info>
    <language>{language}</language>
    <category>Met</category>
    <event>Flood</event>
    <responseType>Evacuate</responseType>
    <urgency>Immediate</urgency>
    <severity>{severity}</severity>
    <certainty>Observed</certainty>
    <eventCode><valueName>EBM</valueName><value>11B06</value></eventCode>
    <effective>2024-06-01T20:00:00+08:00</effective>
    <expires>{expires}</expires>
    <senderName>County flood control</senderName>
    <headline>{headline}</headline>
    <description>The river Sha stands at 3.20 m
       and rises.</description>
    <instruction>Leave the bank now.</instruction>
    <parameter><valueName>gauge</valueName><value>7</value></parameter>
    {areas}
  </info>"""

AREA = "<area><areaDesc>{name}</areaDesc>{geocodes}</area>"
GEOCODE = "<geocode><valueName>site</valueName><value>{0}</value></geocode>"


def area(name: str = "Riverside village", *codes: str) -> str:
    return AREA.format(name=name, geocodes="".join(GEOCODE.format(code) for code in codes))


def info(
    severity: str = "Extreme",
    expires: str = "2024-06-01T21:00:00+08:00",  # an hour after NOW_S of sender.py
    headline: str = "Flood warning",
    language: str = "en-GB",
    areas: str | None = None,
) -> str:
    areas = area("Riverside village", "riverside") if areas is None else areas
    values = {"severity": severity, "expires": expires, "headline": headline}
    return INFO.format(language=language, areas=areas, **values)


def message(
    *infos: str,
    identifier: str = "FL-2024-17",
    kind: str = "Alert",
    status: str = "Actual",
    sent: str = "2024-06-01T11:59:00-00:00",
    references: str = "",
) -> str:
    references = f"<references>{references}</references>" if references else ""
    values = {"identifier": identifier, "kind": kind, "status": status, "sent": sent}
    return CAP.format(infos="\n  ".join(infos), references=references, **values)
