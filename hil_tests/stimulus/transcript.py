# One visit to every model, for both interpreters: the lines of `visit` must not differ.
# SPDX-License-Identifier: Apache-2.0

VALUES = {
    "air_temperature": 21.37,
    "air_humidity": 55.5,
    "co2": 812.25,
    "illuminance": 23456.0,
    "battery": 3.97,
    "soil_moisture": 31.4,
    "soil_temperature": -2.6,
    "soil_ec": 1234.0,
    "soil_ph": 6.45,
}
I2C = (
    # part, bytes to write, ms to wait, bytes to read
    ("air", "89", 1, 6),
    ("air", "fd", 9, 6),
    ("air", "fd", 2, 6),  # too early
    ("air", "94", 2, 0),
    ("air", "e0", 2, 3),
    ("co2", "3682", 2, 9),
    ("co2", "21b1", 4900, 0),
    ("co2", "e4b8", 2, 3),
    ("co2", "ec05", 200, 0),
    ("co2", "ec05", 2, 9),
    ("co2", "2318", 2, 3),  # not while it measures
    ("light", "01", 0, 0),
    ("light", "20", 180, 2),
    ("light", "4065", 0, 0),
    ("light", "21", 90, 4),
)
FAULTS = (
    ("air", "bad_crc", True),
    ("air", "forced", {"air_temperature": 99.9}),
    ("co2", "frozen", True),
    ("soil", "junk", b"\x00\xff"),
    ("soil", "slow", 3),
    ("soil", "cut", 2),
)
MODBUS = ("0103000000044409", "010300640001c5d5", "01040000000131ca")
AT = (
    "AT",
    "AT",
    "ATE0",
    "AT+QSCLK=0",
    "ATI",
    "AT+CGSN=1",
    "AT+CEREG=5",
    'AT+CPSMS=1,,,"00100001","00000001"',
    "AT+CPSMS?",
    "AT+CEREG?",
    "AT+CESQ",
    "AT+CCLK?",
    'AT+QICFG="dataformat",1,1',
    'AT+QIOPEN=0,0,"UDP","203.0.113.7",5683',
    "AT+QISEND=0,4,deadbeef",
    "AT+QISTATE=1,0",
    "AT+QICLOSE=0",
    "AT+CSQ",
    "AT+QFOO",
)


class Scene:
    def value(self, name, now_us):
        return VALUES[name]


class Network:
    # Answers every datagram with its bytes turned round, at once.
    def __init__(self, world):
        world.random.getrandbits(64)

    def open(self, deliver, modem=None):
        return Line(deliver)


class Line:
    def __init__(self, deliver):
        self.deliver = deliver

    def send(self, host, port, data):
        self.deliver(bytes(reversed(data)), (host, port))

    def close(self):
        pass


# advance(us) lets the world run. Yields a line for each thing that happens.
def visit(world, parts, modem, line, nack, advance):
    advance(100_000)
    yield from visit_i2c(parts, nack, advance)
    for part, name, value in FAULTS:
        setattr(parts[part].faults, name, value)
    parts["light"].faults.limit("unplugged", 2)
    advance(6_000_000)
    yield from visit_i2c(parts, nack, advance)
    heard = []
    line.attach(lambda data: heard.append((world.now_us, bytes(data))))
    for frame in MODBUS:
        line.receive(bytes.fromhex(frame))
        advance(400_000)
    modem.attach(lambda data: heard.append((world.now_us, bytes(data))))
    modem.pwrkey.changed(1)
    advance(600_000)
    modem.pwrkey.changed(0)
    advance(30_000_000)
    for command in AT:
        modem.receive((command + "\r").encode())
        advance(3_000_000)
    modem.faults.urc_at(5, "+CSCON: 1")
    modem.faults.garble(9)
    modem.faults.drop_byte_at(12)
    modem.receive(b"ATI\r\xe9AT\r")
    advance(1_000_000)
    for at_us, data in heard:
        yield "%d %s" % (at_us, data.hex())
    parts["modem"] = modem
    for name in sorted(parts):
        faults = parts[name].faults
        yield "%s %s %s" % (name, sorted(faults.fired.items()), faults.unfired())


def visit_i2c(parts, nack, advance):
    for part, written, wait_ms, n in I2C:
        line = "%s %s" % (part, written)
        try:
            parts[part].write(bytes.fromhex(written))
            advance(wait_ms * 1000)
            if n:
                line += " " + parts[part].read(n).hex()
        except nack as error:
            line += " nack %s" % error
        yield line
    line = "battery %d" % parts["battery"].read_uv()
    yield line


# Under MicroPython, in the folder of an installed fixture.
def main():
    import fixture
    from virtual import world as world_module
    from virtual.models import build
    from virtual.models.i2c import Nack

    class World(world_module.World):
        now_us = 0

    def advance(us):
        end_us = world.now_us + us
        while world._queue and world._queue[0].at_us <= end_us:
            world.now_us = max(world.now_us, world._queue[0].at_us)
            world.run_due()
        world.now_us = end_us

    config = fixture.read_config()
    world = World(config["seed"], config["utc_s"])
    fitted = build(world, config["manifest"], Scene(), Network(world))
    for line in visit(world, fitted.parts, fitted.modem, fitted.uart["rs485"], Nack, advance):
        print(line)


if __name__ == "__main__":
    main()
