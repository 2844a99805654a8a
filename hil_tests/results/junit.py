"""The results as JUnit XML: one suite a file, measured values as properties.

JUnit knows no `blocked`: it is an `<error type="blocked">`, so that no server takes it for a test
that ran, and the property `outcome` says it again. A set-up that raised is `<error type="error">`.
"""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from .results import step

TAGS = {"failed": "failure", "error": "error", "blocked": "error", "flaky": "skipped"}
TAGS["skipped"] = "skipped"
# What XML 1.0 cannot carry, not even escaped.
ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render(data: dict[str, Any]) -> str:
    """The XML text."""
    root = ET.Element("testsuites", name=data["title"], time=f"{data['duration_s']:.3f}")
    _count(root, data["cases"])
    suites: dict[str, list[dict[str, Any]]] = {}
    for case in data["cases"]:
        suites.setdefault(case["id"].partition("::")[0], []).append(case)
    for name, cases in suites.items():
        suite = ET.SubElement(root, "testsuite", name=name, timestamp=data["started"])
        suite.set("time", f"{sum(case['duration_s'] for case in cases):.3f}")
        _count(suite, cases)
        facts = {f"bench.{key}": _text(value) for key, value in data["bench"].items()}
        _properties(suite, facts | {f"count.{k}": str(n) for k, n in data["counts"].items()})
        for case in cases:
            _case(suite, name, case)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, "unicode") + "\n"


def _count(element: ET.Element, cases: list[dict[str, Any]]) -> None:
    tags = [TAGS.get(case["outcome"]) for case in cases]
    element.set("tests", str(len(cases)))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(attribute, str(tags.count(tag)))


def _case(suite: ET.Element, file: str, case: dict[str, Any]) -> None:
    classname = file.removesuffix(".py").replace("/", ".")
    name = case["id"].partition("::")[2] or case["id"]
    element = ET.SubElement(suite, "testcase", classname=classname, name=_clean(name), file=file)
    element.set("time", f"{case['duration_s']:.3f}")
    facts = {"outcome": case["outcome"]}
    for m in case["measurements"]:
        facts |= {m["name"]: f"{m['value']:g}", f"{m['name']}.unit": m["unit"]}
        if m["allowed"]:
            facts[f"{m['name']}.limits"] = m["allowed"]
    if case["reproduce"]:
        facts["reproduce"] = case["reproduce"]
    _properties(element, facts)
    tag = TAGS.get(case["outcome"])
    if tag:
        child = ET.SubElement(element, tag, type=case["outcome"], message=_clean(case["message"]))
        steps = [step(case)] if case["next_step"] else []
        child.text = _clean("\n".join([*steps, case["detail"]]))


def _properties(element: ET.Element, facts: dict[str, str]) -> None:
    holder = ET.SubElement(element, "properties")
    for name, value in facts.items():
        ET.SubElement(holder, "property", name=_clean(name), value=_clean(value))


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _clean(text: str) -> str:
    return ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", text)
