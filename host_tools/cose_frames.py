"""A secure frame (protocols/frame.py) as the COSE_Encrypt0 that it is, for any COSE library.

    message, external_aad = expand(frame, kid_size=2)

The key id and the sequence number become the header parameters `kid` and `Partial IV`; the header
of the frame is the external_aad, which COSE does not carry. A library that does not know Partial
IVs takes the nonce as an IV: `expand(frame, base_iv=base_iv)`.
Source: RFC 9052, 3.1 and 5.2; RFC 8613, 5.2.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from fieldbeat.protocols import cose
from fieldbeat.protocols import frame as frames


def expand(frame: bytes, kid_size: int = 2, base_iv: bytes | None = None) -> tuple[bytes, bytes]:
    """-> (tagged COSE_Encrypt0, external_aad). Needs no key: the ciphertext stays as it is.

    kid_size: bytes of the key id (2 or 4). base_iv: writes the whole nonce (13 bytes) into the
    message as `IV`, in place of `Partial IV`. Raises frames.FrameError for what is no frame.
    """
    header = frames.parse(frame, kid_size)
    piv = bytes(frame[header.size - (frame[0] & 0b111) : header.size])
    unprotected: dict[int, bytes] = {cose.KID: header.kid, cose.PARTIAL_IV: piv}
    if base_iv is not None:
        nonce = int.from_bytes(base_iv, "big") ^ header.piv
        unprotected = {cose.KID: header.kid, cose.IV: nonce.to_bytes(len(base_iv), "big")}
    protected = cose.protect({cose.ALG: cose.AES_CCM_16_64_128})
    message = cose.encode(cose.ENCRYPT0, protected, unprotected, bytes(frame[header.size :]))
    return message, bytes(frame[: header.size])
