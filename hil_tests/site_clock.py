"""The time of a site, for a verb of ours that waits in it: it passes while the verb does.

monkeypatch.setattr(unit_orders, "time", SiteClock(site))
"""

from __future__ import annotations

from .virtual.site import Site

STEP_S = 10  # at least, so that a verb that looks often costs little


class SiteClock:
    """In place of the module `time`; the site's collector is at work meanwhile."""

    def __init__(self, site: Site) -> None:
        self.site = site

    def monotonic(self) -> float:
        return self.site.now_s

    def sleep(self, seconds: float) -> None:
        self.site.dispatch()
        self.site.run_for(max(seconds, STEP_S))
