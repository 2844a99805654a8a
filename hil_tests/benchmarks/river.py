"""The river camera: its link, and how well a staff gauge is read off rendered pictures.

Sites are others than those that the reader was made with. Errors are against the water at the
gauge in the picture's moment, of the pictures that were read; how many were, stands beside them.
And what a day of a station was predicted to cost, against its own ledger.
"""

from __future__ import annotations

from collections.abc import Iterator

from fieldbeat.hil_tests import power_trial
from fieldbeat.hil_tests.benchmarks import Figure, river_link
from fieldbeat.hil_tests.scenes import judge, trials
from fieldbeat.hil_tests.scenes.judge import Score
from fieldbeat.host_tools.currents import COVERAGES

SITES = range(trials.TEST + 100, trials.TEST + 116)
PLAIN_MM, HARDER_MM = 10, 20
CROP_BYTES = (3000, 8000)
READING_MS = 300
POWER_OFF = 10  # per cent that a prediction may be off


def _errors(name: str, score: Score, limit: float | None) -> Iterator[Figure]:
    read = f"{len(score.errors_mm)} of {score.asked} were read"
    for percent in (50, 95, 100):
        figure = score.percentile(percent)
        yield Figure(f"gauge, {name}: error, {percent} %", figure, "mm", limit, read)
    yield Figure(f"gauge, {name}: with waves, 95 %", score.off(95), "mm", limit, "river's level")


def _power() -> Iterator[Figure]:
    """Days in virtual time: how far a prediction is from the ledger, at its worst."""
    nodes = {"deep sleep": power_trial.greenhouse(), "light sleep": power_trial.river()}
    for name, node in nodes.items():
        for coverage in COVERAGES:
            trial = power_trial.run(node, coverage)
            where = f"power, {node.profile.id} in {name}, {coverage.name} coverage"
            mine, theirs = trial.charges()["all"]
            yield Figure(
                f"{where}: mAh", 100 * abs(mine / theirs - 1), "%", POWER_OFF, f"{theirs:.0f}"
            )
            off = {
                what: 100 * abs(mine / theirs - 1)
                for what, (mine, theirs) in trial.states().items()
                if theirs
            }
            worst = max(off, key=off.__getitem__)
            yield Figure(f"{where}: any state", off[worst], "%", POWER_OFF, worst)


def run() -> list[Figure]:
    plain = judge.judge(judge.asked_of(SITES, (trials.PLAIN,) * 4))[trials.PLAIN]
    crops = judge.judge(judge.asked_of(SITES, (trials.PLAIN,) * 2, 1, crop_bytes=CROP_BYTES))
    crest = judge.judge(judge.asked_of(SITES, (trials.PLAIN,) * 2, levels_mm=trials.CREST_MM))
    others = judge.judge(judge.asked_of(SITES, trials.HARDER + trials.DOUBTFUL + trials.BLIND))
    figures = [
        *_errors("day", plain, PLAIN_MM),
        *_errors("day, 130 to 250 mm of the face dry", crest[trials.PLAIN], PLAIN_MM),
        *_errors("day, crops of 3 to 8 kB", crops[trials.PLAIN], PLAIN_MM),
    ]
    for variant in trials.HARDER:
        figures += _errors(str(variant), others[variant], HARDER_MM)
    for variant in trials.DOUBTFUL:
        figures += _errors(str(variant), others[variant], None)
    told = sum(len(others[variant].errors_mm) for variant in trials.BLIND)
    scores = [plain, *others.values()]
    reading_ms = 1000 * sum(s.processor_s for s in scores) / sum(s.asked for s in scores)
    seen = f"{2 * len(SITES)} pictures"
    return [
        *river_link.figures(),
        *figures,
        *_power(),
        Figure("gauge: levels told at night or covered", told, "", 0, seen),
        Figure("gauge: one reading, processor time", reading_ms, "ms", READING_MS, "800 x 600"),
    ]
