"""Health, readiness and bootstrap over HTTP."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from clincore.domain.errors import ClinCoreError, DatabaseUnavailable
from clincore.entrypoints.http.answers import KEEP, FirstKey, Health, Readiness, Version
from clincore.entrypoints.http.bodies import TenantBody
from clincore.entrypoints.http.encoding import answer
from clincore.entrypoints.http.examples import API_KEY, FINGERPRINT, KEY_ID, TENANT_ID
from clincore.entrypoints.http.operation import Access, Operation
from clincore.entrypoints.http.parameters import API_KEY_HEADER, clinic_of, core_of
from clincore.entrypoints.http.problems import (
    BOOTSTRAP_DISABLED,
    BOOTSTRAP_TOKEN,
    BOOTSTRAPPED,
    STARTING,
    problem,
)
from clincore.entrypoints.http.reading import read_body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def health(request: Request) -> Response:
    """200 without a key; with one, only where it is valid."""
    if API_KEY_HEADER in request.headers:
        await clinic_of(request).keys.check()
    return answer(Health())


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
    return answer(Readiness(repertory=core.edition.fingerprint))


async def show_version(_request: Request) -> Response:
    return answer(Version(version=version("clincore")))


async def bootstrap(request: Request) -> Response:
    tenants = core_of(request).tenants
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else None
    tenants.check_token(given)
    body = await read_body(request, TenantBody)
    return answer(FirstKey.of(await tenants.bootstrap(body.tenant_name, given)), 201)


OPERATIONS: Final = (
    Operation(
        name="health",
        method="GET",
        path="/health",
        handler=health,
        tag="Service",
        summary="Ask whether the process answers",
        description="With an `X-API-Key` header, whether the key is valid too. Not metered.",
        access=Access.ANYONE_OR_KEY,
        answer=Health,
        example={"status": "ok"},
    ),
    Operation(
        name="ready",
        method="GET",
        path="/ready",
        handler=ready,
        tag="Service",
        summary="Ask whether the service can serve",
        description="Whether the database answers, at the migration head, and the repertory is loaded.",
        access=Access.ANYONE,
        answer=Readiness,
        refusals=(STARTING,),
        example={"status": "ready", "repertory": FINGERPRINT},
    ),
    Operation(
        name="show_version",
        method="GET",
        path="/version",
        handler=show_version,
        tag="Service",
        summary="Ask which version runs",
        access=Access.ANYONE,
        answer=Version,
        example={"name": "clincore", "version": "0.1.0"},
    ),
    Operation(
        name="bootstrap",
        method="POST",
        path="/bootstrap",
        handler=bootstrap,
        tag="Service",
        summary="Set up the deployment's first clinic, once",
        access=Access.TOKEN,
        body=TenantBody,
        status=201,
        answer=FirstKey,
        refusals=(BOOTSTRAP_TOKEN, BOOTSTRAPPED, BOOTSTRAP_DISABLED),
        sends={"body": {"tenant_name": "Clinic on the Hill"}},
        example={"tenant_id": TENANT_ID, "api_key": API_KEY, "key_id": KEY_ID, "message": KEEP},
    ),
)
