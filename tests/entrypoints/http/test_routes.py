"""The routes, held against what is metered."""

from __future__ import annotations

from clincore.domain.usage import Endpoint
from clincore.entrypoints.http import clinical, operational

FOR_ANYONE = {"GET /health", "GET /ready", "GET /version", "POST /bootstrap"}


def test_every_route_that_needs_a_key_is_metered_by_method_and_route() -> None:
    routes = {
        f"{method} {route.path}"
        for route in [*clinical.ROUTES, *operational.ROUTES]
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {endpoint.value for endpoint in Endpoint} - FOR_ANYONE == routes - FOR_ANYONE
