"""Puts an order together from what a person or a CAP message asks for, and hands it over.

    desk = Desk(registry, store, now_s)
    plan = desk.plan(Request(texts=["Leave the bank now."], level=1, areas=["riverside"]))
    ...                                     # the person confirms plan.summary
    order = desk.send(plan, keys)

Nothing is signed, and no number of an issuer used up, before `send`.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from fieldbeat.protocols import command
from fieldbeat.protocols.command import DAILY, DRILL, EMERGENCY

from . import alert_words, alerts, cap_places, foreseen, orders
from .alerts import AlertError, Asked, Made, Maker, Part, Signer, Sound, Window
from .cap import Info, Message
from .issuers import Issuer, IssuerError, Issuers
from .orders import Orders
from .registry import Registry, Unit
from .store import Store
from .times import iso
from .wording import first

WINDOW_S = 1800.0
LONGEST_S = 30 * 86_400.0  # units keep nothing armed for longer
TONE, TONE_S = "two-tone", 3.0
LOWEST = 4
MOST_EVENT = 16  # bytes of its code, in a command

Keys = Callable[[Sequence[Issuer]], list[Signer]]


@dataclass
class Request:
    """What is asked for; None and empty lists leave it to the defaults, or to a CAP message."""

    class_: int | None = None
    level: int | None = None
    texts: list[str] = field(default_factory=list)
    clips: list[str] = field(default_factory=list)
    stream: str | None = None
    codec: str = "pcmu"
    tone: str | None = None  # of alerts.PATTERNS, or 'none'
    repeat: int = 1
    volume: int | None = None
    event: str = ""
    silent: bool = False
    areas: list[str] = field(default_factory=list)
    groups: list[int] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    everyone: bool = False
    start_s: float | None = None
    expires_s: float | None = None
    for_s: float | None = None
    issuers: list[str] = field(default_factory=list)

    @property
    def names_places(self) -> bool:
        return bool(self.areas or self.groups or self.units or self.everyone)


@dataclass(frozen=True)
class Plan:
    """An order that can be made: what a person confirms.

    Attributes:
        kind: of protocols/command.py.
        rank: class and level that its issuers must have.
        told: it in words, in one line.
        window: when it counts.
        asked: where, and the arguments of the command there.
        issuers: who signs.
        summary, notes: lines to be confirmed.
        silent: it makes no sound.
        talking: commands that send what is heard live.
        origin: of which CAP message it was made, '' for none.
        cancels: what it replaces.
    """

    kind: int
    rank: tuple[int, int]
    told: str
    window: Window
    asked: Asked
    issuers: tuple[Issuer, ...]
    summary: tuple[str, ...]
    notes: tuple[str, ...] = ()
    silent: bool = False
    talking: tuple[str, ...] = ()
    origin: str = ""
    cancels: tuple[orders.Order, ...] = ()

    @property
    def units(self) -> list[Unit]:
        return [unit for part, _ in self.asked for unit in part.units]

    @property
    def urgency(self) -> tuple[int, int]:
        """What the collector sends it by: what is no alert waits for all that are."""
        return self.rank if self.kind == command.ALERT else (DAILY, LOWEST)


class Desk:
    """Where orders are made.

    Args:
        registry: units and issuers.
        store: takes the orders for the collector.
        now: the time, Unix seconds.
    """

    def __init__(self, registry: Registry, store: Store, now: Callable[[], float]) -> None:
        self.registry = registry
        self.store = store
        self.now = now
        self.issuers = Issuers(registry, now)
        self.orders = Orders(store)

    # An alert

    def plan(self, request: Request) -> Plan:
        """Return what would be sent.

        Raises:
            AlertError: something is missing or does not fit together.
            IssuerError: nobody may order this, or it is not told who does.
        """
        class_ = EMERGENCY if request.class_ is None else request.class_
        level = request.level or (0 if class_ == EMERGENCY else LOWEST)
        if not level:
            message = "nobody said how bad this emergency is"
            raise AlertError(message, "add --level, 1 (the highest) to 4")
        if request.silent and class_ != DRILL:
            raise AlertError("only a drill can be silent", "add --drill, or leave --silent out")
        size = len(request.event.encode())
        if size > MOST_EVENT:
            message = f"the code of the event, '{request.event}', has {size} bytes"
            raise AlertError(message, f"give a shorter --event: {MOST_EVENT} bytes at most")
        window = self._window(request)
        content = self._content(request, class_, window)
        options = {"repeat": request.repeat, "volume": request.volume, "event": request.event}
        sound = Sound(class_, level, content, silent=request.silent, **options)  # type: ignore
        places = request.areas, request.groups, request.units, request.everyone
        parts = alerts.choose(self.registry, *places)
        return self.plan_sound(sound, window, parts, self.chosen(request.issuers, class_, level))

    def plan_sound(
        self, sound: Sound, window: Window, parts: Sequence[Part], issuers: Sequence[Issuer]
    ) -> Plan:
        """Return what would be sent for a sound that is put together already; see `plan`."""
        units = [unit for part in parts for unit in part.units]
        signed = [issuer.name for issuer in issuers]
        lines = alert_words.summary(sound, window, parts, signed, self.unheard(units), self.now())
        return self.checked(
            Plan(
                *(command.ALERT, sound.rank, alert_words.told(sound), window, sound.at(parts)),
                *(tuple(issuers), tuple(lines)),
                notes=tuple(foreseen.without_clips(self.store, units, sound.content)),
                silent=sound.silent,
                talking=() if sound.silent else tuple(alert_words.talking(sound.content)),
            )
        )

    def checked(self, plan: Plan) -> Plan:
        """Return a plan whose commands can be made, with notes of who will refuse them.

        Raises:
            AlertError, IssuerError: they cannot be made.
        """
        signers = [Signer(issuer) for issuer in plan.issuers]
        Maker(self.issuers, signers, self.now()).check(
            plan.kind, plan.rank, plan.window, plan.asked
        )
        told = foreseen.refusals(self.registry, self.store, plan.units, plan.rank, plan.issuers)
        return replace(plan, notes=(*plan.notes, *told))

    def unheard(self, units: Iterable[Unit]) -> int:
        """Return how many units never sent anything."""
        return sum(self.store.contact(unit.name) is None for unit in units)

    def plan_cap(self, message: Message, request: Request, language: str | None = None) -> Plan:
        """Return what would be sent for a CAP message; what the request says goes before it.

        Raises:
            CapError: it has expired, or has no info of that language.
            AlertError, IssuerError: as `plan`.
        """
        info = message.info(self.now(), language)
        if not info.level and not request.level:
            step = "decide with --level, 1 (the highest) to 4"
            raise AlertError(f"its severity is {info.severity}", step)
        notes: list[str] = []
        for sent in self.orders.of_origin(message.origin)[:1]:
            text = f"this message was sent as alert {sent.id.hex()} at {iso(sent.made_s)}"
            if self._counts(sent):
                raise AlertError(text, f"cancel it first: fieldbeat alert cancel {sent.id.hex()}")
            notes.append(f"{text}, which is over; it SOUNDS AGAIN where it has sounded")
        asked = replace(
            request,
            class_=message.class_ if request.class_ is None else request.class_,
            level=request.level or info.level,
            event=request.event or info.event_code,
            start_s=info.effective_s if request.start_s is None else request.start_s,
            expires_s=info.expires_s if request.expires_s is None else request.expires_s,
        )
        if request.for_s:
            asked.expires_s = None
        if not request.names_places:
            places = cap_places.resolve(info.areas, alerts.speakers(self.registry))
            asked.units = [unit.name for unit in places.units]
            notes += places.notes
        plan = self._longest(asked, info)
        replaced = self._of_origins(message.references)
        notes += [f"alert {each.id.hex()} is cancelled, this is its update" for each in replaced]
        return replace(
            plan, notes=(*notes, *plan.notes), origin=message.origin, cancels=tuple(replaced)
        )

    def send(self, plan: Plan, keys: Keys) -> orders.Order:
        """Sign an order and hand it to the collector.

        Args:
            plan: what was confirmed.
            keys: opens the issuers' keys.

        Raises:
            KeyFileError: a key does not open.
            DatabaseError: registry or store did not take it; nothing is sent.
        """
        signers = keys(plan.issuers)
        cancels = [(each, self._cancels(each, signers)) for each in plan.cancels]
        maker = Maker(self.issuers, signers, self.now())
        made = maker.make(plan.kind, plan.rank, plan.window, plan.asked)
        added = orders.Order(
            *(made[0].id, plan.kind, *plan.urgency, plan.silent, self.now()),
            *(plan.window.start_s, plan.window.expires_s, _names(plan.issuers)),
            *(plan.told, plan.origin),
        )
        with self.store.transaction():
            self.orders.add(added, made)
            for old, cancelling in cancels:
                self._add_cancel(old, cancelling, plan.issuers)
        return added

    # A cancel

    def to_cancel(self, origins: Sequence[str]) -> list[orders.Order]:
        """Return the alerts that a CAP message cancels.

        Raises:
            AlertError: none of them was sent from here, or they have ended.
        """
        found = self._of_origins(origins)
        if not found:
            message = "nothing that sounds now was sent for the messages that it cancels"
            raise AlertError(message, "see 'fieldbeat alert status'")
        return found

    def _of_origins(self, origins: Iterable[str]) -> list[orders.Order]:
        """Return what was made of CAP messages and counts still."""
        made = [each for origin in origins for each in self.orders.of_origin(origin)]
        return [each for each in made if self._counts(each)]

    def _counts(self, order: orders.Order) -> bool:
        """Whether an order can still sound somewhere."""
        return order.expires_s > self.now() and not self.orders.is_over(order)

    def cancellers(self, order: orders.Order, names: Sequence[str]) -> list[Issuer]:
        """Return who signs a cancel.

        Raises:
            AlertError: nothing is left to cancel.
            IssuerError: nobody may, or it is not told who does.
        """
        id_ = order.id.hex()
        if order.cancelled_s is not None:
            message = f"alert {id_} was cancelled at {iso(order.cancelled_s)}"
            raise AlertError(message, f"see who stopped: fieldbeat alert status {id_}")
        untold = self._untold(order)
        step = f"nothing is left to cancel; see how it ended: fieldbeat alert status {id_[:6]}"
        if not untold:
            raise AlertError(f"alert {id_} is over: everyone has told how it ended", step)
        if order.expires_s <= self.now():
            message = (
                f"alert {id_} ended at {iso(order.expires_s)}; {first(untold)} did not tell how"
            )
            raise AlertError(message, step)
        return self.chosen(names[:1], order.class_, order.level)

    def _untold(self, order: orders.Order) -> list[str]:
        return [each.unit for each in self.orders.deliveries(order) if not each.is_over]

    def cancel(self, order: orders.Order, issuers: Sequence[Issuer], keys: Keys) -> orders.Order:
        """Sign a cancel and hand it to the collector; see `send`."""
        made = self._cancels(order, keys(issuers))
        with self.store.transaction():
            return self._add_cancel(order, made, issuers)

    def _cancels(self, order: orders.Order, signers: Sequence[Signer]) -> list[Made]:
        units = alerts.by_name(self.registry.units())
        sent = [
            Made(id_, plaintext, tuple(units[name] for name in names if name in units))
            for id_, plaintext, names in self.orders.commands(order)
        ]
        maker = Maker(self.issuers, signers[:1], self.now())
        return maker.cancel((order.class_, order.level), sent, order.expires_s)

    def _add_cancel(
        self, order: orders.Order, made: list[Made], issuers: Sequence[Issuer]
    ) -> orders.Order:
        added = orders.Order(
            *(made[0].id, command.CANCEL, order.class_, order.level, False, self.now()),
            *(0.0, order.expires_s, _names(issuers[:1])),
            *(f"cancel of {order.id.hex()}: {order.told}", "", order.id),
        )
        self.orders.add(added, made)
        return added

    # What a request means

    def _window(self, request: Request) -> Window:
        now_s = self.now()
        start_s = request.start_s or 0.0
        begin_s = max(start_s, now_s)
        expires_s = request.expires_s or begin_s + (request.for_s or WINDOW_S)
        if expires_s <= now_s:
            raise AlertError(f"it would have ended at {iso(expires_s)}", "give a later --until")
        if expires_s <= begin_s:
            message = f"it would end at {iso(expires_s)}, before it begins"
            raise AlertError(message, "give a later --until, or an earlier --at")
        if expires_s - now_s > LONGEST_S:
            message = f"it would end at {iso(expires_s)}, more than 30 days ahead"
            raise AlertError(message, "give an earlier end: units keep nothing for longer")
        return Window(start_s if start_s > now_s else 0.0, expires_s)

    def _content(self, request: Request, class_: int, window: Window) -> list[list]:
        steps = [alerts.clip(name) for name in request.clips]
        steps += [step for text in request.texts for step in alerts.speech(text)]
        if request.stream:
            seconds = window.expires_s - max(window.start_s, self.now())
            steps.append(alerts.stream(request.stream, request.codec, seconds))
        pattern = request.tone or ("none" if class_ == DAILY else TONE)
        if not steps and request.tone in (None, "none"):
            step = "add --text, --clip, --stream, --tone or --cap"
            raise AlertError("nobody said what is to be sounded", step)
        return steps if pattern == "none" else [alerts.tone(pattern, TONE_S), *steps]

    def _longest(self, request: Request, info: Info) -> Plan:
        """Return the plan with the fullest of the texts that fits into a command."""
        if request.texts or request.clips or request.stream:
            return self.plan(request)
        choices = info.spoken()
        for text in choices[:-1]:
            try:
                plan = self.plan(replace(request, texts=[text]))
            except AlertError:  # too long, or what is wrong with all of them
                continue
            return plan if text == choices[0] else _shortened(plan)
        plan = self.plan(replace(request, texts=[choices[-1]]))
        return plan if len(choices) == 1 else _shortened(plan)

    def chosen(
        self, names: Sequence[str], class_: int, level: int, what: str = ""
    ) -> list[Issuer]:
        """Return the issuers that were named, or the only one who may; `what` he is to order.

        Raises:
            IssuerError: one may not, or nobody was named and several may.
        """
        if names:
            named = [self.issuers.get(name) for name in names]
        else:
            everybody = self.issuers.in_office()
            named = [each for each in everybody if each.may(class_, level)]
            if len(named) != 1:
                known = ", ".join(f"{each.name} ({each.rights})" for each in named)
                who = "several issuers may" if named else "no issuer may"
                step = f"choose with --issuer: {known}" if named else _FIRST_ISSUER
                if everybody and not named:
                    step = "see 'fieldbeat issuer list'"
                raise IssuerError(f"{who} order {what or alerts.words(class_, level)}", step)
        if len(set(named)) != len(named) or len(named) > 2:
            raise IssuerError("a command has one or two different issuers", "name each once")
        for issuer in named:
            alerts.check_issuer(issuer, class_, level)
        return named


# A unit obeys those who were there when it was provisioned.
_FIRST_ISSUER = "make one with 'fieldbeat issuer new NAME', then provision the units again"


def _shortened(plan: Plan) -> Plan:
    note = "the whole text of the message is too long for a command: only part of it is spoken"
    return replace(plan, notes=(*plan.notes, note))


def _names(issuers: Sequence[Issuer]) -> str:
    return ", ".join(issuer.name for issuer in issuers)
