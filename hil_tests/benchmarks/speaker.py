"""The loudspeaker: an order until the first sample, many poles, floods, a stream, the arbiter."""

from __future__ import annotations

from fieldbeat.hil_tests.benchmarks import (
    Figure,
    speaker_counties,
    speaker_floods,
    speaker_latency,
    speaker_rules,
)


def run() -> list[Figure]:
    return [
        *speaker_latency.figures(),
        *speaker_counties.figures(),
        *speaker_floods.figures(),
        *speaker_rules.figures(),
    ]
