"""What is wrong with a document that should be settings, in the words of the person who wrote it."""

import json
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from difflib import get_close_matches
from types import NoneType
from typing import Annotated, Any, Generic, Literal, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from fleetcast.settings.positions import Place

_Tree = TypeVar("_Tree", bound=BaseModel)
_SHOWN = 60  # characters of a wrong value that a message shows
_ROUNDS = 50  # each takes out what is wrong; what was hidden by it comes in the next
_MANY = 12  # choices that a message lists


@dataclass(frozen=True, slots=True)
class Found:
    """One problem at a place in the document."""

    place: Place
    problem: str
    instead: str


@dataclass(frozen=True)
class Examined(Generic[_Tree]):
    """The tree made from what of a document is right, and every problem of the rest.

    Where something needed is absent or wrong, `tree` has a stand-in; what it says at the places `unsure` means nothing.
    """

    tree: _Tree | None
    found: list[Found]
    unsure: frozenset[Place]


def examine(tree: type[_Tree], document: dict[str, Any]) -> Examined[_Tree]:
    """Mend what is wrong until the rest can be read, so that one mistake does not hide another."""
    document = json.loads(json.dumps(document, default=_dated))
    found = list(_not_finite(document, ()))
    touched, unsure = {_drop(document, one.place) for one in found}, set[Place]()
    for _ in range(_ROUNDS):
        try:
            # As JSON: lists are tuples, but "3" is no number and true is no 1.
            made = tree.model_validate_json(json.dumps(document), strict=True)
        except ValidationError as error:
            errors = [(_place(one), one) for one in map(dict, error.errors(include_url=False))]
        else:
            return Examined(made, found, frozenset(unsure))
        found += [_described(tree, place, one) for place, one in errors if not within(place, touched)]
        for place, one in errors:
            if one["type"] == "missing":
                unsure.add(_fill(document, place, *_at(tree, place)))
                touched.add(place)
        for place, one in errors:
            if one["type"] != "missing":
                touched.add(_mend(document, place, _nearest(one["input"], _at(tree, place)[0])))
    return Examined(None, found, frozenset(unsure))


def within(place: Place, places: Collection[Place]) -> bool:
    """Whether a place is one of these, or inside one."""
    return any(place[:length] in places for length in range(1, len(place) + 1))


def _place(error: dict[str, Any]) -> Place:
    return tuple(part for part in error["loc"] if part != "[key]")


def _dated(value: object) -> str:
    """TOML has dates of its own; the tree has them as text."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is no value of TOML")


def _not_finite(value: object, place: Place) -> Iterator[Found]:
    match value:
        case dict():
            for key, inner in value.items():
                yield from _not_finite(inner, (*place, key))
        case list():
            for index, inner in enumerate(value):
                yield from _not_finite(inner, (*place, index))
        case float() if not math.isfinite(value):
            yield Found(place, f"{value} is not a finite number", "write a finite number")


def _fill(document: dict[str, Any], place: Place, annotation: Any, _: list[Any]) -> Place:
    """Put something where a value is needed; returns where that makes all else doubtful."""
    choice = get_origin(annotation) is Literal
    if choice:
        _put(document, place, get_args(annotation)[0])
    elif get_origin(annotation) is tuple:
        _put(document, place, [])
    else:
        _put(document, place, "x" if annotation is str else {})
    return place[:-1] if choice else place


def _mend(document: dict[str, Any], place: Place, nearest: str | None) -> Place:
    if nearest is None:
        return _drop(document, place)
    _put(document, place, nearest)
    return place


def _put(document: dict[str, Any], place: Place, value: object) -> None:
    inner: Any = document
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value


def _drop(document: dict[str, Any], place: Place) -> Place:
    """Take out a key, or the whole list that an item stands in; returns the place taken out."""
    inner: Any = document
    for depth, key in enumerate(place, start=1):
        if not isinstance(inner.get(key), dict) or depth == len(place):
            inner.pop(key, None)
            return place[:depth]
        inner = inner[key]
    return place


def _described(tree: type[BaseModel], place: Place, error: dict[str, Any]) -> Found:
    key, value = place[-1], error["input"]
    if error["type"] == "extra_forbidden":
        return Found(place, "unknown key", _known_key(tree, place))
    wanted = _wanted(*_at(tree, place))
    if error["type"] == "missing":
        return Found(place, "is missing", f"write `{key} = …`, {wanted}")
    if "[key]" in error["loc"]:
        annotation, metadata = _at(tree, place[:-1])
        names = _wanted(get_args(annotation)[0], metadata)
        return Found(place, f"{_shown(key)} cannot be a name here", f"write {names}")
    nearest = _nearest(value, _at(tree, place)[0])
    hint = f" (did you mean {_shown(nearest)}?)" if nearest else ""
    return Found(place, f"{_shown(value)} is {_fault(error)}", f"write {wanted}{hint}")


def _fault(error: dict[str, Any]) -> str:
    match error["type"]:
        case "literal_error":
            return "none of the choices"
        case "greater_than" | "greater_than_equal":
            return "too small"
        case "less_than" | "less_than_equal":
            return "too large"
        case "string_too_short" | "string_too_long":
            return "not one character"
        case "string_pattern_mismatch":
            return "no name"
        case _:
            return "of the wrong type"


def _shown(value: object) -> str:
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _known_key(tree: type[BaseModel], place: Place) -> str:
    annotation, _ = _at(tree, place[:-1])
    known = list(_keys(annotation))
    near = get_close_matches(str(place[-1]), known, n=1)
    if near:
        return f"did you mean `{near[0]}`?"
    elsewhere = [
        name
        for name, field in tree.model_fields.items()
        if str(place[-1]) in _keys(_unwrapped(field.annotation, [])[0])
    ]
    if elsewhere and len(place) > 1:
        return f"`{place[-1]}` belongs in [{elsewhere[0]}]"
    return f"remove it; the keys here are {_listed(known)}"


def _keys(annotation: Any) -> Iterator[str]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        for name, field in annotation.model_fields.items():
            yield field.alias or name


def _at(tree: type[BaseModel], place: Place) -> tuple[Any, list[Any]]:
    """Type and constraints of what may stand at a place."""
    annotation: Any = tree
    metadata: list[Any] = []
    for key in place:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
            field = fields.get(str(key))
            if field is None:
                return Any, []
            annotation, metadata = field.annotation, list(field.metadata)
        else:
            inner = get_args(annotation)
            annotation, metadata = (
                (inner[1] if get_origin(annotation) is dict else inner[0]) if inner else Any,
                [],
            )
        annotation, metadata = _unwrapped(annotation, metadata)
    return annotation, metadata


def _unwrapped(annotation: Any, metadata: list[Any]) -> tuple[Any, list[Any]]:
    """Without `| None` and `Annotated`, whose constraints join the others."""
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for one in more:
            metadata = [*metadata, *(one.metadata if isinstance(one, FieldInfo) else [one])]
    inner = [one for one in get_args(annotation) if one is not NoneType]
    if NoneType in get_args(annotation) and len(inner) == 1:
        return _unwrapped(inner[0], metadata)
    return annotation, metadata


def _wanted(annotation: Any, metadata: list[Any]) -> str:
    """What may be written, as a noun: "a whole number from 1 to 52"."""
    annotation, metadata = _unwrapped(annotation, metadata)
    limits = {
        name: getattr(one, name)
        for one in metadata
        for name in _LIMITS
        if getattr(one, name, None) is not None
    }
    if get_origin(annotation) is Literal:
        return _choices(annotation)
    if get_origin(annotation) is tuple:
        return f"a list, each {_wanted(get_args(annotation)[0], [])}"
    if annotation is str:
        return _text(limits)
    return {
        bool: "true or false",
        int: f"a whole number{_range(limits)}",
        float: f"a number{_range(limits)}",
    }.get(annotation, "a table")


_LIMITS = ("ge", "gt", "le", "lt", "pattern", "max_length")


def _range(limits: dict[str, Any]) -> str:
    low = limits.get("ge")
    if low is not None and "le" in limits:
        return f" from {low} to {limits['le']}"
    words = {"ge": "at least", "gt": "above", "le": "at most", "lt": "below"}
    said = [f"{word} {limits[limit]}" for limit, word in words.items() if limit in limits]
    return f" {' and '.join(said)}" if said else ""


def _text(limits: dict[str, Any]) -> str:
    if "pattern" in limits:
        return "a name of lower-case letters, digits and _, a letter first"
    return "one character" if limits.get("max_length") == 1 else "text in quotation marks"


def _choices(annotation: Any) -> str:
    choices = get_args(annotation)
    return _shown(choices[0]) if len(choices) == 1 else "one of " + _listed([_shown(c) for c in choices])


def _nearest(value: object, annotation: Any) -> str | None:
    """The choice that a wrong word was meant to be."""
    if get_origin(annotation) is not Literal or not isinstance(value, str):
        return None
    near = get_close_matches(value, [str(choice) for choice in get_args(annotation)], n=1)
    return near[0] if near else None


def _listed(names: list[str]) -> str:
    return ", ".join(names[:_MANY]) + (f" and {len(names) - _MANY} more" if len(names) > _MANY else "")
