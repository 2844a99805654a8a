# SMP group 8: a few files by name, read and written by offset, so that a transfer can go on.
# SPDX-License-Identifier: Apache-2.0
import os

from protocols import smp
from protocols.compat import const, sha256

from . import later
from .smp_request import Refused, field

# As in protocols/smp_codes.py.
_GROUP_FS = const(8)
_FS_FILE = const(0)
_FS_STATUS = const(1)
_FS_HASH = const(2)
_FS_HASH_TYPES = const(3)
_FS_CLOSE = const(4)

# Names of enum fs_mgmt_err_code_t in Zephyr.
_INVALID_NAME = const(2)
_NOT_FOUND = const(3)
_IS_DIRECTORY = const(4)
_READ_FAILED = const(7)
_WRITE_FAILED = const(10)
_OFFSET_NOT_VALID = const(11)
_OFFSET_LARGER = const(12)
_HASH_NOT_FOUND = const(13)
_READ_ONLY = const(15)

_CHUNK = const(448)  # of a frame of 508 bytes, with room for the other fields
_WRITE_LIMIT = const(8192)  # bytes of a file that is uploaded
_DIRECTORY = const(0x4000)

# All that can be read. Secrets are in NVS, which has no file name.
_READABLE = const(
    (
        "/config.cbor",
        "/config.new",
        "/profile.cbor",
        "/board.cbor",
        "/app.cbor",
        "/crash.txt",
        "/flight.cbor",
    )
)
_FLIGHT = const("/flight.cbor")  # made when somebody begins to read it
_READABLE_FOLDER = const("/outbox/")
_WRITABLE = const(("/config.new",))


def _readable(name):
    if name in _READABLE:
        return True
    leaf = name[len(_READABLE_FOLDER) :]
    if not name.startswith(_READABLE_FOLDER) or leaf in ("", ".", ".."):
        return False
    return "/" not in leaf and "\0" not in leaf


class FSGroup:
    ID = _GROUP_FS

    def __init__(self, server):
        self._root = server.root
        # command: (read, write)
        self.commands = {
            _FS_FILE: (self._download, self._upload),
            _FS_STATUS: (self._status, None),
            _FS_HASH: (self._hash, None),
            _FS_HASH_TYPES: (self._hash_types, None),
            _FS_CLOSE: (None, self._close),
        }

    def _path(self, body):
        name = field(body, "name", str)
        if not _readable(name):
            raise Refused(smp.EACCESSDENIED, _INVALID_NAME)
        if name == _FLIGHT and not field(body, "off", int, 0):
            later.call("firmware.flight_file", "write", self._root)
        return self._root + name

    def _size(self, path):
        try:
            status = os.stat(path)
        except OSError:
            raise Refused(smp.ENOENT, _NOT_FOUND)
        if status[0] & _DIRECTORY:
            raise Refused(smp.EINVAL, _IS_DIRECTORY)
        return status[6]

    async def _download(self, body):
        path, offset = self._path(body), field(body, "off", int)
        size = self._size(path)
        if offset > size:
            raise Refused(smp.EINVAL, _OFFSET_LARGER)
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                answer = {"off": offset, "data": file.read(_CHUNK)}
        except OSError:
            raise Refused(smp.EUNKNOWN, _READ_FAILED)
        if offset == 0:
            answer["len"] = size
        return answer

    async def _upload(self, body):
        path, offset = self._path(body), field(body, "off", int)
        data, name = field(body, "data", bytes), field(body, "name", str)
        if name not in _WRITABLE:
            raise Refused(smp.EACCESSDENIED, _READ_ONLY)
        # A chunk that is already there may come again: its answer was lost.
        if offset and offset > self._size(path):
            raise Refused(smp.EINVAL, _OFFSET_NOT_VALID)
        if max(offset + len(data), field(body, "len", int, 0)) > _WRITE_LIMIT:
            if offset:  # a part of a file is not to be committed
                os.remove(path)
            raise Refused(smp.EINVAL, text="%s takes at most %d bytes" % (name, _WRITE_LIMIT))
        try:
            with open(path, "r+b" if offset else "wb") as file:
                file.seek(offset)
                file.write(data)
        except OSError:
            raise Refused(smp.EUNKNOWN, _WRITE_FAILED)
        return {"off": offset + len(data)}

    async def _status(self, body):
        return {"len": self._size(self._path(body))}

    async def _hash(self, body):
        path = self._path(body)
        if field(body, "type", str, "sha256") != "sha256":
            raise Refused(smp.EINVAL, _HASH_NOT_FOUND)
        offset, size = field(body, "off", int, 0), self._size(path)
        if offset > size:
            raise Refused(smp.EINVAL, _OFFSET_LARGER)
        length = min(field(body, "len", int, size), size - offset)
        answer = {"type": "sha256", "len": length, "output": self._sha256(path, offset, length)}
        if offset:
            answer["off"] = offset
        return answer

    def _sha256(self, path, offset, left):
        digest = sha256()
        try:
            with open(path, "rb") as file:
                file.seek(offset)
                while left:
                    data = file.read(min(left, _CHUNK))
                    if not data:
                        raise Refused(smp.EUNKNOWN, _READ_FAILED)
                    digest.update(data)
                    left -= len(data)
        except OSError:
            raise Refused(smp.EUNKNOWN, _READ_FAILED)
        return digest.digest()

    async def _hash_types(self, body):
        return {"types": {"sha256": {"format": 1, "size": 32}}}

    async def _close(self, body):
        # No file stays open between two requests.
        return {}
