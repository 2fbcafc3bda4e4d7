"""What a clinic does with its patients' records."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.errors import InvalidInput, PatientNotFound, Problem, RevisionMismatch
from clincore.domain.idempotency import Repeatable
from clincore.domain.limits import PAGE_SIZE, QUERY_CHARACTERS
from clincore.domain.page import Page, PageRequest
from clincore.domain.patient import Patient, PatientDetails
from clincore.domain.text import text_problem
from clincore.domain.usage import Endpoint
from clincore.services.idempotency import first_answer, keep_answer

if TYPE_CHECKING:
    from uuid import UUID

    from clincore.services.session import Session

T = TypeVar("T")


@frozen
class Patients:
    """The patients of the session's tenant. Every method raises Unauthenticated and DatabaseUnavailable."""

    _session: Session

    async def create(
        self,
        *,
        full_name: str,
        birth_year: int | None = None,
        phone: str | None = None,
        idempotency_key: str | None = None,
    ) -> Patient:
        """Enter a patient; raises InvalidInput.

        A call repeated within 24 hours with the same ``idempotency_key`` and details returns what the first one
        returned, and raises StillRunning while that runs; with other details it raises IdempotencyKeyReused.
        """
        at = self._session.now()
        details = PatientDetails.parse(full_name=full_name, birth_year=birth_year, phone=phone, this_year=at.year)
        repeatable = Repeatable.parse(idempotency_key, details.to_canonical()) if idempotency_key is not None else None
        async with self._session.begin(Endpoint.CREATE_PATIENT, at=at) as work:
            first = await first_answer(work, repeatable)
            patient = Patient.enter(
                details,
                tenant_id=self._session.key.tenant_id,
                patient_id=first.record_id if first else self._session.resources.entropy.uuid(),
                at=first.at if first else at,
            )
            record = Record(RecordType.PATIENT, patient.id)
            if first is None:
                work.patients.add(patient)
                keep_answer(work, repeatable, patient.id, at)
            work.access_log.touched(Action.VIEW if first else Action.CREATE, record)
            work.usage.count(record)
            await work.commit()
        return patient

    async def get(self, patient_id: UUID) -> Patient:
        """Return a patient; raises PatientNotFound."""
        record = Record(RecordType.PATIENT, patient_id)
        async with self._session.begin(Endpoint.VIEW_PATIENT) as work:
            found = work.patients.get(patient_id)
            work.access_log.touched(Action.VIEW, record)
            work.usage.count(record)
            await work.commit()
        return _existing(found.result(), patient_id)

    async def list(
        self, name: str | None = None, *, limit: int = PAGE_SIZE, cursor: str | None = None
    ) -> Page[Patient]:
        """Return a page of the patients whose name contains ``name``, newest first.

        Raises InvalidInput for the limit or the name, and InvalidCursor.
        """
        page = PageRequest.parse(limit, cursor)
        if name is not None and (problem := text_problem(name, longest=QUERY_CHARACTERS)):
            raise InvalidInput([Problem("q", problem)])
        async with self._session.begin(Endpoint.LIST_PATIENTS) as work:
            found = work.patients.list(name or None, page)
            work.access_log.listed(RecordType.PATIENT, f"q={name}" if name else None)
            work.usage.count()
            await work.commit()
        return found.result()

    async def edit(
        self,
        patient_id: UUID,
        *,
        revision: int | None,
        full_name: str | None = None,
        birth_year: int | None = None,
        phone: str | None = None,
        clear: frozenset[str] = frozenset(),
    ) -> Patient:
        """Change what is given of a patient read at ``revision`` (None: at any); empty the fields named in ``clear``.

        Raises PatientNotFound, RevisionMismatch where the record was changed since, and InvalidInput.
        """
        at = self._session.now()
        record = Record(RecordType.PATIENT, patient_id)
        async with self._session.begin(Endpoint.EDIT_PATIENT, at=at) as work:
            found = work.patients.get(patient_id)
            await work.flush()
            before = _existing(found.result(), patient_id)
            if revision not in (None, before.revision):
                raise RevisionMismatch
            details = PatientDetails.parse(
                full_name=before.details.full_name if full_name is None else full_name,
                birth_year=_changed("birth_year", before.details.birth_year, birth_year, clear),
                phone=_changed("phone", before.details.phone, phone, clear),
                this_year=at.year,
            )
            after = before.edit(details, at)
            written = work.patients.replace(after)
            work.access_log.touched(Action.UPDATE, record)
            work.usage.count(record)
            await work.flush()
            if not written.result():
                raise RevisionMismatch
            await work.commit()
        return after


def _existing(patient: Patient | None, patient_id: UUID) -> Patient:
    if patient is None:
        raise PatientNotFound(patient_id)
    return patient


def _changed(name: str, before: T | None, given: T | None, clear: frozenset[str]) -> T | None:
    if name in clear:
        return None
    return before if given is None else given
