"""The routes and the problems, held against what is metered and what the pages say."""

from __future__ import annotations

import re
from pathlib import Path

from clincore.domain.usage import Endpoint
from clincore.entrypoints.http.problems import BY_ERROR, PROBLEMS
from clincore.entrypoints.http.routes import ROUTES

FOR_ANYONE = {"GET /health", "GET /ready", "GET /version", "POST /bootstrap"}
DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "http.md").read_text(encoding="utf-8")
PROBLEMS_PAGE = (DOCS / "problems.md").read_text(encoding="utf-8")


def routes() -> set[str]:
    return {f"{method} {route.path}" for route in ROUTES for method in (route.methods or set()) - {"HEAD"}}


def test_every_route_that_needs_a_key_is_metered_by_method_and_route() -> None:
    assert {endpoint.value for endpoint in Endpoint} - FOR_ANYONE == routes() - FOR_ANYONE


def test_the_page_lists_every_call() -> None:
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", PAGE, re.MULTILINE)) == routes() | {
        "GET /openapi.json",
        "GET /docs",
    }


def test_the_page_lists_every_problem_with_its_status() -> None:
    listed = re.findall(r"^\| (\d+) \| `([a-z-]+)` \| (.+) \|$", PROBLEMS_PAGE, re.MULTILINE)
    assert [(int(status), name, when) for status, name, when in listed] == [
        (kind.status, kind.name, kind.when) for kind in PROBLEMS
    ]


def test_every_problem_that_an_error_becomes_is_listed() -> None:
    assert {kind for _, kind in BY_ERROR} <= set(PROBLEMS)
    assert len({kind.name for kind in PROBLEMS}) == len(PROBLEMS)
