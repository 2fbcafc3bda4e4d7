"""The routes and the problems, held against what is metered and what docs/http.md says."""

from __future__ import annotations

import re
from pathlib import Path

from clincore.domain.usage import Endpoint
from clincore.entrypoints.http import clinical, operational, problems

FOR_ANYONE = {"GET /health", "GET /ready", "GET /version", "POST /bootstrap"}
PAGE = (Path(__file__).parents[3] / "docs" / "http.md").read_text(encoding="utf-8")


def routes() -> set[str]:
    return {
        f"{method} {route.path}"
        for route in [*clinical.ROUTES, *operational.ROUTES]
        for method in (route.methods or set()) - {"HEAD"}
    }


def test_every_route_that_needs_a_key_is_metered_by_method_and_route() -> None:
    assert {endpoint.value for endpoint in Endpoint} - FOR_ANYONE == routes() - FOR_ANYONE


def test_the_page_lists_every_call() -> None:
    assert set(re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", PAGE, re.MULTILINE)) == routes()


def test_the_page_lists_every_problem_with_its_status() -> None:
    known = {kind for kind in vars(problems).values() if isinstance(kind, problems.ProblemType)}
    known |= {kind for _, kind in problems.BY_ERROR}
    listed = re.findall(r"^\| (\d+) \| `([a-z-]+)` \|", PAGE, re.MULTILINE)
    assert {(int(status), name) for status, name in listed} == {(kind.status, kind.name) for kind in known}
