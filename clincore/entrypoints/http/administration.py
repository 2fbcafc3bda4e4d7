"""A clinic's API keys, its usage and its access log over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from clincore.entrypoints.http.answers import (
    KEEP,
    AccessPage,
    ApiKeyPage,
    MadeApiKey,
    RevokedKey,
    RotatedKey,
    Usage,
)
from clincore.entrypoints.http.bodies import KeyBody, RotationBody
from clincore.entrypoints.http.encoding import answer, answer_page
from clincore.entrypoints.http.examples import (
    API_KEY,
    AT,
    CASE_ID,
    CURSOR,
    KEY_ID,
    LATER,
    LINE_ID,
    OTHER_KEY_ID,
    TENANT_ID,
    page,
)
from clincore.entrypoints.http.operation import Access, Operation
from clincore.entrypoints.http.parameters import clinic_of, path_uuid
from clincore.entrypoints.http.problems import LAST_ADMIN, NO_KEY
from clincore.entrypoints.http.queries import AccessQuery, PageQuery, read_query
from clincore.entrypoints.http.reading import read_body

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response


async def rotate_key(request: Request) -> Response:
    clinic = clinic_of(request)
    body = await read_body(request, RotationBody, optional=True)
    return answer(RotatedKey.of(await clinic.keys.rotate(grace_seconds=body.grace_seconds)))


async def create_key(request: Request) -> Response:
    clinic = clinic_of(request)
    body = await read_body(request, KeyBody)
    made = await clinic.administration.keys.create(label=body.label, role=body.role, expires_at=body.expires_at)
    return answer(MadeApiKey.of(made), 201)


async def list_keys(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, PageQuery)
    found = await clinic.administration.keys.list(limit=asked.limit, cursor=asked.cursor)
    return answer_page(request, ApiKeyPage.of(found))


async def revoke_key(request: Request) -> Response:
    clinic = clinic_of(request)
    key_id = path_uuid(request, "key_id", NO_KEY)
    await clinic.administration.keys.revoke(key_id)
    return answer(RevokedKey(revoked=key_id))


async def view_usage(request: Request) -> Response:
    return answer(Usage.of(await clinic_of(request).administration.usage()))


async def list_access(request: Request) -> Response:
    clinic = clinic_of(request)
    asked = read_query(request, AccessQuery)
    found = await clinic.administration.access_log(
        record_id=asked.record_id,
        record_type=asked.record_type,
        key_id=asked.key_id,
        action=asked.action,
        since=asked.since,
        until=asked.until,
        limit=asked.limit,
        cursor=asked.cursor,
    )
    return answer_page(request, AccessPage.of(found))


OPERATIONS: Final = (
    Operation(
        name="rotate_key",
        method="POST",
        path="/auth/api-keys/rotate",
        handler=rotate_key,
        tag="Keys",
        summary="Replace the key that makes the call",
        description="The new key has the old one's role, label and end. Of several rotations at once one wins.",
        body=RotationBody,
        is_body_optional=True,
        answer=RotatedKey,
        sends={"body": {"grace_seconds": 3600}},
        example={"new_key": API_KEY, "key_id": OTHER_KEY_ID, "tenant_id": TENANT_ID},
    ),
    Operation(
        name="create_key",
        method="POST",
        path="/admin/api-keys",
        handler=create_key,
        tag="Keys",
        summary="Make a key",
        access=Access.ADMIN,
        body=KeyBody,
        status=201,
        answer=MadeApiKey,
        sends={"body": {"label": "Front desk", "role": "user", "expires_at": None}},
        example={
            "api_key": API_KEY,
            "key_id": OTHER_KEY_ID,
            "tenant_id": TENANT_ID,
            "label": "Front desk",
            "role": "user",
            "created_at": AT,
            "expires_at": None,
            "message": KEEP,
        },
        links={"revoke_key": {"key_id": "$response.body#/key_id"}},
    ),
    Operation(
        name="list_keys",
        method="GET",
        path="/admin/api-keys",
        handler=list_keys,
        tag="Keys",
        summary="List the clinic's keys, those that have ended too",
        description="Newest first; never with the key itself or its hash.",
        access=Access.ADMIN,
        query=PageQuery,
        answer=ApiKeyPage,
        sends={"limit": 50},
        example=page(
            {
                "key_id": OTHER_KEY_ID,
                "label": "Front desk",
                "role": "user",
                "state": "valid",
                "created_at": AT,
                "expires_at": None,
                "rotated_at": None,
                "revoked_at": None,
                "last_used_at": "2026-03-14T09:00:00Z",
            }
        ),
    ),
    Operation(
        name="revoke_key",
        method="POST",
        path="/admin/api-keys/revoke/{key_id}",
        handler=revoke_key,
        tag="Keys",
        summary="End a key at once and for good",
        description="The last valid admin key is not revoked. Of two admins who revoke each other at once one is left.",
        access=Access.ADMIN,
        answer=RevokedKey,
        refusals=(NO_KEY, LAST_ADMIN),
        sends={"key_id": OTHER_KEY_ID},
        example={"revoked": OTHER_KEY_ID},
    ),
    Operation(
        name="view_usage",
        method="GET",
        path="/admin/usage",
        handler=view_usage,
        tag="Administration",
        summary="See how many calls were answered",
        description="Every call answered 2xx before this one. Refused calls and GET /health do not count.",
        access=Access.ADMIN,
        answer=Usage,
        example={
            "total_calls": 3,
            "calls_by_endpoint": {"GET /cases/{id}": 1, "POST /cases": 1, "POST /patients": 1},
            "calls_by_key": {KEY_ID: 3},
            "calls_by_day": {AT[:10]: 3},
            "last_24h_count": 3,
        },
    ),
    Operation(
        name="list_access",
        method="GET",
        path="/admin/access-logs",
        handler=list_access,
        tag="Administration",
        summary="See who did what to which record, when",
        description="Newest first. A line is written in the transaction of what it tells of, and never changes.",
        access=Access.ADMIN,
        query=AccessQuery,
        answer=AccessPage,
        sends={"record_id": CASE_ID, "action": "VIEW", "since": AT},
        example=page(
            {
                "id": LINE_ID,
                "key_id": KEY_ID,
                "action": "VIEW",
                "record_type": "case",
                "record_id": CASE_ID,
                "filter": None,
                "request_id": "front-desk-42",
                "at": LATER,
            },
            following=CURSOR,
        ),
    ),
)
