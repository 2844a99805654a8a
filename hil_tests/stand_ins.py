"""Devices that power switches talk to, for tests: a relay behind HTTP, and behind a program.

They behave as the real ones do, so what is tested is our code and nothing of it is replaced.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import parse_http_list, parse_keqv_list


class Relay:
    """A relay and what it did, oldest first; `stuck` ones take commands and do nothing."""

    def __init__(self, on: bool = False) -> None:
        self.on = on
        self.stuck = False
        self.history: list[bool] = []

    def set(self, on: bool) -> None:
        if not self.stuck:
            self.on = on
            self.history.append(on)


class HttpSwitch:
    """A plug on the network: answers as Tasmota, Shelly generation 1 or 2 does.

    `status` other than 200 is answered to everything. With a `password` a Shelly wants it by basic
    or digest authentication, as its generation does; its user is admin.
    """

    def __init__(self, kind: str, relay: Relay, password: str = "") -> None:
        self.relay = relay
        self.status = 200
        self.guard = None if not password else GUARDS[kind](password)
        self.body: dict[str, Any] | None = None  # in place of the true answer
        answers = {"tasmota": self._tasmota, "shelly1": self._shelly1, "shelly2": self._shelly2}
        answer = answers[kind]
        switch = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                words = {key: values[0] for key, values in parse_qs(url.query).items()}
                status = switch.status
                given = self.headers.get("Authorization", "")
                if switch.guard and not switch.guard.admits(self.path, given):
                    status = 401
                found = answer(unquote(url.path), words) if status == 200 else {}
                self.send_response(status)
                if status == 401 and switch.guard:
                    self.send_header("WWW-Authenticate", switch.guard.challenge())
                self.end_headers()
                self.wfile.write(json.dumps(switch.body or found).encode())

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def _tasmota(self, path: str, words: dict[str, str]) -> dict[str, Any]:
        name, _, state = words.get("cmnd", "").partition(" ")
        if path != "/cm" or name != "Power1":
            return {"Command": "Unknown"}
        if state:
            self.relay.set(state == "On")
        return {"POWER": "ON" if self.relay.on else "OFF"}

    def _shelly1(self, path: str, words: dict[str, str]) -> dict[str, Any]:
        if path != "/relay/0":
            return {}
        if "turn" in words:
            self.relay.set(words["turn"] == "on")
        return {"ison": self.relay.on, "has_timer": False}

    def _shelly2(self, path: str, words: dict[str, str]) -> dict[str, Any]:
        if path == "/rpc/Switch.Set" and words["id"] == "0":
            was = self.relay.on
            self.relay.set(words["on"] == "true")
            return {"was_on": was}
        return {"id": 0, "output": self.relay.on} if path == "/rpc/Switch.GetStatus" else {}

    def close(self) -> None:
        """The plug is gone."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


class BasicGuard:
    """HTTP basic authentication, RFC 7617."""

    def __init__(self, password: str) -> None:
        self.wanted = "Basic " + base64.b64encode(f"admin:{password}".encode()).decode()

    def challenge(self) -> str:
        return 'Basic realm="shellyplug-s-7A1B2C"'

    def admits(self, _uri: str, given: str) -> bool:
        return given == self.wanted


class DigestGuard:
    """HTTP digest authentication with SHA-256 and nothing else, RFC 7616; no count comes twice."""

    realm = "shellyplus1pm-a8032ab636ec"

    def __init__(self, password: str) -> None:
        self.password = password
        self.nonces: set[str] = set()
        self.used: set[tuple[str, str]] = set()

    def challenge(self) -> str:
        nonce = f"{1_700_000_000 + len(self.nonces):x}"
        self.nonces.add(nonce)
        return f'Digest qop="auth", realm="{self.realm}", nonce="{nonce}", algorithm=SHA-256'

    def admits(self, uri: str, given: str) -> bool:
        kind, _, rest = given.partition(" ")
        if kind != "Digest":
            return False
        said = parse_keqv_list(parse_http_list(rest))
        turn = said["nonce"], said["nc"]
        right = digest_response("admin", self.realm, self.password, uri, said)
        fresh = said["nonce"] in self.nonces and turn not in self.used
        self.used.add(turn)
        known = said["algorithm"] == "SHA-256" and said["uri"] == uri
        return known and fresh and said["response"] == right


def digest_response(user: str, realm: str, password: str, uri: str, said: dict[str, str]) -> str:
    """What RFC 7616, 3.4.1 wants in `response` for a GET, with SHA-256 and qop=auth."""

    def h(*words: str) -> str:
        return hashlib.sha256(":".join(words).encode()).hexdigest()

    middle = said["nonce"], said["nc"], said["cnonce"], said["qop"]
    return h(h(user, realm, password), *middle, h("GET", uri))


GUARDS: dict[str, Callable[[str], BasicGuard | DigestGuard]] = {
    "shelly1": BasicGuard,
    "shelly2": DigestGuard,
}


class FileRelay:
    """The relay behind a program: its level stands in a file, its past in another."""

    def __init__(self, folder: Path, programs: dict[str, str]) -> None:
        self.level, self.past = folder / "level", folder / "past"
        self.fault = folder / "fault"  # what the program says when it refuses
        self.past.touch()
        self.level.write_text("0")
        self.folder = folder / "bin"
        self.folder.mkdir()
        for name, text in programs.items():
            script = self.folder / name
            script.write_text(f"#!/bin/sh\nD='{folder}'\n{REFUSE}{text}")
            script.chmod(0o755)

    @property
    def on(self) -> bool:
        return self.level.read_text().strip() == "1"

    @property
    def history(self) -> list[bool]:
        return [word == "1" for word in self.past.read_text().split()]


REFUSE = 'if [ -s "$D/fault" ]; then cat "$D/fault" >&2; exit 1; fi\n'

UHUBCTL = """
if [ ! -e "$D/stuck" ]; then case "$*" in
*"-a on"*) echo 1 > "$D/level"; echo 1 >> "$D/past";;
*"-a off"*) echo 0 > "$D/level"; echo 0 >> "$D/past";;
esac; fi
echo "Current status for hub $2 [05e3:0610 USB2.1 Hub, USB 2.10, 4 ports, ppps]"
echo "  Port 1: 0100 power"
if [ "$(cat "$D/level")" = 1 ]; then
    echo "  Port 2: 0103 power enable connect [10c4:ea60 Silicon Labs CP2102 0001]"
else
    echo "  Port 2: 0000 off"
fi
"""

# Holds the line until it is ended, as both versions do in this use.
_HOLD = """
value="${level#17=}"
[ "$chip" = gpiochip0 ] && [ "$value" != "$level" ] || { echo "no such line" >&2; exit 1; }
echo "$value" > "$D/level"; echo "$value" >> "$D/past"
exec sleep 1000
"""
GPIOSET_1 = (
    """
[ "$1" = --version ] && { echo "gpioset (libgpiod) v1.6.3"; exit 0; }
[ "$1" = --mode=signal ] || { echo "gpioset: would end at once" >&2; exit 1; }
chip="$2"; level="$3"
"""
    + _HOLD
)
GPIOSET_2 = (
    """
[ "$1" = --version ] && { echo "gpioset (libgpiod) v2.1.3"; exit 0; }
[ "$1" = --chip ] || { echo "gpioset: --chip is missing" >&2; exit 1; }
chip="$2"; level="$3"
"""
    + _HOLD
)
