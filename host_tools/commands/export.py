"""Export stored series as SenML, CSV or columns."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ..language import tr
from ..output import DbOption

if TYPE_CHECKING:
    from ..series import Series


class Format(StrEnum):
    SENML_JSON = "senml-json"
    SENML_CBOR = "senml-cbor"
    CSV = "csv"
    COLUMNS = "columns"


HEAD = ("time", "unix_s", "unit", "channel", "value", "symbol", "quality", "clock_set")


def export(
    unit: str = typer.Argument(..., help="The unit whose values are wanted."),
    format_: Format = typer.Option(Format.CSV, "--format", help="How to write them."),
    channel: str | None = typer.Option(None, help="Only this channel."),
    from_: str | None = typer.Option(None, "--from", metavar="T", help="Nothing before it."),
    to: str | None = typer.Option(None, "--to", metavar="T", help="Nothing at or after it."),
    output: Path | None = typer.Option(None, "-o", "--output", help="The file; default stdout."),
    db: DbOption = None,
) -> None:
    """Export every stored value of a unit, with units of measurement, times and qualities.

    T is a date or time in ISO 8601, UTC unless it says otherwise, or Unix seconds. SenML
    (RFC 8428) has neither qualities nor unset clocks: what is not a normal value at a sure time
    is left out of it. `columns` is JSON with one list a column, as Parquet wants it.

    \b
    Example:
        fieldbeat export gh-07 --format csv -o gh-07.csv
        fieldbeat export gh-07 --channel co2 --from 2026-06-01 --to 2026-07-01
        fieldbeat export gh-07 --format senml-cbor -o gh-07.senmlc
    """
    from .. import open_files, series

    first, end = _time(from_, "--from"), _time(to, "--to")
    with open_files.store(db) as store:
        found = series.read(store, unit, channel, first, end)
    _write(render(found, format_), output)
    _report(found, format_)


def render(found: list[Series], format_: Format) -> bytes:
    """Return series in a format."""
    from .. import senml

    if format_ == Format.SENML_JSON:
        return senml.to_json(senml.pack(found)).encode()
    if format_ == Format.SENML_CBOR:
        return senml.to_cbor(senml.pack(found))
    if format_ == Format.CSV:
        return _csv(found).encode()
    return _columns(found).encode()


def rows(found: list[Series]) -> list[tuple[Any, ...]]:
    """Return one tuple a sample, in the order of HEAD, by channel and time."""
    from ..scaled import quality_name
    from ..times import iso

    return [
        (
            *(iso(sample.t), sample.t, series.unit, series.channel, series.value(sample)),
            *(series.symbol, quality_name(sample.quality), sample.clock_set),
        )
        for series in found
        for sample in series.samples
    ]


def _csv(found: list[Series]) -> str:
    import csv
    import io

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEAD)
    samples = ((series, sample) for series in found for sample in series.samples)
    for row, (series, sample) in zip(rows(found), samples, strict=True):
        cells = dict(zip(HEAD, row, strict=True))
        cells |= {"value": series.text(sample), "clock_set": str(sample.clock_set).lower()}
        writer.writerow(cells.values())
    return text.getvalue()


def _columns(found: list[Series]) -> str:
    import json

    table = rows(found)
    columns: dict[str, list] = {name: [row[c] for row in table] for c, name in enumerate(HEAD)}
    del columns["time"]  # unix_s is the same
    # One type a column: Arrow takes no list of whole numbers and fractions.
    columns["value"] = [None if value is None else float(value) for value in columns["value"]]
    return json.dumps(columns, ensure_ascii=False, separators=(",", ":")) + "\n"


def _time(text: str | None, option: str) -> float | None:
    from ..errors import CannotTry
    from ..times import parse

    if text is None:
        return None
    try:
        return parse(text)
    except ValueError:
        message = tr("{option} '{text}' is no time").format(option=option, text=text)
        raise CannotTry(
            message, tr("write 2026-06-01, 2026-06-01T12:00:00Z or Unix seconds (ten digits)")
        ) from None


def _write(content: bytes, output: Path | None) -> None:
    import sys

    from ..files import write_atomically

    if output is None:
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        write_atomically(output, content)


def _report(found: list[Series], format_: Format) -> None:
    """Say on stderr how much it was, and what SenML has no place for."""
    import sys

    from ..wording import counted

    samples = [sample for series in found for sample in series.samples]
    good = sum(sample.good for sample in samples)
    channels = counted(len(found), "channel")
    said = tr("{count} values of {channels}").format(count=len(samples), channels=channels)
    if format_ in (Format.SENML_JSON, Format.SENML_CBOR):
        said = tr("{count} values of {channels}").format(count=good, channels=channels)
        if good < len(samples):
            said += tr("; left out: {value} that are missing, faulty or without a time").format(
                value=len(samples) - good
            )
    print(said, file=sys.stderr)
