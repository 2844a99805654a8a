"""Orders to loudspeakers: what is to be sounded, where and when, as commands that are signed.

An order becomes one command, or several where its places are more than a command can name. Each
has its own id and, if it is signed, its own number of the issuer (`issuers.py`). What is signed
names its units, areas' units or groups exactly, so that nobody on the way can widen it.

    sound = Sound(EMERGENCY, 1, [tone("two-tone", 3), *speech("Leave the bank now.")])
    parts = choose(registry, areas=["riverside"])
    made = Maker(issuers, signers, now_s).alert(sound, Window(0, now_s + 1800), parts)
    asked = [(part, True) for part in parts]                    # each with its arguments
    made = Maker(issuers, signers, now_s).make(SELFTEST, (DAILY, 4), Window(0, now_s + 600), asked)
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldbeat.protocols import cbor, command, command_writer, cose, frame

from .errors import CannotTry
from .issuer_keys import PrivateKey
from .issuers import Issuer, IssuerError, Issuers
from .registry import SPEAKER, Registry, Unit
from .times import DEVICE_EPOCH_S

PATTERNS = ("steady", "two-tone", "sweep")
CODECS = {"pcmu": 0, "pcma": 8, "l16": 11}
GBK = 1  # the encoding of text on the wire
SPEECH_BYTES = 400  # of a step
MAX_STEPS = 8
MAX_TARGETS = 16
MAX_BYTES = 1300 - frame.overhead(4)  # of a command; a datagram of the largest carrier
_ID_SIZE = 8
_ENDS = "。！？；…!?;\n"  # where speech is cut if it can be: after one of these, then these
_PAUSES = "，、：,: "


class AlertError(CannotTry):
    """The order cannot be made as it was asked for."""


@dataclass(frozen=True)
class Sound:
    """What is to be sounded."""

    class_: int
    level: int
    content: list[list[Any]]
    repeat: int = 1
    volume: int | None = None
    event: str = ""
    silent: bool = False

    @property
    def rank(self) -> tuple[int, int]:
        return self.class_, self.level

    def at(self, parts: Iterable[Part]) -> Asked:
        """Return what is asked where, as `Maker` wants it.

        Raises:
            AlertError: it is too long.
        """
        if len(self.content) > MAX_STEPS:
            message = f"it has {len(self.content)} steps, {MAX_STEPS} are allowed"
            raise AlertError(message, "shorten the text, or send less at a time")
        alert = command.Alert(
            *(self.class_, self.level, self.content, self.repeat, self.volume),
            *(self.event, self.silent),
        )
        return [(part, alert) for part in parts]


@dataclass(frozen=True)
class Window:
    """When it may sound, Unix seconds; `start_s` 0 is at once."""

    start_s: float
    expires_s: float


@dataclass(frozen=True)
class Part:
    """What one command can name: `target` on the wire, and the units that this means."""

    target: Any
    units: tuple[Unit, ...]


Asked = Sequence[tuple[Part, Any]]  # where, and the arguments of the command there


@dataclass(frozen=True)
class Signer:
    """An issuer with his private key, without which nothing can be signed, only checked."""

    issuer: Issuer
    key: PrivateKey | None = None


@dataclass(frozen=True)
class Made:
    """A command that is ready to be sent to its units."""

    id: bytes
    plaintext: bytes
    units: tuple[Unit, ...] = field(repr=False)


# Content


def tone(pattern: str, seconds: float) -> list[Any]:
    """Return a step that is a tone."""
    return [command.TONE, PATTERNS.index(pattern), round(1000 * seconds)]


def clip(name: str) -> list[Any]:
    """Return a step that plays a clip which units have.

    Raises:
        AlertError: no clip can be called that.
    """
    if not re.fullmatch(r"[a-z0-9_-]{1,24}", name):
        step = "give its name without folder and ending, 1 to 24 of a-z, 0-9, _ and -"
        raise AlertError(f"'{name}' is no name of a clip", step)
    return [command.CLIP, name]


def stream(place: str, codec: str, seconds: float) -> list[Any]:
    """Return a step that plays a live RTP stream.

    Args:
        place: GROUP:PORT of a multicast stream, or :PORT for one that is sent to each unit.
        codec: of `CODECS`.
        seconds: how long at most.

    Raises:
        AlertError: the place is none.
    """
    host, colon, port = place.removeprefix("rtp://").rpartition(":")
    if not colon or not port.isdecimal() or not 1 <= int(port) <= 65535:
        raise AlertError(f"'{place}' is no place of a stream", "give GROUP:PORT, or :PORT")
    group = b""
    if host:
        try:
            address = ipaddress.IPv4Address(host)
        except ValueError:
            address = ipaddress.IPv4Address(0)
        if not address.is_multicast:
            step = "give 224.0.0.0 to 239.255.255.255, or :PORT for a stream sent to each unit"
            raise AlertError(f"'{host}' is no multicast group", step)
        group = address.packed
    return [command.STREAM, CODECS[codec], int(port), group, min(max(1, int(seconds)), 86_400)]


def speech(text: str) -> list[list[Any]]:
    """Return the steps that speak a text, encoded in GBK as the TTS chips want it.

    Raises:
        AlertError: there is nothing to speak, or a character that the chips do not know.
    """
    text = _joined(text)
    if not text:
        raise AlertError("there is no text to speak", "give one: --text 'Leave the bank now.'")
    for character in text:
        if not character.isprintable():
            message = f"the text has a control character, U+{ord(character):04X}"
            raise AlertError(message, "leave it out")
        try:
            character.encode("gbk")
        except UnicodeEncodeError:
            message = f"'{character}' (U+{ord(character):04X}) cannot be spoken, it is not in GBK"
            raise AlertError(message, "leave it out, or write it in words") from None
    return [[command.SPEECH, GBK, piece.encode("gbk")] for piece in _pieces(text)]


def _joined(text: str) -> str:
    """Return lines as one text, each with an end that a voice makes."""
    lines = [" ".join(line.split()) for line in text.splitlines()]
    joined = ""
    for line in (line for line in lines if line):
        if joined and joined[-1] not in _ENDS + _PAUSES + ".":
            joined += "." if joined[-1].isascii() else "。"
        separator = " " if joined and joined[-1].isascii() else ""
        joined += separator + line
    return joined


def _pieces(text: str) -> list[str]:
    """Cut a text into pieces of a step: after a sentence, a pause, or where it must be."""
    pieces = []
    while len(text.encode("gbk")) > SPEECH_BYTES:
        end, size = 0, 0
        while size + len(text[end].encode("gbk")) <= SPEECH_BYTES:
            size += len(text[end].encode("gbk"))
            end += 1
        head = text[:end]
        ends = [m.end() for m in re.finditer(rf"[{re.escape(_ENDS)}]|\.(?=\s)", head)]
        pauses = [m.end() for m in re.finditer(f"[{re.escape(_PAUSES)}]", head)]
        cut = (ends or pauses or [end])[-1]
        pieces.append(text[:cut].strip())
        text = text[cut:].strip()
    return [*pieces, text] if text else pieces


# Places


def speakers(registry: Registry) -> list[Unit]:
    """Return the loudspeakers of a registry, by name."""
    return [unit for unit in registry.units() if unit.role == SPEAKER]


def choose(
    registry: Registry,
    areas: Iterable[str] = (),
    groups: Iterable[int] = (),
    units: Iterable[str] = (),
    everyone: bool = False,
) -> list[Part]:
    """Return the loudspeakers of areas, groups and names, in as few parts as commands need.

    Raises:
        AlertError: a name means no loudspeaker, or nothing was named.
    """
    known = speakers(registry)
    if everyone:
        if not known:
            step = "provision one with a speaker's profile"
            raise AlertError(f"{registry.path} has no loudspeakers", step)
        return [Part(True, tuple(known))]
    groups = sorted(set(groups))
    grouped = tuple(u for u in known if not set(groups).isdisjoint(u.group_numbers))
    for group in groups:
        if not any(group in unit.group_numbers for unit in known):
            numbers = sorted({number for unit in known for number in unit.group_numbers})
            raise _unknown(f"group {group}", numbers)
    single: dict[str, Unit] = {}
    for name, found in _named(known, list(areas), list(units)):
        if not found:
            names = sorted({u.site for u in known} if name.startswith("area") else by_name(known))
            raise _unknown(name, names)
        single |= {unit.name: unit for unit in found if unit not in grouped}
    if not grouped and not single:
        step = "add --area, --group, --unit or --all"
        raise AlertError("nobody said which loudspeakers are meant", step)
    return _parts(groups, grouped, list(single.values()))


def by_name(units: Iterable[Unit]) -> dict[str, Unit]:
    """Return units by name."""
    return {unit.name: unit for unit in units}


def _named(known: list[Unit], areas: list[str], units: list[str]) -> Iterable[tuple[str, Any]]:
    for area in areas:
        yield f"area '{area}'", [u for u in known if u.site.casefold() == area.casefold()]
    for name in units:
        yield f"unit '{name}'", [u for u in known if u.name == name]


def _unknown(what: str, known: Sequence[Any]) -> AlertError:
    names = ", ".join(str(each) for each in known[:12]) + ", ..." * (len(known) > 12)
    return AlertError(f"no loudspeaker is in or called {what}", f"known: {names or 'none'}")


def _parts(groups: list[int], grouped: tuple[Unit, ...], single: list[Unit]) -> list[Part]:
    """Groups reach many in one command; single units are named, sixteen at a time."""
    parts: list[Part] = []
    for at in range(0, len(groups), MAX_TARGETS):
        some = groups[at : at + MAX_TARGETS]
        members = tuple(u for u in grouped if not set(some).isdisjoint(u.group_numbers))
        told = {u.name for part in parts for u in part.units}
        parts.append(Part(_target(some), tuple(u for u in members if u.name not in told)))
    return parts + parts_of(single)


def parts_of(units: Sequence[Unit]) -> list[Part]:
    """Return units by their names, in as few parts as commands need."""
    chunks = [units[at : at + MAX_TARGETS] for at in range(0, len(units), MAX_TARGETS)]
    return [Part(_target([unit.kid for unit in chunk]), tuple(chunk)) for chunk in chunks]


def _target(items: list[Any]) -> Any:
    return items[0] if len(items) == 1 else items


# Commands


def check_issuer(issuer: Issuer, class_: int, level: int) -> None:
    """Raise IssuerError if an issuer may not order this."""
    if not issuer.may(class_, level):
        message = f"issuer {issuer.name} may order {issuer.rights}, not {words(class_, level)}"
        raise IssuerError(message, "choose another one with --issuer")


def words(class_: int, level: int) -> str:
    """Return class and level in words."""
    highest = {1: ", the highest", 4: ", the lowest"}.get(level, "")
    kind = ("a daily announcement", "a drill", "an emergency")[class_]
    return f"{kind} of level {level}{highest}"


class Maker:
    """Makes commands, each with an id of its own and a number of the first signer.

    Args:
        issuers: give out the numbers.
        signers: who signs: nobody, one, or two of whom the second signs what the first signed.
        now_s: the time, Unix seconds.
        random_bytes: source of ids.
    """

    def __init__(
        self,
        issuers: Issuers,
        signers: Sequence[Signer],
        now_s: float,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        self._issuers = issuers
        self._signers = signers
        self._now_s = now_s
        self._random_bytes = random_bytes

    def check(self, kind: int, rank: tuple[int, int], window: Window, asked: Asked) -> list[Any]:
        """See that commands can be made; no key is needed and no number is used up.

        Args:
            kind: of protocols/command.py.
            rank: class and level, which each signer must have.
            window: when.
            asked: where, and the arguments of the command there.

        Returns:
            The commands as they are before they have a number.

        Raises:
            AlertError: one is too long, or not what a unit would take.
            IssuerError: a signer may not order this.
        """
        for signer in self._signers:
            check_issuer(signer.issuer, *rank)
        drafts = [self._draft(kind, window, part, args) for part, args in asked]
        for draft in drafts:
            self._check_size(draft)
        return drafts

    def make(self, kind: int, rank: tuple[int, int], window: Window, asked: Asked) -> list[Made]:
        """Make commands, one for each part; as `check`, and:

        Raises:
            DatabaseError: the registry did not take the reservation of a number.
        """
        drafts = self.check(kind, rank, window, asked)
        return [
            self._made(draft, part.units) for draft, (part, _) in zip(drafts, asked, strict=True)
        ]

    def alert(self, sound: Sound, window: Window, parts: Sequence[Part]) -> list[Made]:
        """Make an alert; see `make`."""
        return self.make(command.ALERT, sound.rank, window, sound.at(parts))

    def cancel(self, rank: tuple[int, int], sent: Sequence[Made], expires_s: float) -> list[Made]:
        """Make what cancels commands of a class and level; see `make`."""
        asked = [(Part(opened(each.plaintext).target, each.units), each.id) for each in sent]
        return self.make(command.CANCEL, rank, Window(0, expires_s), asked)

    def _draft(self, kind: int, window: Window, part: Part, args: Any) -> Any:
        seconds, ms = divmod(int(self._now_s * 1000), 1000)
        return command_writer.command(
            *(kind, self._random_bytes(_ID_SIZE), part.target, _device_time(window.expires_s)),
            args=args,
            not_before=_device_time(window.start_s) if window.start_s > self._now_s else 0,
            sent=(_device_time(seconds), ms),
        )

    def _check_size(self, draft: Any) -> None:
        if self._signers:
            draft = draft._replace(counter=0xFFFFFFFF)
        size = len(self._signed(draft, lambda signer, data: bytes(64)))
        if size > MAX_BYTES:
            message = f"the command has {size} bytes, {MAX_BYTES} fit into a datagram"
            raise AlertError(message, f"shorten the text by {size - MAX_BYTES} bytes")

    def _made(self, draft: Any, units: tuple[Unit, ...]) -> Made:
        if self._signers:
            draft = draft._replace(counter=self._issuers.next_counter(self._signers[0].issuer))
        return Made(draft.id, self._signed(draft, _sign), units)

    def _signed(self, draft: Any, sign: Callable[[Signer, bytes], bytes]) -> bytes:
        try:
            data = command_writer.encode(draft)
        except command.CommandError as error:
            raise AlertError(str(error), "change what it names, and try again") from None
        wraps = (command_writer.sign, command_writer.countersign)
        for wrap, signer in zip(wraps, self._signers, strict=False):
            issuer = signer.issuer
            data = wrap(data, issuer.algorithm, issuer.kid, lambda d, by=signer: sign(by, d))
        return data


def _sign(signer: Signer, data: bytes) -> bytes:
    assert signer.key is not None
    return signer.key.sign(data)


def opened(plaintext: bytes) -> Any:
    """Return the command in what was made of it, without verifying anything."""
    major = plaintext[0] >> 5
    if major == 4:  # an array of two
        plaintext = cbor.decode(plaintext)[0]
    if major != 5:
        plaintext = cose.decode(plaintext, cose.SIGN1).payload
    return command.decode(plaintext)


def _device_time(unix_s: float) -> int:
    return max(0, int(unix_s) - DEVICE_EPOCH_S)
