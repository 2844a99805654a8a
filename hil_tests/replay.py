"""A soak again, byte for byte: `fieldbeat bench replay SEED`.

The digest is over every datagram, every flash operation with its time, and the flash at the end.
`--expect` takes a digest, or the soak.json of an earlier run: with the trace beside it, the first
difference is told.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from fieldbeat.host_tools.errors import CannotTry

from .soak import Options, run


def replay(options: Options, expect: str | None, as_json: bool) -> int:
    """Returns 0 if the run is as expected or nothing was, 1 if it differs."""
    digest, trace, options = _expected(expect, options)
    results, difference = run(options, expected=trace)
    same = None if digest is None else digest == results.digest
    where = str(difference) if difference else ""
    if same is False and trace and not difference:
        where = "all lines are equal; the flash at the end differs"
    if as_json:
        found = {"digest": results.digest, "expected": digest, "same": same}
        print(json.dumps(found | {"difference": where or None}))
    else:
        print(results.digest)
        if same is False:
            print(f"expected {digest}")
            print(where or "no trace to compare with: name a soak.json that has one beside it")
        elif same:
            print("the same, byte for byte")
    return 1 if same is False else 0


def _expected(expect: str | None, options: Options) -> tuple[str | None, Path | None, Options]:
    if expect is None:
        return None, None, options
    if re.fullmatch(r"[0-9a-f]{64}", expect):
        return expect, None, options
    path = Path(expect)
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        named = Options(before["days"], before["seed"], before["stations"])
        digest = before["digest"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotTry(
            f"{expect} is neither a digest of 64 hex digits nor the soak.json of a run",
            "fieldbeat bench soak --report DIR writes one",
        ) from error
    if named.seed != options.seed:
        raise CannotTry(f"{expect} is a run of seed {named.seed}, not {options.seed}", "name that")
    trace = path.with_name("soak.trace.gz")
    return digest, trace if trace.exists() else None, named
