"""The tree around a rubric, out of the derived file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.adapters.sqlite_repertory.folding import folded
from clincore.adapters.sqlite_repertory.source import split_path
from clincore.domain.repertory import CrossReference, RubricFamily, RubricLine, references_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.adapters.sqlite_repertory.search import Rows

_BELOW = """
SELECT id, json_extract(leaf, '$[1][#-1]'), remedies,
    (SELECT count(*) FROM rubric AS child WHERE child.parent_id = rubric.id)
FROM rubric WHERE parent_id IS ? ORDER BY id
"""
_UPWARDS = """
WITH RECURSIVE way (id, parent_id, step) AS (
    SELECT id, parent_id, 0 FROM rubric WHERE id = ?
    UNION ALL SELECT rubric.id, rubric.parent_id, step + 1 FROM way JOIN rubric ON rubric.id = way.parent_id
)
SELECT rubric.id, json_extract(leaf, '$[1][#-1]'), remedies,
    (SELECT count(*) FROM rubric AS child WHERE child.parent_id = rubric.id)
FROM way JOIN rubric ON rubric.id = way.id ORDER BY step DESC
"""
_WITHIN = """
WITH RECURSIVE inside (id) AS (
    SELECT id FROM rubric WHERE parent_id = ?
    UNION ALL SELECT rubric.id FROM inside JOIN rubric ON rubric.parent_id = inside.id
)
SELECT rubric.id, json_extract(leaf, '$[1][#-1]'), remedies,
    (SELECT count(*) FROM rubric AS child WHERE child.parent_id = rubric.id)
FROM inside JOIN rubric ON rubric.id = inside.id ORDER BY rubric.id
"""
_WORD = re.compile(r"[^\W_]+")


@frozen(kw_only=True)
class Families:
    """Reads the tree of one derived file."""

    rows: Rows

    async def of(self, rubric_id: int | None) -> RubricFamily | None:
        """Return what stands around a rubric; see the port."""
        if rubric_id is None:
            return RubricFamily(parents=(), siblings=(), children=await self._below(None), cross_references=())
        if not 0 < rubric_id < 2**63:
            return None
        *parents, rubric = await self._lines(_UPWARDS, rubric_id) or (None,)
        if rubric is None:
            return None
        above = [line for line in parents if line is not None]
        beside = await self._below(above[-1].id if above else None)
        return RubricFamily(
            parents=tuple(above),
            siblings=tuple(line for line in beside if line.id != rubric_id),
            children=await self._below(rubric_id),
            cross_references=tuple(
                [
                    CrossReference(text=text, rubrics=await self._meant(text, above, rubric_id))
                    for text in references_in(rubric.text)
                ]
            ),
        )

    async def _below(self, rubric_id: int | None) -> tuple[RubricLine, ...]:
        return await self._lines(_BELOW, rubric_id)

    async def _lines(self, statement: str, rubric_id: int | None) -> tuple[RubricLine, ...]:
        return tuple(
            RubricLine(id=number, text=text, remedies=remedies, children=children)
            for number, text, remedies, children in await self.rows(statement, (rubric_id,))
        )

    async def _meant(self, text: str, above: Sequence[RubricLine], itself: int) -> tuple[RubricLine, ...]:
        """Return the rubrics that a reference names: those nearest to it.

        They are looked for among its siblings, then level by level up to the chapters, and last anywhere in its own
        chapter. "Feeble" names "feeble stream" too where no rubric is called just so; "Mind - Fear" goes down from
        Mind.
        """
        first, *further = split_path(text)
        for start in [*(line.id for line in reversed(above)), None]:
            found = [line for line in _named(first, await self._below(start)) if line.id != itself]
            for name in further:
                found = [line for parent in found for line in _named(name, await self._below(parent.id))]
            if found:
                return tuple(found)
        if further or not above:
            return ()
        chapter = await self._lines(_WITHIN, above[0].id)
        return tuple(_named(first, [line for line in chapter if line.id != itself]))


def _named(name: str, lines: Sequence[RubricLine]) -> list[RubricLine]:
    """Return the lines with the name; else those that begin with it as whole words."""
    wanted = _WORD.findall(folded(name))
    words = [(line, _WORD.findall(folded(line.text))) for line in lines]
    exact = [line for line, written in words if written == wanted]
    return exact or [line for line, written in words if wanted and written[: len(wanted)] == wanted]
