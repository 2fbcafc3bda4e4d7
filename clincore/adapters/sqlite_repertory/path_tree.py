"""Makes the tree of a repertory whose rubrics are given by their whole paths."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.adapters.sqlite_repertory.source import PATH_SEPARATORS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SEPARATOR = re.compile("|".join(map(re.escape, PATH_SEPARATORS)))
Node = tuple[int | None, str]
"""A rubric's parent, None for a chapter, and its own text."""


@frozen(kw_only=True)
class PathRubric:
    """One rubric as a source gives it: its path, the rubric above it and its chapter where the source names them."""

    path: str
    above: int | None = None
    own: str = ""
    chapter: str = ""


@frozen
class PathTree:
    """The tree: each rubric's parent and text, by id; ``added`` are chapters that the source only mentions."""

    nodes: Mapping[int, Node] = field(repr=False)
    added: tuple[int, ...]


def tree_of_paths(rubrics: Mapping[int, PathRubric]) -> PathTree:
    """Return the tree of the rubrics; what no other rubric is above of stands below its chapter.

    The rubric named as ``above`` is the parent where the paths agree with that; else the parent is the rubric with the
    longest path that the path begins with, up to a separator. Only where there is none either, ``above`` is believed.
    """
    ids: dict[str, int] = {}
    for rubric, given in rubrics.items():
        ids.setdefault(given.path, rubric)
    nodes: dict[int, Node] = {}
    added: dict[str, int] = {}
    free = max(rubrics, default=0) + 1
    for rubric, given in rubrics.items():
        node = _node(rubric, given, rubrics, ids)
        if node is None:
            chapter, text = _chapter_and_text(given)
            if not text:
                nodes[rubric] = (None, chapter)
                continue
            parent = ids.get(chapter)
            if parent is None or parent == rubric:
                parent = added.setdefault(chapter, free + len(added))
            node = (parent, text)
        nodes[rubric] = node
    nodes.update((rubric, (None, chapter)) for chapter, rubric in added.items())
    return PathTree(nodes, tuple(added.values()))


def circle_in(nodes: Mapping[int, Node]) -> int | None:
    """Return a rubric from which the way up leads back to itself; None where every way ends at a chapter."""
    sound: set[int] = set()
    for rubric in nodes:
        way: dict[int, None] = {}
        at: int | None = rubric
        while at is not None and at not in sound:
            if at in way:
                return at
            way[at] = None
            at = nodes[at][0]
        sound.update(way)
    return None


def _node(rubric: int, given: PathRubric, rubrics: Mapping[int, PathRubric], ids: Mapping[str, int]) -> Node | None:
    above = given.above if given.above in rubrics and given.above != rubric else None
    if above is not None and (text := _rest(given.path, rubrics[above].path)):
        return above, text
    for prefix, text in _prefixes(given.path):
        if prefix in ids:
            return ids[prefix], text
    if above is not None:
        return above, given.own or given.path
    return None


def _rest(path: str, prefix: str) -> str:
    """Return what follows in a path behind a prefix and a separator; the empty text where it does not begin so."""
    if not path.startswith(prefix) or (separator := _SEPARATOR.match(path, len(prefix))) is None:
        return ""
    return path[separator.end() :].strip()


def _prefixes(path: str) -> Iterator[tuple[str, str]]:
    """Yield (beginning, rest) of a path for every separator in it, the longest beginning first."""
    for separator in reversed([*_SEPARATOR.finditer(path)]):
        prefix, rest = path[: separator.start()].strip(), path[separator.end() :].strip()
        if prefix and rest:
            yield prefix, rest


def _chapter_and_text(given: PathRubric) -> tuple[str, str]:
    """Return the chapter of a rubric that no other is above of, and its text; that is empty for the chapter itself."""
    if given.chapter:
        if given.path == given.chapter:
            return given.chapter, ""
        return given.chapter, _rest(given.path, given.chapter) or given.path
    *_, (chapter, text) = [(given.path, ""), *_prefixes(given.path)]
    return chapter, text
