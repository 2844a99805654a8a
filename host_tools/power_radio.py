"""The radio of a day: how long a modem sends, listens and can be reached, and for how many bytes.

As firmware/uplink.py, picture_uplink.py and block_sender.py use it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fieldbeat.protocols import blocks, frame

from . import currents, modem_table
from .currents import Coverage
from .power_day import DAY_S, Day

if TYPE_CHECKING:
    from .node_config import NodeConfig

HEADER_BYTES = 28  # IPv4 and UDP
FRAME_BYTES = frame.overhead(4) - 3  # a sequence number seldom has all its bytes
ACK_BYTES = 24
QUESTION_BYTES = 68  # about a picture
LENGTH_BYTES = 1.5  # before each record of a datagram
SEARCH_S = 15.0  # for the network, after a start, which it boots first
COMMAND_S = 0.035  # until a modem answers
SENT_S = 0.05  # from there to the radio
RETRY_S = 10.0  # until a question is asked again
REACHABLE_S = 60.0  # where the config says nothing


class Radio:
    """What a day takes in some coverage: seconds, bytes of frames, datagrams each way."""

    def __init__(self, config: NodeConfig, day: Day, coverage: Coverage) -> None:
        modem = config.board.modem
        assert modem is not None
        self._config = config
        self._coverage = coverage
        self._facts = currents.MODEMS[modem.part]
        baud = getattr(config.board.buses[modem.bus], "baud", 115_200)
        self._bytes_s = max(baud, modem_table.MODEMS[modem.part].fast_baud) / 10
        self.tx_s = self.active_s = 0.0
        self.bytes_sent = self.datagrams = self.answers = 0.0
        self._wakes(day)
        if day.pictures:
            self._pictures(day)
        self.active_s += day.starts * SEARCH_S
        self.wake_s = (self.tx_s + self.active_s) / day.wakes
        self.idle_s = day.wakes * max(
            0.0, min(reachable_s(config), DAY_S / day.wakes - self.wake_s)
        )

    def _send(self, size: float, times: float) -> None:
        """Datagrams: as sending if the modem tells when they have left, else as the line takes."""
        line_s = 2 * size / self._bytes_s + COMMAND_S  # in hex
        air_s = SENT_S + 8 * (size + HEADER_BYTES) / self._coverage.uplink_bits_s
        self.datagrams += times
        self.bytes_sent += times * size
        self.tx_s += times * line_s
        self._wait(times * air_s if self._facts.told else times * max(0.0, air_s - line_s))

    def _wait(self, seconds: float) -> None:
        """For the air: sending, if the modem tells when it has sent."""
        if self._facts.told:
            self.tx_s += seconds
        else:
            self.active_s += seconds

    def _connect(self, times: float) -> None:
        self._wait(times * self._coverage.setup_s)

    def _hear(self, answers: float) -> None:
        self.active_s += answers * self._coverage.answer_s
        self.answers += answers

    @property
    def _unanswered(self) -> float:
        """How likely a question or its answer is lost."""
        return 1 - (1 - self._coverage.lost) ** 2

    def _wakes(self, day: Day) -> None:
        """What waits in the outbox; the last datagram once more where no answer comes."""
        uplink, modem, silent = (
            self._config.tables.uplink,
            self._config.tables.modem,
            self._unanswered,
        )
        room = min(uplink.datagram_bytes, self._config.modem_datagram_bytes) - FRAME_BYTES
        total = (day.record_bytes + LENGTH_BYTES * day.records) / day.wakes
        datagrams = max(1, math.ceil(total / room))
        size = total / datagrams + FRAME_BYTES
        self.active_s += day.wakes * self._facts.wake_s
        self._connect(day.wakes - day.starts)  # the search for the network leaves it connected
        self._send(size, day.wakes * datagrams)
        self._hear(day.wakes * (1 - silent))
        timeout_s = max(uplink.ack_timeout_s, RETRY_S)
        self.active_s += day.wakes * silent * timeout_s
        if modem is None or modem.retry_bytes_day != 0:  # the network has let the radio go
            self._connect(day.wakes * silent)
            self._send(size, day.wakes * silent)
            self._hear(day.wakes * silent * (1 - silent))
            self.active_s += day.wakes * silent**2 * timeout_s

    def _pictures(self, day: Day) -> None:
        """Chunk by chunk; what is lost goes twice. The radio was let go with the records."""
        lost = self._coverage.lost
        again = 1 / (1 - lost)
        room = self._config.modem_datagram_bytes - frame.overhead(4, True)
        chunk = blocks.chunk_size(room)
        each = day.sent_picture_bytes / day.pictures
        chunks = math.ceil(each / chunk)
        wakes = min(day.wakes, day.pictures / max(1, day.shots))
        self._connect(wakes)
        self._send(QUESTION_BYTES, 2.5 * day.pictures * again)
        sent = day.pictures * chunks * again * (1 + lost)
        self._send(each / chunks + FRAME_BYTES + room - chunk, sent)
        self._hear(2 * day.pictures)
        self.answers += day.pictures * chunks / 4
        self.active_s += day.pictures * self._unanswered * RETRY_S


def reachable_s(config: NodeConfig) -> float:
    """Return how long a modem that was let go can be reached before it sleeps."""
    modem = config.tables.modem
    return modem.reachable_s if modem else REACHABLE_S
