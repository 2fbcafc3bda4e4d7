"""All rubrics of a repertory in memory, five bytes a grade, so that SQLite need not be asked for those of a case."""

from __future__ import annotations

import json
import sys
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen

from clincore.domain.canonical_json import canonical_json
from clincore.domain.repertory import Rubric

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

PARTS: Final = (
    "ids", "chapters", "chapter_texts", "paths", "path_ends", "remedies", "grades", "grade_ends", "leaf_hashes"
)  # fmt: skip
_NUMBERS: Final = {"ids": "q", "chapters": "I", "path_ends": "Q", "remedies": "I", "grade_ends": "Q"}
"""The type codes of the parts that are numbers; they are stored with the lowest byte first."""


@define
class Packing:
    """Packs rubrics, added in id order, into the parts that ``PackedRubrics`` is made of."""

    _ids: array[int] = field(factory=lambda: array("q"))
    _chapters: array[int] = field(factory=lambda: array("I"))
    _chapter_numbers: dict[str, int] = field(factory=dict)
    _paths: bytearray = field(factory=bytearray)
    _path_ends: array[int] = field(factory=lambda: array("Q", [0]))
    _remedies: array[int] = field(factory=lambda: array("I"))
    _grades: bytearray = field(factory=bytearray)
    _grade_ends: array[int] = field(factory=lambda: array("Q", [0]))
    _leaf_hashes: bytearray = field(factory=bytearray)

    def add(self, rubric_id: int, path: Sequence[str], grades: Sequence[tuple[int, int]], leaf_hash: bytes) -> None:
        """Add the next rubric; ``grades`` are (number of the remedy, grade)."""
        self._ids.append(rubric_id)
        self._chapters.append(self._chapter_numbers.setdefault(path[0], len(self._chapter_numbers)))
        self._paths += canonical_json(list(path)).encode()
        self._path_ends.append(len(self._paths))
        self._remedies.extend([number for number, _ in grades])
        self._grades += bytes([grade for _, grade in grades])
        self._grade_ends.append(len(self._grades))
        self._leaf_hashes += leaf_hash

    @property
    def _chapter_texts(self) -> bytes:
        return canonical_json(list(self._chapter_numbers)).encode()

    def parts(self) -> Iterator[tuple[str, bytes]]:
        """Give each part's name and its bytes."""
        for name in PARTS:
            part = getattr(self, f"_{name}")
            yield name, _lowest_byte_first(part).tobytes() if isinstance(part, array) else bytes(part)


@frozen
class PackedRubrics:
    """Every rubric by id; ``remedies`` are the abbreviations by number. It never changes."""

    _remedies: Sequence[str]
    _ids: array[int]
    _chapters: array[int]
    _chapter_texts: Sequence[str]
    _paths: bytes
    _path_ends: array[int]
    _numbers: array[int]
    _grades: bytes
    _grade_ends: array[int]

    @classmethod
    def of(cls, parts: Mapping[str, bytes], remedies: Sequence[str]) -> PackedRubrics:
        """Read the parts that ``Packing`` gave."""
        numbers = {name: _numbers(code, parts[name]) for name, code in _NUMBERS.items()}
        return cls(
            remedies,
            numbers["ids"],
            numbers["chapters"],
            json.loads(parts["chapter_texts"]),
            parts["paths"],
            numbers["path_ends"],
            numbers["remedies"],
            parts["grades"],
            numbers["grade_ends"],
        )

    def index(self, rubric_id: int) -> int | None:
        """Return a rubric's place in id order; None where there is none of this id."""
        return self._places([rubric_id]).get(rubric_id)

    def rubrics(self, ids: Iterable[int]) -> dict[int, Rubric]:
        """Return the rubrics among ``ids`` that exist, each once; costs what they hold, whatever the size."""
        name_of, ends, numbers, grades = self._remedies.__getitem__, self._grade_ends, self._numbers, self._grades
        texts, chapters = self._chapter_texts, self._chapters
        rubrics = {}
        for rubric_id, place in self._places(ids).items():
            start, end = ends[place], ends[place + 1]
            graded = dict(zip(map(name_of, numbers[start:end]), grades[start:end]))  # noqa: B905 - as many of both
            rubrics[rubric_id] = Rubric(rubric_id, PackedPath(texts[chapters[place]], self, place), graded)
        return rubrics

    def path(self, place: int) -> tuple[str, ...]:
        """The path of the rubric at a place."""
        start, end = self._path_ends[place : place + 2]
        return tuple(json.loads(self._paths[start:end]))

    def _places(self, wanted: Iterable[int]) -> dict[int, int]:
        """The places in id order of the rubrics among ``wanted`` that exist."""
        ids, size = self._ids, len(self._ids)
        first = ids[0] if ids else 0
        places = {}
        for rubric_id in wanted:
            place = rubric_id - first  # most repertories number their rubrics almost without gaps
            if not 0 <= place < size or ids[place] != rubric_id:
                place = bisect_left(ids, rubric_id)
                if place == size or ids[place] != rubric_id:
                    continue
            places[rubric_id] = place
        return places


class PackedPath(Sequence[str]):
    """A rubric's path, read when more of it is asked for than the chapter: a ranking needs no more."""

    __slots__ = ("_chapter", "_packed", "_place")

    def __init__(self, chapter: str, packed: PackedRubrics, place: int) -> None:
        self._chapter = chapter
        self._packed = packed
        self._place = place

    def __getitem__(self, index: Any) -> Any:
        return self._chapter if index == 0 else self._packed.path(self._place)[index]

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed.path(self._place))

    def __len__(self) -> int:
        return len(self._packed.path(self._place))

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, tuple | PackedPath) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def _numbers(code: str, content: bytes) -> array[int]:
    numbers: array[int] = array(code)
    numbers.frombytes(content)
    return _lowest_byte_first(numbers)


def _lowest_byte_first(numbers: array[int]) -> array[int]:
    """Turn numbers of this machine into stored ones, and back."""
    if sys.byteorder == "big":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers
