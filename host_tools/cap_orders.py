"""What a CAP message orders: an alert out of its texts and places, or a cancel of what it was."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from . import alert_places, cap_places, sounds
from .alert_desk import Desk
from .alert_error import AlertError
from .alert_plan import Plan
from .alert_request import Request
from .cap import Info, Message
from .language import tr
from .orders import Order
from .times import iso

OLD_S = 1800.0  # of a message without an end; so long an order counts that has none


def plan(desk: Desk, message: Message, request: Request, language: str | None = None) -> Plan:
    """Return what would be sent for a CAP message; what the request says goes before it.

    Raises:
        CapError: it has expired, or has no info of that language.
        AlertError, IssuerError: as `Desk.plan`.
    """
    info = message.info(desk.now(), language)
    if not info.level and not request.level:
        step = tr("decide with --level, 1 (the highest) to 4")
        raise AlertError(tr("its severity is {severity}").format(severity=info.severity), step)
    notes: list[str] = []
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
        places = cap_places.resolve(info.areas, alert_places.speakers(desk.registry))
        asked.units = [unit.name for unit in places.units]
        notes += places.notes
    fullest = _longest(desk, asked, info)
    notes += _sent_before(desk, message, fullest)
    speakers = alert_places.speakers(desk.registry)
    notes += cap_places.not_reached(message, info, fullest.units, speakers)
    if info.expires_s is None and desk.now() - message.sent_s > OLD_S:
        text = tr("the message is of {sent_s}, and does not say until when it counts")
        notes.append(text.format(sent_s=iso(message.sent_s)))
    if info.is_past:
        notes.append(tr("the message says that the danger is over (Past, or AllClear)"))
    replaced = _of_origins(desk, message.references)
    notes += [
        tr("alert {id} is cancelled, this is its update").format(id=each.id.hex())
        for each in replaced
    ]
    notes += fullest.notes
    return replace(fullest, notes=tuple(notes), origin=message.origin, cancels=tuple(replaced))


def _sent_before(desk: Desk, message: Message, plan: Plan) -> list[str]:
    """Return in words that a message was sent before to some of these loudspeakers.

    Raises:
        AlertError: that still counts.
    """
    meant = {unit.name for unit in plan.units}
    for sent in desk.orders.of_origin(message.origin):
        if meant.isdisjoint(each.unit for each in desk.orders.deliveries(sent)):
            continue
        id_ = sent.id.hex()
        text = tr("this message was sent as alert {id} at {made_s}").format(
            id=id_, made_s=iso(sent.made_s)
        )
        if desk.can_sound(sent):
            step = tr("cancel it first: fieldbeat alert cancel {id}").format(id=id_)
            raise AlertError(text, step)
        again = tr("{text}, which is over; it SOUNDS AGAIN where it has sounded")
        return [again.format(text=text)]
    return []


def to_cancel(desk: Desk, origins: Sequence[str]) -> list[Order]:
    """Return the alerts that a CAP message cancels.

    Raises:
        AlertError: none of them was sent from here, or they have ended.
    """
    found = _of_origins(desk, origins)
    if not found:
        message = tr("nothing that sounds now was sent for the messages that it cancels")
        raise AlertError(message, tr("see 'fieldbeat alert status'"))
    return found


def _of_origins(desk: Desk, origins: Iterable[str]) -> list[Order]:
    """Return what was made of CAP messages and counts still."""
    made = [each for origin in origins for each in desk.orders.of_origin(origin)]
    return [each for each in made if desk.can_sound(each)]


def _longest(desk: Desk, request: Request, info: Info) -> Plan:
    """Return the plan with the fullest of the texts that fits into a command."""
    if request.texts or request.clips or request.stream:
        return desk.plan(request)
    choices = info.spoken()
    dumb = sounds.unspeakable("".join(choices))
    if not dumb:
        return _longest_of(desk, request, choices)
    note = tr("LEFT OUT, for no TTS chip speaks it: {listed}").format(
        listed=", ".join(f"'{each}' (U+{ord(each):04X})" for each in dumb)
    )
    without = dict.fromkeys(map(ord, dumb))
    made = _longest_of(desk, request, [text.translate(without) for text in choices])
    return replace(made, notes=(*made.notes, note))


def _longest_of(desk: Desk, request: Request, choices: Sequence[str]) -> Plan:
    for text in choices[:-1]:
        try:
            made = desk.plan(replace(request, texts=[text]))
        except AlertError:  # too long, or what is wrong with all of them
            continue
        return made if text == choices[0] else _shortened(made)
    made = desk.plan(replace(request, texts=[choices[-1]]))
    return made if len(choices) == 1 else _shortened(made)


def _shortened(plan: Plan) -> Plan:
    note = tr("the whole text of the message is too long for a command: only part of it is spoken")
    return replace(plan, notes=(*plan.notes, note))
