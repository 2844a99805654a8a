# Pictures that somebody orders, by signed commands: repeated, in between, cut by an error.
# SPDX-License-Identifier: Apache-2.0
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from firmware.issuers import Issuers
from firmware.tests import support_node
from firmware.tests.support_pictures import Unit
from protocols import command, command_writer, cose, event, frame, receipt
from protocols.reasons import code


# Orders pictures: its commands are signed and come in frames, as the dispatcher's do.
class Issuer:
    def __init__(self, unit):
        self._key = ec.generate_private_key(ec.SECP256R1())
        numbers = self._key.public_key().public_numbers()
        public = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        self._kid = command.issuer_kid(cose.ES256, public)
        self._unit = unit
        self._sent = 0
        Issuers().store_keys({self._kid: [cose.ES256, public, {0: command.DAILY, 1: 4}]})

    def order(self, kind):
        self._sent += 1
        id = bytes((0, self._sent)) * 4
        expires = self._unit.time() + 86400
        meant = command_writer.command(
            *(command.PICTURE, id, support_node.KID, expires, (kind, None)),
            counter=self._sent,
        )
        return command_writer.sign(command_writer.encode(meant), cose.ES256, self._kid, self._sign)

    def _sign(self, data):
        r, s = utils.decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    # To the unit, as if it had come between two others.
    def send(self, order):
        collector = self._unit.collector
        collector._piv += 1
        sealed = collector.keys.seal(frame.COMMAND, frame.DOWN, collector._piv, order)
        self._unit.node.role.commands.take(sealed)


def _receipts(unit):
    return [body[3] for body in unit.collector.events(event.RECEIPT)]


def _whys(unit):
    told = unit.collector.events(event.PICTURE)
    return [(body[event.PICTURE_WHY], body[event.PICTURE_KIND]) for body in told]


def test_an_order_that_is_repeated_is_obeyed_once():
    with Unit(every_s=0) as unit:
        issuer = Issuer(unit)
        unit.boot()
        unit.run(60)
        order, repeated = issuer.order(2), []
        capture, block = unit.camera.capture, unit.collector._block

        async def capture_and_hear(budget, region=None):
            repeated.append("taken")
            issuer.send(order)
            return await capture(budget, region)

        def hear(message):
            if "sent" not in repeated and unit.collector.chunks == 3:
                repeated.append("sent")
                issuer.send(order)
            return block(message)

        unit.camera.capture, unit.collector._block = capture_and_hear, hear
        issuer.send(order)
        unit.run(300)
        issuer.send(order)
        unit.run(4000)
        assert repeated == ["taken", "sent"]
        assert _whys(unit) == [(event.COMMANDED, 2)] and len(unit.collector.pictures) == 1
        assert _receipts(unit) == [receipt.DONE] * 3  # each repetition after it is answered
        assert not unit.count("task_restart")


def test_an_order_in_an_alarms_series_follows_it():
    with Unit(every_s=0) as unit:
        issuer = Issuer(unit)
        unit.camera.still = True
        unit.boot()
        unit.run(60)
        order, block, ordered = issuer.order(2), unit.collector._block, []

        def hear(message):
            if not ordered and unit.pictures.store.sending.kind == 1:
                ordered.append(order)
                issuer.send(order)
                issuer.send(order)
            return block(message)

        unit.collector._block = hear
        unit.pictures.alarmed()
        unit.run(600)
        series = [(event.ALARMED, 0), (event.ALARMED, 1), (event.ALARMED, 2)]
        assert ordered and _whys(unit) == [*series, (event.COMMANDED, 2)]
        assert _receipts(unit) == [receipt.DONE] and not unit.pictures.store.held


def test_an_alarm_without_its_pictures_is_told_why_at_once():
    with Unit(every_s=0) as unit:
        unit.boot()
        unit.run(60)
        unit.camera.silent = 100
        unit.pictures.alarmed()
        unit.run(300)
        told = unit.collector.events(event.HEALTH)[-1]
        assert told[event.HEALTH_COUNTERS] == {code("camera_silent"): 6}


def test_an_order_that_an_error_has_cut_is_obeyed_when_it_is_repeated():
    with Unit(every_s=0) as unit:
        issuer = Issuer(unit)
        unit.boot()
        unit.run(60)
        order, capture = issuer.order(0), unit.camera.capture

        async def fail(budget, region=None):
            unit.camera.capture = capture
            raise MemoryError

        unit.camera.capture = fail
        issuer.send(order)
        unit.run(300)
        assert unit.count("task_restart") == 1 and not _whys(unit)
        issuer.send(order)
        unit.run(300)
        assert _whys(unit) == [(event.COMMANDED, 0)] and _receipts(unit) == [receipt.DONE]
