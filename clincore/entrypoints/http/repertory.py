"""The repertory, and rankings without a case, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clincore.entrypoints.http.answers import RankingAnswer
from clincore.entrypoints.http.bodies import InputBody
from clincore.entrypoints.http.encoding import answer, answer_page
from clincore.entrypoints.http.examples import FINGERPRINT, IN_TREE, INPUT, RANKING, page
from clincore.entrypoints.http.operation import Operation
from clincore.entrypoints.http.parameters import clinic_of, path_number
from clincore.entrypoints.http.problems import INVALID_QUERY, NO_RUBRIC, REPERTORY
from clincore.entrypoints.http.queries import PageQuery, RankingQuery, RubricsQuery, read_query
from clincore.entrypoints.http.reading import read_body
from clincore.entrypoints.http.repertory_answers import FoundRubrics, RemedyPage, RepertoryAnswer, RubricAnswer

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def view_repertory(request: Request) -> Response:
    return answer(RepertoryAnswer.of(await clinic_of(request).repertory.overview()))


async def search_rubrics(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, RubricsQuery)
    found = await clinic.repertory.search(asked.q, limit=asked.limit, cursor=asked.cursor)
    return answer_page(request, FoundRubrics.of(found))


async def view_rubric(request: Request) -> Response:
    view = await clinic_of(request).repertory.rubric(path_number(request, "id", NO_RUBRIC))
    return answer(RubricAnswer.of(view))


async def list_remedies(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, PageQuery)
    found = await clinic.repertory.remedies(limit=asked.limit, cursor=asked.cursor)
    return answer_page(request, RemedyPage.of(found))


async def rank_rubrics(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, RankingQuery)
    body = await read_body(request, InputBody)
    found = await clinic.rankings.rank(body.payload(""), stability=asked.stability)
    return answer(RankingAnswer.of(found, grid=asked.grid))


OPERATIONS: Final = (
    Operation(
        name="view_repertory",
        method="GET",
        path="/repertory",
        handler=view_repertory,
        tag="Repertory",
        summary="See which repertory is loaded, with its fingerprint and its chapters",
        answer=RepertoryAnswer,
        refusals=(REPERTORY,),
        example={
            "name": "ClinCore Starter Repertory",
            "edition": "1",
            "fingerprint": FINGERPRINT,
            "rubrics": 166,
            "remedies": 70,
            "grades": 1369,
            "chapters": [{"id": 1, "text": "MIND", "remedies": 0, "children": 12}],
        },
        links={"view_rubric": {"id": "$response.body#/chapters/0/id"}},
    ),
    Operation(
        name="search_rubrics",
        method="GET",
        path="/repertory/rubrics",
        handler=search_rubrics,
        tag="Repertory",
        summary="Search rubrics",
        description=(
            'All words must be there: `anxiety night`. `"fear of death"` finds a phrase, `-morning` leaves '
            "out, `hemi*`, `*algia` and `*gast*` stand for words that begin so, end so, hold it. `remedy:ars` and "
            "`grade:2` restrict. worse and better mean agg and amel too. Results stand in repertory order within "
            "relevance. A query that cannot be read is refused with its position."
        ),
        query=RubricsQuery,
        answer=FoundRubrics,
        refusals=(INVALID_QUERY, REPERTORY),
        sends={"q": "anxiety night", "limit": 20},
        example=page(
            {
                "id": 11,
                "path": ["MIND", "ANXIETY", "night"],
                "remedies": 23,
                "best": [{"remedy": "ars", "grade": 3}, {"remedy": "puls", "grade": 3}],
            }
        ),
        links={
            "view_rubric": {"id": "$response.body#/items/0/id"},
            "rank_rubrics": {"body": {"symptom_ids": ["$response.body#/items/0/id"]}},
        },
    ),
    Operation(
        name="view_rubric",
        method="GET",
        path="/repertory/rubrics/{id}",
        handler=view_rubric,
        tag="Repertory",
        summary="See a rubric with its graded remedies and the tree around it",
        answer=RubricAnswer,
        refusals=(NO_RUBRIC, REPERTORY),
        sends={"id": 11},
        example={
            "id": 11,
            "path": ["MIND", "ANXIETY", "night"],
            "remedies": [{"remedy": "ars", "grade": 3, "name": "Arsenicum album"}],
            "parents": [{"id": 1, "text": "MIND", "remedies": 0, "children": 12}, IN_TREE],
            "siblings": [{"id": 9, "text": "evening", "remedies": 12, "children": 0}],
            "children": [],
            "cross_references": [],
        },
    ),
    Operation(
        name="list_remedies",
        method="GET",
        path="/repertory/remedies",
        handler=list_remedies,
        tag="Repertory",
        summary="List the repertory's remedies",
        description="By abbreviation.",
        query=PageQuery,
        answer=RemedyPage,
        refusals=(REPERTORY,),
        sends={"limit": 200},
        example=page({"remedy": "ars", "name": "Arsenicum album", "frequency": 63}),
    ),
    Operation(
        name="rank_rubrics",
        method="POST",
        path="/repertory/rankings",
        handler=rank_rubrics,
        tag="Repertory",
        summary="Rank remedies for rubrics, without a case",
        query=RankingQuery,
        body=InputBody,
        answer=RankingAnswer,
        refusals=(REPERTORY,),
        sends={"body": INPUT},
        example=RANKING,
    ),
)
