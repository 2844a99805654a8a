"""What a program can ask of its chip: a method for each op of the link, over models and flash.

A method takes the request's argument and payload and returns a number or bytes; the time that the
operation takes goes into `busy_us`, by which the board's clock is ahead when it goes on.
"""

import errno
import random
import struct
from collections.abc import Callable
from typing import Any

from .buses import Buses
from .camera_port import CameraPort
from .errors import BenchError
from .flash import Flash
from .i2s_ports import I2sPorts
from .models.faults import Faults
from .models.onewire import RESET_US, SLOT_US
from .nvs import I32, Nvs, NvsError
from .partitions import Partition, find, read_table
from .sleep import Sleep
from .sockets import Sockets
from .world import World

# machine.I2C gives up after `timeout` (50 ms by default) and, as ESP-IDF's driver does, clocks a
# target that holds SDA out of its byte: nine pulses. Hypothesis: its newer driver does so, too.
I2C_TIMEOUT_US = 50_000
RECOVERY_CLOCKS = 9
OP_US = 10  # MicroPython on an ESP32 at 160 MHz needs about this for one call into a peripheral
Answer = int | bytes | None


class Hardware:
    """The chip's peripherals; what survives a reset is kept here, `boot()` forgets the rest.

    Faults: `i2c_stuck` holds SDA low until so many clock pulses came, -1 for ever; `heap_hog`
    fills the program's heap but for so many bytes while it is on; `hang`: at its next wait the
    program computes for so many seconds, and nothing else of it runs.
    """

    def __init__(
        self, world: World, manifest: dict[str, Any], flash: Flash, mac: bytes, fitted: Any
    ) -> None:
        self.world = world
        self.flash = flash
        self.mac = mac
        self.buses = Buses(world, manifest, fitted)
        self.sockets = Sockets(self, fitted)
        self.i2s = I2sPorts(self)
        self.sleep = Sleep(world, manifest["chip"], self.buses)
        self.camera = CameraPort(self, manifest, fitted)
        self.more = (self.sockets, self.i2s, self.sleep, self.camera)  # who has further ops
        self.random = random.Random(f"{world.seed}/{mac.hex()}")
        self.faults = Faults(i2c_stuck=0, heap_hog=0, hang=0)
        self.busy_us = 0
        self.table: list[Partition] = []
        self.nvs: Nvs | None = None
        self.power_up()

    def power_up(self) -> None:
        """The RTC domain starts from nothing."""
        self.rtc_us_at_zero = -self.world.now_us  # its reading when the world's clock was 0
        self.rtc_memory = b""

    def halt(self, pins_stay: bool = False) -> None:
        """The program has ended, by a reset or without its supply: what it had open is closed."""
        self.sockets.reset()
        self.i2s.reset()
        self.camera.reset()
        if not pins_stay:
            self.buses.release()
        self.buses.deaf = None
        self.sleep.stop()

    def boot(self) -> None:
        """Reads the flash anew, as the start-up code does."""
        self.buses.reset()
        self.sleep.forget()
        self.table = read_table(self.flash)
        self.nvs = None

    # Flash

    def op_flash_program(self, address: int, data: bytes) -> None:
        self.busy_us += self.flash.program(address, data)

    def op_flash_erase(self, address: int, _data: bytes) -> None:
        self.busy_us += self.flash.erase(address)

    # NVS; a payload is namespace, key and data, the names ended by zeros

    def _with_nvs(self, call: Callable[[Nvs, str, str, bytes], Answer], payload: bytes) -> Answer:
        if self.nvs is None:
            partition = find(self.table, "nvs")
            if partition is None:
                raise BenchError("the partition table in flash has no nvs: flash a whole image")
            self.nvs = Nvs(self.flash, partition.offset, partition.size)
        namespace, key, data = payload.split(b"\0", 2)
        try:
            return call(self.nvs, namespace.decode(), key.decode(), data)
        except NvsError as error:
            raise OSError(error.code, str(error)) from error
        finally:
            self.busy_us += self.nvs.take_busy_us()

    def op_nvs_open(self, _argument: int, payload: bytes) -> Answer:
        return self._with_nvs(lambda nvs, space, key, data: nvs.open(space) and 0, payload)

    def op_nvs_get(self, kind: int, payload: bytes) -> Answer:
        get = Nvs.get_i32 if kind == I32 else Nvs.get_blob
        return self._with_nvs(lambda nvs, space, key, data: get(nvs, space, key), payload)

    def op_nvs_set(self, kind: int, payload: bytes) -> Answer:
        if kind == I32:
            return self._with_nvs(
                lambda nvs, space, key, data: nvs.set_i32(
                    space, key, int.from_bytes(data, "little", signed=True)
                ),
                payload,
            )
        return self._with_nvs(lambda nvs, *names_data: nvs.set_blob(*names_data), payload)

    def op_nvs_erase(self, _argument: int, payload: bytes) -> Answer:
        return self._with_nvs(lambda nvs, space, key, data: nvs.erase_key(space, key), payload)

    # Clock and chance

    def op_urandom(self, n: int, _payload: bytes) -> bytes:
        return self.random.randbytes(n)

    def op_rtc_memory(self, write: int, payload: bytes) -> Answer:
        """Reads all of it, or writes a piece: `write` is 1 more than where it begins."""
        if not write:
            return self.rtc_memory
        self.rtc_memory = self.rtc_memory[: write - 1] + payload
        return None

    # Buses

    def op_pin_mode(self, pin: int, payload: bytes) -> None:
        self.buses.pin_mode(pin, *payload)

    def op_pin_set(self, pin: int, payload: bytes) -> None:
        self.buses.pin_set(pin, payload[0])

    def op_pwm_duty(self, pin: int, payload: bytes) -> None:
        self.buses.pwm_duty(pin, struct.unpack("<H", payload)[0] / 65535)

    def op_pin_irq(self, pin: int, payload: bytes) -> None:
        self.buses.edges.arm(pin, payload[0])

    def op_pin_edge(self, _argument: int, _payload: bytes) -> int:
        return self.buses.edges.take()

    def op_pin_get(self, pin: int, _payload: bytes) -> int:
        return self.buses.pin_get(pin)

    def op_adc_read(self, pin: int, _payload: bytes) -> int:
        return self.buses.adc_uv(pin)

    def op_wire_reset(self, pin: int, _payload: bytes) -> int:
        self.busy_us += RESET_US
        line = self.buses.wire(pin)
        return 0 if line is None else int(line.reset())

    def op_wire_write(self, pin: int, payload: bytes) -> None:
        """Bits, each in a byte."""
        self.busy_us += SLOT_US * len(payload)
        line = self.buses.wire(pin)
        for bit in payload if line is not None else b"":
            line.write_bit(bit)

    def op_wire_read(self, pin: int, payload: bytes) -> bytes:
        """So many bits, each in a byte."""
        self.busy_us += SLOT_US * payload[0]
        line = self.buses.wire(pin)
        return bytes(1 if line is None else line.read_bit() for _ in range(payload[0]))

    def op_i2c_init(self, number: int, payload: bytes) -> None:
        self.buses.i2c_init(number, *struct.unpack("<BBI", payload))

    def op_i2c_transfer(self, address: int, payload: bytes) -> bytes:
        if self.faults.take("i2c_stuck"):
            self._fail_stuck()
        number, n = struct.unpack_from("<BH", payload)
        data, busy_us = self.buses.i2c_transfer(number, address, payload[3:], n)
        self.busy_us += busy_us
        return data

    def _fail_stuck(self) -> None:
        """SDA is held low: nobody hears the address; the clocks after it may end that."""
        self.busy_us += I2C_TIMEOUT_US
        if self.faults.i2c_stuck > 0:
            self.faults.i2c_stuck = max(0, self.faults.i2c_stuck - RECOVERY_CLOCKS)
        raise OSError(errno.ETIMEDOUT, "SDA is held low")

    def op_uart_init(self, number: int, payload: bytes) -> None:
        tx, rx, bits, baud, *rooms = struct.unpack("<BBBIHH", payload)
        self.buses.uart_init(number, tx, rx, baud, bits * 1e6 / baud, (rooms[0], rooms[1]))

    def op_uart_any(self, number: int, _payload: bytes) -> int:
        return len(self.buses.uarts[number].rx)

    def op_uart_read(self, number: int, payload: bytes) -> bytes:
        return self.buses.uarts[number].read(struct.unpack_from("<H", payload)[0], payload[2:])

    def op_uart_write(self, number: int, payload: bytes) -> None:
        self.busy_us += self.buses.uarts[number].write(payload)

    def op_uart_pending(self, number: int, _payload: bytes) -> int:
        return self.buses.uarts[number].pending_us()
