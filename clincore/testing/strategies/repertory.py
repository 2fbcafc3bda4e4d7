"""Rubrics, remedies, and whole repertories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from attrs import evolve, field, frozen
from hypothesis import strategies as st

from clincore.domain.fingerprint import MerkleTree, leaf_hash, rubric_leaf
from clincore.domain.inclusion import InclusionProof, TreeHead, audit_path
from clincore.domain.limits import (
    MAX_ID,
)
from clincore.domain.ranking.case import Bucket
from clincore.domain.repertory import (
    MAX_GRADE,
    CrossReference,
    Edition,
    Remedy,
    RemedyStatistics,
    Rubric,
    RubricFamily,
    RubricHit,
    RubricLine,
    RubricPage,
    RubricTag,
    median_of,
)
from clincore.testing.strategies.basics import names, plain_texts

if TYPE_CHECKING:
    from collections.abc import Mapping


ABBREVIATIONS: Final = (
    *("acon.", "ars.", "Aur.", "bell.", "bry.", "calc.", "carb-v.", "chin.", "Ign."),
    *("lach.", "lyc.", "nat-m.", "nux-v.", "phos.", "puls.", "sep.", "sil.", "sulph."),
)
"""The remedies of generated cases: 18, so that rubrics fall on both sides of 15; not in the order of code points."""


def grades() -> st.SearchStrategy[int]:
    """Grades that count: 1 to 5."""
    return st.integers(1, MAX_GRADE)


def graded_remedies() -> st.SearchStrategy[dict[str, int]]:
    """A rubric's remedies: none, a few, or 14 to 17 of them, around the size up to which a rubric is small."""
    few = st.dictionaries(st.sampled_from(ABBREVIATIONS), grades(), max_size=6)
    many = st.lists(grades(), min_size=14, max_size=17).map(lambda given: dict(zip(ABBREVIATIONS, given, strict=False)))
    return few | few | many


def symptom_ids() -> st.SearchStrategy[int]:
    """Rubric ids: small ones, and the largest that the contract allows."""
    return st.integers(1, 300) | st.integers(MAX_ID - 3, MAX_ID)


def rubric_paths() -> st.SearchStrategy[tuple[str, ...]]:
    """Paths of one to four texts, from a chapter down."""
    chapters = st.sampled_from(["Mind", "MIND", "Generals", "GENERALITIES", "Generalities", "Head", "Mindful", "Sleep"])
    below = st.sampled_from(["Anger", "night, at", "agg.", "Ängste", "Толпа", "pain, \U0001d538"])
    return st.builds(lambda chapter, texts: (chapter, *texts), chapters, st.lists(below, max_size=3))


def rubrics() -> st.SearchStrategy[Rubric]:
    """Rubrics of a repertory with graded remedies."""
    return st.builds(Rubric, id=symptom_ids(), path=rubric_paths(), grades=graded_remedies())


def rubric_tags() -> st.SearchStrategy[RubricTag]:
    """What a tags file may say of a rubric."""
    return st.builds(
        RubricTag,
        bucket=st.none() | st.sampled_from([bucket.value for bucket in Bucket]),
        ailments_from=st.booleans(),
        delusions=st.booleans(),
    )


def remedy_statistics() -> st.SearchStrategy[RemedyStatistics]:
    """Frequencies of all ``ABBREVIATIONS``, and of one more remedy or none, so that there may be an odd number."""

    def of(frequencies: list[int]) -> RemedyStatistics:
        known = zip((*ABBREVIATIONS, "zinc."), frequencies, strict=False)
        return RemedyStatistics(
            remedies={
                abbreviation: Remedy(abbreviation=abbreviation, name=f"{abbreviation} (Latin)", frequency=frequency)
                for abbreviation, frequency in known
            },
            median_frequency=median_of(frequencies),
        )

    size = len(ABBREVIATIONS)
    frequency = st.integers(1, 6) | st.integers(1, 2000)
    return st.lists(frequency, min_size=size, max_size=size + 1).map(of)


def editions() -> st.SearchStrategy[Edition]:
    return st.builds(
        Edition,
        name=names(),
        edition=names(),
        fingerprint=st.binary(min_size=32, max_size=32).map(bytes.hex),
        rubrics=st.integers(0, 300_000),
        remedies=st.integers(0, 5000),
        grades=st.integers(0, 2_000_000),
    )


def remedies() -> st.SearchStrategy[Remedy]:
    return st.builds(
        Remedy,
        abbreviation=st.sampled_from(ABBREVIATIONS),
        name=st.just("") | names(),
        frequency=st.integers(1, 2000),
    )


def rubric_hits() -> st.SearchStrategy[RubricHit]:
    """Lines of a search result, with the best-graded remedies of a rubric."""

    def of(rubric: Rubric) -> RubricHit:
        best = sorted(rubric.grades.items(), key=lambda graded: (-graded[1], graded[0]))[:3]
        return RubricHit(id=rubric.id, path=tuple(rubric.path), remedies=len(rubric.grades), best=tuple(best))

    return rubrics().map(of)


def rubric_pages() -> st.SearchStrategy[RubricPage]:
    hits = st.lists(rubric_hits(), max_size=3, unique_by=lambda hit: hit.id).map(tuple)
    return st.builds(RubricPage, hits=hits, next=st.none() | st.just("bmV4dA"))


def rubric_lines() -> st.SearchStrategy[RubricLine]:
    return st.builds(
        RubricLine,
        id=symptom_ids(),
        text=plain_texts(longest=12, shortest=1),
        remedies=st.integers(0, 300),
        children=st.integers(0, 30),
    )


def rubric_families() -> st.SearchStrategy[RubricFamily]:
    lines = st.lists(rubric_lines(), max_size=3, unique_by=lambda line: line.id).map(tuple)
    references = st.lists(
        st.builds(CrossReference, text=plain_texts(longest=12, shortest=1), rubrics=lines), max_size=2
    )
    return st.builds(
        RubricFamily, parents=lines, siblings=lines, children=lines, cross_references=references.map(tuple)
    )


@frozen(kw_only=True)
class RepertoryContent:
    """A whole repertory as plain data: ``texts`` and ``parents`` by rubric, and ``grades`` of rubrics that have some.

    An adapter's author writes it in the adapter's own format; the rest says what must then be read.
    """

    name: str
    edition: str
    texts: Mapping[int, str]
    parents: Mapping[int, int | None]
    grades: Mapping[int, Mapping[str, int]] = field(factory=dict)
    remedy_names: Mapping[str, str] = field(factory=dict)

    def path(self, rubric_id: int) -> tuple[str, ...]:
        parent = self.parents[rubric_id]
        return (*(self.path(parent) if parent is not None else ()), self.texts[rubric_id])

    @property
    def rubrics(self) -> dict[int, Rubric]:
        """Every rubric by id, in the order of ids."""
        return {
            id: Rubric(id=id, path=self.path(id), grades=dict(self.grades.get(id, {}))) for id in sorted(self.texts)
        }

    @property
    def statistics(self) -> RemedyStatistics:
        frequencies: dict[str, int] = {}
        for graded in self.grades.values():
            for remedy in graded:
                frequencies[remedy] = frequencies.get(remedy, 0) + 1
        return RemedyStatistics(
            remedies={
                remedy: Remedy(abbreviation=remedy, name=self.remedy_names.get(remedy, ""), frequency=frequency)
                for remedy, frequency in frequencies.items()
            },
            median_frequency=median_of(list(frequencies.values())),
        )

    @property
    def leaves(self) -> list[str]:
        """The canonical text of every rubric, in the order of ids."""
        return [rubric_leaf(rubric.id, rubric.path, rubric.grades) for rubric in self.rubrics.values()]

    @property
    def identity(self) -> Edition:
        """What must be told of the edition."""
        tree = MerkleTree()
        for leaf in self.leaves:
            tree.append(leaf.encode())
        return Edition(
            name=self.name,
            edition=self.edition,
            fingerprint=tree.root(),
            rubrics=len(self.texts),
            remedies=len(self.statistics.remedies),
            grades=sum(map(len, self.grades.values())),
        )


WORDS: Final = ("Mind", "FEAR", "death, of", "night", "agg.", "alone, when", "Hémorrhage", "in bed", "Толпа", "1 a.m.")
"""What rubrics are called in generated repertories, so that searches find some."""


@st.composite
def repertories(draw: st.DrawFn, *, smallest: int = 1, longest: int = 12) -> RepertoryContent:
    """Repertories of so many rubrics, some without remedies; a parent's id may be the larger one."""
    ids = draw(st.lists(symptom_ids(), min_size=smallest, max_size=longest, unique=True))
    parents: dict[int, int | None] = {}
    for id in ids:
        parents[id] = draw(st.sampled_from([None, *parents]))
    given = {id: draw(graded_remedies()) for id in ids}
    standing = sorted({remedy for graded in given.values() for remedy in graded})
    return RepertoryContent(
        name=draw(names()),
        edition=draw(names()),
        texts={id: draw(st.sampled_from(WORDS)) for id in ids},
        parents=parents,
        grades={id: graded for id, graded in given.items() if graded},
        remedy_names={remedy: f"{remedy} (Latin)" for remedy in standing if draw(st.booleans())},
    )


@st.composite
def inclusion_proofs(draw: st.DrawFn) -> tuple[InclusionProof, TreeHead]:
    """Proofs of one rubric of a repertory, which hold under the head beside them."""
    content = draw(repertories())
    leaves = content.leaves
    index = draw(st.integers(0, len(leaves) - 1))
    path = audit_path(b"".join(leaf_hash(leaf.encode()) for leaf in leaves), index)
    proof = InclusionProof(
        leaf=leaves[index], index=index, size=len(leaves), path=tuple(beside.hex() for beside in path)
    )
    return proof, content.identity.head


@st.composite
def invalid_inclusion_proofs(draw: st.DrawFn) -> tuple[InclusionProof, TreeHead]:
    """Proofs of the right form that do not hold: another leaf, place, size, path or head."""
    proof, head = draw(inclusion_proofs())
    other = "0f" * 32
    return draw(
        st.sampled_from(
            [
                (evolve(proof, leaf=f"{proof.leaf} "), head),
                (evolve(proof, index=proof.size), head),
                (evolve(proof, size=proof.size + 1), head),
                (evolve(proof, path=(*proof.path, other)), head),
                (evolve(proof, path=(*proof.path[:-1], other)) if proof.path else evolve(proof, index=-1), head),
                (proof, evolve(head, fingerprint=other)),
                (proof, evolve(head, rubrics=head.rubrics + 1)),
            ]
        )
    )
