"""API keys in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import evolve

from clincore.adapters.memory.pages import page_of
from clincore.domain.errors import StorageFault
from clincore.domain.identity import Role
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from clincore.adapters.memory.transaction import MemoryTransaction
    from clincore.domain.identity import ApiKeyRecord
    from clincore.ports.pending import Pending


class MemoryKeyStore:
    """The API keys of one unit of work's tenant."""

    def __init__(self, work: MemoryTransaction) -> None:
        self._work = work
        self._rows = work.tables.keys

    def get(self, key_id: UUID) -> Pending[ApiKeyRecord | None]:
        return self._work.ask(lambda: self._rows.get(key_id))

    def add(self, key: ApiKeyRecord) -> None:
        self._work.require_own(key.tenant_id)

        def step() -> None:
            if any(stored.key_hash == key.key_hash for stored in self._rows.values()):
                raise StorageFault(None, "api_keys_hash_unique")
            self._work.enter(self._rows, key.id, key)

        self._work.ask(step)

    def retire(self, key_id: UUID, *, at: datetime, expires_at: datetime) -> Pending[bool]:
        def step() -> bool:
            stored = self._rows.get(key_id)
            if stored is None or stored.rotated_at is not None or stored.revoked_at is not None:
                return False
            self._work.put(self._rows, key_id, evolve(stored, rotated_at=at, expires_at=expires_at))
            return True

        return self._work.ask(step)

    def revoke(self, key_id: UUID, *, at: datetime) -> Pending[bool]:
        def step() -> bool:
            stored = self._rows.get(key_id)
            if stored is None or stored.revoked_at is not None:
                return False
            self._work.put(self._rows, key_id, evolve(stored, revoked_at=at))
            return True

        return self._work.ask(step)

    def hold_admins(self) -> Pending[tuple[ApiKeyRecord, ...]]:
        def step() -> tuple[ApiKeyRecord, ...]:
            found = [key for key in self._rows.values() if key.role is Role.ADMIN and key.revoked_at is None]
            return tuple(sorted(found, key=lambda key: key.id))

        return self._work.ask(step)

    def list(self, page: PageRequest) -> Pending[Page[ApiKeyRecord]]:
        return self._work.ask(lambda: page_of(self._rows.values(), page, lambda row: Position(row.created_at, row.id)))
