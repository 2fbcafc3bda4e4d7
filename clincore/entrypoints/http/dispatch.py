"""Which call a request makes, found in one look instead of by trying each route's pattern in turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from starlette.requests import Request

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.routing import Route
    from starlette.types import Receive, Scope, Send

_Shape: TypeAlias = "tuple[str | None, ...]"
"""A path's segments, with None for a parameter."""


class Dispatch:
    """The routes by method and shape. A request that is found here is handled as Starlette's router would.

    All others (another method, HEAD, no such address, a root path) are the router's.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[tuple[str, _Shape], tuple[Route, str | None]] = {}
        self._parameters: dict[int, set[int]] = {}
        for route in routes:
            shape, name = _shape_of(route)
            for method in (route.methods or set()) - {"HEAD"}:
                self._routes.setdefault((method, shape), (route, name))
            if name is not None:
                self._parameters.setdefault(len(shape), set()).add(shape.index(None))

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """Return the route of a request and its parameters; None where it is not here."""
        segments = path.split("/")
        found = self._routes.get((method, tuple(segments)))
        if found is not None:
            return found[0], {}
        for position in self._parameters.get(len(segments), ()):
            value = segments[position]
            found = self._routes.get((method, (*segments[:position], None, *segments[position + 1 :])))
            if found is not None and value:
                route, name = found
                return route, {str(name): value}
        return None

    async def handled(self, scope: Scope, receive: Receive, send: Send) -> bool:
        """Handle a request whose route is here; tell whether it was."""
        found = None if scope.get("root_path") else self.find(scope["method"], scope["path"])
        if found is None:
            return False
        route, scope["path_params"] = found
        scope["route"], scope["endpoint"] = route, route.endpoint
        response = await route.endpoint(Request(scope, receive, send))
        await response(scope, receive, send)
        return True


def _shape_of(route: Route) -> tuple[_Shape, str | None]:
    """Return a route's shape and its parameter's name; raises ValueError for more than one, or one with a type."""
    names = list(route.param_convertors)
    shape = tuple(None if segment.startswith("{") else segment for segment in route.path.split("/"))
    if len(names) > 1 or [name for name in names if f"{{{name}}}" not in route.path.split("/")]:
        raise ValueError(f"{route.path}: a path has one parameter at most, which is a whole segment")
    return shape, names[0] if names else None
