"""What a batch needs before its first unit and leaves after its last: for whoever shows it."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from . import (
    acceptance,
    batch_accept,
    batch_certificate,
    batch_ports,
    issuers,
    unit_bundle,
    unit_job,
    unit_labels,
    wifi_password,
)
from .batch import Batch, Summary, View
from .batch_accept import Accept
from .batch_certificate import CertifiedAccept
from .batch_journal import DONE, Journal
from .batch_match import Matcher
from .batch_ports import Finder
from .batch_work import Bench
from .baud_rates import FAST_BAUD
from .errors import CannotTry, FieldbeatError, Interrupted
from .files import write_atomically
from .issuers import Issuers
from .language import tr
from .registered_unit import SPEAKER
from .registry import Registry
from .signing import Signer
from .technicians import Technicians
from .unit_job import Job
from .unit_labels import Label
from .validation import InvalidData
from .wording import counted, first

# Domains that nobody can have: RFC 2606.
_EXAMPLE = re.compile(r"(^|\.)(example(\.(com|net|org))?|invalid|test)$", re.IGNORECASE)

T = TypeVar("T")
Tell = Callable[[str], object]


@dataclass(frozen=True)
class Request:
    """What is asked for; `None` stands for what is usual.

    Attributes:
        plan: the file, of which the names of journal, labels and certificates are made.
        todo: what it says.
        ports: devices, patterns or PORT@SLOT; none: all USB serial ports.
        again: units that are to be done anew.
        watch: look for more until all units are done.
        turns: how many units at a time.
        technician: signs a certificate of each unit.
        key_file, wifi_password_file: hold secrets that would be asked for.
        limits: other ones for certificates.
    """

    plan: Path
    todo: list[Job]
    ports: list[str] = field(default_factory=list)
    again: list[str] = field(default_factory=list)
    watch: bool = False
    turns: int = 8
    technician: str | None = None
    key_file: Path | None = None
    wifi_password_file: Path | None = None
    limits: Path | None = None
    journal: Path | None = None
    labels: Path | None = None
    registry: Path | None = None
    baud: int = FAST_BAUD

    def beside(self, ending: str) -> Path:
        """Return the file beside the plan that has its name and another ending."""
        return self.plan.with_name(self.plan.stem + ending)

    def must_be_possible(self) -> None:
        """Raise CannotTry if a unit is to be done anew that the plan does not have."""
        names = {job.name for job in self.todo}
        if unknown := sorted(set(self.again) - names):
            message = tr("--again {unit}: the plan has no such unit").format(unit=unknown[0])
            raise CannotTry(message, tr("name one of its units"))

    def finder(self) -> Finder:
        """Return what finds the boards; where all units have slots, others are left alone."""
        if self.ports:
            return batch_ports.named(self.ports)
        slots = frozenset(job.unit.slot for job in self.todo)
        return partial(batch_ports.usb, slots) if all(slots) else batch_ports.usb


def jobs(plan: Path, virtual: bool = False, tell: Tell | None = None) -> list[Job]:
    """Return the jobs of a plan or bundle, as `checked` does; hosts of examples are told."""
    if unit_bundle.is_bundle(plan):
        todo = checked(lambda: unit_bundle.load(plan), tell)
    else:
        todo = checked(lambda: unit_job.from_folder(plan, virtual), tell)
    for host in sorted({job.unit.config.tables.uplink.host for job in todo}):
        if tell and _EXAMPLE.search(host):
            text = tr("the host {host} is that of an example: no collector is there")
            tell(text.format(host=host))
    return todo


def checked(make: Callable[[], T], tell: Tell | None = None) -> T:
    """Return what is made of a plan; every mistake in it is told, without `tell` in the error.

    Raises:
        CannotTry: it has mistakes, or what it takes is not here.
    """
    try:
        return make()
    except InvalidData as error:
        count = counted(len(error.problems), "mistake")
        message = tr("{plan} has {mistakes}").format(plan=error.source, mistakes=count)
        if tell is None:
            message += f": {'; '.join(error.problems)}"
        else:
            for problem in error.problems:
                tell(tr("{file}: {problem}").format(file=error.source, problem=problem))
        step = tr("correct what is named above; no unit was touched")
        raise CannotTry(message, step) from error
    except FieldbeatError as error:
        raise CannotTry(error.message, error.next_step) from error


class Run:
    """A batch that has all that it needs."""

    def __init__(self, request: Request, bench: Bench, find: Finder, tell: Tell) -> None:
        self._request, self._bench, self._find, self._tell = request, bench, find, tell
        self.registry = bench.registry

    def make(self, view: View) -> tuple[Summary, Path | None]:
        """Make the units; returns what became of them, and the sheet of labels if there is one."""
        asked = self._request
        summary = Batch(asked.todo, self._bench, self._find, view, asked.watch).run()
        self._tell_untested(summary)
        return summary, self._sheet()

    def _tell_untested(self, summary: Summary) -> None:
        """Tell that who is done runs, and that nobody knows yet whether its parts do."""
        made = len(summary.done) - len(summary.before)
        if made and not self._request.technician:
            text = tr(
                "sensors and sound of {units} are not tested yet: 'fieldbeat selftest' at each,"
                " before it goes into the field"
            )
            self._tell(text.format(units=counted(made, "unit")))

    def _sheet(self) -> Path | None:
        """Write the labels of all units that are done; None if there are none, or it fails."""
        path = self._request.labels or self._request.beside("-labels.html")
        labels = self._labels()
        if not labels:
            return None
        try:
            write_atomically(path, unit_labels.sheet(labels, path.stem).encode())
            return path
        except CannotTry as error:  # the units are done all the same
            self._tell(tr("no labels: {error}").format(error=error))
            return None

    def _labels(self) -> list[Label]:
        """Return what the labels show: the certificate where there is one."""
        known = Technicians(self.registry).all()
        signed = self._request.beside("-certificates")
        labels: list[Label] = []
        for job in self._request.todo:
            entry = self._bench.journal.entry(job.name)
            if entry and entry.step == DONE and self._bench.knows(job.name, entry.mac):
                plain = unit_labels.UnitLabel(job.name, job.goal.site, entry.mac, job.goal.board)
                labels.append(batch_certificate.label(signed, job, entry.mac, known) or plain)
        return labels


@contextmanager
def opened(request: Request, tell: Tell, stop: threading.Event | None = None) -> Iterator[Run]:
    """Open what a batch needs; who has to be asked for a passphrase is asked now.

    Args:
        request: what is asked for.
        tell: is told what a person should know.
        stop: ends it after the present step of each unit, once it is set.

    Raises:
        FieldbeatError: something is missing, locked or wrong; or loudspeakers would obey nobody.
    """
    request.must_be_possible()
    find = request.finder()
    with (
        closing(Journal(request.journal or request.beside(".journal"))) as kept,
        closing(Registry(request.registry)) as units,
    ):
        anew = set(request.again)
        if error := deaf(request.todo, units):
            raise error
        matcher = Matcher(request.todo, kept, units, anew)
        units.vault.make_ready()
        secrets = passwords(request.todo, units, request.wifi_password_file)
        accept = _accept(request, units)
        bench = Bench(units, kept, matcher, accept, secrets, anew, baud=request.baud)
        bench.stop = stop or bench.stop
        bench.turns = threading.Semaphore(request.turns)
        yield Run(request, bench, find, tell)


def deaf(todo: list[Job], units: Registry | None) -> CannotTry | None:
    """Return what is to be said of loudspeakers that would obey nobody, None if there are none."""
    speakers = [job.name for job in todo if job.goal.role == SPEAKER]
    if not speakers or (units and Issuers(units).in_office()):
        return None
    message = tr("{unit} is a loudspeaker, and would obey nobody: no issuer is in {registry}")
    where = units.path if units else tr("a registry here")
    return CannotTry(message.format(unit=speakers[0], registry=where), issuers.whose_step())


def passwords(todo: list[Job], units: Registry, file: Path | None) -> dict[str, str]:
    """Return the password of each unit on a Wi-Fi, asked for once a network."""
    secret = [job for job in todo if job.goal.wifi and not job.goal.wifi.open]
    if file and not secret:
        message = tr("no unit of this plan joins a network that has a password")
        raise CannotTry(message, tr("leave {option} out").format(option=wifi_password.OPTION))
    by_network: dict[str, str] = {}
    found = {}
    for job in secret:
        wifi = job.goal.wifi
        assert wifi
        own = None if file else units.wifi_password(job.name)
        if own is None and wifi.ssid not in by_network:
            by_network[wifi.ssid] = wifi_password.find(units, job.name, wifi, file)
        found[job.name] = own if own is not None else by_network[wifi.ssid]
    return found


def _accept(request: Request, units: Registry) -> Accept:
    """Return the test of a unit: with a technician one that ends in a certificate."""
    if request.technician:
        table = acceptance.limits(request.limits)
        signer = Signer.of(units, request.technician, request.key_file)
        return CertifiedAccept(signer, units, table, request.beside("-certificates"))
    if request.key_file or request.limits:
        message = tr("--key-file and --limits are about a certificate")
        raise CannotTry(message, tr("name who signs it: --technician NAME"))
    return batch_accept.accept


def trouble(summary: Summary) -> FieldbeatError | None:
    """Return what is to be said of units that are not done, None if all are."""
    left = len(summary.units) - len(summary.done)
    again = tr("run the same command again, it goes on where it was")
    if summary.interrupted:
        return Interrupted(tr("interrupted, {left} units are not done").format(left=left), again)
    if summary.exit_code == CannotTry.exit_code:
        step = tr("plug units in, or name their ports: --port; see 'fieldbeat batch --ports'")
        return CannotTry(tr("no unit is plugged in"), step)
    if anew := [unit for unit in summary.failed if summary.ends[unit].next_step == _again(unit)]:
        again = tr("run the same command again with {options}, or with the plan that they have")
        again = again.format(options=" ".join(map(_again, anew)))
    if units := summary.exchanged:
        told = tr(
            "see whether the boards of {units} were exchanged, which have one chip: 'Which unit"
            " is it?' in docs/batch.md has the way back; else {again}"
        )
        again = told.format(units=first(units, 4), again=again)
    if left:
        message = tr("{left} of {units} units are not done")
        message = message.format(left=left, units=len(summary.units))
        return FieldbeatError(message, tr("see the lines above, then {again}").format(again=again))
    return None


def _again(unit: str) -> str:
    return f"--again {unit}"
