"""Checks data that people write against pydantic models, with messages that they can act on.

A message names the file, the key, what was given and what is allowed. What is allowed comes from
the model: bounds, choices, or the field's `description` where those do not say it.
"""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from .errors import CannotTry
from .language import tr
from .wording import one_of

Model = TypeVar("Model", bound="Strict")
# Which keys a table may have, by its path, where that is less than its model knows.
Keys = Mapping[tuple[str | int, ...], Iterable[str]]


class Strict(BaseModel):
    """A table of a file: no unknown keys, no silent conversion, no change afterwards."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class InvalidData(CannotTry):
    """A file whose content is not allowed; `problems` has one message a mistake."""

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        more = (
            tr(" (and {value} more)").format(value=len(problems) - 1) if len(problems) > 1 else ""
        )
        super().__init__(
            f"{source}: {problems[0]}{more}", tr("correct {source}").format(source=source)
        )
        self.source = source
        self.problems = list(problems)


def check(model: type[Model], data: Any, source: str, keys: Keys | None = None) -> Model:
    """Return `data` as a model.

    Args:
        model: the class that says what is allowed.
        data: what was read, as dicts and lists.
        source: the file's name, for messages.
        keys: of tables that may have less than the model knows.

    Raises:
        InvalidData: with every mistake that was found.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidData(source, _problems(model, data, error, keys or {})) from None


def sift(model: type[Model], data: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return which of `data` is right, and what is wrong with the rest."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        wrong = {each["loc"][0] for each in error.errors()}
        right = {key: value for key, value in data.items() if key not in wrong}
        return right, _problems(model, data, error, {})
    return data, []


def key(location: Iterable[str | int], data: Any = None) -> str:
    """Write a place in the data as TOML has it: `[uplink] port`, `[fitted.air] address`.

    One of several tables goes by its own number, `[[alarm]] 1 above`. One without is counted, and
    told with its name if it has one: `the 5th [[rule]], 'cool', number`.
    """
    names: list[str] = []
    row = ""
    for step in location:
        data = _inside(data, step)
        if isinstance(step, str):
            names.append(step)
        elif isinstance(data, dict) and row:  # one of several inside one of several
            names.append(str(step + 1))
        elif isinstance(data, dict):
            row, names = _one_of(f"[[{'.'.join(names)}]]", step, data), []
    if row:
        return " ".join([row, *names])
    return f"[{'.'.join(names[:-1])}] {names[-1]}" if len(names) > 1 else names[0]


def _one_of(kind: str, index: int, table: dict[str, Any]) -> str:
    if "number" in table:
        return f"{kind} {table['number']}"
    nth = index + 1
    told = {1: tr("the {nth}st {kind}"), 2: tr("the {nth}nd {kind}"), 3: tr("the {nth}rd {kind}")}
    ending = 0 if 10 < nth % 100 < 14 else nth % 10
    name = tr(", '{name}',").format(name=table["name"]) if table.get("name") else ""
    return told.get(ending, tr("the {nth}th {kind}")).format(nth=nth, kind=kind) + name


def _inside(data: Any, step: str | int) -> Any:
    try:
        return data[step]
    except (IndexError, KeyError, TypeError):
        return None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return what is allowed in place of `word`, the nearest word first."""
    choices = sorted(known)
    same = [choice for choice in choices if choice.lower() == word.lower()]
    near = same or difflib.get_close_matches(word, choices, n=1)
    if near:
        return tr("did you mean '{near}'?").format(near=near[0])
    return (
        tr("allowed: {listed}").format(listed=", ".join(choices))
        if choices
        else tr("nothing is allowed here")
    )


def _problems(model: type[BaseModel], data: Any, error: ValidationError, keys: Keys) -> list[str]:
    # A misspelt key first: it is why another one is missing.
    found = sorted(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    return [_problem(model, data, each, keys) for each in found]


def _problem(model: type[BaseModel], data: Any, found: Any, keys: Keys) -> str:
    """Write one of pydantic's findings as `place = given: must be allowed`."""
    kind, given, context = found["type"], found["input"], found.get("ctx", {})
    path, owner, rule = _walk(model, found["loc"])
    place = key(path, data)
    if kind == "extra_forbidden":
        known = keys.get(tuple(path[:-1]), _keys(owner))
        return tr("{place}: unknown key, {did_you_mean}").format(
            place=place, did_you_mean=did_you_mean(str(path[-1]), known)
        )
    if kind.startswith("union_tag"):
        place = key([*path, context["discriminator"].strip("'")], data)
        if "tag" not in context:
            return tr("{key}: missing").format(key=place)
        return tr("{place} = {short}: must be {allowed}").format(
            place=place, short=_short(context["tag"]), allowed=context["expected_tags"]
        )
    if isinstance(given, dict) and kind == "list_type":
        return tr("[{path}]: there may be several, write [[{path}]] above each of them").format(
            path=path[-1]
        )
    if kind == "string_too_long":
        most = context["max_length"]
        return tr("{place} = '{given}': has {count} characters, must have at most {most}").format(
            place=place, given=given, count=len(given), most=most
        )
    allowed = _allowed(rule, next(name for name in reversed(path) if isinstance(name, str)))
    if kind == "missing":
        return tr("{place}: missing, must be {allowed}").format(place=place, allowed=allowed)
    return tr("{place} = {short}: must be {allowed}").format(
        place=place, short=_short(given), allowed=allowed
    )


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
        return tr(told[0])
    bounds: dict[str, Any] = {}
    for constraint in (each for field in fields for each in field.metadata):
        for bound in ("ge", "gt", "le", "min_length", "max_length"):
            if hasattr(constraint, bound):
                bounds[bound] = getattr(constraint, bound)
    members = _members(annotation)
    if len(members) == 1 and get_origin(members[0]) is list:
        return _list(get_args(members[0])[0], bounds, name)
    return _spanned(_kind(annotation), bounds, name)


def _spanned(kind: str, bounds: dict[str, Any], name: str) -> str:
    """Return what is allowed with its lowest and its highest value, where it has both."""
    if "le" not in bounds:
        return kind
    template = tr("{kind} from {low} to {high}")
    if "gt" in bounds:
        template = tr("{kind} above {low}, at most {high}")
    low = bounds.get("gt", bounds.get("ge"))
    if low is None:
        return kind
    return template.format(kind=kind, low=low, high=_with_unit(bounds["le"], name))


def _list(item: Any, bounds: dict[str, Any], name: str) -> str:
    """Return how many numbers a list has, and which."""
    if _members(item) != [int]:
        return tr("a list")
    fields = [each for each in get_args(item)[1:] if isinstance(each, FieldInfo)]
    within = {
        bound: getattr(each, bound)
        for field in fields
        for each in field.metadata
        for bound in ("ge", "gt", "le")
        if hasattr(each, bound)
    }
    kind = _spanned(tr("whole numbers"), within, name)
    least, most = bounds.get("min_length"), bounds.get("max_length")
    if most is None:
        return tr("a list of {kind}").format(kind=kind)
    if least == most:
        return tr("a list of {count} {kind}").format(count=most, kind=kind)
    return tr("a list of at most {count} {kind}").format(count=most, kind=kind)


def _kind(annotation: Any) -> str:
    names = {
        int: tr("a whole number"),
        str: tr("a text"),
        bool: tr("true or false"),
        float: tr("a number"),
    }
    found = []
    for member in _members(annotation):
        if get_origin(member) is Literal:
            found += [_short(choice) for choice in get_args(member)]
        else:
            several = tr("a list") if get_origin(member) is list else tr("a table")
            found.append(names.get(member, several))
    return one_of(found)


def _with_unit(value: Any, name: str) -> str:
    if name.endswith(("_bytes", "bytes_day")):
        return tr("{count} bytes").format(count=value)
    unit = next((unit for unit in ("ms", "s") if name.endswith(f"_{unit}")), "")
    return f"{value} {unit}".rstrip()


def _short(given: Any) -> str:
    text = f"'{given}'" if isinstance(given, str) else str(given)
    return text if len(text) <= 60 else text[:57] + "..."
