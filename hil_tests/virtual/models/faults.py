"""Fault switches of a device model, and the count of how often each one took effect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

Listener = Callable[[str, str], object]  # name of the fault, what happened to it


class Fired(Counter[str]):
    """Counts effects by name, and tells listeners of each."""

    listeners: tuple[Listener, ...] = ()

    def __setitem__(self, name: str, count: int) -> None:
        super().__setitem__(name, count)
        for listener in self.listeners:
            listener(name, f"fired {count}")


class Faults:
    """Named switches, all off at first; `faults.unplugged = True` turns one on.

    `faults.limit("bad_crc", 2)` turns one on for two effects. `fired` counts the effects by name.
    `unfired()` names the faults that were asked for and never took effect: a test that leaves one
    there has proved nothing.
    """

    fired: Fired
    _asked: set[str]
    _left: dict[str, int]
    _off: dict[str, Any]

    def __init__(self, **switches: Any) -> None:
        vars(self).update(_off=dict(switches), _left={}, _asked=set(), fired=Fired(), **switches)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._off:
            raise AttributeError(f"no fault {name!r}; this model has: {', '.join(self._off)}")
        self._left.pop(name, None)
        if value:
            self._asked.add(name)
        changed = vars(self)[name] != value
        vars(self)[name] = value
        if changed:
            self._tell(name, f"set to {value!r}" if value else "off")

    def listen(self, listener: Listener) -> None:
        """Call `listener(name, what)` when a switch is turned and when a fault takes effect."""
        self.fired.listeners += (listener,)

    def _tell(self, name: str, what: str) -> None:
        for listener in self.fired.listeners:
            listener(name, what)

    def __getattr__(self, name: str) -> Any:  # only names that do not exist come here
        raise AttributeError(
            f"no fault {name!r}; this model has: {', '.join(vars(self).get('_off', ()))}"
        )

    @property
    def off(self) -> dict[str, Any]:
        """The switches as they are when nothing is wrong."""
        return dict(self._off)

    def limit(self, name: str, times: int, value: Any = True) -> None:
        """Turn a switch on for this many effects."""
        setattr(self, name, value)
        self._left[name] = times

    def take(self, name: str) -> Any:
        """Return the switch; if it is on, count one effect."""
        value = vars(self)[name]
        if value:
            self.fired[name] += 1
            if name in self._left:
                self._left[name] -= 1
                if not self._left[name]:
                    setattr(self, name, self._off[name])
        return value

    def clear(self) -> None:
        """Turn everything off and forget what was asked for and what fired."""
        for name, value in self._off.items():
            setattr(self, name, value)
        self._asked.clear()
        self.fired.clear()

    def unfired(self) -> list[str]:
        """Return the names of the faults that were asked for but never took effect."""
        return sorted(self._asked - set(self.fired))
