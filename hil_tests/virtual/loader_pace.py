"""How long a visit to the serial loader takes: the line, the flash chip, the sums.

    board.loader_pace = LoaderPace()

Without one the loader answers at once. Does not model: the host's USB adapter (1 to 16 ms for each
answer), the program that the loader starts, its console.
"""

BITS_A_BYTE = 10  # with start and stop bit
ROM_BAUD = 115_200  # until CHANGE_BAUDRATE
# Winbond W25Q32JV datasheet, AC characteristics (typical).
PAGE, SECTOR, BLOCK = 256, 4096, 65_536
PROGRAM_PAGE_US = 400
ERASE_SECTOR_US = 45_000
ERASE_BLOCK_US = 150_000  # 64 kB
# Of the stub's MD5 no figure is published. The SPI bus reads at most 2.5 MB/s as the loader leaves
# it (one bit at 20 MHz); the sum itself and the gaps between reads take the rest: an estimate.
READ_BYTES_A_S = 2_000_000


def program_us(size: int) -> int:
    """What programming some bytes takes."""
    return -(-size // PAGE) * PROGRAM_PAGE_US


def erase_step(at: int, end: int) -> tuple[int, int]:
    """The bytes that are erased next and how long it takes: a block if all of it is asked for."""
    if at % BLOCK == 0 and end - at >= BLOCK:
        return BLOCK, ERASE_BLOCK_US
    return SECTOR, ERASE_SECTOR_US


def read_us(size: int) -> int:
    """What reading some bytes for a sum takes."""
    return size * 1_000_000 // READ_BYTES_A_S


class LoaderPace:
    """One line and the chip at its end; both are busy or free.

    `busy_us` is how long the host has waited for them, whatever its own processor takes.
    """

    def __init__(self) -> None:
        self.busy_us = 0
        self._line_free_us = 0
        self._chip_free_us = 0

    def answer_at(
        self, now_us: int, baud: int, received: int, answer: int, work_us: int, early: bool
    ) -> int:
        """When an answer has arrived at the host.

        `received` and `answer` are bytes on the wire. `early`: the answer leaves before the work
        is done, once the chip is free to begin it, as that of the stub to a piece of data.
        """
        asked_us = max(self._line_free_us, now_us)
        self._line_free_us = asked_us + self._wire_us(received, baud)
        if answer:
            self._answer(baud, answer, work_us, early)
        self.busy_us += self._line_free_us - asked_us
        return self._line_free_us

    def _answer(self, baud: int, answer: int, work_us: int, early: bool) -> None:
        begin_us = max(self._line_free_us, self._chip_free_us)
        self._chip_free_us = begin_us + work_us
        leaves_us = begin_us if early else self._chip_free_us
        self._line_free_us = leaves_us + self._wire_us(answer, baud)

    @staticmethod
    def _wire_us(size: int, baud: int) -> int:
        return size * BITS_A_BYTE * 1_000_000 // baud
