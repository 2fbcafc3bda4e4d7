"""One call of the contract and what it comes to, in the contract's own terms: ids and API keys are texts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from attrs import field, frozen

from clincore.domain.usage import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

Json: TypeAlias = dict[str, Any]


@frozen(kw_only=True)
class Call:
    """A call as a client sends it; times in it are datetimes, weights ints, floats or Decimals.

    ``id`` stands in the path, ``once`` is the Idempotency-Key, ``revision`` what If-Match names (None: any).
    """

    endpoint: Endpoint
    key: str = field(repr=False)
    request_id: str
    id: str | None = None
    query: Mapping[str, Any] = field(factory=dict)
    body: Mapping[str, Any] = field(factory=dict)
    once: str | None = None
    revision: int | None = None

    def __str__(self) -> str:
        asked = {"id": self.id, "query": self.query, "body": self.body, "once": self.once, "revision": self.revision}
        return f"{self.endpoint} { ({name: value for name, value in asked.items() if value}) }"


@frozen
class Refusal:
    """The name of the problem, what is said of it, and for ``invalid-input`` the paths of what is wrong."""

    type: str
    detail: str
    paths: tuple[str, ...] = ()


Answer: TypeAlias = Json | Refusal

ADMIN_ONLY = frozenset(
    {Endpoint.CREATE_KEY, Endpoint.LIST_KEYS, Endpoint.REVOKE_KEY, Endpoint.USAGE, Endpoint.LIST_ACCESS}
)
