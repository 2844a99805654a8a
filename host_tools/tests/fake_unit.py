"""A unit on a PTY: the firmware's own SMP server under CPython, with NVS and files in a folder.

Run as a program it prints its port and serves until it is killed or, with a second argument, until
it is to give that many answers (then the cable is pulled).
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
import tty
import types
from pathlib import Path

ROOT = Path(__file__).parents[2]


class NVS:
    """esp32.NVS in a JSON file; with a number in `no_heap` so many reads find no heap."""

    file: Path

    def __init__(self, namespace):
        self._data = json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_i32(self, key):
        no_heap = self.file.with_name("no_heap")
        if no_heap.exists() and (left := int(no_heap.read_text())):
            no_heap.write_text(str(left - 1))
            raise MemoryError
        if key not in self._data:
            raise OSError(-0x1102, "ESP_ERR_NVS_NOT_FOUND")
        return self._data[key]

    def set_i32(self, key, value):
        self._data[key] = value

    def get_blob(self, key, buffer):
        value = bytes.fromhex(self.get_i32(key))
        buffer[: len(value)] = value
        return len(value)

    def set_blob(self, key, value):
        self._data[key] = bytes(value).hex()

    def erase_key(self, key):
        del self._data[key]

    def commit(self):
        self.file.write_text(json.dumps(self._data))


class Shell:
    folder: Path
    node: types.SimpleNamespace

    def forget(self):
        pass

    async def execute(self, argv):
        from firmware import lock

        if argv == ["status"]:
            safe_mode = self.folder / "safe_mode"  # why, if there is that file
            why = f"\nsafe mode  {safe_mode.read_text()}" if safe_mode.exists() else ""
            state = lock.state(self.node)
            locked = f"\nlock    {state}" if state else ""
            return f"unit    gh-1\nuptime  7 s{locked}{why}", 0
        if argv[0] == "uplink":
            sys.exit()  # the cable is pulled while it waits for the network
        if argv[0] == "unlock":
            problem = lock.unlock(self.node, argv[1])
            return problem or "unlocked", int(bool(problem))
        return f"unknown verb {argv[0]}; type help", 1


class Counters:
    def count(self, name, n=1):
        pass


def make_server(folder: Path):
    sys.path.insert(0, str(ROOT))
    NVS.file, Shell.folder = folder / "nvs.json", folder
    sys.modules["esp32"] = types.SimpleNamespace(NVS=NVS)  # type: ignore[assignment]
    from firmware import smp_os
    from firmware.secrets import Secrets
    from firmware.smp_server import SMPServer

    # The firmware waits half a second in a task of its own; here the loop below does it.
    smp_os.reboot_soon = lambda node: setattr(node, "reset_due", True)

    mac = folder / "mac"  # hex, if there is that file
    names = {"name": "unnamed", "board": "greenhouse_esp32"}
    node = types.SimpleNamespace(
        secrets=Secrets(),
        counters=Counters(),
        clock=types.SimpleNamespace(synced=False, uptime_s=lambda: int(time.monotonic())),
        lock=[0, 0],
        config={"node": names},
        version="0.1.0",
        mac=bytes.fromhex(mac.read_text() if mac.exists() else "020000000001"),
        tasks={},
        log=lambda text: None,
        reset_due=False,
    )
    Shell.node = node
    return node, SMPServer(node, Shell(), str(folder))


def serve(folder: Path, answers: int) -> None:
    master, slave = os.openpty()
    tty.setraw(slave)
    print(os.ttyname(slave), flush=True)
    node, server = make_server(folder)
    buffer = b""
    while answers:
        buffer += os.read(master, 4096)
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            answer = b"".join(asyncio.run(server.handle_line(line + b"\n")))
            if not answer:
                continue
            answers -= 1
            if not answers:
                break
            os.write(master, b"L 7 sampler: a line of the log\r\n" + answer)
            if node.reset_due:
                os.write(
                    master, b"\r\nets Jul 29 2019 12:21:46\r\n\x06rst:0x1 (POWERON_RESET)\r\n"
                )
                node, server = make_server(folder)


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else -1)
