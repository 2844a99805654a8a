"""The host's end of a stimulus fixture's serial line: values, faults, and the modem's datagrams.

    with open_port("/dev/ttyACM0") as stimulus:
        stimulus.set("air_temperature", -11.25)
        stimulus.faults.air.unplugged = True
        ...
        assert stimulus.faults.unfired() == []

    python -m fieldbeat.hil_tests.stimulus.remote --port /dev/ttyACM0 --collector 127.0.0.1:5690

The second form hands what the station sends through the modem model to a collector, until Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import select
import socket
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

Datagram = Callable[[int, str, int, bytes], object]  # line, host, port, data
ANSWER_S = 5.0


class StimulusError(Exception):
    """The fixture refused a command, or did not answer."""


class Silent(StimulusError):
    """It did not answer."""


class Stimulus:
    """The line protocol; `wait(condition, timeout_s)` lets time pass until `condition()` holds."""

    def __init__(
        self,
        write: Callable[[bytes], object],
        wait: Callable[[Callable[[], object], float], object],
        on_datagram: Datagram | None = None,
    ) -> None:
        self.write = write
        self.wait = wait
        self.on_datagram = on_datagram
        self.faults = RemotePanel(self)
        self._buffer = b""
        self._answers: list[str] = []

    def feed(self, data: bytes) -> None:
        """Take what the fixture says."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            if text.startswith(("= ", "! ")):
                self._answers.append(text)
            elif text.startswith("> ") and self.on_datagram is not None:
                number, host, port, payload = json.loads(text[2:])
                self.on_datagram(number, host, port, bytes.fromhex(payload["hex"]))

    def ask(self, command: str, *values: Any) -> Any:
        """Send a command and return its answer."""
        self._answers.clear()
        words = [value if is_name(value) else encode(value) for value in values]
        self.write(" ".join([command, *words]).encode() + b"\n")
        self.wait(lambda: self._answers, ANSWER_S)
        if not self._answers:
            raise Silent(f"the fixture does not answer to {command!r}: is main.py running on it?")
        answer = self._answers.pop(0)
        if answer.startswith("! "):
            raise StimulusError(answer[2:])
        return json.loads(answer[2:])

    def set(self, name: str, value: float) -> None:
        """Set a value of the scene."""
        self.ask("set", name, value)

    def down(self, number: int, data: bytes) -> bool:
        """Give the modem a datagram for a line; False if the station has closed it."""
        return self.ask("down", number, data)

    def post(self, number: int, data: bytes) -> None:
        """The same, and there is no answer that could be taken for that of another command."""
        self.write(f"post {number} {encode(data)}\n".encode())


class RemotePanel:
    """`faults.air.unplugged = True`, `faults.fired`, `faults.unfired()`, as virtually."""

    def __init__(self, stimulus: Stimulus) -> None:
        self._stimulus = stimulus

    def __getattr__(self, part: str) -> RemoteFaults:
        if part.startswith("_"):
            raise AttributeError(part)
        return RemoteFaults(self._stimulus, part)

    @property
    def fired(self) -> Counter[str]:
        """Effects by "part.fault"."""
        fired = self._stimulus.ask("fired")
        return Counter(
            {f"{part}.{name}": n for part, names in fired.items() for name, n in names.items()}
        )

    def unfired(self) -> list[str]:
        """Name what was asked for and never took effect."""
        return self._stimulus.ask("unfired")


class RemoteFaults:
    """The switches of one part; a method such as `urc_at(5, "+CSCON: 1")` is carried over, too."""

    _stimulus: Stimulus
    _part: str

    def __init__(self, stimulus: Stimulus, part: str) -> None:
        vars(self).update(_stimulus=stimulus, _part=part)

    def __setattr__(self, name: str, value: Any) -> None:
        self._stimulus.ask("fault", self._part, name, value)

    def limit(self, name: str, times: int, value: Any = True) -> None:
        """Turn a switch on for this many effects."""
        self._stimulus.ask("fault", self._part, name, value, times)

    @property
    def fired(self) -> Counter[str]:
        """Effects by name."""
        return Counter(self._stimulus.ask("fired")[self._part])

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return lambda *values: self._stimulus.ask("call", self._part, method, *values)


def is_name(value: Any) -> bool:
    """Return whether a word can go as it is."""
    return isinstance(value, str) and value.isidentifier()


def encode(value: Any) -> str:
    """Return a value as the fixture takes it."""
    return json.dumps(value, default=lambda data: {"hex": bytes(data).hex()})


@contextmanager
def open_port(port: str, on_datagram: Datagram | None = None) -> Iterator[Stimulus]:
    """Open a fixture on a serial port or any URL of pyserial's."""
    import serial

    line = serial.serial_for_url(port, 115_200, timeout=0.05)

    def wait(condition: Callable[[], object], timeout_s: float) -> None:
        end_s = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < end_s:
            stimulus.feed(line.read(line.in_waiting or 1))

    stimulus = Stimulus(line.write, wait, on_datagram)
    try:
        yield stimulus
    finally:
        line.close()


class Uplink:
    """A UDP socket for each line of the modem: a collector sees stations, not one host."""

    def __init__(self, collector: tuple[str, int]) -> None:
        self.collector = collector
        self.sockets: dict[int, socket.socket] = {}

    def send(self, number: int, _host: str, _port: int, data: bytes) -> None:
        """Carry a datagram to the collector, whatever name the station has for it."""
        if number not in self.sockets:
            self.sockets[number] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.sockets[number].setblocking(False)
        self.sockets[number].sendto(data, self.collector)

    def answers(self) -> Iterator[tuple[int, bytes]]:
        """What came back, by line."""
        ready = select.select(list(self.sockets.values()), [], [], 0)[0]
        for number, line in list(self.sockets.items()):
            if line in ready:
                try:
                    yield number, line.recv(65_535)
                except OSError:  # nobody listens there
                    pass

    def close(self) -> None:
        """Close the sockets."""
        for line in self.sockets.values():
            line.close()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Carry a fixture's datagrams to a collector.")
    parser.add_argument("--port", required=True)
    parser.add_argument("--collector", default="127.0.0.1:5690", metavar="HOST:PORT")
    arguments = parser.parse_args()
    host, _, port = arguments.collector.rpartition(":")
    uplink = Uplink((host, int(port)))
    with open_port(arguments.port, uplink.send) as stimulus:
        status = stimulus.ask("status")
        print(
            f"fixture {status['id']} plays: {', '.join(status['parts'])}; Ctrl-C ends it",
            flush=True,
        )
        try:
            while True:
                stimulus.wait(lambda: False, 0.2)
                for number, data in uplink.answers():
                    stimulus.post(number, data)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
