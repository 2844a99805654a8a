# SYN6288, text to speech (Beijing YuTone, user manual SYN6288): frames with a checksum.
# SPDX-License-Identifier: Apache-2.0
#
#   FD, length of the rest (2 bytes), command, parameter, text, XOR of all bytes before
#
# parameter: the encoding in the lower 3 bits, music in the background above (none).
from protocols.compat import const

from .tts_chip import TTSChip

_HEAD = const(0xFD)


class SYN6288(TTSChip):
    MAX_TEXT = 200
    MAX_VOLUME = 16  # hypothesis

    def frame(self, command, parameter=None, text=b""):
        body = bytes((command,)) if parameter is None else bytes((command, parameter)) + text
        size = len(body) + 1
        frame = bytes((_HEAD, size >> 8, size & 0xFF)) + body
        check = 0
        for byte in frame:
            check ^= byte
        return frame + bytes((check,))
