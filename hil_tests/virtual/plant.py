"""What the actuators of a scene do at the moment, for whoever watches or models the plant.

scene.plant.outputs["roof"]                  # 0 to 1; a motor's position, a relay's 0 or 1
scene.plant.listeners.append(call)           # call(name, value, now_us), at each change
scene.plant.put(LEAK, 1, now_us)             # a valve that does not close
"""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[str, float, int], object]
LEAK = "leak"
WATER_L_MIN = 30.0


def water_l_min(outputs: dict[str, float]) -> float:
    """What flows while the pump runs through an open valve; without a pump, and in a leak, it does
    so from the mains.
    """
    pumped = outputs.get("valve") and outputs.get("pump", 1)
    return WATER_L_MIN if pumped or outputs.get(LEAK) else 0.0


class Plant:
    """`outputs` by the name of the fitted part; `changes` are all there were, with their times.

    A valve or a relay is 0 or 1 as it stands, not as it was told; a motor moves in small steps.
    """

    def __init__(self) -> None:
        self.outputs: dict[str, float] = {}
        self.changes: list[tuple[int, str, float]] = []  # us, name, value
        self.listeners: list[Listener] = []

    def put(self, name: str, value: float, now_us: int) -> None:
        """An actuator has another value from now on; the same one again is none."""
        if self.outputs.get(name) == value:
            return
        self.outputs[name] = value
        self.changes.append((now_us, name, value))
        for listener in self.listeners:
            listener(name, value, now_us)

    def runs(self, name: str) -> list[tuple[float, float | None]]:
        """When it was on, in seconds: begin and end, None for one that goes on."""
        found: list[tuple[float, float | None]] = []
        for at_us, own, value in self.changes:
            if own != name:
                continue
            if value and (not found or found[-1][1] is not None):
                found.append((at_us / 1e6, None))
            elif not value and found and found[-1][1] is None:
                found[-1] = found[-1][0], at_us / 1e6
        return found
