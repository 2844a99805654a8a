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
        raise InvalidData(source, [_problem(model, data, each) for each in found]) from None


def key(location: Iterable[str | int], data: Any = None) -> str:
    """Write a place in the data as TOML has it: `[uplink] port`, `[fitted.air] address`.

    One of several tables goes by its own number, or is counted from 1: `[[alarm]] 1 above`.
    """
    names: list[str] = []
    row, table = None, ""
    for step in location:
        data = _inside(data, step)
        if isinstance(step, str):
            names.append(step)
        elif isinstance(data, dict):
            row, table = data.get("number", step + 1), ".".join(names)
    if row is not None:
        rest = ".".join(names)[len(table) + 1 :]
        return f"[[{table}]] {row} {rest}".rstrip()
    return f"[{'.'.join(names[:-1])}] {names[-1]}" if len(names) > 1 else names[0]


def _inside(data: Any, step: str | int) -> Any:
    try:
        return data[step]
    except (IndexError, KeyError, TypeError):
        return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what is allowed in place of `word`, the nearest word first."""
    choices = sorted(known)
    near = difflib.get_close_matches(word, choices, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"allowed: {', '.join(choices)}" if choices else "nothing is allowed here"


def _problem(model: type[BaseModel], data: Any, found: Any) -> str:
    """Write one of pydantic's findings as `place = given: must be allowed`."""
    kind, given, context = found["type"], found["input"], found.get("ctx", {})
    path, owner, rule = _walk(model, found["loc"])
    place = key(path, data)
    if kind == "extra_forbidden":
        return f"{place}: unknown key, {did_you_mean(str(path[-1]), _keys(owner))}"
    if kind.startswith("union_tag"):
        place = key([*path, context["discriminator"].strip("'")], data)
        allowed = context.get("expected_tags", "given")
        return f"{place} = {_short(context.get('tag', 'nothing'))}: must be {allowed}"
    allowed = _allowed(rule, next(name for name in reversed(path) if isinstance(name, str)))
    if kind == "missing":
        return f"{place}: missing, must be {allowed}"
    return f"{place} = {_short(given)}: must be {allowed}"


def _walk(
    model: type[BaseModel], location: Iterable[str | int]
) -> tuple[list[str | int], type[BaseModel], Any]:
    """Follow pydantic's location: the path as people see it, the last model, and the rule there.

    A rule is a field of a model, or else an annotation.
    """
    path: list[str | int] = []
    rule: Any = None
    annotation: Any = model
    for step in location:
        members = _members(annotation)
        if len(members) > 1 and (tagged := [m for m in members if _has_tag(m, str(step))]):
            annotation = tagged[0]  # pydantic names the chosen alternative here; people do not
            continue
        annotation = members[0] if members else Any
        path.append(step)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            model, rule = annotation, _by_key(annotation, str(step))
            annotation = rule.annotation if rule else Any
        elif step != "[key]":
            rule = annotation = (get_args(annotation) or (Any,))[-1]
    return path, model, rule


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


def _allowed(rule: Any, name: str) -> str:
    """Return what a field of a model, or an annotation, allows, in words."""
    annotation = rule.annotation if isinstance(rule, FieldInfo) else rule
    fields = [rule] if isinstance(rule, FieldInfo) else []
    if get_origin(annotation) is Annotated:
        fields += [each for each in get_args(annotation)[1:] if isinstance(each, FieldInfo)]
    if told := [field.description for field in fields if field.description]:
        return told[0]
    bounds: dict[str, Any] = {}
    for constraint in (each for field in fields for each in field.metadata):
        for bound in ("ge", "gt", "le", "min_length", "max_length"):
            if hasattr(constraint, bound):
                bounds[bound] = getattr(constraint, bound)
    members = _members(annotation)
    if len(members) == 1 and get_origin(members[0]) is list:
        return _list(_allowed(get_args(members[0])[0], name), bounds)
    return _kind(annotation) + (f"{span}{_unit(name)}" if (span := _span(bounds)) else "")


def _span(bounds: dict[str, Any]) -> str:
    if "le" not in bounds:
        return ""
    if "gt" in bounds:
        return f" above {bounds['gt']}, at most {bounds['le']}"
    return f" from {bounds['ge']} to {bounds['le']}" if "ge" in bounds else ""


def _list(each: str, bounds: dict[str, Any]) -> str:
    """Return how many of what a list has; `each` says it of one."""
    if not each.startswith("a whole number"):
        return "a list"
    least, most = bounds.get("min_length"), bounds.get("max_length")
    many = "" if most is None else f"{most} " if least == most else f"at most {most} "
    return f"a list of {many}{each.replace('a whole number', 'whole numbers', 1)}"


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
