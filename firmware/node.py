# The tasks of a unit and their supervision: restarts, watchdog, safe mode.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc

import machine

from protocols.compat import const

from . import crash, later
from .clock import Clock
from .console import Console, SerialStream
from .counters import Counters
from .outbox import Outbox
from .secrets import Secrets

_WATCHDOG_MS = const(120000)
_HOUSE_SILENCE_S = const(200)
_RESTARTS = const(5)  # an hour and task
_HOUR_S = const(3600)
_DAY_S = const(86400)
_PAUSE_MS = const(5000)  # before a restart
_PROVEN_S = const(600)  # alive this long is a proof of health, as an answer of the server is
_TRIES = const(3)  # as in boot.py
_LOG_LINES = const(20)
_OUTBOX_BYTES = const(524288)  # of 2 MiB of file system: half a year of hourly reports

# What later.call() loads: the first has the function, the others go with it.
_SETTINGS = const("firmware.settings firmware.config")
_BOARD = const("firmware.board firmware.parts")
_EVENTS = const(
    "firmware.events firmware.speaker_events firmware.silence_events firmware.sleep_store"
    " protocols.event_writer protocols.reasons protocols.schema_map"
)
_SHELL = const("firmware.shell firmware.reboot")
_SLEEP = const("firmware.sleep")
_SERVER = const("firmware.smp_server firmware.smp_request protocols.smp")

_ROLES = {
    "camera": "firmware.roles.camera",
    "speaker": "firmware.roles.speaker",
    "station": "firmware.roles.station",
}
# By machine.*_RESET.
_CAUSES = const(("unknown", "power", "hard", "watchdog", "deep sleep", "soft"))
_ESSENTIAL = const(("console", "house"))  # what runs in safe mode too


class Node:
    # root: where /config.cbor and the others are; "" but for tests.
    def __init__(self, root="", stream=None):
        self._watchdog = machine.WDT(timeout=_WATCHDOG_MS)  # runs while all this is set up
        self.root = root
        self.counters = Counters()
        self.secrets = Secrets()
        self.clock = Clock(self.counters)
        settings = later.call(_SETTINGS, "load", root, self.counters)
        self.config = settings.config
        self.config_hash = settings.config_hash
        self.version = settings.app.get("version", "unknown")
        self.mac = machine.unique_id()
        self.outbox = self.uplink = self.sampler = self.role = None
        self.parts_lock = asyncio.Lock()  # whoever reads a part holds it: they share buses
        self.safe_mode_reason = None
        self.tasks = {}
        self.log_lines = []
        self._beats = {}  # task: (uptime of its last beat, seconds that it may be silent)
        self._restarts = {}  # task: uptimes of its restarts within an hour
        self._safe_since_s = None
        self._late = []
        self._contact = False  # the server has answered since boot
        self._proven = False
        self._day = 0
        self._shell = later.Later(_SHELL, "Shell", self)
        self._server = later.Later(_SERVER, "SMPServer", self, self._shell, root)
        self._console = Console(stream or SerialStream(), self._shell, self._server)
        self._needs_data = bool(settings.problem)
        self._waits_for_keys = self._has_keys = False
        self._cause = _cause()
        self._set_up(settings)

    # {name: driver, or None where it is switched off} of what is fitted.
    def parts(self):
        if self.role:
            return self.role.parts
        settings = later.call(_SETTINGS, "load", self.root, Counters(), ("board", "config"))
        return later.call(_BOARD, "Board", settings.board).parts(settings.config["fitted"])

    # event: a function of events.py -> what it returns
    def tell(self, event, *args):
        return later.call(_EVENTS, event, self, *args)

    def log(self, text, name="node"):
        line = "L %d %s: %s" % (self.clock.uptime_s(), name, text)
        self.log_lines = self.log_lines[1 - _LOG_LINES :] + [line]
        self._console.say(line)

    async def run(self):
        if self.role:  # not earlier: what the set-up took of the heap is free again
            if "power" in self.config:
                self.role.start()
            if self._cause:
                self.tell("boot", self._cause)
                self.tell("schema")
        self._start("console", lambda beat: self._console.run())
        self._start("house", self._keep_house, _HOUSE_SILENCE_S)
        if self.role:
            for name, function, silence_s in self.role.tasks():
                self._start(name, function, silence_s)
        while True:
            if self._alive():
                self._watchdog.feed()
            await asyncio.sleep_ms(self.clock.slice_ms())

    # Before a reset that is wanted. What was measured is worth as much as any record.
    def close(self):
        try:
            if self.sampler:
                self.make_room()
                if not self.sampler.flush():
                    raise MemoryError("the last samples are lost")
        except Exception as error:  # counters do not survive the reset, /crash.txt does
            self.keep_crash(error)

    # Somebody asked for it, so this app works well enough to be asked: no failed try.
    def reboot(self):
        self.close()
        self.secrets.healthy()
        machine.reset()

    # Before what takes much heap: shell and server come back when somebody speaks to them.
    def make_room(self):
        self._shell.forget()
        self._server.forget()
        gc.collect()

    # The role calls this after each wake.
    def woke(self):
        outbox, uplink = self.outbox, self.uplink
        if not outbox or not uplink or uplink.acked_s is None:
            return
        self._prove()
        if not self._contact:
            self.tell("health")
            self._contact = True
        if outbox.host_behind:
            self.tell("health", True)
            outbox.host_behind = False

    # --- beginning

    def _set_up(self, settings):
        problem = settings.problem
        if self._cause == "watchdog":
            self.counters.count("watchdog")
        if not problem and self.secrets.tries() > _TRIES:
            problem = "%d boots failed; reboot tries again, as it does itself in an hour" % _TRIES
        try:
            self._open_outbox()
            if not problem and self.secrets.check_value():
                self._take_role(settings)
        except Exception as error:
            self.keep_crash(error)
            problem = "cannot start: %r; see /crash.txt" % error
        if problem:
            self.role = None
            self._enter_safe_mode(problem)
        elif not self.role:
            self._waits_for_keys = True
            self.log("it has no keys yet: run fieldbeat provision on this port")

    def _open_outbox(self):
        secrets = self.secrets
        path = self.root + "/outbox"
        try:
            self.outbox = Outbox(
                path, self.counters, _OUTBOX_BYTES, secrets.rn_load, secrets.rn_store
            )
        except OSError:
            self.counters.count("fs_corrupt")
            raise

    def _take_role(self, settings):
        gc.collect()
        role = settings.profile.get("role", "station")
        module = __import__(_ROLES[role], None, None, ("make",))
        board = later.call(_BOARD, "Board", settings.board)
        self.role = module.make(self, board, settings.profile)
        if "power" in self.config:
            module = __import__(_SLEEP, None, None, ("make",))
            self.role = module.make(self, self.role, board)
        self.sampler, self.uplink = self.role.sampler, self.role.uplink

    # --- supervision

    def _start(self, name, function, silence_s=None):
        self.tasks[name] = asyncio.create_task(self._supervise(name, function, silence_s))

    async def _supervise(self, name, function, silence_s):
        def beat():
            if silence_s:
                self._beats[name] = self.clock.uptime_s(), silence_s

        while True:
            beat()
            try:
                await function(beat)
            except Exception as error:
                self.keep_crash(error, name)
            self.counters.count("task_restart")
            if not self._may_restart(name) and not (self.role and self.role.ALWAYS_ON):
                self._enter_safe_mode("task %s fails again and again; see /crash.txt" % name)
            if self.safe_mode_reason and name not in _ESSENTIAL:
                return
            await asyncio.sleep_ms(_PAUSE_MS)
            gc.collect()

    def _may_restart(self, name):
        now = self.clock.uptime_s()
        recent = [t for t in self._restarts.get(name, ()) if now - t < _HOUR_S]
        self._restarts[name] = recent + [now]
        return len(recent) < _RESTARTS

    def _alive(self):
        now = self.clock.uptime_s()
        late = [name for name, (t, silence_s) in self._beats.items() if now - t > silence_s]
        if late and late != self._late:
            self.log("silent: %s; the watchdog will reset" % ", ".join(late))
        self._late = late
        return not late

    # Console and watchdog only; `status` tells the reason.
    def _enter_safe_mode(self, reason):
        if self.safe_mode_reason:
            return
        self.safe_mode_reason = reason
        self._safe_since_s = self.clock.uptime_s()
        self.counters.count("safe_mode")
        self.log("safe mode: " + reason)
        self.close()
        current = asyncio.current_task() if self.tasks else None
        for name in self.tasks:
            if name not in _ESSENTIAL:
                self._beats.pop(name, None)
                if self.tasks[name] is not current:
                    self.tasks[name].cancel()

    def keep_crash(self, error, name="node"):
        gc.collect()
        try:
            text = crash.traceback(error)
            crash.keep(self.root, text, self.clock.uptime_s())
            self.log("%r, traceback %s in /crash.txt" % (error, crash.fingerprint(text)), name)
        except MemoryError:  # a task that has none left is restarted all the same
            pass

    # --- every minute

    async def _keep_house(self, beat):
        while True:
            beat()
            uptime_s = self.clock.uptime_s()  # often enough to see ticks wrap
            self._shell.rest()
            self._server.rest()
            if self.safe_mode_reason:
                self._wait_in_safe_mode(uptime_s)
            elif self._waits_for_keys:
                self._look_for_keys()
            else:
                self._keep_day(uptime_s)
            await asyncio.sleep_ms(self.clock.slice_ms())

    def _keep_day(self, uptime_s):
        if uptime_s >= _PROVEN_S:
            self._prove()
        day = uptime_s // _DAY_S
        if day != self._day:
            self.make_room()
            self.tell("schema")
            self.tell("health")
            self._day = day

    # Whoever brings the keys resets the unit when all is written; else it does so itself.
    def _look_for_keys(self):
        self._prove()
        had, self._has_keys = self._has_keys, bool(self.secrets.check_value())
        if had:
            machine.reset()

    # The app is not to blame for what is wrong, or nothing is: boot.py may trust it.
    def _prove(self):
        if not self._proven:
            self._proven = True
            self.secrets.healthy()

    # If nobody comes it tries again after an hour, unless only other data can help.
    def _wait_in_safe_mode(self, uptime_s):
        if self._needs_data:
            self._prove()
        elif uptime_s - self._safe_since_s >= _HOUR_S:
            self.reboot()


def _cause():
    number = machine.reset_cause()
    return _CAUSES[number] if 0 < number < len(_CAUSES) else _CAUSES[0]
