"""Every call of the service, in the order in which they are described."""

from __future__ import annotations

from typing import Final

from clincore.entrypoints.http import administration, cases, operational, patients, repertory

OPERATIONS: Final = (
    *operational.OPERATIONS,
    *administration.OPERATIONS,
    *patients.OPERATIONS,
    *cases.OPERATIONS,
    *repertory.OPERATIONS,
)
ROUTES: Final = [operation.route() for operation in OPERATIONS]
