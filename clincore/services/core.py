"""ClinCore as a program holds it: tenants for the operator, a clinic for each key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

from clincore.domain.errors import InvalidInput, Problem
from clincore.services.clinic import Clinic
from clincore.services.tenants import Tenants

if TYPE_CHECKING:
    from clincore.domain.inclusion import InclusionProof
    from clincore.domain.repertory import Edition
    from clincore.services.resources import Resources


@frozen
class ClinCore:
    """One opened installation."""

    resources: Resources

    @property
    def tenants(self) -> Tenants:
        """The deployment's tenants and their keys, as its operator manages them."""
        return Tenants(self.resources)

    @property
    def edition(self) -> Edition:
        """The loaded repertory's edition."""
        return self.resources.repertory.edition

    async def prove(self, rubric_id: int) -> InclusionProof:
        """Return a proof that a rubric belongs to the edition: it holds under ``edition.head``, without the repertory.

        Raises InvalidInput for a rubric that is not in the repertory.
        """
        proof = await self.resources.repertory.prove(rubric_id)
        if proof is None:
            raise InvalidInput([Problem("rubric", f"{rubric_id} is not in the repertory")])
        return proof

    def clinic(self, api_key: str, *, request_id: str | None = None) -> Clinic:
        """Return what the holder of a key can do; raises Unauthenticated where the key is malformed.

        ``request_id`` goes into the access log (1 to 64 letters, digits, ``. _ : -``; InvalidInput for any other);
        without one each clinic gets a new one.
        """
        return Clinic.open(self.resources, api_key, request_id or str(self.resources.entropy.uuid()))

    async def check(self) -> None:
        """Return where the database can be served from; raises DatabaseUnavailable or DatabaseNotReady."""
        await self.resources.database.check()
