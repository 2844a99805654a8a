"""Find the spot where a unit will be heard, before anybody drills."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, print_table, remark, say

if TYPE_CHECKING:
    from ..survey_forecast import Cost
    from ..survey_verdict import Spot

EXIT_CODES = {"go": 0, "weak": 0, "no-go": 1, "unknown": 2}


def survey(
    port: Annotated[
        str | None, typer.Option(help=tr("Serial port of the unit, or of the modem (--modem)."))
    ] = None,
    modem: Annotated[
        str | None,
        typer.Option(help=tr("A modem alone is at the port: bc26, bc95 or sim7020.")),
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help=tr("CSV file for the looks; default: survey-TIME.csv."))
    ] = None,
    plot: Annotated[Path | None, typer.Option(help=tr("Draw it: a .png, .svg or .pdf."))] = None,
    config: Annotated[
        Path | None,
        typer.Option(help=tr("The TOML file of the unit that is to stand there, for a forecast.")),
    ] = None,
    limits: Annotated[
        Path | None, typer.Option(help=tr("TOML file with other limits of what is good enough."))
    ] = None,
    for_s: Annotated[
        float | None,
        typer.Option("--for", min=1, metavar="S", help=tr("Seconds; default: until q or Ctrl-C.")),
    ] = None,
    reattach: Annotated[
        bool, typer.Option(help=tr("Look for a cell anew at each place, which shows how long."))
    ] = True,
    read: Annotated[
        Path | None, typer.Option(help=tr("Judge the log of an earlier survey, without a port."))
    ] = None,
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Log the signal while you carry the antenna around, and say where to drill.

    Type the name of a place and Enter when the antenna is there; q and Enter ends it. The exit
    code is 0 for a place that is good or weak, 1 for none, 2 if too little was seen.

    \b
    Example:
        fieldbeat survey --port /dev/ttyUSB0 --config gh-01.toml --plot survey.png
        fieldbeat survey --port /dev/ttyUSB1 --modem bc26
        fieldbeat survey --read survey.csv --config gh-01.toml
    """
    from functools import partial

    from .. import survey_limits, survey_run, survey_sample, survey_verdict

    judged = survey_limits.load(limits)
    unit = _unit(config)
    if plot:
        _plotter(plot)
    path = read or log or Path(survey_run.default_name())
    bands: tuple[int, ...] = ()
    failure: Exception | None = None
    if read:
        samples = survey_sample.read(read)
    else:
        tell = partial(remark, as_json=as_json)
        with survey_run.source(port, modem, registry, tell) as source:
            samples, bands, failure = survey_run.look(source, path, reattach, for_s, tell)
    found = survey_verdict.spots(samples, judged, bands)
    best = survey_verdict.best(found)
    assert best is not None
    heard = unit and best.ecl is not None and best.is_fit
    cost = _cost(unit, best.ecl or 0) if heard else None
    if plot:
        _plotter(plot)(plot, samples, found, best, judged)
    files = {"log": path, "plot": plot}
    _tell(found, best, cost, files, as_json)
    if failure:
        raise failure
    return EXIT_CODES[best.verdict]


def _unit(config: Path | None) -> Any:
    if config is None:
        return None
    from .. import survey_forecast

    return survey_forecast.load(config)


def _cost(unit: Any, ecl: int) -> Cost:
    from .. import survey_forecast

    return survey_forecast.cost(unit, ecl)


def _plotter(path: Path) -> Any:
    """Return what draws, before the survey begins: a library may be missing, a name be wrong."""
    from .. import survey_plot

    survey_plot.must_be_picture(path)
    return survey_plot.write


def _tell(
    found: list[Spot], best: Spot, cost: Cost | None, files: dict[str, Path | None], as_json: bool
) -> None:
    if as_json:
        name = best.name if best.is_fit else None
        named = {"verdict": best.verdict, "best": name, "reason": best.reason}
        told = named | {"next": best.next_step, "spots": [each.as_map() for each in found]}
        paths = {name: path and str(path) for name, path in files.items()}
        print_json(told | {"forecast": cost and cost.as_map()} | paths)
        return
    from ..survey_verdict import in_words

    print_table(_columns(), map(_row, found))
    for line in in_words(found, best):
        say(line)
    if cost:
        say(cost.in_words())
        for line in cost.over:
            say(line)
    say(tr("log: {path}").format(path=files["log"]))
    if files["plot"]:
        say(tr("picture: {path}").format(path=files["plot"]))


def _columns() -> list[str]:
    """Of the table; units are here, where they take no room."""
    signal = ["RSRP dBm", tr("Weakest dBm"), "SNR dB", tr("Level"), tr("Attach s")]
    return [tr("Spot"), tr("Looks"), *signal, tr("Band"), tr("Cell"), tr("Verdict")]


def _row(spot: Spot) -> list[Any]:
    from ..survey_verdict import WORDS

    def value(number: float | None) -> str:
        return "" if number is None else f"{number:.0f}"

    return [
        spot.name,
        spot.looks,
        value(spot.rsrp_dbm),
        value(spot.low_rsrp_dbm),
        value(spot.snr_db),
        spot.ecl,
        value(spot.attach_s),
        ", ".join(map(str, spot.bands)),
        ", ".join(spot.cells),
        WORDS[spot.verdict],
    ]
