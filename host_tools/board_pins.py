"""What is wrong of a board's pins: some of a chip do not exist, only read, or are taken."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .board_model import ACTUATORS, Board
from .language import tr
from .wording import all_of

# Datasheets, pin overview, by chip: the pins that exist, those that only read, those that the
# flash uses, and those that the PSRAM of an ESP32-WROVER uses beside them.
PINS = {
    "esp32": set(range(24)) | {25, 26, 27} | set(range(32, 40)),
    "esp32s3": set(range(22)) | set(range(26, 49)),
}
INPUT_ONLY = {"esp32": set(range(34, 40)), "esp32s3": set()}
FLASH_PINS = {"esp32": set(range(6, 12)), "esp32s3": set(range(26, 33))}
PSRAM_PINS = {"esp32": {16, 17}, "esp32s3": set()}
OCTAL_PSRAM_PINS = set(range(33, 38))  # ESP32-S3: that of 8 MB has eight lines
# Those that work in deep sleep: datasheets, RTC pins.
RTC_PINS = {
    "esp32": {0, 2, 4, *range(12, 16), *range(25, 28), *range(32, 40)},
    "esp32s3": set(range(22)),
}
# Datasheets, strapping pins: they say how the chip starts, and what they drive moves meanwhile.
STRAPPING_PINS = {"esp32": {0, 2, 5, 12, 15}, "esp32s3": {0, 3, 45, 46}}
ADC1_PINS = {"esp32": range(32, 40), "esp32s3": range(1, 11)}
ANALOG = (
    "battery",
    "line_monitor",
    "current_loop",
    "analog_probe",
)  # their pin is an input of the ADC


def problems(board: Board) -> Iterator[str]:
    """Yield what is wrong of its pins."""
    yield from _pin_problems(board)
    yield from _input_problems(board)
    yield from _output_problems(board)
    yield from _wake_problems(board)


def _pin_problems(board: Board) -> Iterator[str]:
    taken: dict[int, str] = {}
    for user, pin, output in board.pins():
        if pin not in PINS[board.chip]:
            yield tr("{user} = {pin}: the {chip} has no such pin").format(
                user=user, pin=pin, chip=board.chip
            )
        elif pin in FLASH_PINS[board.chip]:
            yield tr("{user} = {pin}: this pin belongs to the flash chip").format(
                user=user, pin=pin
            )
        elif pin in _psram_pins(board):
            yield tr("{user} = {pin}: this pin belongs to the PSRAM").format(user=user, pin=pin)
        elif output and pin in INPUT_ONLY[board.chip]:
            yield tr("{user} = {pin}: this pin cannot be an output, use one below 34").format(
                user=user, pin=pin
            )
        if pin in taken:
            yield tr("{user} = {pin}: {taken} already uses this pin").format(
                user=user, pin=pin, taken=taken[pin]
            )
        taken.setdefault(pin, user)


def _psram_pins(board: Board) -> set[int]:
    if board.chip == "esp32s3" and board.psram_mb == 8:
        return OCTAL_PSRAM_PINS
    return PSRAM_PINS[board.chip] if board.psram_mb else set()


def _input_problems(board: Board) -> Iterator[str]:
    pins, rtc = ADC1_PINS[board.chip], RTC_PINS[board.chip]
    for name, part in board.fitted.items():
        if part.part == "rain_gauge" and part.pin is not None and part.pin not in rtc:
            yield tr("{name}.pin = {pin}: must be an RTC pin, no other one wakes the chip").format(
                name=name, pin=part.pin
            )
        if part.part in ANALOG and part.pin is not None and part.pin not in pins:
            yield tr("{name}.pin = {pin}: must be a pin of ADC1, {pins} to {pins_2}").format(
                name=name, pin=part.pin, pins=pins[0], pins_2=pins[-1]
            )


def _output_problems(board: Board) -> Iterator[str]:
    """What drives a machine must not move while the chip starts, nor be driven by two."""
    strapping = STRAPPING_PINS[board.chip]
    relays: dict[Any, str] = {}
    for name, part in board.fitted.items():
        place = part.bus, part.address, part.output
        if part.output and relays.setdefault(place, name) != name:
            yield tr("[fitted.{name}] output = {output}: '{relays}' is the same one").format(
                name=name, output=part.output, relays=relays[place]
            )
    for name, part in board.fitted.items():
        if part.part not in ACTUATORS:
            continue
        for key in ("pin", "open", "close"):
            if getattr(part, key) in strapping:
                yield (
                    tr(
                        "{name}.{key} = {getattr}: a strapping pin, whose level jumps while the "
                        "{chip} starts; what it drives would move, use another one"
                    ).format(name=name, key=key, getattr=getattr(part, key), chip=board.chip)
                )


def _wake_problems(board: Board) -> Iterator[str]:
    rtc = RTC_PINS[board.chip]
    waking = {name: part for name, part in board.fitted.items() if part.wakes}
    for name, part in waking.items():
        if part.pin is None or part.pin not in rtc:
            pins = ", ".join(map(str, sorted(rtc)))
            yield tr(
                "{name}.wakes: needs a pin that works in deep sleep, on {chip}: {pins}"
            ).format(name=name, chip=board.chip, pins=pins)
    low = [name for name, part in waking.items() if part.active == 0]
    if len(low) > 1:
        yield tr("{listed}: only one contact that is active when low can end a sleep").format(
            listed=all_of(low)
        )
