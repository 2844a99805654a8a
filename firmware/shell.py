# The verbs of the console, for people and for the shell group of SMP. No verb shows a secret.
# SPDX-License-Identifier: Apache-2.0
import gc

from drivers.errors import DriverError
from protocols.compat import const
from protocols.schema import NORMAL, QUALITY_NAMES

from . import later
from .reboot import reboot_soon

_ENERGY = const("firmware.energy_rows firmware.energy_events")


def decimal(value, scale):
    # 2345 at a scale of 100 is "23.45": a power of ten needs no float.
    digits = len(str(scale)) - 1
    if not digits:
        return str(value)
    text = str(abs(value))
    text = "0" * (digits + 1 - len(text)) + text
    return ("-" if value < 0 else "") + text[:-digits] + "." + text[-digits:]


def table(rows):
    # Two columns: the first as wide as its widest cell.
    width = max([len(name) for name, _ in rows] + [0])
    return "\n".join(["%-*s  %s" % (width, name, value) for name, value in rows])


def flatten(value, path=""):
    # {"a": {"b": 1}} -> [("a.b", 1)], sorted
    if not isinstance(value, dict):
        return [(path, value)]
    rows = []
    for key in sorted(value):
        rows += flatten(value[key], "%s.%s" % (path, key) if path else key)
    return rows


def _reading(column, last):
    value, quality, _ = last[column.name]
    text = "no value" if value is None else decimal(value, column.scale) + " " + column.unit
    return text if quality == NORMAL else "%s (%s)" % (text, QUALITY_NAMES[quality])


class Failed(Exception):
    # The text says what to do next.
    pass


class Shell:
    def __init__(self, node):
        self._node = node
        # verb, arguments, what it does
        self.verbs = [
            ("help", "", self._help, "this list"),
            ("status", "", self._status, "how the unit is"),
            ("id", "", self._id, "who the unit is"),
            (
                "config",
                "show|revert",
                self._config,
                "the configuration, or back to the one before",
            ),
            ("sensors", "", self._sensors, "channels and their last values"),
            ("read", "NAME", self._read, "read a fitted part now"),
            ("modem", "", self._modem, "the modem when it was last on"),
            ("counters", "", self._counters, "what went wrong since boot"),
            ("log", "", self._log, "the last lines of the log"),
            ("uplink", "", self._uplink, "send what is waiting, now"),
            ("reboot", "", self._reboot, "start the unit anew"),
        ]
        if "power" in node.config and node.role:
            self.verbs.append(("power", "", self._power, "where the energy went"))

    # -> (text, 0 or 1). Never raises: what a verb meets belongs on the screen.
    async def execute(self, argv):
        for name, _, function, _ in self.verbs:
            if name == argv[0]:
                try:
                    return await function(argv[1:]), 0
                except Failed as error:
                    return str(error), 1
                except Exception as error:
                    return "%s failed: %r" % (name, error), 1
        return "unknown verb %s; type help" % argv[0], 1

    async def _help(self, args):
        return table([(name + " " + given, about) for name, given, _, about in self.verbs])

    async def _status(self, args):
        node, clock = self._node, self._node.clock
        names = node.config.get("node", {})
        gc.collect()
        time = (
            later.call("firmware.civil", "to_iso", clock.now())
            if clock.synced
            else "not known yet"
        )
        gc.collect()
        rows = [
            ("unit", names.get("name", "not configured")),
            ("board", names.get("board", "not configured")),
            ("profile", names.get("profile", "not configured")),
            ("version", node.version),
            ("uptime", "%d s" % clock.uptime_s()),
            ("time", "%s (%s)" % (time, clock.source)),
            ("outbox", self._waiting()),
            ("uplink", node.uplink.outcome if node.uplink else "off"),
            ("heap", "%d bytes free" % gc.mem_free()),
        ]
        if node.uplink:  # where there are two roads: the one in use
            rows += flatten(node.uplink.carrier.status())
        if node.safe_mode_reason:
            rows.append(("safe mode", node.safe_mode_reason))
        return table(rows)

    def _waiting(self):
        outbox = self._node.outbox
        return "%d records, %d bytes" % (outbox.depth, outbox.size_bytes) if outbox else "none"

    async def _id(self, args):
        kid, epoch, unit = self._node.secrets.identity()
        check = self._node.secrets.check_value()
        if not check:
            return "not provisioned; run fieldbeat provision on this port"
        rows = [("unit", unit), ("kid", kid.hex()), ("epoch", epoch), ("key check", check.hex())]
        return table(rows)

    async def _config(self, args):
        if args == ["revert"]:
            try:
                later.call("firmware.config", "revert", self._node.root)
            except ValueError as error:
                raise Failed("nothing was changed: %s" % error)
            reboot_soon(self._node)
            return "back to the configuration before the last one; rebooting"
        if args not in ([], ["show"]):
            raise Failed(
                "type config show or revert; to change it, run fieldbeat provision on this port"
            )
        return table(flatten(self._node.config))

    async def _sensors(self, args):
        sampler = self._node.sampler
        if not sampler or not sampler.last:
            return "nothing was measured yet; read NAME measures now"
        columns = sorted(sampler.schema.columns)
        return table([(column.name, _reading(column, sampler.last)) for column in columns])

    async def _read(self, args):
        parts = self._node.parts()
        if len(args) != 1 or args[0] not in parts:
            raise Failed("type read NAME with one of " + ", ".join(sorted(parts)))
        part = parts[args[0]]
        if part is None:
            raise Failed("%s is switched off in the configuration" % args[0])
        try:
            async with self._node.parts_lock:
                await part.probe()
                values = await part.read()
        except DriverError as error:
            raise Failed("%s: %s; check its wiring and address" % (args[0], error))
        rows = []
        for (name, unit, scale), value in zip(part.CHANNELS, values):
            rows.append(
                (name, "no value" if value is None else decimal(value, scale) + " " + unit)
            )
        return table(rows)

    def _need_uplink(self):
        if not self._node.uplink:
            raise Failed(
                "there is no uplink: " + (self._node.safe_mode_reason or "not configured")
            )
        return self._node.uplink

    async def _modem(self, args):
        return table(flatten(self._need_uplink().carrier.status())) or "the modem was not on yet"

    async def _counters(self, args):
        return table(flatten(self._node.counters.snapshot())) or "nothing went wrong"

    async def _log(self, args):
        return "\n".join(self._node.log_lines) or "the log is empty"

    async def _power(self, args):
        return table(later.call(_ENERGY, "rows", self._node.role.ledger))

    async def _uplink(self, args):
        uplink = self._need_uplink()
        before = self._node.outbox.depth
        self._node.make_room()
        if hasattr(uplink.carrier, "hurry"):
            uplink.carrier.hurry()  # whoever stands there does not wait for a pause to end
        acked = await uplink.wake()
        self._node.woke()
        after = self._node.outbox.depth
        text = "%s: %d records waited, %d wait now" % (uplink.outcome, before, after)
        if not acked:
            raise Failed(text + "; type modem and counters for the reason")
        return text if before else "nothing was waiting"

    async def _reboot(self, args):
        reboot_soon(self._node)
        return "rebooting"
