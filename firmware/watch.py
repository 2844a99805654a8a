# Alarms of a station, and how often it samples: by what its channels say. Loaded only where the
# config has a table [watch].
# SPDX-License-Identifier: Apache-2.0
import asyncio

from protocols import alarm_watch
from protocols.compat import const
from protocols.window import Window

from .paced_sampler import PacedSampler  # noqa: F401
from .rain_sums import RainSums

_SILENCE_S = const(1800)  # of a wake, as in roles/station.py
# A rate is that of so long, so that waves and the sensor's noise do not count.
_RISE_S = const(600)
_HOUR_S = const(3600)
_DAY_S = const(86400)
# What jumps is believed once it has lasted (drivers/surface.py): so long, and one look more.
_DOUBT_S = const(45)
_RETRY_S = const(60)  # after the first wake that did not bring an alarm to the server


class _Alarm:
    # entry: of the config; what alarm_watch.py and the ALARM event want of a rule.
    pause_s = 0

    def __init__(self, entry, now_s, gap_s):
        self.number, self.channel, self.unit, self.scale = entry[:4]
        self.threshold, self.below, self.hysteresis, self.hold_s, self.rises = entry[4:]
        self.gap_s = gap_s
        self.on = False  # it was told, and is not over
        self.arm(now_s)

    def arm(self, now_s):
        gap_s = max(alarm_watch.GAP_S, self.gap_s)
        self.state = alarm_watch.Watch(self, now_s, gap_s, max(alarm_watch.BLIND_S, gap_s))


# A mark of the pace: [channel, threshold, below, rises]
def _is_beyond(value, threshold, below):
    return value is not None and (value < threshold if below else value > threshold)


class Watch:
    # What measures rain among the role's parts gets its sums.
    def __init__(self, node, role):
        self._node = node
        self._role = role
        config = node.config["watch"]
        interval_s = node.config["sampling"]["interval_s"]
        now_s = node.clock.uptime_s()
        self.pace = config["pace"]  # None, or interval_s, look_s, hold_s, marks
        self._alarms = [_Alarm(entry, now_s, 2 * interval_s) for entry in config["alarms"]]
        marks = self._marks = self.pace["marks"] if self.pace else []
        wanted = [(alarm.channel, alarm.rises) for alarm in self._alarms]
        wanted += [(channel, rises) for channel, _, _, rises in marks]
        self.names = {channel for channel, _ in wanted}
        # Of what may rise: what it was some time ago.
        span_s = max(_RISE_S, interval_s)
        self._before = {channel: Window(span_s) for channel, rises in wanted if rises}
        self._fast_until_s = 0
        self._wanted = False  # an alarm is to be sent now
        self._retry_s = 0  # the last try failed: when to try again
        self._nap = None
        for name, part in role.parts.items():
            if part and part.CHANNELS[:1] and part.CHANNELS[0][0] == "rain":
                role.parts[name] = RainSums(part, node.clock, config["day_start_s"])

    def lead(self, sampler):
        sampler.follow(self)

    @property
    def is_fast(self):
        return self._node.clock.uptime_s() < self._fast_until_s

    # A round could not tell what the last one told: looks tell whether it has jumped.
    def doubt(self):
        if self.pace:
            until_s = self._node.clock.uptime_s() + _DOUBT_S
            self._fast_until_s = max(self._fast_until_s, until_s)

    # -> rows for the console
    def standing(self, decimal):
        return [
            (
                "ALARM %d" % alarm.number,
                "%s is %s %s %s"
                % (
                    alarm.channel,
                    "below" if alarm.below else "above",
                    decimal(alarm.threshold, alarm.scale),
                    alarm.unit,
                ),
            )
            for alarm in self._alarms
            if alarm.on
        ]

    # values: {channel: counts, None without a value that can be believed}
    def update(self, values):
        now_s = self._node.clock.uptime_s()
        rates = self._rates(now_s, values)
        beyond = False
        for alarm in self._alarms:
            value = (rates if alarm.rises else values).get(alarm.channel)
            if alarm.state.update(now_s, value):
                self._tell(alarm, value, True)
            elif alarm.on and value is not None and alarm.state.is_back:
                self._tell(alarm, value, False)
            beyond = beyond or _is_beyond(value, alarm.threshold, alarm.below)
        for channel, threshold, below, rises in self._marks:
            value = (rates if rises else values).get(channel)
            beyond = beyond or _is_beyond(value, threshold, below)
        if beyond and self.pace:
            self._fast_until_s = now_s + self.pace["hold_s"]

    # -> {channel: counts an hour}
    def _rates(self, now_s, values):
        rates = {}
        for channel, window in self._before.items():
            value = values.get(channel)
            if value is not None:
                then_s, before = window.add(now_s, value)
                if now_s - then_s >= window.span_s // 2:
                    rates[channel] = (value - before) * _HOUR_S // (now_s - then_s)
        return rates

    # What could not be kept is told again, after another hold. What led to it goes along with it.
    def _tell(self, alarm, value, begins):
        node = self._node
        word = "is" if begins else "is over:"
        node.log("alarm %d %s %s %d" % (alarm.number, word, alarm.channel, value), "watch")
        self._role.sampler.flush()
        rn = None
        try:
            rn = node.tell("alarm", alarm, value, begins)
        finally:
            if rn is None:
                alarm.arm(node.clock.uptime_s())
        if rn is not None:
            alarm.on = begins
            self.hurry()
            pictures = getattr(self._role, "pictures", None)
            if begins and pictures:
                pictures.alarmed()

    # --- an alarm overtakes everything: it does not wait for the next wake

    # A wake now, and again until one is answered.
    def hurry(self):
        self._wanted = True
        if self._nap:
            self._nap.cancel()

    def tasks(self):
        return (("alarms", self.run, _SILENCE_S),)

    async def run(self, beat):
        while True:
            while self._wanted:
                self._wanted = False
                await self._role.wake(beat)
                failed = self._role.uplink.outcome not in ("acked", "partly")
                self._retry_s = min(max(_RETRY_S, 2 * self._retry_s), _HOUR_S) * failed
            await self._rest(beat)

    # Until there is an alarm, or the time to try again; by clock.until(), so that it may sleep.
    async def _rest(self, beat):
        clock = self._node.clock
        t = clock.now() + (self._retry_s or _DAY_S)
        self._nap = asyncio.create_task(clock.until(t, beat))
        try:
            await self._nap
            self._wanted = self._wanted or self._retry_s > 0
        except asyncio.CancelledError:
            if not self._wanted:  # not by _tell()
                raise
        finally:
            self._nap = None

    # --- over a deep sleep

    def keep(self):
        alarms = [[alarm.on] + alarm.state.keep() for alarm in self._alarms]
        marks = [self._before[channel].marks for channel in sorted(self._before)]
        return [self._fast_until_s, self._retry_s, alarms, marks]

    def resume(self, kept):
        self._fast_until_s, self._retry_s, alarms, marks = kept
        for alarm, state in zip(self._alarms, alarms):
            alarm.on = state[0]
            alarm.state.resume(state[1:])
        for channel, own in zip(sorted(self._before), marks):
            self._before[channel].marks = own
