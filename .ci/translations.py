"""The catalogue of what host_tools and a desk's bench say: `translations.py update|compile|check`.

`update` brings host_tools/locale/*/LC_MESSAGES/fieldbeat.po up to the texts in the code, and
`compile` makes the .mo files, which are what runs. Texts are the arguments of `tr()`, the help of
verbs and options, heads of tables, names of facts, what fields may hold, nouns of `counted()` and
the words below.
"""

from __future__ import annotations

import ast
import errno
import io
import os
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import typer
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from fieldbeat.host_tools import cli, help_text, language, output, toml_words, unit_words

ROOT = Path(__file__).parent.parent
HOST_TOOLS = ROOT / "host_tools"
# Of the bench, what a technician who practises reads.
OF_BENCH = [
    ROOT / "hil_tests" / f"{name}.py"
    for name in ("bench_up", "desk_river", "desk_climate", "desk_faults")
]
PLACES = re.compile(r"\{(\w*)(?:![rsa])?(?::[^{}]*)?\}|(%s)")
# Their templates are in the code.
_FILLED = [option.__metadata__[0].help for option in (output.RegistryOption, output.DbOption)]
# Words that code compares, stores or writes as JSON; they are translated where they are printed.
WORDS = (
    *("absent", "active", "allocated", "alarm", "answered", "answers", "broken", "cancelled"),
    *("closed", "damaged", "done", "failed", "ground", "implausible", "issued", "never", "none"),
    *("normal", "obeyed", "open", "passed", "plausible", "provisioned", "refused", "replaced"),
    *("retired", "revoked", "running", "silent", "spare", "stopped", "stuck", "suspect"),
    *("swapped", "taken", "told", "sounded", "there", "unknown", "waiting", "whole", "yes", "no"),
    *("not tried", "wrong way", "on its way", "was done", "not ours", "actuator fault"),
    *("starting the modem", "attaching to the network", "opening the socket", "sending"),
    *("waiting for the answer", "setting up", "camera", "radio", "rails"),
    *("always on", "good", "bad", "In part", "Stopped", "Sounded", "Passed", "Answered", "Taken"),
    *("Obeyed", "Noted", "Done", "in part", "noted", "received", "accepted", "started"),
    *(
        "interrupted",
        "line current",
        "microphone",
        "stored",
        "gone",
        "alert",
        "cancel",
        "self-test",
    ),
    *("alarm rules", "issuers", "status", "picture", "operate", "record", "daily", "drill"),
    *("emergency", "idle", "safe", "switch", "interlock", "old", "keys", "talk", "identity"),
    *("state", "lock", "key", "config", "reset", "registry", "signing", "wifi", "taken off"),
    *("boot", "schema", "health", "receipt", "silence", "energy", "decision", "operation", "root"),
    *("night", "covered", "blurred", "glare", "frozen", "plain"),
    *("power", "hard", "watchdog", "deep sleep", "soft", "steady", "two-tone", "sweep", "Obeys"),
    *("Proven", "Alerts", "Orders", "why", "bytes", "flags", "schedule", "command", "order"),
    *("button", "serial line"),
)
# What the system says of files and ports.
_ERRORS = (
    *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EEXIST),
    *(errno.ENOSPC, errno.EROFS, errno.EIO, errno.EBUSY, errno.ENODEV, errno.ENXIO, errno.EBADF),
    *(errno.ENAMETOOLONG, errno.EINVAL, errno.EPIPE, errno.EADDRINUSE, errno.EADDRNOTAVAIL),
    *(errno.ECONNREFUSED, errno.ECONNRESET, errno.ETIMEDOUT, errno.EHOSTUNREACH),
    *(errno.ENETUNREACH, errno.ENETDOWN),
)


def texts() -> dict[str, str]:
    """Return each text that people may read, with where it stands first."""
    language.settle(language.ENGLISH)
    found: dict[str, str] = {}
    others = [(os.strerror(each), "system") for each in _ERRORS]
    others += [(each, "TOML") for each in toml_words.TEMPLATES]
    others += [(each, "unit") for each in unit_words.TEXTS]
    for text, place in [*_help(), *_of_code(), *((word, "words") for word in WORDS), *others]:
        found.setdefault(text, place)
    return found


def _help() -> Iterator[tuple[str, str]]:
    said = (*help_text.OF_TYPER, *help_text.PLACEHOLDERS, *help_text.USAGE_ERRORS)
    yield from ((text, "usage") for text in said)
    yield from _of_command(typer.main.get_command(cli.app), "fieldbeat")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    if project["entry-points"][cli.ENTRY_POINT_GROUP].keys() - cli.verbs().keys():
        raise SystemExit("verbs were added since this was installed: pip install -e . first")
    for name, point in cli.verbs().items():
        yield cli.summary(point), name
        yield from _of_command(cli.load(point), name)


def _of_command(command: object, name: str) -> Iterator[tuple[str, str]]:
    yield from ((text, name) for text in help_text.paragraphs(getattr(command, "help", "") or ""))
    for each in getattr(command, "params", ()):
        if (told := getattr(each, "help", None)) and told not in _FILLED:
            yield " ".join(told.split()), name
    for below in (getattr(command, "commands", None) or {}).values():
        if below is not None:
            yield from _of_command(below, f"{name} {below.name}")


def _of_code() -> Iterator[tuple[str, str]]:
    of_host = [*sorted(HOST_TOOLS.glob("*.py")), *sorted(HOST_TOOLS.glob("commands/*.py"))]
    for path in [*of_host, *OF_BENCH]:
        tree = ast.parse(path.read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
            for text in _of_call(call, tree):
                yield text, path.relative_to(ROOT).as_posix()


def _of_call(call: ast.Call, tree: ast.Module) -> list[str]:
    name = called(call)
    if name == "Field":
        told = [each.value for each in call.keywords if each.arg == "description"]
        return [text for each in told for text in constants(each) if _is_text(text)]
    if not call.args:
        return []
    if name == "tr":
        return [text for text in constants(call.args[0]) if text]
    if name == "counted":
        return [f"{{number}} {noun}s" for noun in constants(call.args[1])]
    if name in ("table", "print_table"):
        heads = call.args[:1] + [each.value for each in call.keywords if each.arg == "title"]
        heads += call.args[1:2] if name == "table" else call.args[2:3]
        return [text for head in heads for text in _heads(head, tree) if _is_text(text)]
    if name == "print_facts" or name == "append" and _is_facts(call):
        return [text for text in _names(call.args[0], tree) if _is_text(text)]
    return []


def called(call: ast.Call) -> str:
    """Return the name of what is called."""
    return getattr(call.func, "id", "") or getattr(call.func, "attr", "")


def constants(node: ast.AST) -> list[str]:
    """Return the texts in an expression; those in formatted ones are none."""
    if isinstance(node, ast.JoinedStr):
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Call):
        return []
    return [text for child in ast.iter_child_nodes(node) for text in constants(child)]


def _heads(node: ast.AST, tree: ast.Module) -> list[str]:
    """Return the heads of a table, also those that stand under a name."""
    names = [each.id for each in ast.walk(node) if isinstance(each, ast.Name)]
    return [
        *constants(node),
        *(text for name in names for value in _assigned(name, tree) for text in constants(value)),
    ]


def _names(node: ast.AST, tree: ast.Module) -> list[str]:
    """Return the names in (name, value) pairs, also of a list that stands under a name."""
    lists = [node, *(_assigned(node.id, tree) if isinstance(node, ast.Name) else ())]
    pairs = [each for part in lists for each in ast.walk(part) if isinstance(each, ast.Tuple)]
    firsts = [pair.elts[0] for pair in pairs if pair.elts]
    return [
        text for first in firsts if isinstance(first, ast.Constant) for text in constants(first)
    ]


def _assigned(name: str, tree: ast.Module) -> list[ast.AST]:
    found: list[ast.AST] = []
    for node in ast.walk(tree):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AnnAssign | ast.AugAssign) and node.value:
            targets = [node.target]
        if any(getattr(target, "id", "") == name for target in targets):
            found.append(node.value)  # type: ignore[attr-defined]
    return found


def _is_facts(call: ast.Call) -> bool:
    return getattr(getattr(call.func, "value", None), "id", "") == "facts"


def _is_text(text: str) -> bool:
    return bool(re.search(r"[a-z]{2}|\b[A-Z][a-z]\b", text))


def places(text: str) -> list[str]:
    """Return the named places of a template."""
    return sorted(set(map("".join, PLACES.findall(text))))


def catalogues() -> list[Path]:
    """Return the catalogues of all languages."""
    return sorted(language.FOLDER.glob(f"*/LC_MESSAGES/{language.DOMAIN}.po"))


def read(path: Path) -> Catalog:
    """Return a catalogue."""
    return read_po(io.BytesIO(path.read_bytes()), locale=path.parts[-3])


def updated(old: Catalog) -> Catalog:
    """Return a catalogue with the texts in the code, and with what is known of them."""
    new = Catalog(locale=old.locale, header_comment=old.header_comment, fuzzy=False)
    new.project, new.version = language.DOMAIN, "1"
    new.msgid_bugs_address = new.last_translator = new.language_team = "fieldbeat"
    new.creation_date, new.revision_date = old.creation_date, old.revision_date
    for text, place in texts().items():
        known = old.get(text)
        new.add(text, known.string if known else "", auto_comments=[place])
    return new


def written(catalogue: Catalog) -> bytes:
    """Return the .po file of a catalogue."""
    file = io.BytesIO()
    write_po(file, catalogue, width=0, ignore_obsolete=True)
    return file.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """Return the .mo file of a catalogue."""
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def faults(catalogue: Catalog) -> Iterator[str]:
    """Tell what is wrong with a catalogue."""
    known = {str(message.id): message for message in catalogue if message.id}
    for text in texts().keys() - known.keys():
        yield f"not in the catalogue, run update: {text!r}"
    for text, message in known.items():
        if not message.string:
            yield f"not translated: {text!r}"
        elif message.fuzzy or places(text) != places(str(message.string)):
            yield f"fuzzy, or with other places: {text!r}"


def main(command: str) -> int:
    """Do one of the things that the head of this file names."""
    wrong = 0
    for path in catalogues():
        catalogue = read(path)
        if command == "update":
            path.write_bytes(written(updated(catalogue)))
        elif command == "compile":
            path.with_suffix(".mo").write_bytes(compiled(catalogue))
        elif command == "check":
            told = list(faults(catalogue))
            if path.with_suffix(".mo").read_bytes() != compiled(catalogue):
                told.append("its .mo file is old, run compile")
            wrong += len(told)
            print("\n".join(f"{path.parts[-3]}: {each}" for each in told[:20]))
        else:
            raise SystemExit(__doc__)
    if wrong:
        print(f"{wrong} faults")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2] or ["help"]))
