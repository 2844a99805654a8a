"""An NB-IoT modem with AT commands: power, serial line, and command order.

What a model is made of: `modem_radio.py` is its network side (registration, sockets, sleep),
`at_commands.py` has the commands of the standard, a file of its own those of its maker. Source:
3GPP TS 27.007. Not modelled: TCP, MQTT, LwM2M, SMS, firmware update.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..network import Network
from ..world import Event, World
from .at_line import AtError, parse
from .modem_faults import ModemFaults
from .modem_radio import Radio
from .uart import UartDevice, to_text

OFF, BOOTING, ON, ASLEEP = "off", "booting", "on", "asleep"
POWER_ON_US = 500_000  # PWRKEY low at least this long starts it
WAKE_US = 50_000  # PWRKEY or RESET_N low at least this long
LIGHT_SLEEP_US = 10_000_000  # idle time after which the first command only wakes it
MAX_COMMAND = 2_200
NETWORK_BAND = "5"  # 850 MHz


class ATModem(UartDevice):
    """The whole modem; `pwrkey` and `reset` listen to the board's pins (1 = pressed)."""

    # A model says what these are.
    BAUD = 115_200
    IMEI = "86745604"  # its first digits
    BOOT_LOG = ""
    TABLE: dict[str, Any] = {}  # of commands
    SETTINGS: dict[str, str] = {}  # name -> text after power-on
    PERSISTENT: tuple[str, ...] = ()  # those that survive a restart
    ALLOWED: dict[str, str] = {}  # what a setting may be, as a pattern
    TIMER_DIGITS = {"+CPSMS": 8, "+CEDRXS": 4}  # in quotes
    BAND_SETTING = ""  # its bands, after how many there are or not; none of ours: all
    SLEEP_SETTING = ""  # 0: held awake, 1: it may sleep, 2: lightly
    RELEASE_SETTING = ""  # of release assistance
    AUTOBAUD = True  # the first "AT" only tells the baud rate
    PWRKEY = True  # without one it starts with its supply
    ECHO = True
    EAGER = True  # it looks for a network as soon as its radio is on

    def __init__(
        self, world: World, network: Network, baud: int | None = None, imei: str = ""
    ) -> None:
        super().__init__(world, baud or self.BAUD)
        self.faults = ModemFaults()
        self.radio = Radio(self, network)
        self.random = self.radio.random
        self.imei = imei or luhn(f"{self.IMEI}{self.random.randrange(10**6):06d}")
        self.pwrkey = Pulse(world, self.pwrkey_pulse)
        self.reset = Pulse(world, self.reset_pulse)
        self.supply_dips: Callable[[], object] = lambda: None  # told of a brown-out
        self.boots = 0
        self.state = OFF
        self.life = 0  # what was planned in an earlier life never happens
        self.settings = dict(self.SETTINGS)
        self.clear()
        if not self.PWRKEY:
            self.boot()

    def clear(self) -> None:
        """Forget what does not survive a restart."""
        self.life += 1
        kept = {name: self.settings[name] for name in self.PERSISTENT}
        self.settings = dict(self.SETTINGS)
        self.settings.update(kept)
        self.synced = not self.AUTOBAUD
        self.echo = self.ECHO
        self.buffer = ""
        self.queue: list[str] = []
        self.working = False
        self.heard_us = self.world.now_us
        self.radio.clear()

    def later(self, delay_us: int, action: Callable[[], None]) -> Event:
        """Plan something that happens only if the modem is not restarted before."""
        life = self.life
        return self.world.call_after(delay_us, lambda: action() if life == self.life else None)

    def note(self, what: str, more: str = "") -> None:
        """Tell who listens what the radio does."""
        self.world.tell(self, what, more)

    # power

    def pwrkey_pulse(self, held_us: int) -> None:
        """Start, or wake up from power saving; a press on a running modem does nothing."""
        if self.state == OFF and held_us >= POWER_ON_US:
            self.boot()
        elif self.state == ASLEEP and held_us >= WAKE_US:
            self.wake()

    def reset_pulse(self, held_us: int) -> None:
        """Restart, whatever state it is in, unless it has no power."""
        if held_us >= WAKE_US and self.state != OFF:
            self.boot()

    def reset_now(self) -> None:
        """Restart by itself, as a fault; counted as `reset_now`."""
        self.faults.fired["reset_now"] += 1
        self.boot()

    def power_off(self) -> None:
        """Lose the supply, or be told to switch off."""
        self.clear()
        self.state = OFF
        self.note("off")

    def boot(self) -> None:
        """Begin a new life: boot log, then the first AT, then the search for a network."""
        self.clear()
        self.state = BOOTING
        self.note("boot")
        self.boots += 1
        self.faults.hung = False
        garbage = self.faults.take("boot_garbage")
        self.later(300_000, lambda: self.emit(garbage + self.BOOT_LOG.encode()))
        self.later(self.random.randrange(1_500_000, 2_500_000), self.ready)

    def ready(self) -> None:
        """The command interpreter runs and the radio begins to search."""
        self.state = ON
        self.heard_us = self.world.now_us
        self.started()

    def started(self) -> None:
        """Say what it says when it is ready, and look for a network."""
        self.later(500_000, lambda: self.urc("+CPIN: READY"))
        self.radio.search()

    # what a maker decides; the words to the board are in its model

    @property
    def may_sleep(self) -> bool:
        """True if power saving may begin when the network allows it."""
        return self.settings.get(self.SLEEP_SETTING, "1") == "1"

    @property
    def dozing(self) -> bool:
        """True if it is so light asleep that the first bytes after a while only wake it."""
        return self.settings.get(self.SLEEP_SETTING, "0") != "0" and not self.radio.connected

    @property
    def release(self) -> int:
        """Release assistance: 0 none, 1 after one uplink, 2 after one downlink."""
        return int(self.settings.get(self.RELEASE_SETTING, "0"))

    @property
    def hears(self) -> bool:
        """True if it looks where the network is."""
        bands = self.settings[self.BAND_SETTING].split(",")
        return bands == ["0"] or NETWORK_BAND in bands

    def attached(self, address: str) -> None:
        """Tell that the network gave it an address."""

    def sent(self, number: int, done: bool) -> None:
        """Tell what became of a datagram."""

    def arrived(self, number: int, data: bytes) -> None:
        """Tell that a datagram has come."""
        raise NotImplementedError

    def closed(self, number: int) -> None:
        """Tell that a socket is closed."""

    def before_sleep(self) -> None:
        """Say a last word before deep sleep."""

    def after_sleep(self) -> None:
        """Say a first word after it."""

    # sleep

    def sleep(self) -> None:
        """Enter deep sleep: deaf and mute until the power key."""
        self.before_sleep()
        self.life += 1
        self.buffer, self.queue, self.working = "", [], False
        self.state = ASLEEP
        self.note("sleep")

    def wake(self) -> None:
        """Come back from deep sleep, still registered."""
        self.later(300_000, self.awake)

    def awake(self) -> None:
        """Answer again; the network has forgotten nothing, the sockets are closed."""
        self.state = ON
        self.note("idle")
        self.synced = not self.AUTOBAUD
        self.heard_us = self.world.now_us
        self.radio.resume()
        self.after_sleep()

    # serial line

    def emit(self, data: bytes) -> None:
        """Put bytes on the line, through the byte faults."""
        for pause_us, piece in self.faults.pieces(data):
            self.transmit(self.faults.apply(piece), pause_us)

    def say(self, line: str) -> None:
        """Say one line of a reply."""
        self.emit(f"\r\n{line}\r\n".encode())

    def urc(self, line: str, setting: str = "") -> None:
        """Say an unsolicited line, if it can speak and the setting that asks for it is on."""
        if self.state != ON or self.mute or (setting and self.settings[setting][:1] in "0"):
            return
        self.heard_us = max(self.heard_us, self.world.now_us)
        self.say(line)
        if self.faults.take("duplicate_urc"):
            self.say(line)

    def tell(self, line: str) -> None:
        """Say the late result of a command, if it can speak."""
        if self.state == ON and not self.mute:
            self.say(line)

    @property
    def mute(self) -> bool:
        """True while a fault keeps it silent; counted."""
        return bool(self.faults.take("silent") or self.faults.take("hung"))

    def receive(self, data: bytes) -> None:
        if self.state == ON:
            self.later(self.on_the_way_us(data), lambda: self.hear(bytes(data)))

    def hear(self, data: bytes) -> None:
        """Take bytes after their time on the line; echo them; cut them into command lines."""
        idle_us = self.world.now_us - self.heard_us
        self.heard_us = self.world.now_us
        if self.dozing and idle_us > LIGHT_SLEEP_US:
            return  # these bytes only woke it
        self.buffer += to_text(data)
        *lines, self.buffer = self.buffer.replace("\n", "").split("\r")
        self.buffer = self.buffer[-MAX_COMMAND:]
        if not self.synced:
            # The bytes it measures the baud rate with are neither echoed nor answered.
            self.synced = any(line.upper().endswith("AT") for line in lines)
            return
        if self.echo and not (self.faults.silent or self.faults.hung):
            self.emit(data)
        self.queue += [line for line in lines if line.strip()]
        self.next_command()

    def next_command(self) -> None:
        """Begin the next command line; each takes 20 to 50 ms."""
        if self.queue and not self.working:
            self.working = True
            line = self.queue.pop(0)
            self.later(self.random.randrange(20_000, 50_000), lambda: self.finish(line))

    def finish(self, line: str) -> None:
        """Carry out a command line and say its reply."""
        self.working = False
        if not self.mute:
            for text in self.execute(line):
                self.say(text)
        self.later(0, self.next_command)

    def execute(self, line: str) -> list[str]:
        """Return the lines of the reply, the final one last; none for what is no command."""
        call = parse(line)
        if call is None:
            return []
        refusal = self.faults.refusal(line.strip())
        if refusal:
            return [refusal]
        handler = self.TABLE.get(call.name)
        try:
            if handler is None:
                raise AtError
            return (handler(self, call) or []) + ["OK"]
        except AtError as error:
            return [str(error)]


class Pulse:
    """Measures how long a pin is pressed (level 1) and tells it at the release."""

    def __init__(self, world: World, action: Callable[[int], None]) -> None:
        self.world = world
        self.action = action
        self.pressed_us: int | None = None

    def changed(self, value: int) -> None:
        """Take a new level of the pin."""
        if value and self.pressed_us is None:
            self.pressed_us = self.world.now_us
        elif not value and self.pressed_us is not None:
            held_us, self.pressed_us = self.world.now_us - self.pressed_us, None
            self.action(held_us)


def luhn(digits: str) -> str:
    """Append the check digit of an IMEI (3GPP TS 23.003, annex B)."""
    numbers = [int(digit) for digit in digits]
    total = sum(numbers[0::2]) + sum(sum(divmod(2 * number, 10)) for number in numbers[1::2])
    return digits + str(-total % 10)
