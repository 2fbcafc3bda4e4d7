"""One transaction in memory, with the stores that work in it."""

from __future__ import annotations

from functools import cached_property

from clincore.adapters.memory.access_log import MemoryAccessLog
from clincore.adapters.memory.case_store import MemoryCaseStore
from clincore.adapters.memory.idempotency_store import MemoryIdempotencyStore
from clincore.adapters.memory.key_store import MemoryKeyStore
from clincore.adapters.memory.patient_store import MemoryPatientStore
from clincore.adapters.memory.tenant_store import MemoryTenantStore
from clincore.adapters.memory.transaction import MemoryTransaction
from clincore.adapters.memory.usage_meter import MemoryUsageMeter


class MemoryUnitOfWork(MemoryTransaction):
    """A unit of work of one tenant; its stores queue what they are asked in the transaction that it is."""

    @cached_property
    def patients(self) -> MemoryPatientStore:
        return MemoryPatientStore(self)

    @cached_property
    def cases(self) -> MemoryCaseStore:
        return MemoryCaseStore(self)

    @cached_property
    def keys(self) -> MemoryKeyStore:
        return MemoryKeyStore(self)

    @cached_property
    def tenants(self) -> MemoryTenantStore:
        return MemoryTenantStore(self)

    @cached_property
    def access_log(self) -> MemoryAccessLog:
        return MemoryAccessLog(self)

    @cached_property
    def usage(self) -> MemoryUsageMeter:
        return MemoryUsageMeter(self)

    @cached_property
    def idempotency(self) -> MemoryIdempotencyStore:
        return MemoryIdempotencyStore(self)
