"""What goes wrong at a desk: whoever runs `fieldbeat bench up` types what it shall be.

contact hand on        somebody closes a contact; 'contact hand off' opens it
fault air unplugged    a part has a fault of its model; 'fault air off' ends all that it has
leak on                water flows though everything is shut
link off               nobody is reached
"""

from __future__ import annotations

from fieldbeat.host_tools.language import tr
from fieldbeat.host_tools.validation import did_you_mean

from .virtual.bench import Bench
from .virtual.fault_panel import faults_of
from .virtual.models.contact import Contact
from .virtual.models.faults import Faults
from .virtual.plant import LEAK

STATES = {"on": True, "off": False}


def orders() -> str:
    """What may be typed."""
    return tr(
        "type 'contact hand on', 'fault air unplugged' ('fault air' lists what there is, "
        "'fault air off' ends it), 'leak on' or 'link off'"
    )


def order(bench: Bench, now_us: int, text: str) -> str:
    """Does what was typed and returns what to say of it."""
    words = text.split()
    match words:
        case ["leak" | "link" as what, state] if state in STATES:
            if what == "leak":
                bench.scene.plant.put(LEAK, float(STATES[state]), now_us)
            else:
                bench.network.away(not STATES[state])
        case ["contact", name, state] if state in STATES:
            contacts = _contacts(bench)
            if name not in contacts:
                return tr("no contact '{name}', {did_you_mean}").format(
                    name=name, did_you_mean=did_you_mean(name, contacts)
                )
            for contact in contacts[name]:
                contact.set(STATES[state], bounces=2)
        case ["fault", name, *fault] if len(fault) < 2:
            return _fault(bench, name, *fault)
        case _:
            return orders()
    return tr("{what} is {state}").format(what=" ".join(words[:-1]), state=words[-1])


def _contacts(bench: Bench) -> dict[str, list[Contact]]:
    found: dict[str, list[Contact]] = {}
    for board in bench.boards.values():
        for name, part in board.fitted.parts.items() if board.fitted else ():
            if isinstance(part, Contact):
                found.setdefault(name, []).append(part)
    return found


def _fault(bench: Bench, name: str, fault: str = "") -> str:
    """Turns a switch of a part, on all boards that have it; else says which it has."""
    parts: dict[str, list[Faults]] = {}
    for board in bench.boards.values():
        found = faults_of(board)
        if board.fitted:  # relays of one board have the same ones, each under its name
            own = {key: getattr(part, "faults", None) for key, part in board.fitted.parts.items()}
            found |= {key: each for key, each in own.items() if isinstance(each, Faults)}
        for part, faults in found.items():
            parts.setdefault(part, []).append(faults)
    if name not in parts:
        return tr("no part '{name}', {did_you_mean}").format(
            name=name, did_you_mean=did_you_mean(name, parts)
        )
    switches = [key for key, value in parts[name][0].off.items() if value is False]
    if fault == "off":
        for faults in parts[name]:
            faults.clear()
        return tr("{name} is well again").format(name=name)
    if fault not in switches:
        return tr("{name} may be: {listed}").format(name=name, listed=", ".join(switches))
    for faults in parts[name]:
        setattr(faults, fault, True)
    told = tr("{name} is {fault} until you type 'fault {name} off'")
    return told.format(name=name, fault=fault)
