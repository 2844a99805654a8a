"""A stimulus fixture at a serial port: a MicroPython board with the models, see `../stimulus/`.

What the station sends through the played modem goes to a collector, if the bench file names one.
"""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Callable
from typing import Any

from ..benches.blocked import Blocked
from ..stimulus import remote
from .serial_line import SerialLine

LOOK_S = 0.02
RUN_IT = "see that it has power and runs main.py: docs/run-on-hardware.md, 'A fixture that plays'"


class SerialStimulus(remote.Stimulus):
    """Implements `Stimulus`.

    Raises:
        Blocked: its port is absent, busy or was lost, or nothing answers there.
    """

    def __init__(self, name: str, url: str, collector: tuple[str, int] | None = None) -> None:
        self.name = name
        self.line = SerialLine(url)
        self._uplink = remote.Uplink(collector) if collector else None
        self._writing = threading.Lock()
        super().__init__(self._send, self._wait, self._uplink.send if self._uplink else None)
        self.line.callbacks.append(self.feed)
        self._ending = False
        self._carrier = threading.Thread(target=self._carry, name=f"stimulus {url}", daemon=True)
        if self._uplink:
            self._carrier.start()

    def ask(self, command: str, *values: Any) -> Any:
        try:
            return super().ask(command, *values)
        except remote.Silent:
            where = f"the stimulus of {self.name} at {self.line.url}"
            raise Blocked(f"{where} does not answer", RUN_IT) from None

    def parts(self) -> list[str]:
        return self.ask("status")["parts"]

    def clear(self) -> None:
        self.ask("clear")

    def close(self) -> None:
        self._ending = True
        if self._carrier.is_alive():
            self._carrier.join()
        if self._uplink:
            self._uplink.close()
        self.line.close()

    def _send(self, data: bytes) -> None:
        with self._writing:
            self.line.write(data)

    def _wait(self, condition: Callable[[], object], timeout_s: float) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < end_s:
            self.line.check()
            self.line.take(LOOK_S)

    def _carry(self) -> None:
        """Gives the modem what comes back from the collector."""
        assert self._uplink is not None
        while not self._ending:
            lines = list(self._uplink.sockets.values())
            if not lines:
                time.sleep(LOOK_S)
            elif select.select(lines, [], [], 0.1)[0]:
                for number, data in self._uplink.answers():
                    try:
                        self.post(number, data)
                    except Blocked:  # whoever asks next is told
                        return
