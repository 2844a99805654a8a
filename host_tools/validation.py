"""Checks data that people write against pydantic models, with messages that they can act on.

A message names the file, the key, what was given and what is allowed. What is allowed comes from
the model: bounds, choices, or the field's `description` where those do not say it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from .errors import CannotTry

Model = TypeVar("Model", bound="Strict")


class Strict(BaseModel):
    """A table of a file: no unknown keys, no silent conversion, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InvalidData(CannotTry):
    """A file whose content is not allowed; `problems` has one message a mistake."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(f"{source}: {problems[0]}{more}", f"correct {source}")
        self.source = source
        self.problems = list(problems)


def check(model: type[Model], data: Any, source: str) -> Model:
    """Return `data` as a model.

    Args:
        model: the class that says what is allowed.
        data: what was read, as dicts and lists.
        source: the file's name, for messages.

    Raises:
        InvalidData: with every mistake that was found.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        # A misspelt key first: it is why another one is missing.
        found = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
        raise InvalidData(source, [_problem(model, each) for each in found]) from None


def key(location: Iterable[str | int]) -> str:
    """Write a place in the data as TOML has it: `[uplink] port`, `[fitted.air] address`."""
    parts = [str(part) for part in location]
    return f"[{'.'.join(parts[:-1])}] {parts[-1]}" if len(parts) > 1 else parts[0]


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what is allowed in place of `word`, the nearest word first."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"allowed: {', '.join(choices)}" if choices else "nothing is allowed here"


def _problem(model: type[BaseModel], found: Any) -> str:
    """Write one of pydantic's findings as `place = given: must be allowed`."""
    kind, given, context = found["type"], found["input"], found.get("ctx", {})
    path, owner, field = _walk(model, found["loc"])
    place = key(path)
    if kind == "extra_forbidden":
        return f"{place}: unknown key, {did_you_mean(path[-1], _keys(owner))}"
    if kind.startswith("union_tag"):
        place = key([*path, context["discriminator"].strip("'")])
        allowed = context.get("expected_tags", "given")
        return f"{place} = {_short(context.get('tag', 'nothing'))}: must be {allowed}"
    allowed = _allowed(field, path[-1]) if field else "a table"
    if kind == "missing":
        return f"{place}: missing, must be {allowed}"
    return f"{place} = {_short(given)}: must be {allowed}"


def _walk(
    model: type[BaseModel], location: Iterable[str | int]
) -> tuple[list[str], type[BaseModel], FieldInfo | None]:
    """Follow pydantic's location: the path as people see it, the last model and the last field."""
    path: list[str] = []
    field: FieldInfo | None = None
    annotation: Any = model
    for step in map(str, location):
        members = _members(annotation)
        if len(members) > 1 and (tagged := [m for m in members if _has_tag(m, step)]):
            annotation = tagged[0]  # pydantic names the chosen alternative here; people do not
            continue
        annotation = members[0] if members else Any
        path.append(step)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model, field = annotation, _by_key(annotation, step)
            annotation = field.annotation if field else Any
        elif step != "[key]":
            field = None
            annotation = (get_args(annotation) or (Any,))[-1]
    return path, model, field


def _by_key(model: type[BaseModel], step: str) -> FieldInfo | None:
    """The field that a file calls `step`; a field may have another name in Python."""
    aliases = {field.alias: field for field in model.model_fields.values() if field.alias}
    return aliases.get(step) or model.model_fields.get(step)


def _keys(model: type[BaseModel]) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()]


def _members(annotation: Any) -> list[Any]:
    """The alternatives of an annotation, without None."""
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in get_args(annotation) for inner in _members(member)]
    return [] if annotation is type(None) else [annotation]


def _has_tag(model: Any, tag: str) -> bool:
    """Whether `tag` is what a discriminated union calls this model."""
    fields = getattr(model, "model_fields", {}).values()
    return any(
        tag in get_args(f.annotation) for f in fields if get_origin(f.annotation) is Literal
    )


def _allowed(field: FieldInfo, name: str) -> str:
    if field.description:
        return field.description
    limits: dict[str, Any] = {}
    for constraint in field.metadata:
        for bound in ("ge", "le"):
            if hasattr(constraint, bound):
                limits[bound] = getattr(constraint, bound)
    kind = _kind(field.annotation)
    if len(limits) == 2:
        return f"{kind} from {limits['ge']} to {limits['le']}{_unit(name)}"
    return kind


def _kind(annotation: Any) -> str:
    names = {int: "a whole number", str: "a text", bool: "true or false", float: "a number"}
    found = []
    for member in _members(annotation):
        if get_origin(member) is Literal:
            found += [_short(choice) for choice in get_args(member)]
        else:
            found.append(names.get(member, "a list" if get_origin(member) is list else "a table"))
    return " or ".join(found)


def _unit(name: str) -> str:
    for suffix, unit in (("_s", "s"), ("_ms", "ms"), ("_bytes", "bytes"), ("bytes_day", "bytes")):
        if name.endswith(suffix):
            return f" {unit}"
    return ""


def _short(given: Any) -> str:
    text = f"'{given}'" if isinstance(given, str) else str(given)
    return text if len(text) <= 60 else text[:57] + "..."
