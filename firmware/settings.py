# The data that makes a unit: board, profile and config files, as its program finds them at a boot.
# SPDX-License-Identifier: Apache-2.0
import os

from protocols import cbor_reader  # noqa: F401 - once for all files
from protocols.compat import sha256

from .config import decode, read
from .config_check import check


class Settings:
    # config, board, profile, app: maps, hollow where the file is unusable; config_hash; problem:
    # why it is, or None. Without a method, which would hold all code of this file in the heap.
    config: dict
    board: dict
    profile: dict
    app: dict
    config_hash: bytes
    problem: str | None


def _hollow():
    settings = Settings()
    names = {key: "unknown" for key in ("name", "site", "board", "profile")}
    settings.config = {"node": names, "fitted": {}}
    settings.board = {"id": "unknown", "buses": {}, "fitted": {}}
    settings.profile = {"id": "unknown", "channels": []}
    settings.app = {}
    settings.config_hash = bytes(8)
    settings.problem = None
    return settings


# Reads the files below root ("" for the root of the file system). Never raises: a unit without a
# usable config must still answer on its serial port.
def load(root, counters, names=("board", "profile", "config")):
    settings = _hollow()
    _recover(root, counters)
    for name in names:
        path = "%s/%s.cbor" % (root, name)
        try:
            data = read(path)
            value = _checked(decode(path, data), name)
        except ValueError as error:
            counters.count("config_bad")
            settings.problem = settings.problem or str(error)
            continue
        setattr(settings, name, value)
        if name == "config":
            settings.config_hash = sha256(data).digest()[:8]
    try:
        settings.app = decode("app", read(root + "/app.cbor"))
    except ValueError:  # it only says the version
        pass
    return settings


# -> what the device needs of it
def _checked(value, name):
    if name == "config":
        return check(value)
    is_board = name == "board"
    for key in ("id", "buses", "fitted") if is_board else ("schema", "interval_s", "channels"):
        if key not in value:
            raise ValueError("%s: %s is missing; build and flash the image again" % (name, key))
    if not is_board:
        return value
    # The rest of a manifest is for the host.
    names = ("id", "console", "buses", "modem", "ethernet", "fitted", "rails")
    return {key: value[key] for key in names if key in value}


# Between the two renames of a commit there is no config.cbor: config.new is whole then. Without
# either, the old one is better than none.
def _recover(root, counters):
    try:
        names = os.listdir(root or "/")
    except OSError:
        return
    if "config.cbor" in names:
        return
    for name in ("config.new", "config.old"):
        if name not in names:
            continue
        try:
            check(decode(name, read("%s/%s" % (root, name))))
            os.rename("%s/%s" % (root, name), root + "/config.cbor")
            return
        except ValueError:
            counters.count("config_bad")
