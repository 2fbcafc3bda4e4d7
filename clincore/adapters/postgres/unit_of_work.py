"""One transaction on PostgreSQL, with the stores that work in it."""

from __future__ import annotations

from clincore.adapters.postgres.access_log import PostgresAccessLog
from clincore.adapters.postgres.case_store import PostgresCaseStore
from clincore.adapters.postgres.idempotency_store import PostgresIdempotencyStore
from clincore.adapters.postgres.key_store import PostgresKeyStore
from clincore.adapters.postgres.patient_store import PostgresPatientStore
from clincore.adapters.postgres.tenant_store import PostgresTenantStore
from clincore.adapters.postgres.transaction import PostgresTransaction
from clincore.adapters.postgres.usage_meter import PostgresUsageMeter


class PostgresUnitOfWork(PostgresTransaction):
    """A unit of work of one tenant; its stores queue what they are asked in the transaction that it is."""

    @property
    def patients(self) -> PostgresPatientStore:
        return PostgresPatientStore(self)

    @property
    def cases(self) -> PostgresCaseStore:
        return PostgresCaseStore(self)

    @property
    def keys(self) -> PostgresKeyStore:
        return PostgresKeyStore(self)

    @property
    def tenants(self) -> PostgresTenantStore:
        return PostgresTenantStore(self)

    @property
    def access_log(self) -> PostgresAccessLog:
        return PostgresAccessLog(self)

    @property
    def usage(self) -> PostgresUsageMeter:
        return PostgresUsageMeter(self)

    @property
    def idempotency(self) -> PostgresIdempotencyStore:
        return PostgresIdempotencyStore(self)
