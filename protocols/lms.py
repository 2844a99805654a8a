# HSS/LMS signatures (RFC 8554) with SHA-256 of 32 bytes, W4 and W8, H5 to H15: verifying only.
# SPDX-License-Identifier: Apache-2.0
#
# A signature of an HSS key of L levels is L - 1 pairs (LMS signature, LMS key that it signs), then
# the LMS signature of the message. Every length follows from the types in the key that is already
# trusted, so nothing is read before it is known to be there.
from .compat import const, sha256

_N = const(32)  # bytes of a hash
_KEY_SIZE = const(56)  # LMS type, LM-OTS type, I (16 bytes), root of the tree
_MAX_LEVELS = const(8)
_HEIGHTS = {5: 5, 6: 10, 7: 15}  # LMS_SHA256_M32_H5, H10, H15
_WIDTHS = {3: 4, 4: 8}  # LMOTS_SHA256_N32_W4, W8
_CHAINS = {4: 67, 8: 34}
_CHECKSUM_SHIFTS = {4: (8, 4, 0), 8: (8, 0)}

_D_PBLC = const(b"\x80\x80")
_D_MESG = const(b"\x81\x81")
_D_LEAF = const(b"\x82\x82")
_D_INTR = const(b"\x83\x83")


def verify(key, message, signature):
    # key: the HSS public key, 60 bytes. Whatever is wrong: False.
    if len(key) != 4 + _KEY_SIZE or len(signature) < 4:
        return False
    levels = _u32(key, 0)
    if not 1 <= levels <= _MAX_LEVELS or _u32(signature, 0) != levels - 1:
        return False
    signature = memoryview(signature)
    key = memoryview(key)[4:]
    pos = 4
    for _ in range(levels - 1):
        key_pos = pos + _signature_size(key)
        end = key_pos + _KEY_SIZE
        if len(signature) < end:
            return False
        signed_key = signature[key_pos:end]
        if not _verify_lms(key, signed_key, signature[pos:key_pos]):
            return False
        key = signed_key
        pos = end
    return _verify_lms(key, message, signature[pos:])


def _u32(data, pos):
    return int.from_bytes(data[pos : pos + 4], "big")


def _signature_size(key):
    # leaf, LM-OTS type, C, chains, LMS type, path; 0: a type that is not supported
    height = _HEIGHTS.get(_u32(key, 0))
    width = _WIDTHS.get(_u32(key, 4))
    if height is None or width is None:
        return 0
    return 4 + 4 + _N + _CHAINS[width] * _N + 4 + height * _N


def _verify_lms(key, message, signature):
    # Section 5.4.2
    size = _signature_size(key)
    if not size or len(signature) != size:
        return False
    if signature[4:8] != key[4:8]:
        return False
    height = _HEIGHTS[_u32(key, 0)]
    path = len(signature) - height * _N
    if signature[path - 4 : path] != key[0:4]:
        return False
    leaf = _u32(signature, 0)
    if leaf >> height:
        return False
    identifier = bytes(key[8:24])
    width = _WIDTHS[_u32(key, 4)]
    candidate = _ots_key(identifier + bytes(signature[:4]), width, message, signature[8:])
    node = leaf + (1 << height)
    value = sha256(identifier + node.to_bytes(4, "big") + _D_LEAF + candidate).digest()
    while node > 1:
        sibling = bytes(signature[path : path + _N])
        path += _N
        pair = sibling + value if node & 1 else value + sibling
        node >>= 1
        value = sha256(identifier + node.to_bytes(4, "big") + _D_INTR + pair).digest()
    return value == bytes(key[24:])


def _ots_key(prefix, width, message, signature):
    # The LM-OTS key that this signature would belong to (algorithm 4b). prefix: I and leaf.
    hashed = sha256(prefix + _D_MESG)
    hashed.update(signature[:_N])  # C
    hashed.update(message)
    maximum = (1 << width) - 1
    public = sha256(prefix + _D_PBLC)
    # I, leaf, chain (2 bytes), step, value: the same buffer for every hash of every chain
    block = bytearray(prefix)
    block.extend(bytes(3 + _N))
    pos = _N
    for chain, digit in enumerate(_digits(hashed.digest(), width)):
        block[21] = chain
        block[23:] = signature[pos : pos + _N]
        pos += _N
        for step in range(digit, maximum):
            block[22] = step
            block[23:] = sha256(block).digest()
        public.update(memoryview(block)[23:])
    return public.digest()


def _digits(digest, width):
    # The digest in digits of `width` bits, then their checksum in such digits (4.4).
    if width == 8:
        digits = list(digest)
    else:
        digits = [nibble for byte in digest for nibble in (byte >> 4, byte & 15)]
    maximum = (1 << width) - 1
    checksum = len(digits) * maximum - sum(digits)
    for shift in _CHECKSUM_SHIFTS[width]:
        digits.append(checksum >> shift & maximum)
    return digits
