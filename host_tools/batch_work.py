"""Makes the board at one port what the plan says: look, check, write, boot, provision, test.

Each board has a thread of its own; what goes wrong with one ends this one alone. All that can be
known before the first erase is checked before it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from . import flasher, image_info, retired_boards, rom_loader, serial_port
from .batch_accept import Accept, Differs
from .batch_journal import BOUND, DONE, FAILED, FLASHED, PROVISIONED, Journal, JournalError
from .batch_match import Matcher, NotThis
from .batch_ports import Place
from .baud_rates import FAST_BAUD
from .database import DatabaseError
from .errors import CannotTry, FieldbeatError, Interrupted
from .flasher import Known
from .language import tr
from .last_written import LastWritten
from .provisioner import Provisioner
from .registered_unit import PROVISIONED as KEYED
from .registry import Registry
from .rom_loader import Visit
from .serial_port import PortError
from .smp_link import LinkError, Refused, SmpLink
from .unit_job import Job

# States of a unit, in the order in which they are told.
LOOKING, FLASHING, BOOTING = "looking", "flashing", "booting"
PROVISIONING, TESTING = "provisioning", "testing"
FINISHED, WAS_DONE, BROKEN, STRANGER = "done", "was done", "failed", "not ours"
STOPPED = "stopped"  # since somebody wanted it; nothing is wrong
ENDS = (FINISHED, WAS_DONE, BROKEN, STRANGER, STOPPED)
_OURS = (DatabaseError, JournalError)  # what failed is here, and not at the unit


@dataclass(frozen=True)
class Event:
    """What is told of a board; `unit` is '' as long as its row is not known. `share`: 0 to 1.

    `misfit`: it was let run, and is not as it should be, so it may be another sort of board.
    """

    place: Place
    state: str
    unit: str = ""
    mac: str = ""
    detail: str = ""
    next_step: str = ""
    share: float | None = None
    misfit: bool = False


@dataclass
class Bench:
    """What all boards of a batch share.

    Attributes:
        registry: where units are recorded.
        journal: how far each unit is.
        matcher: gives boards their rows.
        accept: the test of a unit.
        passwords: of the Wi-Fi, by unit.
        again: units that are to be done anew.
        last: what was written last into which chip.
        baud: bits per second while writing.
        tell: is told what happens, from any thread.
        turns: how many boards are worked at; measured in docs/performance.md.
        stop: no further step is begun once it is set.
    """

    registry: Registry
    journal: Journal
    matcher: Matcher
    accept: Accept
    passwords: dict[str, str] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)
    last: LastWritten = field(default_factory=LastWritten)
    baud: int = FAST_BAUD
    tell: Callable[[Event], None] = lambda event: None
    turns: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(8))
    stop: threading.Event = field(default_factory=threading.Event)

    def knows(self, unit: str, mac: str) -> bool:
        """Tell whether the registry has a unit, in use, on this board.

        What the journal says of any other counts no more: a board that was replaced, a unit that
        was revoked.
        """
        entry = self.registry.unit(unit)
        here = entry is not None and entry.mac == mac
        return here and not retired_boards.trouble(self.registry, mac, unit)


class Work:
    """The work at one port, from the first look to the end."""

    def __init__(self, place: Place, bench: Bench) -> None:
        self._place = place
        self._bench = bench
        self._mac = ""
        self._job: Job | None = None
        self._begun = False  # to make it what the plan says
        self._ran = False  # the program that was written

    def run(self) -> None:
        """Do it; whatever happens is told."""
        bench = self._bench
        try:
            self._look()
        except NotThis as error:
            self._broken(error, BROKEN if error.unit else STRANGER, error.unit)
        except Interrupted:
            bench.tell(Event(self._place, STOPPED, self._unit(), self._mac))
        except FieldbeatError as error:
            self._note_failure(error)
            self._broken(error, BROKEN, self._unit())
        except Exception as error:  # a bug of ours must not take the other boards along
            what = tr("unexpected {kind}: {error}")
            what = what.format(kind=type(error).__name__, error=" ".join(str(error).split()))
            step = tr("run it again with --debug and report what it shows")
            self._broken(FieldbeatError(what, step), BROKEN, self._unit())
        finally:
            bench.matcher.looked(self._place)
            if self._mac:
                bench.matcher.leave(self._mac)

    def _look(self) -> None:
        bench = self._bench
        with Visit(self._place.port) as visit:
            with bench.turns:
                self._go_on()
                self._tell(LOOKING)
                mac, chip = rom_loader.who(visit)
            job = bench.matcher.take(mac, chip, self._place)
            self._mac, self._job = mac, job
            bench.matcher.looked(self._place)
            with bench.turns:
                self._make(job, mac, visit)

    def _make(self, job: Job, mac: str, visit: Visit) -> None:
        """Go on with a board that waits in its loader, where it is left as soon as may be."""
        bench = self._bench
        digest, entry = job.digest, bench.journal.entry(job.name)
        anew = job.name in bench.again
        if not anew and self._is_in_use(job, mac):
            anew = flasher.is_erased(visit, bench.baud)
        if anew or entry is None or entry.mac != mac:
            entry = None
        if entry and entry.reached(PROVISIONED, entry.digest) and not bench.knows(job.name, mac):
            message = tr("{unit} got its key {at}, and the registry does not know it")
            step = tr("'fieldbeat registry rebuild --port {port}' enters it again")
            message = message.format(unit=job.name, at=entry.at)
            raise NotThis(job.name, message, step.format(port=self._place.port))
        if not anew and self._is_done(job, mac, digest, visit):
            return
        self._begun = True
        to_flash = not (entry and entry.reached(FLASHED, digest))
        if to_flash:
            bench.journal.note(job.name, mac, BOUND, digest)
            self._flash(job, mac, visit)
            bench.journal.note(job.name, mac, FLASHED, digest)
        self._tell(BOOTING)
        self._go_on()
        with self._link(job, mac, visit) as link:
            if not (entry and entry.reached(PROVISIONED, digest)):
                self._provision(job, link, just_flashed=to_flash)
                bench.journal.note(job.name, mac, PROVISIONED, digest)
            self._tell(TESTING)
            found = bench.accept(job, link, to_flash).found
        bench.registry.note(job.name, "accepted", found)
        bench.journal.note(job.name, mac, DONE, digest)
        bench.again.discard(job.name)
        self._tell(FINISHED, found)

    @contextmanager
    def _link(self, job: Job, mac: str, visit: Visit) -> Iterator[SmpLink]:
        """Let a board run, and talk to its program; another board may have its port's name now."""
        port = self._place.port
        step = serial_port.lost_step(port)
        with rom_loader.failures(port, tr("nothing was written"), step, PortError):
            visit.leave()
        self._ran = True
        with SmpLink(port, job.board.console.baud) as link:
            link.wait()
            if (link.read_setting("id/mac") or b"").hex(":") != mac:
                raise rom_loader.another_board(port)
            yield link

    def _is_done(self, job: Job, mac: str, digest: str, visit: Visit) -> bool:
        """Tell, and say so, whether a unit is finished: by the journal, else by the registry."""
        journal, registry = self._bench.journal, self._bench.registry
        entry = journal.entry(job.name)
        if entry and entry.mac == mac:
            if entry.step != DONE:
                return False
            if entry.digest == digest:
                self._tell(WAS_DONE, tr("finished {at}").format(at=entry.at))
                return True
            message = tr("{unit} was finished {at}, and the plan gives it something else now")
            message = message.format(unit=job.name, at=entry.at)
            raise NotThis(job.name, message, f"--again {job.name}")
        known = registry.unit_of_mac(mac)
        if known is None or known.state != KEYED:
            return False
        message = tr("{unit} is in use already, and the plan gives it something else")
        other = NotThis(job.name, message.format(unit=job.name), f"--again {job.name}")
        if known.config_sha256 != job.goal.config_sha256.hex():
            raise other
        try:
            found = self._asked(job, mac, visit)
        except Differs:
            raise other from None
        if found is None:
            return False
        journal.note(job.name, mac, DONE, digest)
        self._tell(WAS_DONE, found)
        return True

    def _is_in_use(self, job: Job, mac: str) -> bool:
        """Whether a board was finished, by the journal or by the registry."""
        entry = self._bench.journal.entry(job.name)
        known = self._bench.registry.unit_of_mac(mac)
        done = entry is not None and entry.mac == mac and entry.step == DONE
        return done or (known is not None and known.state == KEYED)

    def _asked(self, job: Job, mac: str, visit: Visit) -> str | None:
        """Return what is found at a unit that is in use; None if it has lost its name.

        Whatever else is wrong with it, silence included, it is not written anew: what it has not
        sent is in it.
        """
        self._tell(TESTING)
        with self._link(job, mac, visit) as link:
            if not link.read_setting("id/unit"):
                return None
            return self._bench.accept(job, link, False).found

    def _flash(self, job: Job, mac: str, visit: Visit) -> None:
        bench = self._bench

        def known(found: str) -> Known:
            entry = bench.registry.unit_of_mac(found)
            return Known(entry.name, entry.board) if entry else Known()

        def unknown(unit: str, found: str) -> None:
            if not unit or (unit == job.name and bench.registry.unit(unit)):
                return
            message = tr("this board is {unit} (MAC {mac}), and the registry does not know it")
            step = tr("'fieldbeat registry rebuild --port {port}' enters it again")
            port = self._place.port
            raise CannotTry(message.format(unit=unit, mac=found), step.format(port=port))

        def progress(done: int, total: int) -> None:
            self._go_on()
            self._tell(FLASHING, share=done / max(1, total))

        self._tell(FLASHING, share=0.0)
        content = job.image()
        info = image_info.inspect(content, job.name)
        done = flasher.flash(
            visit,
            content,
            info,
            unit_of_mac=known,
            unknown=unknown,
            baud=bench.baud,
            progress=progress,
            last=bench.last,
        )
        if bench.registry.unit(job.name):
            bench.registry.note(job.name, "flashed", f"app {done.build_id}, mac {mac}")

    def _provision(self, job: Job, link: SmpLink, just_flashed: bool) -> None:
        def progress(step: str, text: str) -> None:
            self._go_on()
            self._tell(PROVISIONING, step)

        password = self._bench.passwords.get(job.name, "")
        provisioner = Provisioner(link, self._bench.registry, progress)
        provisioner.run(job.goal, password=password, just_flashed=just_flashed)

    def _go_on(self) -> None:
        if self._bench.stop.is_set():
            raise Interrupted(tr("interrupted"), tr("run the same command again"))

    def _note_failure(self, error: FieldbeatError) -> None:
        """Begin with the first step next time, unless only the way to the unit failed.

        A unit in use that nobody began to make anew keeps what it holds then, too.
        """
        here = _is_lost(error) or isinstance(error, _OURS)
        if self._job and self._begun and not here:
            try:
                self._bench.journal.note(self._job.name, self._mac, FAILED, "")
            except JournalError:
                pass  # then it goes on where it was, and fails there again

    def _unit(self) -> str:
        """Return the unit that is here, else the one that should be; '' if nobody knows."""
        return self._job.name if self._job else self._bench.matcher.seat(self._place)

    def _tell(self, state: str, detail: str = "", share: float | None = None) -> None:
        unit = self._job.name if self._job else ""
        event = Event(self._place, state, unit, self._mac, detail, share=share)
        self._bench.tell(event)

    def _broken(self, error: FieldbeatError, state: str, unit: str = "") -> None:
        unit = self._job.name if self._job else unit
        elsewhere = _is_lost(error) or isinstance(error, (*_OURS, NotThis))
        misfit = self._ran and not elsewhere
        told = (self._place, state, unit, self._mac, error.message, error.next_step)
        self._bench.tell(Event(*told, misfit=misfit))


def _is_lost(error: FieldbeatError) -> bool:
    """Tell whether the way to a unit failed, and not the unit."""
    return isinstance(error, PortError | LinkError) and not isinstance(error, Refused)
