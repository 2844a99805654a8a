"""List the boards, or show one in detail."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import textwrap
from typing import Any

import typer

from ..language import tr
from ..output import JsonOption, complete_board, print_facts, print_json, print_table

SETTINGS_WIDTH = 48  # of a column; so a table fits into 80

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def boards(
    name: str = typer.Argument(
        None,
        metavar="[NAME]",
        help="The board to show in detail.",
        autocompletion=complete_board,
    ),
    as_json: JsonOption = False,
) -> None:
    """List the boards, or show one: chip, flash, pins, buses, modem, fitted parts.

    \b
    Example:
        fieldbeat boards
        fieldbeat boards greenhouse_esp32
    """
    from .. import boards as catalogue

    if name:
        _show(name, as_json)
        return
    listed = [catalogue.device_map(each) for each in catalogue.names()]
    if as_json:
        print_json(listed)
        return
    print_table(
        ("board", "chip", "flash", "modem", tr("fitted parts")),
        [
            (
                board["id"],
                board["chip"],
                f"{board['flash_mb']} MB",
                board.get("modem", {}).get("part"),
                ", ".join(board["fitted"]),
            )
            for board in listed
        ],
    )


def _show(name: str, as_json: bool) -> None:
    from .. import boards as catalogue

    board, manifest = catalogue.load(name), catalogue.manifest(name)
    data = manifest["fieldbeat"]
    if as_json:
        print_json(data)
        return
    official = board.micropython
    facts: list[tuple[str, Any]] = [
        ("board", f"{board.id}: {manifest['name']}"),
        (
            "chip",
            tr("{chip}, {flash_mb} MB flash, {psram_mb} MB PSRAM").format(
                chip=board.chip, flash_mb=board.flash_mb, psram_mb=board.psram_mb
            ),
        ),
        ("MicroPython", f"{official.build} {official.version}"),
        ("console", tr("{baud} baud").format(baud=board.console.baud)),
        ("modem", _settings(data["modem"]) if board.modem else tr("none")),
    ]
    if board.ethernet:
        facts.append(("Ethernet", _settings(data["ethernet"])))
    if board.rails:
        rails = board.rails.items()
        facts.append(("rails", ", ".join(f"{name} GPIO {rail.pin}" for name, rail in rails)))
    if board.wifi:
        facts.append(("Wi-Fi", "yes"))
    print_facts(facts)
    rows = [
        (part.name, f"{part.offset:#x}", f"{part.size:#x}") for part in board.partition_table()
    ]
    print_table(("partition", "offset", "size"), rows, f"Partitions ({board.partitions})")
    buses = [
        (bus, data["buses"][bus].pop("kind"), _settings(data["buses"][bus])) for bus in board.buses
    ]
    print_table(("bus", "kind", "settings"), buses, "Buses")
    fitted = [(each, part.pop("part"), _settings(part)) for each, part in data["fitted"].items()]
    print_table(("name", "part", "settings"), fitted, tr("Fitted parts"))
    pins = sorted((pin, user) for user, pin, _ in board.pins())
    print_table(("GPIO", tr("used by")), pins, "Pins")


def _settings(values: dict[str, Any]) -> str:
    settings = ", ".join(
        f"{key} {value:#04x}" if key == "address" else f"{key} {value}"
        for key, value in values.items()
    )
    return textwrap.fill(settings, SETTINGS_WIDTH)
