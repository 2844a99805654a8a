# The parsers of protocols/ and drivers/, each with good inputs to damage; on both interpreters.
# SPDX-License-Identifier: Apache-2.0
#
# A target is a function without arguments that returns (good inputs, work); work(data) -> True if
# the input was taken, False if it was refused by the parser's own error. Anything else is a bug.
from hil_tests.fuzz.mutate import getrandbits
from protocols.tests.support import vectors


def column(name, place=0):
    # The hexadecimal fields of a file of vectors.
    fields = [fields[place] for fields in vectors(name)]
    return [bytes.fromhex(field) for field in fields if field != "-"]


def refusing(errors, parse):
    def work(data):
        try:
            parse(data)
        except errors:
            return False
        return True

    return work


def cbor_strict():
    from protocols import cbor

    def parse(data):
        # What it takes, it writes: this form alone is allowed.
        if cbor.encode(cbor.decode(data)) != data:
            raise AssertionError("another form was taken")

    return column("cbor_appendix_a.hex") + column("event.hex", 1), refusing(cbor.CBORError, parse)


def cbor_foreign():
    from protocols import cbor

    def parse(data):
        cbor.encode(cbor.decode(data, False))

    seeds = column("cbor_appendix_a.hex") + column("cbor_malformed.hex") + column("smp.hex")
    return seeds, refusing(cbor.CBORError, parse)


def frames():
    from protocols import frame
    from protocols.replay import Window

    keys = frame.KeySet(bytes(range(16)), b"\x00\x01", 0)
    window = Window()

    def parse(data):
        frame.parse(data, 2)
        cls, piv, plaintext = keys.open(getrandbits(1), data, window)
        if getrandbits(3) == 0:
            window.accept(piv)
        if keys.seal(cls, frame.UP, piv, plaintext) != data:
            # Sealed the other way round, or with its epoch.
            for direction in (frame.UP, frame.DOWN):
                for epoch in (False, True):
                    if keys.seal(cls, direction, piv, plaintext, epoch) == data:
                        return
            raise AssertionError("a frame that nobody sealed was opened")

    sealed = [keys.seal(i & 3, i & 1, i, bytes(i % 90), bool(i & 4)) for i in range(0, 4000, 61)]
    return sealed + column("frame.hex", 8), refusing(frame.FrameError, parse)


def reports():
    from protocols import report_reader
    from protocols.report import ReportError
    from protocols.schema import Column, Schema

    schemas = {}
    for count in (1, 2, 3):
        columns = [Column("c", "1", 1, 0, 0, 0)] * count
        schemas[count] = Schema(1, 1, 300, columns)
    at_hand = [schemas[1]]

    def parse(data):
        at_hand[0] = schemas[1 + getrandbits(8) % 3]
        report_reader.peek(data)
        block = report_reader.decode(data, lambda schema_id: at_hand[0] if schema_id < 3 else None)
        for values in block.columns + block.qualities:
            if len(values) != len(block.times):
                raise AssertionError("a column that is too short or too long")
        if not 0 <= min(block.times) <= max(block.times) <= 0xFFFFFFFF:
            raise AssertionError("a time of more than 32 bits")

    return column("report.hex"), refusing(ReportError, parse)


def packings():
    from protocols import packing, packing_reader

    def parse(data):
        records, last = packing_reader.unpack(data)
        if sum([len(record) for record in records]) > len(data):
            raise AssertionError("more than there is")
        packing.pack([record for record in records if record], last)

    return column("packing.hex"), refusing(packing.PackingError, parse)


def events():
    from protocols import event_reader

    return column("event.hex"), refusing(event_reader.EventError, event_reader.decode)


def commands():
    from protocols import command, command_writer

    def parse(data):
        # What it takes has one form, but for defaults that are written out.
        found = command.decode(data)
        if command.decode(command_writer.encode(found)) != found:
            raise AssertionError("another command came back")

    maps = [data for data in column("command.hex") if data[0] >> 5 == 5]
    return maps, refusing(command.CommandError, parse)


def authorities():
    from protocols import authority

    # Nobody is known to it, so that no curve is computed.
    unit = authority.Authority({}, {})

    def work(data):
        verdict = unit.check(data, b"\x00\x2a", (7,), 78000000, True)
        if verdict.issuers or verdict.counters:
            raise AssertionError("a stranger was taken for an issuer")
        if verdict.reason is None:
            if verdict.command.command == 1 and verdict.command.args.cls > 0:
                raise AssertionError("an alert that nobody signed")
            unit.note(verdict.command.id, 1)
            unit.ring = unit.ring[getrandbits(3) * 9 :]
        return verdict.reason is None

    return [data for data in column("command.hex") if len(data) > 1], work


def schemas():
    from protocols import cbor, schema, schema_map

    def parse(data):
        schema_map.hash_of(schema_map.from_map(cbor.decode(data)))

    return column("schema.hex"), refusing((cbor.CBORError, schema.SchemaError), parse)


def acks():
    from protocols import ack

    def parse(data):
        answer = ack.decode(data)
        for rn in (0, 1, answer.cumulative, answer.cumulative + 1, 0xFFFFFFFF):
            ack.covers(answer, rn)

    return column("ack.hex"), refusing(ack.AckError, parse)


def smp_frames():
    from protocols import cbor, smp

    def parse(data):
        smp.unpack(data)
        smp.error(data, smp.EINVAL)

    return column("smp.hex"), refusing((smp.SMPError, cbor.CBORError), parse)


def smp_lines():
    from protocols import smp

    decoder = smp.LineDecoder()

    def work(data):
        # As lines, then the damage is in the lines; or as a frame that is cut into lines.
        if data[:1] == b"\x06" or getrandbits(1):
            lines = data.split(b"\n")
        else:
            lines = list(smp.encode_lines(data))
        taken = [decoder.feed(line) for line in lines]
        if len(decoder._data) > decoder.limit + 128:
            raise AssertionError("it keeps more than a frame")
        return any(taken)

    frames = column("smp.hex")
    return frames + [b"".join(smp.encode_lines(frame)) for frame in frames], work


def modbus():
    from protocols import modbus
    from protocols.crc import crc16_modbus

    def parse(data):
        if getrandbits(1):
            crc = crc16_modbus(data[:-2])
            data = data[:-2] + bytes((crc & 0xFF, crc >> 8))
        count = data[2] // 2 if len(data) > 2 and 2 <= data[2] < 250 else 2
        registers = modbus.parse_response(data, data[0] if data else 1, 3 + getrandbits(1), count)
        if len(registers) != 2 * count:
            raise AssertionError("not the registers that were asked for")

    return column("modbus.hex", 1), refusing(modbus.ModbusError, parse)


def _header(blocks):
    return blocks.describe(
        7, 10, 4, lambda offset, size: bytes(range(offset, offset + size)), 9, 2
    )


def block_messages():
    from protocols import blocks

    return column("block.hex"), refusing(blocks.BlockError, blocks.parse)


def block_machines():
    # Both machines take whatever comes, and go on.
    from protocols import block_receiver, block_sender, blocks

    header = _header(blocks)
    storage = {}

    def read(offset, size):
        return bytes(size)

    def write(offset, data):
        if not 0 <= offset <= offset + len(data) <= 64:
            raise AssertionError("written outside of the object")
        storage[offset] = data

    def wanted(header):
        return header.length <= 64

    receiver = block_receiver.Receiver(wanted, write, read)
    sender = block_sender.Sender(header, read)

    def work(data):
        answer = receiver.receive(data)
        sender.receive(data, getrandbits(20))
        sender.next(getrandbits(20))
        if sender.result is not None:
            sender.__init__(header, read)
        return answer is not None

    seeds = column("block.hex")
    seeds.append(blocks.encode_header(header, 1))
    seeds += [blocks.encode_chunk(header, i, bytes(header.size(i)), i) for i in range(3)]
    seeds += [blocks.encode_status(7, header.check(), i, i & 3, i) for i in range(8)]
    return seeds, work


def block_states():
    from protocols import block_receiver, block_sender, blocks

    header = _header(blocks)

    def read(offset, size):
        return bytes(size)

    def parse(data):
        if getrandbits(1):
            machine = block_sender.Sender(header, read, state=data)
            machine.next(0)
        else:
            machine = block_receiver.Receiver(None, None, read, state=data)
        machine.export()

    sender = block_sender.Sender(header, read)
    receiver = block_receiver.Receiver(lambda header: True, lambda offset, data: None, read)
    seeds = [sender.export(), receiver.export()]
    while sender.wait_ms(0) == 0:
        answer = receiver.receive(sender.next(0))
        if answer:
            sender.receive(answer, 0)
        seeds += [sender.export(), receiver.export()]
    return seeds, refusing(blocks.BlockError, parse)


def cose_objects():
    from protocols import cose

    secret = bytes(range(16))

    def parse(data):
        kind = getrandbits(2)
        if kind == 0:
            cose.verify0(data, (cose.HMAC_256_64, secret), b"")
        elif kind == 1:
            cose.open0(data, (cose.AES_CCM_16_64_128, secret), b"", bytes(13))
        elif kind == 2:
            cose.verify1(data, {})
        else:
            cose.decode(data, (cose.SIGN1, cose.MAC0, cose.ENCRYPT0)[getrandbits(4) % 3])

    seeds = column("cose.hex", 4)
    seeds.append(cose.mac0(b"payload", (cose.HMAC_256_64, secret), {cose.KID: b"11"}))
    seeds.append(cose.seal0(b"payload", (cose.AES_CCM_16_64_128, secret), bytes(13)))
    return seeds, refusing(cose.CoseError, parse)


def lms_signatures():
    from protocols import lms

    key, message, signature = [bytes.fromhex(x) for x in list(vectors("lms.hex"))[1][:3]]

    def work(data):
        if getrandbits(2) == 0:
            return lms.verify(data[: len(key)], message, signature[:-1])
        if len(data) == len(signature) and getrandbits(4):
            # Of those that have the right size few are hashed: that takes a millisecond.
            data = data[: 1 + getrandbits(11)]
        return lms.verify(key, message, data)

    return [signature, key], work


def at_lines():
    from drivers import at

    session = at.Session(1200)
    for prefix in ("+QIURC", "+CEREG"):
        session.on(prefix, lambda line: at_fields(line))

    def at_fields(line):
        try:
            at.fields(line)
        except ValueError:
            pass

    clock = [0]

    def work(data):
        clock[0] += 97
        if not session.poll(clock[0]):
            text = ("AT+CSQ", "AT+QISEND=0,4", "ATI")[getrandbits(4) % 3]
            prefix = (None, "+CSQ", "")[getrandbits(4) % 3]
            session.command(text, prefix, now_ms=clock[0])
        command = session._command
        session.feed(data)
        if len(command.lines) > 16:
            raise AssertionError("it keeps more lines than it may")
        return command.state == at.DONE

    seeds = [
        b"AT+CSQ\r\r\n+CSQ: 20,99\r\n\r\nOK\r\n",
        b'\r\n+QIURC: "recv",0,4,"00010203"\r\n',
        b"\r\n> ",
        b"\r\nSEND OK\r\n",
        b"\r\n+CME ERROR: 10\r\n",
        b'\r\n+CEREG: 5,"1A2B","0012C3D4",9\r\n\r\nOK\r\n',
        b'\r\n+CCLK: "24/06/01,08:00:00+32"\r\n\r\nOK\r\n',
        b"x" * 1400 + b"\r\n",
    ]
    return seeds, work


def jpeg_crops():
    from protocols.jpeg_crop import Cropper

    windows = [tuple(int(n) for n in row[1].split(" ")) for row in vectors("jpeg_crop.hex")]

    def parse(data):
        cropper = Cropper(*windows[getrandbits(2) % len(windows)])
        cropper.feed(data)
        if not cropper.done:
            cropper.end()
        if cropper.out[:2] != b"\xff\xd8" or cropper.out[-2:] != b"\xff\xd9":
            raise AssertionError("no picture came out")

    return column("jpeg_crop.hex") + column("jpeg_crop.hex", 2), refusing(ValueError, parse)


TARGETS = {
    "cbor": cbor_strict,
    "cbor-foreign": cbor_foreign,
    "frame": frames,
    "report": reports,
    "packing": packings,
    "event": events,
    "command": commands,
    "authority": authorities,
    "schema": schemas,
    "ack": acks,
    "smp": smp_frames,
    "smp-lines": smp_lines,
    "modbus": modbus,
    "block": block_messages,
    "block-machines": block_machines,
    "block-state": block_states,
    "cose": cose_objects,
    "lms": lms_signatures,
    "at": at_lines,
    "jpeg-crop": jpeg_crops,
}
