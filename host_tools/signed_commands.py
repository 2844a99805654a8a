"""Commands that are signed: what loudspeakers, cameras and stations are told to do, and when.

An order becomes one command, or several where its places are more than a command can name. Each
has its own id and, if it is signed, its own number of the issuer (`issuers.py`). What is signed
names its units, areas' units or groups exactly, so that nobody on the way can widen it.

    sound = sounds.Sound(EMERGENCY, 1, sounds.speech("Leave the bank now."))
    parts = alert_places.choose(registry, areas=["riverside"])
    made = Maker(issuers, signers, now_s).alert(sound, Window(0, now_s + 1800), parts)
    asked = [(part, True) for part in parts]                    # each with its arguments
    made = Maker(issuers, signers, now_s).make(SELFTEST, (DAILY, 4), Window(0, now_s + 600), asked)
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from fieldbeat.protocols import cbor, command, command_writer, cose, frame

from .alert_error import AlertError
from .alert_places import Asked, Part
from .issuer_keys import PrivateKey
from .issuers import Issuer, IssuerError, Issuers
from .language import tr
from .registered_unit import Unit
from .sounds import Sound
from .times import DEVICE_EPOCH_S

MAX_BYTES = 1300 - frame.overhead(4)  # of a command; a datagram of the largest carrier
_ID_SIZE = 8


@dataclass(frozen=True)
class Window:
    """When it may sound, Unix seconds; `start_s` 0 is at once.

    It says that it was sent after `after_s`, even if the clock has been set back since.
    """

    start_s: float
    expires_s: float
    after_s: float = 0.0


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


def check_issuer(issuer: Issuer, class_: int, level: int) -> None:
    """Raise IssuerError if an issuer may not order this."""
    if not issuer.may(class_, level):
        message = tr("issuer {name} may order {rights}, not {words}").format(
            name=issuer.name, rights=issuer.rights, words=words(class_, level)
        )
        raise IssuerError(message, tr("choose another one with --issuer"))


def words(class_: int, level: int) -> str:
    """Return class and level in words."""
    highest = {1: tr(", the highest"), 4: tr(", the lowest")}.get(level, "")
    kind = (tr("a daily announcement"), tr("a drill"), tr("an emergency"))[class_]
    return tr("{kind} of level {level}{highest}").format(kind=kind, level=level, highest=highest)


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
            self._made(draft, window.expires_s, part.units)
            for draft, (part, _) in zip(drafts, asked, strict=True)
        ]

    def alert(self, sound: Sound, window: Window, parts: Sequence[Part]) -> list[Made]:
        """Make an alert; see `make`."""
        return self.make(command.ALERT, sound.rank, window, sound.at(parts))

    def cancel(self, rank: tuple[int, int], sent: Sequence[Made], expires_s: float) -> list[Made]:
        """Make what cancels commands of a class and level; see `make`."""
        asked = [(Part(opened(each.plaintext).target, each.units), each.id) for each in sent]
        return self.make(command.CANCEL, rank, Window(0, expires_s), asked)

    def _draft(self, kind: int, window: Window, part: Part, args: Any) -> Any:
        sent_ms = max(int(self._now_s * 1000), round(window.after_s * 1000) + 1)
        seconds, ms = divmod(sent_ms, 1000)
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
            message = tr("the command has {size} bytes, {max_bytes} fit into a datagram").format(
                size=size, max_bytes=MAX_BYTES
            )
            raise AlertError(
                message, tr("shorten the text by {value} bytes").format(value=size - MAX_BYTES)
            )

    def _made(self, draft: Any, expires_s: float, units: tuple[Unit, ...]) -> Made:
        if self._signers:
            number = self._issuers.next_counter(self._signers[0].issuer, expires_s)
            draft = draft._replace(counter=number)
        return Made(draft.id, self._signed(draft, _sign), units)

    def _signed(self, draft: Any, sign: Callable[[Signer, bytes], bytes]) -> bytes:
        try:
            data = command_writer.encode(draft)
        except command.CommandError as error:
            raise AlertError(str(error), tr("change what it names, and try again")) from None
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


def signed_by(plaintext: bytes) -> list[bytes]:
    """Return the key ids of those who signed what was made, without verifying anything."""
    major = plaintext[0] >> 5
    if major == 5:  # nobody
        return []
    messages = cbor.decode(plaintext) if major == 4 else [plaintext]
    return [cose.header(cose.decode(each, cose.SIGN1), cose.KID) for each in messages]


def _device_time(unix_s: float) -> int:
    return max(0, int(unix_s) - DEVICE_EPOCH_S)
