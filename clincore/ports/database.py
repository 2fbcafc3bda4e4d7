"""The ports to a database and to one transaction in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager
    from uuid import UUID

    from clincore.domain.call import Call
    from clincore.domain.identity import Principal
    from clincore.ports.access_log import AccessLog
    from clincore.ports.case_store import CaseStore
    from clincore.ports.idempotency_store import IdempotencyStore
    from clincore.ports.key_store import KeyStore
    from clincore.ports.patient_store import PatientStore
    from clincore.ports.tenant_store import TenantStore
    from clincore.ports.usage_meter import UsageMeter


class UnitOfWork(Protocol):
    """One transaction of one tenant, rolled back unless ``commit`` was awaited.

    Store methods queue what they are asked; ``flush`` and ``commit`` send it, in the order asked, together with the
    check of the key. Both raise Unauthenticated where the key is not valid, Forbidden where its role is not enough
    (nothing is written then), and DatabaseUnavailable where the database fails.

    After a commit or a refusal it is over: what is asked then raises RuntimeError. A record of another tenant raises
    ValueError when it is handed over, an id that is taken StorageFault at the flush.
    """

    @property
    def patients(self) -> PatientStore: ...
    @property
    def cases(self) -> CaseStore: ...
    @property
    def keys(self) -> KeyStore: ...
    @property
    def tenants(self) -> TenantStore: ...
    @property
    def access_log(self) -> AccessLog: ...
    @property
    def usage(self) -> UsageMeter: ...
    @property
    def idempotency(self) -> IdempotencyStore: ...

    @property
    def principal(self) -> Principal:
        """Whose key it is; known after the first flush, RuntimeError before it."""
        ...

    async def flush(self) -> None:
        """Send what is queued and receive every pending result."""
        ...

    async def commit(self) -> None:
        """Send what is queued, receive every pending result, and make all of it last."""
        ...


class Database(Protocol):
    """Where tenants' records are kept."""

    def unit_of_work(self, call: Call) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a transaction for a call, bound to the tenant that the call's key names."""
        ...

    def provisioning(self, tenant_id: UUID) -> AbstractAsyncContextManager[UnitOfWork]:
        """Open a transaction without a key, bound to a tenant that its operator is setting up."""
        ...

    async def tenant_ids(self) -> tuple[UUID, ...]:
        """Return the ids of all tenants, ascending: for operators, who then bind each tenant in turn.

        The one read across tenants. Raises DatabaseUnavailable, and RightsMissing where the database lets only its
        owner read them and was opened as another role.
        """
        ...

    async def check(self) -> None:
        """Return where the database can be served from.

        Raises DatabaseUnavailable where it cannot be reached, and DatabaseNotReady, with the cure, where it is at
        another migration than the head or its role could pass the tenants' walls.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection; units of work still open fail."""
        ...
