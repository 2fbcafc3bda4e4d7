"""A unit of work: what is asked is queued, done at the flush beside what is stored, and stored by the commit."""

from __future__ import annotations

from collections import ChainMap
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import evolve

from clincore.domain.errors import Forbidden, StorageFault, Unauthenticated
from clincore.domain.identity import Role
from clincore.domain.page import Page, PageRequest, Position
from clincore.ports.pending import Pending
from clincore_jsonlines.records import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.access import RecordType
    from clincore.domain.call import Call, Record
    from clincore.domain.identity import ApiKeyRecord, Principal

T = TypeVar("T")

TABLES = ("tenant", "patients", "cases", "keys", "log", "usage", "answers", "bootstrap")


class Transaction:
    """The rows of one tenant, as text by key; those written over or taken away lie in front of what is stored."""

    def __init__(self, stored: dict[str, dict[str, str]], tenant_id: UUID, call: Call | None) -> None:
        self.tenant_id = tenant_id
        self._call = call
        self._principal: Principal | None = None
        self._over = False
        self._queue: list[Callable[[], None]] = []
        self._rows: dict[str, ChainMap[str, str]] = {name: ChainMap({}, stored[name]) for name in TABLES}

    @property
    def call(self) -> Call:
        if self._call is None:
            raise RuntimeError("an operator's unit of work has no call")
        return self._call

    @property
    def principal(self) -> Principal:
        if self._principal is None:
            raise RuntimeError("who calls is known after the first flush")
        return self._principal

    @property
    def changes(self) -> dict[str, dict[str, str]]:
        """What was written, by table and key."""
        return {name: dict(rows.maps[0]) for name, rows in self._rows.items() if rows.maps[0]}

    def send(self) -> None:
        if self._over:
            raise RuntimeError("the unit of work is over")
        self._over = True  # and stays so where a step is refused
        self._authenticate()
        queue, self._queue = self._queue, []
        for step in queue:
            step()
        self._over = False

    def end(self) -> None:
        """Keep when the key was used: to the hour, and only of a call that is committed."""
        self._over = True
        if self._call is not None:
            key: ApiKeyRecord = self.get("keys", self.principal.key_id)
            hour = self._call.at.replace(minute=0, second=0, microsecond=0)
            if key.last_used_at is None or key.last_used_at < hour:
                self.put("keys", key.id, evolve(key, last_used_at=hour))

    # --- for the stores ---

    def ask(self, find: Callable[[], T]) -> Pending[T]:
        pending: Pending[T] = Pending()
        self._queue.append(lambda: pending.arrive(find()))
        return pending

    def require_own(self, tenant_id: UUID) -> None:
        if tenant_id != self.tenant_id:
            raise ValueError("the unit of work is bound to another tenant")

    def get(self, table: str, key: object) -> Any:
        text = self._rows[table].get(str(key))
        return from_text(text) if text else None

    def all(self, table: str) -> list[Any]:
        return [from_text(text) for text in self._rows[table].values() if text]

    def keys_of(self, table: str) -> list[str]:
        return list(self._rows[table])

    def put(self, table: str, key: object, record: object) -> None:
        self._rows[table][str(key)] = to_text(record)

    def add(self, table: str, key: object, record: object) -> None:
        """Write a new record of a tenant that is there; raises StorageFault where the key is taken."""
        if table != "tenant" and not self._rows["tenant"]:
            raise StorageFault(None, "there is no such tenant")
        if self._rows[table].get(str(key)):
            raise StorageFault(None, "the id is taken")
        self.put(table, key, record)

    def remove(self, table: str, key: object) -> None:
        self._rows[table][str(key)] = ""

    def exists(self, record: Record) -> bool:
        return self.get(_table_of(record.type), record.id) is not None

    def _authenticate(self) -> None:
        call = self._call
        if call is None or self._principal is not None:
            return
        known = (key for key in self.all("keys") if key.key_hash == call.key_digest and key.is_valid(call.at))
        key: ApiKeyRecord | None = next(known, None)
        if key is None:
            raise Unauthenticated
        if call.admin_only and key.role is not Role.ADMIN:
            raise Forbidden
        self._principal = key.principal()


def _table_of(record_type: RecordType) -> str:
    return f"{record_type.value}s"


def page_of(records: Iterable[T], request: PageRequest, place: Callable[[T], tuple[datetime, UUID]]) -> Page[T]:
    """Return the page behind ``request.after``, newest first, then by id downwards."""
    behind = sorted(records, key=place, reverse=True)
    if request.after is not None:
        limit = (request.after.created_at, request.after.id)
        behind = [record for record in behind if place(record) < limit]
    items = tuple(behind[: request.limit])
    more = len(behind) > len(items)
    return Page(items=items, next=Position(*place(items[-1])).to_cursor() if more else None)
