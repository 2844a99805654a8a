"""A plausible greenhouse for size tests: a daily course and first-order noise in each channel."""

import math
import random

# name, unit, counts per unit, mean, daily amplitude, noise: AR(1) coefficient and step deviation
CHANNELS = (
    ("air_temperature", "Cel", 100, 22.0, 6.0, 0.9, 0.08),
    ("air_humidity", "%RH", 10, 70.0, 15.0, 0.9, 0.4),
    ("co2", "ppm", 1, 600.0, 150.0, 0.9, 8.0),
    ("illuminance", "lx", 1, 0.0, 20000.0, 0.8, 150.0),
    ("soil_moisture_1", "%", 10, 38.0, 0.3, 0.98, 0.03),
    ("soil_moisture_2", "%", 10, 36.0, 0.3, 0.98, 0.03),
    ("soil_moisture_3", "%", 10, 41.0, 0.3, 0.98, 0.03),
    ("soil_temperature", "Cel", 10, 19.0, 1.5, 0.95, 0.02),
    ("battery", "V", 1000, 3.9, 0.05, 0.9, 0.001),
    ("rsrp", "dBm", 1, -97.0, 0.0, 0.7, 1.0),
)
T0 = 78000000  # s since 2024, a midnight in June 2026


def samples(seed: int, days: int = 7, jitter_s: int = 1) -> list[tuple[int, list[int]]]:
    """Five-minute samples as (time, counts of each channel); the night has no light."""
    source = random.Random(seed)
    noise = [0.0] * len(CHANNELS)
    rows = []
    for i in range(288 * days):
        sun = math.sin(((i / 12) % 24 - 6) / 12 * math.pi)
        values = []
        for c, (name, _, scale, mean, amplitude, coefficient, deviation) in enumerate(CHANNELS):
            noise[c] = coefficient * noise[c] + source.gauss(0, deviation)
            value = mean + amplitude * sun + noise[c]
            if name == "illuminance":
                value = max(value, 0.0) if sun > 0 else 0.0
            values.append(round(value * scale))
        rows.append((T0 + 300 * i + source.randint(-jitter_s, jitter_s), values))
    return rows
