"""Names what a batch is at, by what crosses the cable."""

from __future__ import annotations

from collections.abc import Iterable

from .cable import Operation

# (stage, what comes): the stage that begins with it.
_BEGINS = {
    ("connect", "get_security_info"): "identify",
    ("identify", "mem_begin"): "prepare",
    ("prepare", "spi_flash_md5"): "read",
    ("read", "flash_defl_begin"): "erase",
    ("write", "flash_defl_begin"): "erase",
    ("erase", "flash_defl_data"): "write",
    ("write", "spi_flash_md5"): "verify",
    ("verify", "flash_defl_begin"): "erase",
    ("verify", "reset line"): "boot",
    ("read", "reset line"): "boot",
    ("boot", "os write 0"): "who is it",
    ("who is it", "shell write 0"): "state",
    ("state", "settings write key/master"): "key",
    ("state", "close"): "record",  # nothing was written
    ("key", "settings read config/sha256"): "configuration",
    ("configuration", "os write 5"): "restart",
    ("restart", "settings read key/check"): "compare",
    ("compare", "shell write 0"): "self-test",
    ("self-test", "close"): "record",
}


def stages(operations: Iterable[Operation]) -> list[str]:
    """Return the stage of each operation, in their order."""
    found, now = [], "connect"
    for operation in operations:
        now = _BEGINS.get((now, operation.what or operation.kind), now)
        if operation.kind == "reset line":
            now = _BEGINS.get((now, operation.kind), now)
        found.append(now)
    return found
