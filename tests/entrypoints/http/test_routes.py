"""The routes and the problems, held against what is metered and what the pages say."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from starlette.routing import Match

from clincore.domain.usage import Endpoint
from clincore.entrypoints.http.dispatch import Dispatch
from clincore.entrypoints.http.pages import PAGES
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


PATHS = st.lists(
    st.sampled_from(["", "cases", "patients", "admin", "api-keys", "revoke", "finalize", "docs", "x", "{id}", "%2F"]),
    max_size=5,
).map("/".join)


@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "HEAD", "DELETE", "OPTIONS"]),
    path=PATHS.map("/{}".format) | st.sampled_from([route.path for route in ROUTES]),
)
def test_a_request_is_dispatched_as_the_router_would(method: str, path: str) -> None:
    """What is not found at once is left to the router; HEAD always is."""
    scope = {"type": "http", "method": method, "path": path}
    matches = [(route, route.matches(scope)) for route in [*ROUTES, *PAGES]]
    routed = [(route, child["path_params"]) for route, (match, child) in matches if match is Match.FULL]
    found = Dispatch([*ROUTES, *PAGES]).find(method, path)
    assert found == (None if method == "HEAD" or not routed else routed[0])
