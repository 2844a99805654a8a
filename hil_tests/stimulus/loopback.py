# A station's drivers and a stimulus fixture in one interpreter, back to back: what their I2C wires
# would carry goes through a stand-in of machine.I2CTarget, with the events in the order that
# MicroPython's own hardware test of it expects, and hard interrupts without a heap.
# SPDX-License-Identifier: Apache-2.0
import asyncio
import time

import machine
import micropython

STRETCH_US = 50_000  # how long an ESP32 waits for SCL, as machine.I2C sets it
FIFO = 16
ENODEV, ETIMEDOUT = 19, 110


class Pin:
    IN, OUT, PULL_UP, IRQ_FALLING = 0, 1, 2, 2
    edges = {}

    def __init__(self, number, mode=-1, pull=-1):
        self.number = number

    def irq(self, handler=None, trigger=0, hard=False):
        Pin.edges[self.number] = handler


class Scheduler:
    # Takes the place of `micropython` in the fixture: nothing that is scheduled runs before the
    # hard interrupt is over, as on the chip.
    waiting = [None] * 8
    count = 0

    def schedule(self, function, argument):
        if self.count == len(self.waiting):
            raise RuntimeError("schedule queue full")
        self.waiting[self.count] = function
        self.count += 1

    def interrupt_over(self):
        for i in range(self.count):
            micropython.schedule(self.waiting[i], None)
        self.count = 0


scheduler = Scheduler()


class I2CTarget:
    IRQ_ADDR_MATCH_READ, IRQ_ADDR_MATCH_WRITE = 1, 2
    IRQ_READ_REQ, IRQ_WRITE_REQ = 4, 8
    IRQ_END_READ, IRQ_END_WRITE = 16, 32
    on_bus = {}

    def __init__(self, id, addr, *, scl, sda):
        self._handler = None
        self._trigger = self._flags = 0
        self._rx, self._tx = bytearray(FIFO), bytearray(FIFO)
        self._received = self._taken = self._sent = self._given = 0
        self._addr = addr
        I2CTarget.on_bus[addr] = self

    def deinit(self):
        del I2CTarget.on_bus[self._addr]

    def irq(self, handler=None, trigger=0, hard=False):
        if handler:
            assert hard, "these events need a hard interrupt"
            self._handler, self._trigger = handler, trigger
        return self

    def flags(self):
        return self._flags

    def readinto(self, buffer):
        n = 0
        while n < len(buffer) and self._taken < self._received:
            buffer[n] = self._rx[self._taken % FIFO]
            self._taken += 1
            n += 1
        return n

    def write(self, buffer):
        n = 0
        while n < len(buffer) and self._sent - self._given < FIFO:
            self._tx[self._sent % FIFO] = buffer[n]
            self._sent += 1
            n += 1
        return n

    def event(self, flag):
        if flag & self._trigger:
            self._flags = flag
            micropython.heap_lock()
            self._handler(self)
            micropython.heap_unlock()
            scheduler.interrupt_over()


class Controller:
    # machine.I2C of the station. `held_us` is the longest stretching of SCL.
    def __init__(self):
        self.held_us = 0

    def _target(self, address):
        for handler in list(Pin.edges.values()):
            if handler:
                handler(None)
        if address not in I2CTarget.on_bus:
            raise OSError(ENODEV)
        return I2CTarget.on_bus[address]

    def writeto(self, address, data):
        target = self._target(address)
        target.event(I2CTarget.IRQ_ADDR_MATCH_WRITE)
        for byte in data:
            target._rx[target._received % FIFO] = byte
            target._received += 1
            target.event(I2CTarget.IRQ_WRITE_REQ)
        target.event(I2CTarget.IRQ_END_WRITE)
        return len(data)

    def readfrom_into(self, address, buffer):
        target = self._target(address)
        target._given = target._sent  # what was left over is flushed
        target.event(I2CTarget.IRQ_ADDR_MATCH_READ)
        for i in range(len(buffer)):
            target.event(I2CTarget.IRQ_READ_REQ)
            begin = time.ticks_us()
            while target._given == target._sent:  # scheduled calls run meanwhile
                if time.ticks_diff(time.ticks_us(), begin) > STRETCH_US:
                    raise OSError(ETIMEDOUT)
            self.held_us = max(self.held_us, time.ticks_diff(time.ticks_us(), begin))
            buffer[i] = target._tx[target._given % FIFO]
            target._given += 1
        target.event(I2CTarget.IRQ_READ_REQ)  # the hardware asks for one more, and drops it
        target.event(I2CTarget.IRQ_END_READ)


async def read_for_ever(name, driver):
    from drivers.errors import SensorError

    probed = False
    while True:
        try:
            if not probed:
                await driver.probe()
                probed = True
            print("read %s %s" % (name, list(await driver.read())))
        except SensorError as error:
            print("read %s %s" % (name, error.reason))
        await asyncio.sleep(5)


async def main():
    from fixture import app, i2c_port, read_config

    from drivers.bh1750 import BH1750
    from drivers.scd4x import SCD4x
    from drivers.sht4x import SHT4x

    i2c_port.micropython = scheduler
    bus = Controller()
    fixture = app.Fixture(read_config())
    for name, driver in (("air", SHT4x(bus)), ("co2", SCD4x(bus)), ("light", BH1750(bus))):
        asyncio.create_task(read_for_ever(name, driver))
    asyncio.create_task(fixture.run())
    while True:
        await asyncio.sleep(60)
        print("held %d us" % bus.held_us)


if __name__ == "__main__":
    machine.Pin, machine.I2CTarget = Pin, I2CTarget
    asyncio.run(main())
