"""Stands in for Espressif's qemu-system-xtensa in tests: its options, its PTY, its QMP.

The chip is a virtual board on the same flash file. An option that the real program would not know
here ends it with an error, so that our command line cannot drift unseen.
"""

from __future__ import annotations

import argparse
import json
import re
import socketserver
import sys
import threading
from pathlib import Path
from typing import Any

from .virtual.bench import board_manifest
from .virtual.board import VirtualBoard
from .virtual.world import World

GREETING = {"QMP": {"version": {"qemu": {"micro": 0, "minor": 0, "major": 9}}, "capabilities": []}}


def parse(arguments: list[str]) -> dict[str, Any]:
    """Take the command line apart as the real program does."""
    parser = argparse.ArgumentParser(prog="qemu-system-xtensa", allow_abbrev=False)
    parser.add_argument("-S", dest="halted", action="store_true")
    parser.add_argument("-nographic", action="store_true", required=True)
    parser.add_argument("-machine", choices=["esp32"], required=True)
    parser.add_argument("-m", choices=["2M", "4M"])
    parser.add_argument("-monitor", choices=["none"])
    parser.add_argument("-serial", choices=["pty"], required=True)
    parser.add_argument("-qmp", required=True)
    parser.add_argument("-drive", action="append", default=[])
    parser.add_argument("-global", dest="properties", action="append", default=[])
    found = vars(parser.parse_args(arguments))
    drives = [dict(part.split("=", 1) for part in drive.split(",")) for drive in found["drive"]]
    found["flash"] = next(d["file"] for d in drives if d["if"] == "mtd" and d["format"] == "raw")
    found["efuse"] = next(d["file"] for d in drives if d.get("id") == "efuse")
    found["qmp"] = re.fullmatch(r"unix:(.*),server=on,wait=off", found["qmp"])[1]  # type: ignore[index]
    known = re.compile(r"driver=(nvram|timer|esp32)\.\S+,property=\w+,value=\w+")
    for text in found["properties"]:
        if not known.fullmatch(text):
            parser.error(f"Unable to parse {text}")
    return found


class Qmp(socketserver.StreamRequestHandler):
    """One client: capabilities first, then commands; a reset also tells an event."""

    def handle(self) -> None:
        board: VirtualBoard = self.server.board  # type: ignore[attr-defined]
        negotiated = False
        self.say(GREETING)
        for line in self.rfile:
            name = json.loads(line)["execute"]
            if name == "qmp_capabilities":
                negotiated = True
                self.say({"return": {}})
            elif negotiated and name == "cont":
                self.server.switch_on()  # type: ignore[attr-defined]
                self.say({"return": {}})
            elif negotiated and name == "system_reset":
                board.reset()
                self.say({"event": "RESET", "data": {"guest": False}})
                self.say({"return": {}})
            else:
                self.say({"error": {"class": "CommandNotFound", "desc": f"no {name}"}})

    def say(self, message: dict[str, Any]) -> None:
        self.wfile.write(json.dumps(message).encode() + b"\r\n")


def main() -> None:
    """Run until killed."""
    found = parse(sys.argv[1:])
    mac = Path(found["efuse"]).read_bytes()[4:10][::-1]
    world = World(seed=1)
    board = VirtualBoard(
        world, board_manifest("greenhouse_esp32"), Path(found["flash"]).parent, mac
    )
    download = any("strap_mode,value=0x0f" in text for text in found["properties"])

    def switch_on() -> None:
        board.power_on()
        if download:
            board.download()

    print(f"char device redirected to {board.port} (label serial0)", flush=True)
    with socketserver.UnixStreamServer(found["qmp"], Qmp) as server:
        server.board, server.switch_on = board, switch_on  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        if not found["halted"]:
            switch_on()
        world.run_real()


if __name__ == "__main__":
    main()
