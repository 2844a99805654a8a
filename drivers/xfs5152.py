# XFS5152CE, text to speech (iFLYTEK, user manual XFS5152CE): frames without a checksum.
# SPDX-License-Identifier: Apache-2.0
#
#   FD, length of the rest (2 bytes), command, encoding, text
from protocols.compat import const

from .tts_chip import TTSChip

_HEAD = const(0xFD)


class XFS5152(TTSChip):
    MAX_TEXT = 4092  # 4 KiB with head and command
    MAX_VOLUME = 10  # hypothesis

    def frame(self, command, parameter=None, text=b""):
        body = bytes((command,)) if parameter is None else bytes((command, parameter)) + text
        size = len(body)
        return bytes((_HEAD, size >> 8, size & 0xFF)) + body
