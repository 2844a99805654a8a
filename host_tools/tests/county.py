"""A collector, an issuer and loudspeakers, with a network between them that tests look into."""

import time

from fieldbeat.host_tools import issuer_keys, signed_commands, sounds
from fieldbeat.host_tools.alert_places import choose
from fieldbeat.host_tools.collector import Collector
from fieldbeat.host_tools.coverage import coverage
from fieldbeat.host_tools.issuers import Issuers
from fieldbeat.host_tools.orders import Order, Orders
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.signed_commands import Maker, Signer, Window
from fieldbeat.host_tools.store import Store
from fieldbeat.protocols import command, cose
from fieldbeat.protocols.command import EMERGENCY

from .loudspeaker import Loudspeaker
from .sender import NOW_S


class County:
    """A collector with its files, an issuer, and loudspeakers; `desk` is another process."""

    def __init__(self, folder):
        self.folder = folder
        self.now_s = NOW_S
        self.speakers: dict[str, Loudspeaker] = {}
        self.open()
        self.issuers = Issuers(Registry(folder / "registry.sqlite"), now=lambda: self.now_s)
        key = issuer_keys.generate(cose.ES256)
        self.signer = Signer(self.issuers.add("county", cose.ES256, key.public, 2, 1), key)
        self.desk = Orders(Store(folder / "store.sqlite", create=False))

    def open(self):
        self.registry = Registry(self.folder / "registry.sqlite", now=lambda: self.now_s)
        self.store = Store(self.folder / "store.sqlite")
        self.outcomes = []
        self.collector = Collector(self.store, self.registry, self.outcomes.append)

    def close(self):
        self.store.close()
        self.registry.close()

    def add(self, name, area="riverside", heard=True, **options):
        made = Loudspeaker(self.registry, name, area, issuers=(self.signer.issuer,), **options)
        self.speakers[made.source] = made
        if heard:
            self.say(made, made.hello())
        return made

    def say(self, speaker, *datagrams):
        """Let a loudspeaker send; it gets the answers."""
        for datagram in datagrams:
            for answer in self.collector.handle(datagram, speaker.address, self.now_s):
                speaker.take(answer, self.now_s)

    def send(self, class_=EMERGENCY, level=1, minutes=30, silent=False, start_s=0.0, **where):
        order = sounds.Sound(class_, level, [sounds.tone("two-tone", 3)], silent=silent)
        where = where or {"everyone": True}
        window = Window(start_s, self.now_s + 60 * minutes)
        made = Maker(self.issuers, [self.signer], self.now_s).alert(
            order, window, choose(self.issuers._registry, **where)
        )
        return self._add(command.ALERT, (class_, level), silent, window, made)

    def cancel(self, order):
        sent = [
            signed_commands.Made(id_, plaintext, tuple(self.registry.unit(name) for name in names))
            for id_, plaintext, names in self.desk.commands(order)
        ]
        rank = order.class_, order.level
        made = Maker(self.issuers, [self.signer], self.now_s).cancel(rank, sent, order.expires_s)
        window = Window(0, order.expires_s)
        return self._add(command.CANCEL, rank, False, window, made, cancels=order.id)

    def _add(self, kind, rank, silent, window, made, cancels=None):
        times = self.now_s, window.start_s, window.expires_s
        told = Order(made[0].id, kind, *rank, silent, *times, "county", "told", "", cancels)
        self.desk.add(told, made)
        return told

    def out(self, lost=lambda: False):
        """Send what is due now; return who got something. Receipts come back at once."""
        reached = []
        for datagram, source in self.collector.outgoing(self.now_s):
            speaker = self.speakers[source]
            reached.append(speaker.name)
            if lost():
                continue
            answer = speaker.take(datagram, self.now_s)
            if answer and not lost():
                self.say(speaker, answer)
        return reached

    def pick_up(self, _=0):
        """Do what a collector does while a verb sleeps; all is lost, and due again at once."""
        self.now_s = time.time()
        self.out(lost=lambda: True)
        self.collector.flush()
        self.now_s += 1.5

    def states(self, order):
        found = coverage(order, self.desk.deliveries(order), self.now_s)
        return {unit.unit: (unit.state, unit.stage, unit.why) for unit in found.units}
