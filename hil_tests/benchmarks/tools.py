"""A technician's time: from a bare board to a provisioned, tested and recorded unit, and again.

Real tools in processes of their own, ours as `fieldbeat batch` of a bundle, real time, and boards
whose serial loaders take the time of a real line and a real flash chip
(`hil_tests/virtual/loader_pace.py`). What comes after the loader (booting, the console) goes at
the speed of this machine.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from fieldbeat.hil_tests.benchmarks import Figure, cli, tools_peers, tools_shell
from fieldbeat.hil_tests.benchmarks.tools_desk import Desk

UNITS = 8
FIRST = "gh-1"
# A new app: five modules differ by a few bytes.
NEWER = {
    "drivers/bc26.mpy": 100,
    "firmware/node.mpy": 60,
    "firmware/shell.mpy": 40,
    "firmware/smp_server.mpy": 9,
    "protocols/p256.mpy": 5,
}
TO_A_RECORD = "written, provisioned, tested, recorded"
ROUNDS = 3
OF = f"median of {ROUNDS}, in turns"


def units(
    desk: Desk, *names: str, changed: dict[str, int] | None = None
) -> tuple[float, float, float]:
    """Seconds of a batch, the whole process, by itself, and in the first unit's loader alone.

    Bare units are taken all the way; with `changed` they are known, and get another app.
    """
    if changed is None:
        desk.bare(*names)
    before_s = desk.loader_s(names[0])
    took = desk.batch(*names, longer=changed or {})
    return *took, desk.loader_s(names[0]) - before_s


def a_round(desk: Desk, whole: Path) -> dict[str, float]:
    """Seconds of every tool once, one after the other, so that a slow minute hits all of them."""
    took = {}
    desk.bare(FIRST)
    took["esptool"] = tools_peers.esptool(desk, FIRST, whole)
    desk.bare(FIRST)
    firmware_s = tools_peers.mpflash(desk, FIRST, whole)
    if firmware_s is None:
        with desk.world.lock:
            desk.units[FIRST].flash.load(0, whole.read_bytes()[:0x200000])
            desk.units[FIRST].reset()
    else:
        took["mpflash"] = firmware_s
    took["mpremote"] = tools_peers.mpremote(desk, FIRST)
    took["bare"], took["bare unit"], took["bare loader"] = units(desk, FIRST)
    took["newer"], took["newer unit"], took["newer loader"] = units(desk, FIRST, changed=NEWER)
    took["all"], *_ = units(desk, *desk.units)
    return took


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, Desk(Path(name), UNITS) as desk:
        whole = desk.image()
        rounds = [a_round(desk, whole) for _ in range(ROUNDS)]
    took = {name: median(each[name] for each in rounds) for name in rounds[0]}
    bare_s, full_s, newer_s = took["esptool"], took["bare"], took["newer unit"]
    loader_s, all_s, files_s = took["newer loader"], took["all"], took["mpremote"]
    peer = "esptool write-flash 0x0 IMAGE"
    figures = [
        Figure(peer, bare_s, "s", None, f"921,600 baud, paced; {OF}"),
        Figure("a bare unit " + TO_A_RECORD, full_s, "s", None, OF),
        Figure("the same", full_s / bare_s, "times", 1.15, peer),
        Figure("a known unit gets a new app", took["newer"], "s", None, "five modules differ"),
        Figure("the same, as a share", newer_s / took["bare unit"], "times", 0.15, "a bare unit"),
        Figure("the same, as a share", newer_s / bare_s, "times", 0.15, peer),
        Figure("the same, line and chip", loader_s, "s", None, "in the loader, by its pace"),
        Figure("that, as a share", loader_s / took["bare loader"], "times", 0.15, "a bare unit"),
        Figure(f"{UNITS} bare units at once", all_s, "s", None, "one batch, a thread a port"),
        Figure("the same", all_s / full_s, "times", 1.3, "one unit"),
        Figure("mpremote cp -r of the app", files_s, "s", None, "its console is not paced"),
    ]
    if "mpflash" not in took:
        figures.append(Figure("mpflash", 0, "", None, "not in build/peers"))
    else:
        peers_s = took["mpflash"] + files_s
        figures += [
            Figure(
                "mpflash, the firmware alone", took["mpflash"], "s", None, "its library, see there"
            ),
            Figure("all of our steps", full_s / peers_s, "times", 1, "mpflash, then mpremote"),
        ]
    return [*figures, cli.run()[0], *tools_shell.figures()]
