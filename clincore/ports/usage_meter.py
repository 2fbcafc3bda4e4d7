"""The port to a tenant's usage."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from clincore.domain.call import Record
    from clincore.domain.usage import UsageReport
    from clincore.ports.pending import Pending


class UsageMeter(Protocol):
    """The usage events of the unit of work's tenant: one for each answered call."""

    def count(self, about: Record | None = None) -> None:
        """Count this call, in its transaction; not where it is about a record that does not exist."""
        ...

    def report(self) -> Pending[UsageReport]:
        """Ask for every call completed before this one; the number of events does not change what it costs."""
        ...
