# The tasks of a unit and their supervision: restarts, watchdog, safe mode.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import gc

import machine

from protocols.compat import const

from . import crash, flight, later
from .clock import Clock
from .console import Console, SerialStream
from .counters import Counters
from .secrets import Secrets

_WATCHDOG_MS = const(120000)
# Of a unit that drives something: what hangs keeps its outputs for so long. The longest that one
# task takes for itself is a signature, a second (estimated for a chip; docs/performance.md).
_ACTING_MS = const(30000)
_FEED_MS = const(5000)
_LATE_MS = const(1000)
_HOUSE_SILENCE_S = const(200)
_RESTARTS = const(5)  # an hour and task
_HOUR_S = const(3600)
_DAY_S = const(86400)
_PAUSE_MS = const(5000)  # before a restart
_PROVEN_S = const(600)  # alive this long is a proof of health, as an answer of the server is
_LOG_LINES = const(20)

# What later.call() loads: the first has the function, the others go with it.
_AT_REST = const("firmware.at_rest firmware.board firmware.parts")
_SETTINGS = const(
    "firmware.settings firmware.config firmware.config_check protocols.cbor protocols.cbor_reader"
)
_BOARD = const("firmware.board firmware.parts")
_EVENTS = const(
    "firmware.events firmware.speaker_events firmware.silence_events firmware.control_events"
    " firmware.sleep_store"
    " protocols.event_writer protocols.reasons protocols.schema_map protocols.cbor"
    " protocols.cbor_reader"
)
_SHELL = const("firmware.shell")
_FLIGHT = const("firmware.flight_file")
_SET_UP = const("firmware.set_up")
_SERVER = const(
    "firmware.smp_server firmware.smp_request protocols.smp protocols.cbor protocols.cbor_reader"
)

# As in host_tools/flight_records.py.
_LATE = const(27)
_SAFE = const(28)
_WAKE = const(29)

_HELD = const("held in its boot window; reboot ends it")
_HELD_S = const(600)
_HOLD = const(b"\x15")  # Ctrl-U
_ESSENTIAL = const(("console", "house"))  # what runs in safe mode too


class Node:
    # root: where /config.cbor and the others are; "" but for tests, as is the stream.
    def __init__(self, root="", stream=None):
        self._watchdog = machine.WDT(timeout=_WATCHDOG_MS)  # runs while all this is set up
        self.root = root
        early = later.call(_FLIGHT, "load", root, not stream)
        self._held = early == _HOLD
        self.counters = Counters()
        self.secrets = Secrets()
        self.clock = Clock(self.counters)
        settings = later.call(_SETTINGS, "load", root, self.counters)
        self.blocked = later.call(_AT_REST, "rest", settings.board, self)
        self.config = settings.config
        self.config_hash = settings.config_hash
        self.version = settings.app.get("version", "unknown")
        self.mac = machine.unique_id()
        self.outbox = self.uplink = self.sampler = self.role = self.actuators = None
        self.parts_lock = asyncio.Lock()  # whoever reads a part holds it: they share buses
        self.safe_mode_reason = None
        self.lock = [0, 0]  # see lock.py
        self.slot = None  # of the bench that it stands in
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
        if not stream:
            stream = SerialStream(b"" if self._held else early)
        language = self.config["node"].get("language")
        self.console = Console(stream, self._shell, self._server, language, self.reboot)
        self._needs_data = bool(settings.problem)
        self._waits_for_keys = self._has_keys = False
        self._cause, problem = None, _HELD
        if not self._held:
            self._cause, problem = later.call(_SET_UP, "set_up", self, settings)
        if problem:
            self.role = None
            self._enter_safe_mode(problem)
        if not self.role:  # a station empties the map of its board
            settings = later.call(_SETTINGS, "load", root, Counters(), ("board",))
            later.call(_AT_REST, "off", settings.board)
        if not self.role and not problem:
            self._waits_for_keys = True
            self.log("it has no keys yet: run fieldbeat provision on this port")
        flight.keep(0)

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
        self.console.say(line)

    # What may be the last that is heard of it goes to flash.
    def _record(self, code, text):
        try:
            later.call(_FLIGHT, "write", self.root, code, text)
        except MemoryError:
            pass

    async def run(self):
        if self.role:  # not earlier: what the set-up took of the heap is free again
            if "power" in self.config:
                self.role.start()
            if self._cause:
                self.tell("boot", self._cause)
                self.tell("schema")
        self._start("console", lambda beat: self.console.run())
        self._start("house", self._keep_house, _HOUSE_SILENCE_S)
        if self.role:
            for name, function, silence_s in self.role.tasks():
                self._start(name, function, silence_s)
        if self.actuators:
            machine.WDT(timeout=_ACTING_MS)  # a second one changes the time of the first
        while True:
            if self._alive():
                self._watchdog.feed()
            elif self.actuators:  # whatever hangs might have had them off
                self.rest()
                machine.WDT(timeout=_LATE_MS)
            wait_ms = self.clock.slice_ms()
            await asyncio.sleep_ms(min(wait_ms, _FEED_MS) if self.actuators else wait_ms)

    # Before a reset that is wanted. What was measured is worth as much as any record.
    def close(self):
        self.rest()
        try:
            if self.sampler:
                self.make_room()
                if not self.sampler.flush():
                    raise MemoryError("the last samples are lost")
        except Exception as error:  # counters do not survive the reset, /crash.txt does
            self.keep_crash(error)

    # Whatever acts stops: nobody looks after it any more.
    def rest(self):
        if self.actuators:
            self.actuators.off()

    # Somebody asked for it, so this app works well enough to be asked: no failed try.
    def reboot(self):
        try:
            self.close()
            self.secrets.healthy()
        finally:  # whatever fails, for want of memory say
            machine.reset()

    # Before what takes much heap: shell and server come back when somebody speaks to them.
    def make_room(self):
        self._shell.forget()
        self._server.forget()
        gc.collect()

    # The role calls this after each wake.
    def woke(self):
        outbox, uplink = self.outbox, self.uplink
        if uplink:
            outcome = uplink.outcome.encode()
            flight.text(_WAKE, outcome, len(outcome))
            flight.keep(0)
        if not outbox or not uplink or uplink.acked_s is None:
            return
        self._prove()
        if not self._contact:
            self.tell("health")
            self._contact = True
        if outbox.host_behind:
            self.tell("health", True)
            outbox.host_behind = False

    # --- supervision

    def _start(self, name, function, silence_s=None):
        self.tasks[name] = asyncio.create_task(self._supervise(name, function, silence_s))

    async def _supervise(self, name, function, silence_s):
        def beat():
            if silence_s:
                self._beats[name] = self.clock.uptime_s(), silence_s

        try:
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
        except Exception:  # for want of memory, say: a task would be gone and nobody told
            try:
                self.close()
            finally:
                machine.reset()

    def _may_restart(self, name):
        now = self.clock.uptime_s()
        recent = [t for t in self._restarts.get(name, ()) if now - t < _HOUR_S]
        self._restarts[name] = recent + [now]
        return len(recent) < _RESTARTS

    def _alive(self):
        now = self.clock.uptime_s()
        late = [name for name, (t, silence_s) in self._beats.items() if now - t > silence_s]
        if late and late != self._late:
            text = ", ".join(late)
            self.log("silent: %s; the watchdog will reset" % text)
            self._record(_LATE, text)
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
        self._record(_SAFE, reason)
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
        elif uptime_s - self._safe_since_s >= (_HELD_S if self._held else _HOUR_S):
            self.reboot()
