"""A certificate for people: one page of HTML with all that it needs in it, and its labels."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from html import escape

import segno

from . import unit_words
from .acceptance import FAILED, NOT_TESTED, PASSED, Check
from .certificate import Certificate, label
from .language import tr
from .times import iso

_BORDER = 4  # modules that are kept free around a code: ISO/IEC 18004, 9.1
_BAR_WIDTH, _BAR_HEIGHT = 90, 12  # pixels
_MARGIN_SHARE = 0.2  # of a bar, beyond each limit

_STYLE = """
@page { size: A4; margin: 12mm }
* { box-sizing: border-box; -webkit-print-color-adjust: exact; print-color-adjust: exact }
body { margin: 0 auto; max-width: 190mm; padding: 4mm; color: #111; background: #fff;
       font: 10pt/1.4 system-ui, sans-serif }
header { display: flex; gap: 6mm; align-items: flex-start }
header > div { flex: 1; min-width: 0 }
header svg { width: 38mm; height: 38mm; flex: none; margin: -3mm -3mm 0 0 }
h1 { font-size: 24pt; line-height: 1.1; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 11pt; margin: 6mm 0 1.5mm; border-bottom: .3mm solid #111 }
p { margin: .5mm 0 }
.kind { text-transform: uppercase; letter-spacing: .08em; font-size: 8.5pt; color: #555 }
.verdict { margin: 4mm 0 0; padding: 2mm 4mm; color: #fff; font-size: 26pt; font-weight: 800;
           letter-spacing: .04em; line-height: 1.2 }
.verdict small { display: block; font-size: 10pt; font-weight: 400; letter-spacing: 0 }
.verdict.passed { background: #14713c } .verdict.failed { background: #b3141d }
table { width: 100%; border-collapse: collapse }
th { text-align: left; font-size: 8.5pt; color: #555; font-weight: 600 }
th, td { padding: .5mm 4mm .5mm 1mm; border-bottom: .2mm solid #ddd; vertical-align: top }
tr { break-inside: avoid }
td.value { font-variant-numeric: tabular-nums }
td.limits { white-space: nowrap }
td svg { display: block; margin-top: .8mm }
.mark { white-space: nowrap; font-weight: 700 }
.mark.passed { color: #14713c } .mark.failed { color: #b3141d }
.mark.untested { color: #666; font-weight: 400 }
tr.failed { background: #fbe9ea }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .4mm 5mm; margin: 0 }
dt { color: #555 } dd { margin: 0; overflow-wrap: anywhere }
code { font: 8.5pt ui-monospace, monospace }
.pictures { display: flex; flex-wrap: wrap; gap: 4mm }
figure { margin: 0; max-width: 90mm; break-inside: avoid }
figure img { display: block; max-width: 100%; max-height: 70mm; border: .2mm solid #999 }
figcaption { font-size: 8.5pt; color: #555 }
footer { margin-top: 6mm; font-size: 8.5pt; color: #555 }
@media print {  /* a station of two dozen checks is one sheet of paper */
  body { padding: 0; font-size: 9pt; line-height: 1.25 }
  h2 { margin-top: 3mm } footer { margin-top: 3mm }
}
"""


@dataclass(frozen=True)
class CertificateLabel:
    """The label of a certificate, for `unit_labels.sheet`."""

    certificate: Certificate
    sha256: str

    @property
    def unit(self) -> str:
        return self.certificate.unit

    @property
    def text(self) -> str:
        """What the code says."""
        return label(self.certificate, self.sha256)

    @property
    def warning(self) -> str:
        """What must be seen before it is stuck on."""
        return "" if self.certificate.passed else in_words(FAILED).upper()

    @property
    def lines(self) -> list[str]:
        """The text beside it."""
        done = self.certificate
        return [
            f"{in_words(done.verdict).upper()} {iso(done.at_s)[:10]}",
            tr("site {site}").format(site=done.site),
            done.mac.hex(":"),
            done.board,
            self.sha256[:16],
        ]


def page(certificate: Certificate, file: bytes, kid: bytes | None) -> str:
    """Return the page.

    Args:
        certificate: what the file says.
        file: the file, of which the page names the hash.
        kid: key id of who has signed.
    """
    sha256 = hashlib.sha256(file).hexdigest()
    title = tr("{unit}: acceptance").format(unit=certificate.unit)
    body = "".join(
        [
            _header(certificate, sha256),
            _verdict(certificate),
            f"<h2>{tr('Checks')}</h2>",
            _checks(certificate),
            _pictures(certificate),
            f"<h2>{tr('What was tested')}</h2>",
            _facts(certificate, sha256, kid),
            _footer(),
        ]
    )
    return (
        f'<!doctype html>\n<html><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style></head><body>\n{body}</body></html>\n"
    )


def in_words(verdict: str) -> str:
    """Return a verdict for people."""
    words = {PASSED: tr("passed"), FAILED: tr("failed"), NOT_TESTED: tr("not tested")}
    return words[verdict]


def _header(certificate: Certificate, sha256: str) -> str:
    code = segno.make(label(certificate, sha256), error="m", micro=False)
    drawn = code.svg_inline(border=_BORDER, omitsize=True)
    by = tr("tested by {technician}, {at}")
    by = by.format(technician=certificate.technician, at=iso(certificate.at_s))
    place = tr("site {site}").format(site=certificate.site)
    return (
        f'<header><div><p class="kind">{tr("Certificate of acceptance")}</p>'
        f"<h1>{escape(certificate.unit)}</h1><p>{escape(place)}</p><p>{escape(by)}</p></div>"
        f"{drawn}</header>\n"
    )


def _verdict(certificate: Certificate) -> str:
    untested = sum(each.verdict == NOT_TESTED for each in certificate.checks)
    good = sum(each.verdict == PASSED for each in certificate.checks)
    told = tr("{good} of {all} checks passed, {failed} failed, {untested} not tested")
    told = told.format(
        good=good, all=len(certificate.checks), failed=len(certificate.failed), untested=untested
    )
    word = escape(in_words(certificate.verdict).upper())
    return f'<div class="verdict {certificate.verdict}">{word}<small>{told}</small></div>\n'


def _checks(certificate: Certificate) -> str:
    heads = (tr("Check"), tr("Found"), tr("Limits"), "", tr("Verdict"))
    head = "".join(f"<th>{text}</th>" for text in heads)
    rows = sorted(certificate.checks, key=lambda check: check.verdict != FAILED)  # these first
    return f"<table><tr>{head}</tr>{''.join(map(_row, rows))}</table>\n"


def _row(check: Check) -> str:
    style = {PASSED: "passed", FAILED: "failed", NOT_TESTED: "untested"}[check.verdict]
    more = unit_words.in_words(check.text) if check.value is not None else ""
    found = escape(check.measured) + (f"<br>{escape(more)}" if more else "")
    return (
        f'<tr class="{style}"><td>{escape(check.name)}</td><td class="value">{found}</td>'
        f'<td class="limits">{escape(check.limits)}</td><td>{_bar(check)}</td>'
        f'<td class="mark {style}">{escape(in_words(check.verdict))}</td></tr>\n'
    )


def _bar(check: Check) -> str:
    """Return where a value is between its limits, drawn; '' unless both are there."""
    value, low, high = check.value, check.low, check.high
    if value is None or low is None or high is None or high <= low:
        return ""
    share = Decimal(_MARGIN_SHARE)
    at = share + (value - low) / (high - low) * (1 - 2 * share)
    x = float(min(max(at, Decimal("0.02")), Decimal("0.98"))) * _BAR_WIDTH
    left, width = _MARGIN_SHARE * _BAR_WIDTH, (1 - 2 * _MARGIN_SHARE) * _BAR_WIDTH
    middle = _BAR_HEIGHT / 2
    color = "#b3141d" if check.verdict == FAILED else "#111"
    return (
        f'<svg width="{_BAR_WIDTH}" height="{_BAR_HEIGHT}" role="img">'
        f'<rect x="0" y="{middle - 2}" width="{_BAR_WIDTH}" height="4" fill="#f0c9cb"/>'
        f'<rect x="{left:.1f}" y="{middle - 2}" width="{width:.1f}" height="4" fill="#9fd0b2"/>'
        f'<rect x="{x - 1.5:.1f}" y="0" width="3" height="{_BAR_HEIGHT}" fill="{color}"/></svg>'
    )


def _pictures(certificate: Certificate) -> str:
    if not certificate.pictures:
        return ""
    figures = "".join(
        f'<figure><img alt="" src="data:{each.media_type};base64,'
        f'{base64.b64encode(each.data).decode()}"><figcaption>{escape(each.caption)}'
        "</figcaption></figure>"
        for each in certificate.pictures
    )
    return f'<h2>{tr("Pictures")}</h2><div class="pictures">{figures}</div>\n'


def _facts(certificate: Certificate, sha256: str, kid: bytes | None) -> str:
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{'<code>' if hexadecimal else ''}{escape(value)}"
        f"{'</code>' if hexadecimal else ''}</dd>"
        for name, value, hexadecimal in facts(certificate, sha256, kid)
    )
    return f"<dl>{rows}</dl>\n"


def facts(
    certificate: Certificate, sha256: str, kid: bytes | None
) -> Iterator[tuple[str, str, bool]]:
    """Return what was tested and who says so: name, value, whether it is hexadecimal digits."""
    yield tr("board"), certificate.board, False
    yield tr("profile"), certificate.profile, False
    yield tr("MAC address"), certificate.mac.hex(":"), True
    yield tr("key id of the unit"), certificate.kid.hex(), True
    yield tr("firmware"), certificate.firmware, False
    if certificate.firmware_sha256:
        yield tr("firmware SHA-256"), certificate.firmware_sha256.hex(), True
    yield tr("app"), certificate.app, False
    yield tr("app build"), certificate.build_id, True
    yield tr("configuration SHA-256"), certificate.config_sha256.hex(), True
    yield tr("signed by"), certificate.technician, False
    yield tr("signing key"), kid.hex() if kid else "-", True
    yield tr("certificate SHA-256"), sha256, True


def _footer() -> str:
    how = tr(
        "This page is a copy for reading; what is signed is the certificate's file. Verify it"
        " offline: {command}. The code above names unit, verdict and SHA-256 of that file."
    )
    command = "<code>fieldbeat certificate verify FILE --keys KEYS --label CODE</code>"
    return f"<footer><p>{how.format(command=command)}</p></footer>\n"
