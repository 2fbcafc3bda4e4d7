"""Health, readiness, bootstrap, keys and usage over HTTP."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from starlette.routing import Route

from clincore.domain.errors import ClinCoreError, DatabaseUnavailable
from clincore.entrypoints.http.answers import new_key_json
from clincore.entrypoints.http.bodies import RotationBody, TenantBody, read_body
from clincore.entrypoints.http.encoding import answer
from clincore.entrypoints.http.parameters import API_KEY_HEADER, clinic_of, core_of
from clincore.entrypoints.http.problems import STARTING, problem

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

_KEEP = "Keep this key: it is shown only now. Send it in the header X-API-Key."


async def health(request: Request) -> Response:
    """200 without a key; with one, only where it is valid."""
    if API_KEY_HEADER in request.headers:
        await clinic_of(request).keys.check()
    return answer({"status": "ok"})


async def ready(request: Request) -> Response:
    core = request.scope["clincore.core"]
    if core is None:
        return problem(STARTING, "The service is still starting.")
    try:
        await core.check()
    except DatabaseUnavailable as error:
        return problem(STARTING, str(error), not_ready=["database"])
    except ClinCoreError as error:
        return problem(STARTING, str(error), not_ready=["migration head or role"])
    return answer({"status": "ready", "repertory": core.edition.fingerprint})


async def show_version(_request: Request) -> Response:
    return answer({"name": "clincore", "version": version("clincore")})


async def bootstrap(request: Request) -> Response:
    tenants = core_of(request).tenants
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    tenants.check_token(given)
    body = await read_body(request, TenantBody)
    key = await tenants.bootstrap(body.tenant_name, given)
    return answer({**new_key_json(key), "message": _KEEP}, 201)


async def rotate_key(request: Request) -> Response:
    clinic = clinic_of(request)
    body = await read_body(request, RotationBody, optional=True)
    key = await clinic.keys.rotate(grace_seconds=body.grace_seconds)
    return answer({"new_key": key.api_key, "key_id": key.key_id, "tenant_id": key.tenant_id})


async def usage(request: Request) -> Response:
    report = await clinic_of(request).administration.usage()
    return answer(
        {
            "total_calls": report.total_calls,
            "calls_by_endpoint": report.calls_by_endpoint,
            "last_24h_count": report.last_24h_count,
        }
    )


ROUTES = [
    Route("/health", health, methods=["GET"]),
    Route("/ready", ready, methods=["GET"]),
    Route("/version", show_version, methods=["GET"]),
    Route("/bootstrap", bootstrap, methods=["POST"]),
    Route("/auth/api-keys/rotate", rotate_key, methods=["POST"]),
    Route("/admin/usage", usage, methods=["GET"]),
]
