"""What msgspec says of an input, in the words in which the domain says what is wrong and what would be right."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec import inspect

from clincore.domain.errors import Problem

if TYPE_CHECKING:
    from msgspec import Struct

_PATH: Final = re.compile(r" - at `\$\.?(.*)`$")
_STEP: Final = re.compile(r"[^.\[\]]+|\[[^\]]*\]")
_TYPES: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "a JSON object",
    "uuid": "a UUID",
    "datetime": "a time with its time zone, such as 2026-03-14T09:26:53Z",
    "null": "null",
}
_BOUNDS: Final = {">=": "at least", "<=": "at most"}
_BOUND: Final = re.compile(r"Expected `(\w+)` (>=|<=) (-?\d+)")
_TYPE: Final = re.compile(r"Expected `([\w |]+)`")
_MISSING: Final = re.compile(r"Object missing required field `(\w+)`")
_UNREADABLE: Final = {"Invalid UUID": "uuid", "Invalid RFC3339 encoded datetime": "datetime"}


def validation_problem(message: str, kind: type[Struct]) -> Problem:
    """Return the problem that msgspec's message tells of an input of a kind, by its path, without a value in it."""
    found = _PATH.search(message)
    path = found.group(1) if found else ""
    said = _PATH.sub("", message)
    if missing := _MISSING.match(said):
        return Problem(f"{path}.{missing.group(1)}" if path else missing.group(1), "is missing")
    return Problem(path, _in_words(said, kind, path))


def _in_words(said: str, kind: type[Struct], path: str) -> str:
    if said.startswith("Object contains unknown field"):
        return f"has a field that does not exist; there are {', '.join(_fields_at(kind, path))}"
    if said.startswith("Invalid enum value"):
        return f"must be one of {', '.join(_values_at(kind, path))}"
    return _of_a_value(said)


def _of_a_value(said: str) -> str:
    if said in _UNREADABLE:
        return f"must be {_TYPES[_UNREADABLE[said]]}"
    if bound := _BOUND.match(said):
        return f"must be {_TYPES[bound.group(1)]} of {_BOUNDS[bound.group(2)]} {bound.group(3)}"
    if expected := _TYPE.match(said):
        return f"must be {' or '.join(_TYPES.get(name, name) for name in expected.group(1).split(' | '))}"
    return "is not valid"


def _fields_at(kind: type[Struct], path: str) -> list[str]:
    types = [one for one in _types_at(kind, path) if isinstance(one, inspect.StructType)]
    return [field.encode_name for one in types for field in one.fields]


def _values_at(kind: type[Struct], path: str) -> list[str]:
    types = [one for one in _types_at(kind, path) if isinstance(one, inspect.EnumType)]
    return [str(member.value) for one in types for member in one.cls]


def _types_at(kind: type[Struct], path: str) -> list[inspect.Type]:
    """Return what may stand at a path, such as rubrics[2].symptom_id, below a type."""
    types = _plain([inspect.type_info(kind)])
    for step in _STEP.findall(path):
        if step.startswith("["):
            below = [one.item_type for one in types if isinstance(one, inspect.ListType)]
        else:
            fields = [field for one in types if isinstance(one, inspect.StructType) for field in one.fields]
            below = [field.type for field in fields if field.encode_name == step]
        types = _plain(below)
    return types


def _plain(types: list[inspect.Type]) -> list[inspect.Type]:
    """The types without their descriptions, and the members of unions one by one."""
    found: list[inspect.Type] = []
    for one in types:
        bare = one.type if isinstance(one, inspect.Metadata) else one
        found += _plain(list(bare.types)) if isinstance(bare, inspect.UnionType) else [bare]
    return found
