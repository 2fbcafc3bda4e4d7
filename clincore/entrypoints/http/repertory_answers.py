"""The types of answers about the repertory; see ``answers``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta, Struct

from clincore.entrypoints.http.answers import Hash, PageOf

if TYPE_CHECKING:
    from clincore.domain.page import Page
    from clincore.domain.repertory import Remedy, RubricHit, RubricLine, RubricPage
    from clincore.services.loaded_repertory import Overview, RubricView

Grade = Annotated[int, Meta(ge=1, le=5)]
Path = Annotated[list[str], Meta(description="The texts from the chapter down.")]


class RubricInTree(Struct):
    """A rubric as it stands in the tree."""

    id: int
    text: str
    remedies: Annotated[int, Meta(description="How many remedies it has.")]
    children: Annotated[int, Meta(description="How many rubrics stand right below it.")]

    @classmethod
    def of(cls, line: RubricLine) -> RubricInTree:
        return cls(id=line.id, text=line.text, remedies=line.remedies, children=line.children)


class RepertoryAnswer(Struct):
    """The loaded repertory."""

    name: str
    edition: str
    fingerprint: Annotated[Hash, Meta(description="The root of a Merkle tree over its rubrics.")]
    rubrics: int
    remedies: int
    grades: int
    chapters: list[RubricInTree]

    @classmethod
    def of(cls, found: Overview) -> RepertoryAnswer:
        edition = found.edition
        return cls(
            name=edition.name,
            edition=edition.edition,
            fingerprint=edition.fingerprint,
            rubrics=edition.rubrics,
            remedies=edition.remedies,
            grades=edition.grades,
            chapters=[RubricInTree.of(line) for line in found.chapters],
        )


class GradedRemedy(Struct):
    """A remedy at the grade that it has in a rubric."""

    remedy: str
    grade: Grade


class FoundRubric(Struct):
    """A rubric that fits a search."""

    id: int
    path: Path
    remedies: Annotated[int, Meta(description="How many remedies it has.")]
    best: Annotated[list[GradedRemedy], Meta(description="The best-graded ones, highest first.")]

    @classmethod
    def of(cls, hit: RubricHit) -> FoundRubric:
        best = [GradedRemedy(remedy=remedy, grade=grade) for remedy, grade in hit.best]
        return cls(id=hit.id, path=list(hit.path), remedies=hit.remedies, best=best)


class FoundRubrics(PageOf[FoundRubric]):
    """Some rubrics that fit a search, in repertory order within relevance."""

    @classmethod
    def of(cls, page: RubricPage) -> FoundRubrics:
        return cls(items=[FoundRubric.of(hit) for hit in page.hits], next=page.next)


class NamedRemedy(GradedRemedy):
    """A remedy at the grade that it has in a rubric, with its name."""

    name: str


class CrossReferenceAnswer(Struct):
    """Where a rubric's text sends the reader, and the rubrics found there; often there is none."""

    text: str
    rubrics: list[RubricInTree]


class RubricAnswer(Struct):
    """One rubric, its remedies (the highest grade first), and what stands around it in repertory order."""

    id: int
    path: Path
    remedies: list[NamedRemedy]
    parents: Annotated[list[RubricInTree], Meta(description="From the chapter down.")]
    siblings: list[RubricInTree]
    children: list[RubricInTree]
    cross_references: list[CrossReferenceAnswer]

    @classmethod
    def of(cls, view: RubricView) -> RubricAnswer:
        rubric, family = view.rubric, view.family
        ordered = sorted(rubric.grades.items(), key=lambda item: (-item[1], item[0]))
        return cls(
            id=rubric.id,
            path=list(rubric.path),
            remedies=[NamedRemedy(remedy=name, grade=grade, name=view.remedies[name].name) for name, grade in ordered],
            parents=[RubricInTree.of(line) for line in family.parents],
            siblings=[RubricInTree.of(line) for line in family.siblings],
            children=[RubricInTree.of(line) for line in family.children],
            cross_references=[
                CrossReferenceAnswer(text=found.text, rubrics=[RubricInTree.of(line) for line in found.rubrics])
                for found in family.cross_references
            ],
        )


class RemedyAnswer(Struct):
    """A remedy of the repertory."""

    remedy: Annotated[str, Meta(description="Its abbreviation.")]
    name: Annotated[str, Meta(description="Empty where the source has none.")]
    frequency: Annotated[int, Meta(description="In how many rubrics it stands.")]


class RemedyPage(PageOf[RemedyAnswer]):
    """Some remedies, by abbreviation."""

    @classmethod
    def of(cls, page: Page[Remedy]) -> RemedyPage:
        found = [RemedyAnswer(remedy=one.abbreviation, name=one.name, frequency=one.frequency) for one in page.items]
        return cls(items=found, next=page.next)
