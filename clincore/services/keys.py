"""What the holder of an API key does with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from attrs import evolve, field, frozen

from clincore.domain.api_key import SECRET_BYTES, ApiKey, make_api_key
from clincore.domain.call import require_one_of
from clincore.domain.errors import InvalidInput, Problem, Unauthenticated
from clincore.domain.identity import ApiKeyRecord, KeyState, Role
from clincore.domain.limits import MAX_GRACE_SECONDS
from clincore.domain.text import clean_name
from clincore.domain.usage import Endpoint

if TYPE_CHECKING:
    from clincore.services.resources import OperatorResources
    from clincore.services.session import Session


@frozen(kw_only=True)
class NewKey:
    """A key just made: the only time that it is shown."""

    api_key: str = field(repr=False)
    key_id: UUID
    tenant_id: UUID


@frozen
class ListedKey:
    """What is kept of a key, and its state at the time of the list."""

    record: ApiKeyRecord
    state: KeyState


def new_api_key(resources: OperatorResources, tenant_id: UUID) -> ApiKey:
    return make_api_key(tenant_id, resources.entropy.secret(SECRET_BYTES))


def new_key_record(
    resources: OperatorResources,
    tenant_id: UUID,
    key: ApiKey,
    *,
    label: str,
    role: Role,
    expires_at: datetime | None,
    at: datetime,
) -> ApiKeyRecord:
    """Return what is kept of a key made now; raises InvalidInput for label, role and end."""
    require_one_of(Role, role, "role")
    end = _future(expires_at, at)
    return ApiKeyRecord(
        tenant_id=tenant_id,
        id=resources.entropy.uuid(),
        key_hash=key.digest,
        label=clean_name(label, "label"),
        role=role,
        created_at=at,
        expires_at=end,
    )


def _future(moment: object, now: datetime) -> datetime | None:
    """Return the moment in UTC; raises InvalidInput."""
    if moment is None:
        return None
    if not isinstance(moment, datetime) or moment.utcoffset() is None:
        raise InvalidInput([Problem("expires_at", "must be a time with its time zone")])
    if moment <= now:
        raise InvalidInput([Problem("expires_at", "must be in the future")])
    try:
        return moment.astimezone(UTC)
    except OverflowError:  # 9999-12-31T23:59:59-14:00 is in the year 10000, which no datetime can hold
        raise InvalidInput([Problem("expires_at", "must be in the year 9999 (UTC) at the latest")]) from None


@frozen
class Keys:
    """The API keys of the session's tenant. Every method raises Unauthenticated and DatabaseUnavailable."""

    _session: Session

    async def check(self) -> None:
        """Return where the key is valid; the call is not metered."""
        async with self._session.begin(Endpoint.HEALTH) as work:
            await work.commit()

    async def rotate(self, *, grace_seconds: int = 0) -> NewKey:
        """Make a successor, of the same role and label, of the session's own key.

        The key ends at once, or after ``grace_seconds`` (0 to 2,592,000). Of several rotations of one key at once one
        wins; the others raise Unauthenticated. Raises InvalidInput for the grace.
        """
        if type(grace_seconds) is not int or not 0 <= grace_seconds <= MAX_GRACE_SECONDS:
            raise InvalidInput([Problem("grace_seconds", f"must be a whole number from 0 to {MAX_GRACE_SECONDS}")])
        at = self._session.now()
        resources = self._session.resources
        successor = new_api_key(resources, self._session.key.tenant_id)
        async with self._session.begin(Endpoint.ROTATE_KEY, at=at) as work:
            work.usage.count()
            await work.flush()
            found = work.keys.get(work.principal.key_id)
            await work.flush()
            old = found.result()
            if old is None:
                raise Unauthenticated
            ends = at + timedelta(seconds=grace_seconds)
            retired = work.keys.retire(old.id, at=at, expires_at=min(ends, old.expires_at or ends))
            await work.flush()
            if not retired.result():
                raise Unauthenticated("This key was rotated before; go on with its successor.")
            new = evolve(
                old,
                id=resources.entropy.uuid(),
                key_hash=successor.digest,
                created_at=at,
                rotated_at=None,
                last_used_at=None,
            )
            work.keys.add(new)
            await work.commit()
        return NewKey(api_key=successor.text, key_id=new.id, tenant_id=new.tenant_id)
