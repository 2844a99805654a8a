"""Faults of an AT modem: switches, and changes at a byte position of what it says."""

from __future__ import annotations

from .faults import Faults


class ModemFaults(Faults):
    """Switches of the modem models; set, limited and counted as in Faults.

    silent           takes commands and says nothing
    hung             the same until its reset pin or supply restarts it
    error_on         {"AT+QIOPEN": "+CME ERROR: 561"}: this text instead of doing the command;
                     a number instead of a text: `ERROR` that many times
    cereg            registration state that it tells and obeys: 2 searching, 3 denied, 0, 4
    cause            of TS 24.301 for which the network refuses it, told with AT+CEREG=3
    sim              "absent", "pin" or "puk"
    boot_garbage     bytes said before the boot log
    send_ok_lost     a datagram leaves, but neither SEND OK nor SEND FAIL is said
    send_ok_never_sent  SEND OK is said, but nothing leaves
    send_fail        SEND FAIL, nothing leaves
    send_ok_late_ms  SEND OK comes this much later
    duplicate_urc    each unsolicited line comes twice
    brownout         the supply dips while the radio sends, which resets the board's chip: "sent",
                     the datagram has left; "lost", the modem restarts, too, and nothing leaves
    busy             what a BC95 says of a datagram instead of taking it: 159, 536 or 537
    clock_off_s      the network tells a time that is wrong by this

    `urc_at`, `drop_byte_at`, `double_byte_at` and `garble` change the bytes that it says and
    `delay_at` when they come; positions count from 0 at the next byte. `sent` counts all bytes
    said, so that a first run tells which there are.
    """

    sent: int
    edits: list[tuple[int, str, bytes]]
    delays: list[tuple[int, int]]

    def __init__(self) -> None:
        super().__init__(
            silent=False,
            hung=False,
            error_on=None,
            cereg=0,
            cause=0,
            sim="",
            boot_garbage=b"",
            send_ok_lost=False,
            send_ok_never_sent=False,
            send_fail=False,
            send_ok_late_ms=0,
            duplicate_urc=False,
            brownout="",
            busy=0,
            clock_off_s=0,
        )
        vars(self).update(sent=0, edits=[], delays=[])

    def urc_at(self, position: int, line: str) -> None:
        """Say an unsolicited line before the byte at this position."""
        self._edit("urc_at", position, f"\r\n{line}\r\n".encode())

    def drop_byte_at(self, position: int) -> None:
        """Lose the byte at this position."""
        self._edit("drop_byte_at", position, b"")

    def double_byte_at(self, position: int) -> None:
        """Say the byte at this position twice."""
        self._edit("double_byte_at", position, b"")

    def delay_at(self, position: int, ms: int) -> None:
        """Be silent for this long before the byte at this position."""
        self._ask("delay_at", position)
        self.delays.append((self.sent + position, ms * 1000))

    def garble(self, position: int, mask: int = 0x55) -> None:
        """Flip bits of the byte at this position."""
        self._edit("garble", position, bytes([mask]))

    def clear(self) -> None:
        """The same, and no byte is changed any more."""
        super().clear()
        self.edits.clear()
        self.delays.clear()

    def refusal(self, command: str) -> str | None:
        """Return what `error_on` says to this command line, counted, or None."""
        for prefix, answer in (self.error_on or {}).items():
            if command.startswith(prefix) and answer != 0:
                self.fired["error_on"] += 1
                if isinstance(answer, int):
                    self.error_on[prefix] = answer - 1
                    return "ERROR"
                return str(answer)
        return None

    def pieces(self, data: bytes) -> list[tuple[int, bytes]]:
        """Cut outgoing bytes where a delay is due: (us of silence before it, piece)."""
        if not self.delays:
            return [(0, data)]
        out, pause_us, start = [], 0, 0
        for position, us in sorted(self.delays):
            if position < self.sent + len(data):
                self.fired["delay_at"] += 1
                self.delays.remove((position, us))
                at = max(position - self.sent, start)
                out.append((pause_us, data[start:at]))
                pause_us, start = us, at
        out.append((pause_us, data[start:]))
        return out

    def apply(self, data: bytes) -> bytes:
        """Return outgoing bytes with the changes that fall into them."""
        begin, end = self.sent, self.sent + len(data)
        vars(self)["sent"] = end
        due = [edit for edit in self.edits if edit[0] < end]
        self.edits[:] = [edit for edit in self.edits if edit[0] >= end]
        out = bytearray(data)
        for position, name, value in sorted(due, reverse=True):
            at = position - begin
            self.fired[name] += 1
            if name == "urc_at":
                out[at:at] = value
            elif name == "garble":
                out[at] ^= value[0]
            elif name == "double_byte_at":
                out[at:at] = out[at : at + 1]
            else:
                out[at : at + 1] = b""
        return bytes(out)

    def _edit(self, name: str, position: int, value: bytes) -> None:
        self._ask(name, position)
        self.edits.append((self.sent + position, name, value))

    def _ask(self, name: str, position: int) -> None:
        self._asked.add(name)
        self._tell(name, f"asked at byte {position}")
