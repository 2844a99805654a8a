"""The fixture that plays a real board's sensors and modem, as a bench file names it.

[board.gh-01.stimulus]
port = "/dev/ttyACM0"
id = "e6614103e7452b2f"           # `fieldbeat bench check` says what it is
wiring = "my-wiring.toml"         # not given: pico.toml of ours
collector = "127.0.0.1:5690"      # where the datagrams of the played modem go
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from fieldbeat.host_tools.node_tables import HOST
from fieldbeat.host_tools.validation import Strict
from pydantic import Field

from .blocked import Blocked

if TYPE_CHECKING:
    from ..instruments.serial_stimulus import SerialStimulus

PORT = r"^(/\S+|COM[0-9]+|[a-z0-9+]+://\S+)$"
PORT_RULE = "a device (/dev/ttyACM0) or a URL (rfc2217://host:port)"
COLLECTOR = HOST[:-1] + r":[0-9]{1,5}$"


class StimulusTable(Strict):
    port: str = Field(pattern=PORT, description=PORT_RULE)
    id: str = Field(pattern=r"^[0-9a-f]{4,32}$", description="the number of its chip, in hex")
    wiring: str | None = None
    collector: str | None = Field(default=None, pattern=COLLECTOR, description="HOST:PORT")

    def played(self, manifest: str, folder: Path) -> list[str]:
        """The parts that its wiring names, for a board of this manifest.

        Raises:
            Blocked: the wiring file, which stands in `folder`, is not there or has mistakes.
        """
        from ..stimulus import install
        from ..virtual.bench import board_manifest

        path = install.PICO if self.wiring is None else folder / self.wiring
        try:
            wiring = tomllib.loads(path.read_text(encoding="utf-8"))
            found = install.config(board_manifest(manifest), wiring)["manifest"]
        except (OSError, ValueError) as error:  # TOML's and the wiring's are ValueErrors
            text = getattr(error, "strerror", None) or error
            raise Blocked(f"{path}: {text}", "correct it, or wiring in the bench file") from None
        return sorted([*found["fitted"], *(["modem"] if found["modem"] else [])])


def open_stimulus(name: str, table: StimulusTable, manifest: str, folder: Path) -> SerialStimulus:
    """The fixture, which is the one that was named and plays what its wiring says.

    Raises:
        Blocked: it is not, or it does not answer.
    """
    from ..instruments.serial_stimulus import SerialStimulus

    played = table.played(manifest, folder)
    host, _, port = (table.collector or "").rpartition(":")
    stimulus = SerialStimulus(name, table.port, (host, int(port)) if table.collector else None)
    try:
        status = stimulus.ask("status")
        reason = f"the stimulus of {name} at {table.port}"
        if status["id"] != table.id:
            step = f'plug in that one, or write id = "{status["id"]}"'
            raise Blocked(f"{reason} is {status['id']}, not {table.id}", step)
        if status["parts"] != played:
            plays = f"plays {', '.join(status['parts'])}, its wiring says {', '.join(played)}"
            step = (
                "install it again with that wiring: python -m fieldbeat.hil_tests.stimulus.install"
            )
            raise Blocked(f"{reason} {plays}", step)
        stimulus.clear()
    except BaseException:
        stimulus.close()
        raise
    return stimulus
