"""How tests call `fieldbeat alert`, and how loudspeakers answer them."""

import json
import time

from fieldbeat.host_tools.cli import main
from fieldbeat.protocols import receipt

LATER = "2030-01-01T00:00:00+08:00"


def run(county, *arguments, signed=True):
    """Run a verb; a send or cancel is confirmed and signed."""
    secret = ["--yes", "--key-file", str(county.folder / "pass")] if signed else []
    return main(["alert", *arguments, *secret])


def send(county, capsys, *arguments):
    """Send an alert and return what is told of it."""
    assert run(county, "send", *arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


def status(county, capsys, *arguments):
    """Return exit code and coverage."""
    code = run(county, "status", *arguments, "--json", signed=False)
    return code, json.loads(capsys.readouterr().out)


def dead(monkeypatch):
    """Have no collector run while a verb sleeps; return how long it sleeps, in s."""
    slept = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def finish(county, speaker, id_, stage=receipt.DONE, reason="", **more):
    county.now_s = time.time()
    county.say(speaker, speaker.tell(bytes.fromhex(id_), stage, county.now_s, reason, **more))
