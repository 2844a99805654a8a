"""Makes what is no text on a unit's console readable: SMP lines, and frames as hex digits.

Values of bytes are told by their size only: keys and passwords travel so.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
from enum import IntEnum
from typing import Any

from fieldbeat.protocols import smp
from smp.header import OP, CommandId, GroupId

from .errors import FieldbeatError
from .explain import Explainer
from .language import tr
from .vault import LockedError

SMP_LIMIT = 0xFFFF  # bytes of a frame: as many as its length can say
LONGEST_TEXT = 100  # characters of a value that are shown
# A header of at least 4 bytes and a tag of 8; digits only in pairs.
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{2}){12,}(?![0-9A-Za-z])")
_SMP = re.compile(rb"(?:\x06\x09|\x04\x14)[A-Za-z0-9+/=]+\s*$")
_COMMANDS: dict[int, type[IntEnum]] = {
    GroupId.OS_MANAGEMENT: CommandId.OSManagement,
    GroupId.IMAGE_MANAGEMENT: CommandId.ImageManagement,
    GroupId.STATISTICS_MANAGEMENT: CommandId.StatisticsManagement,
    GroupId.SETTINGS_MANAGEMENT: CommandId.SettingsManagement,
    GroupId.FILE_MANAGEMENT: CommandId.FileManagement,
    GroupId.SHELL_MANAGEMENT: CommandId.ShellManagement,
    GroupId.ENUM_MANAGEMENT: CommandId.EnumManagement,
}


class ConsoleFrames:
    """Reads a console line by line and tells what is in its frames.

    Args:
        explainer: opens frames with the registry's keys; those of foreign units are passed over.
    """

    def __init__(self, explainer: Explainer) -> None:
        self._explainer = explainer
        self._decoder = smp.LineDecoder(SMP_LIMIT)
        self._locked = False  # and that has been told

    def text(self, line: bytes) -> str:
        """Return what of a line is text: all but its SMP."""
        return _SMP.sub(b"", line).decode(errors="replace").rstrip("\r\n")

    def told(self, line: bytes) -> list[str]:
        """Return lines about the frames that end in this line of the console; often none."""
        found = _SMP.search(line)
        if found:
            return self._smp(found.group())
        told = []
        for digits in _HEX.findall(line.decode(errors="replace")):
            told += self._frame(bytes.fromhex(digits))
        return told

    def _smp(self, line: bytes) -> list[str]:
        errors = self._decoder.errors
        frame = self._decoder.feed(line)
        if frame is None:
            damaged = self._decoder.errors > errors
            return [tr("SMP: a damaged line, its frame is lost")] if damaged else []
        try:
            return [_smp_told(*smp.unpack(frame))]
        except ValueError as error:
            return [tr("SMP: {error}").format(error=error)]

    def _frame(self, data: bytes) -> list[str]:
        try:
            found = self._explainer.explain(data)
        except LockedError as error:
            told = [] if self._locked else [tr("frames stay closed: {error}").format(error=error)]
            self._locked = True
            return told
        except FieldbeatError:  # other digits: a checksum, a reply of Modbus
            return []
        if not found.unit:
            return []
        inside = ", ".join(layer.title for layer in found.layers[1:])
        text = tr("frame of {unit}, {direction}: {inside}")
        told = [text.format(unit=found.unit, direction=found.direction, inside=inside)]
        for report in found.reports:
            sample = report["samples"][-1]
            values = ", ".join(_value(*item) for item in sample["values"].items())
            text = tr("report {rn}, the last of {count}, {time}: {values}")
            count, time = len(report["samples"]), sample["time"]
            told.append(text.format(rn=report["rn"], count=count, time=time, values=values))
        return told


def _value(name: str, value: dict[str, Any]) -> str:
    quality = "" if value["quality"] == "normal" else f" ({value['quality']})"
    return f"{name} {value['text']} {value['unit']}{quality}"


def _smp_told(op: int, group: int, sequence: int, command: int, body: dict[Any, Any]) -> str:
    names = _COMMANDS.get(group)
    known = names and command in list(names)
    verb = names(command).name if names and known else str(command)
    place = GroupId(group).name.removesuffix("_MANAGEMENT") if group in list(GroupId) else group
    kind = OP(op).name.lower().replace("_rsp", " answer") if op in list(OP) else f"op {op}"
    what = f"{place} {verb}".lower().replace("_", " ")
    values = " ".join(f"{key}={_plain(value)}" for key, value in body.items())
    return f"SMP {sequence} {kind}: {what} {values}".rstrip()


def _plain(value: Any) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return tr("({count} bytes)").format(count=len(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_plain(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_plain, value)) + "]"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 3] + "..."
