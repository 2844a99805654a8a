# Commands and receipts: as bytes and back, and everything that a unit refuses.
# SPDX-License-Identifier: Apache-2.0
from binascii import unhexlify

from protocols import (
    cbor,
    command,
    command_writer,
    event,
    event_reader,
    receipt,
    receipt_reader,
)
from protocols.command import Alert, CommandError
from protocols.reason_codes import CODES
from protocols.receipt_reader import Receipt, ReceiptError
from protocols.tests.support import raises, vectors

ID = b"12345678"
TONE = [0, 1, 3000]


def plain(content=(TONE,), level=1, repeat=1, volume=None, event=""):
    return Alert(2, level, list(content), repeat, volume, event, False)


def test_golden():
    n = 0
    for fields in vectors("command.hex"):
        if fields[1] != "-" and fields[2] != "cmd_unknown":
            body = eval(fields[1])
            found = command.parse(body)
            assert command_writer.to_map(found) == body, fields[-1]
            assert command.decode(command_writer.encode(found)) == found, fields[-1]
            if fields[0][0] == "a":  # a map, that nobody signed
                assert command_writer.encode(found) == unhexlify(fields[0]), fields[-1]
            n += 1
    assert n > 20


def test_golden_refusals():
    n = 0
    for data, _, reason, meaning in vectors("command.hex"):
        if reason in ("cmd_form", "cmd_unknown") and data[0] == "a":
            error = raises(CommandError, command.decode, unhexlify(data))
            assert error.reason == reason, meaning
            n += 1
    assert n > 60


def test_defaults():
    found = command.parse({0: 1, 1: ID, 2: True, 4: 9, 6: {0: 2, 1: 1, 2: [TONE]}})
    assert found == (command.ALERT, ID, True, 0, 9, None, plain(), None)
    assert command.parse({0: 6, 1: ID, 2: 0, 4: 1}).args is None
    assert command.parse({0: 3, 1: ID, 2: 0, 4: 1}).args is False
    assert command.parse({0: 5, 1: ID, 2: 0, 4: 1, 6: {1: [ID]}}).args == ([], [ID])


def test_limits_are_allowed():
    name = "abcdefghijklmnopqrstuvwx"
    for content in (
        [TONE] * 8,
        [[0, 0, 100], [0, 2, 60000]],
        [[1, "a"], [1, name], [1, "0-9_"]],
        [[2, 3, b"a"], [2, 0, bytes(400)]],
        [[3, 0, 1, b"", 1], [3, 11, 65535, b"\xef\xff\xff\xff", 86400]],
    ):
        alert = plain(content=content, repeat=100, volume=0, event="\u6d2a" * 5 + "a")
        assert command.parse_alert(command_writer.alert_map(alert)) == alert
    for target in (b"\0\1", b"\0\1\2\3", 0, 65535, [0] * 16, True):
        found = command_writer.command(command.STATUS, ID, target, 0xFFFFFFFF, None, 0xFFFFFFFE, 0)
        assert command.decode(command_writer.encode(found)) == found


def test_every_key_of_another_type():
    good = {0: 1, 1: ID, 2: 7, 3: 1, 4: 9, 5: 1, 7: [1, 1]}
    good[6] = {0: 1, 1: 1, 2: [TONE], 3: 1, 4: 1, 5: "a", 6: True}
    command.parse(good)
    for wrong in (None, 1.5, -1, "text", b"bytes", {}, [], {0: 0}, [None], 1 << 32):
        for key in good:
            raises(CommandError, command.parse, _with(good, key, wrong))
        for key in good[6]:
            if not (key == 5 and wrong == "text"):
                raises(CommandError, command.parse, _with(good, 6, _with(good[6], key, wrong)))
        for at in range(3):
            step = TONE[:at] + [wrong] + TONE[at + 1 :]
            raises(CommandError, command.parse, _with(good, 6, _with(good[6], 2, [step])))
    for key in (0.0, False, "0", b"", None, 8, -1):
        raises(CommandError, command.parse, _with(good, key, 1) if key else {key: 1})


def _with(body, key, value):
    changed = dict(body)
    changed[key] = value
    return changed


def test_the_writer_refuses_what_the_reader_would():
    raises(CommandError, command_writer.encode, command_writer.command(6, ID, True, 0))
    alert = plain(level=5)
    raises(CommandError, command_writer.encode, command_writer.command(1, ID, True, 9, alert))


def test_cut_at_every_byte():
    data = command_writer.encode(command_writer.command(1, ID, True, 9, plain()))
    for size in range(len(data)):
        assert raises(CommandError, command.decode, data[:size]).reason == "cmd_form"


def test_every_reason_has_its_code():
    for line in vectors("command.hex"):
        assert line[2] == "ok" or line[2] in CODES


def test_receipts():
    for values in (
        (ID, receipt.RECEIVED, None, None, None, None, None, None),
        (ID, receipt.REFUSED, CODES["cmd_expired"], None, None, None, None, None),
        (ID, receipt.DONE, None, b"\1\xa0\xff", 5, 9, command.CLIP, [1, 2, 3, 250]),
    ):
        record = event.encode(7, event.RECEIPT, 78000000, receipt.body(*values))
        rn, type, t, body = event_reader.decode(record)
        assert (rn, type, t) == (7, 6, 78000000)
        assert receipt_reader.parse(body) == Receipt(*values)


def test_receipts_of_a_later_version():
    assert receipt_reader.parse({2: ID, 3: 9, 10: "later"}).stage == 9


def test_receipts_that_are_none():
    good = {2: ID, 3: 4, 4: 34, 5: b"abc", 6: 1, 7: 2, 8: 1, 9: [1]}
    receipt_reader.parse(good)
    for key in good:
        for wrong in (-1, "text", b"ab", {}, [None], [-1]):
            raises(ReceiptError, receipt_reader.parse, _with(good, key, wrong))
    raises(ReceiptError, receipt_reader.parse, {2: ID})
    raises(ReceiptError, receipt_reader.parse, {3: 1})


def test_final_stages():
    final = [stage for stage in range(8) if receipt.is_final(stage)]
    assert final == [
        receipt.DONE,
        receipt.REFUSED,
        receipt.INTERRUPTED,
        receipt.CANCELLED,
        receipt.SILENT,
    ]


def test_the_kid_of_an_issuer():
    for _, algorithm, key, _, kid, meaning in vectors("issuer.hex"):
        assert command.issuer_kid(int(algorithm), unhexlify(key)) == unhexlify(kid), meaning


def test_a_rule_keeps_an_alert():
    args = command_writer.alert_map(plain())
    assert command.parse_alert(cbor.decode(cbor.encode(args))) == plain()
