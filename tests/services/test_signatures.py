"""Verifying the signatures of a whole database, a page at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from attrs import evolve
from clinics import NOW, finalized_case, new_case, opened

from clincore.domain.backup import FailedSignature, Signatures
from clincore.domain.limits import MAX_PAGE_SIZE
from clincore.domain.replay import Verdict
from clincore.services.signatures import verify_signatures

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from clinics import Ground

    from clincore import Case


@pytest.fixture
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with opened(None, tmp_path_factory.mktemp("cache")) as ground:
        yield ground


def verified(ground: Ground, *tenant_ids: UUID) -> Signatures:
    return ground.run(verify_signatures(ground.core.resources.database, tenant_ids))


def put(ground: Ground, cases: list[Case]) -> None:
    """Store cases as they are, drafts first."""

    async def write() -> None:
        async with ground.core.resources.database.provisioning(cases[0].tenant_id) as work:
            for case in cases:
                work.cases.add(evolve(case, finalization=None, revision=1))
                work.cases.replace(evolve(case, revision=2))
            await work.commit()

    ground.run(write())


def test_nothing_is_verified_of_no_tenant_and_of_drafts(ground: Ground) -> None:
    clinic, key = ground.run(ground.new_clinic())
    ground.run(new_case(clinic))
    assert verified(ground) == Signatures(verified=0)
    assert verified(ground, key.tenant_id, uuid4()) == Signatures(verified=0)


def test_every_case_on_every_page_is_verified_and_those_that_are_not_their_own_are_named(ground: Ground) -> None:
    """Copies of a case under other ids are intact, and are not what their rows say; ids and times are all alike."""
    clinic, key = ground.run(ground.new_clinic())
    case = ground.run(finalized_case(clinic))
    ids = sorted((uuid4() for _ in range(2 * MAX_PAGE_SIZE)), reverse=True)
    put(ground, [evolve(case, id=case_id) for case_id in ids])
    other, other_key = ground.run(ground.new_clinic())
    ground.run(finalized_case(other))
    found = verified(ground, key.tenant_id, other_key.tenant_id)
    assert found.verified == 2
    assert {one.case_id for one in found.failed} == set(ids)
    assert found.failed[0] == FailedSignature(
        tenant_id=key.tenant_id, case_id=found.failed[0].case_id, verdict=Verdict.ROW_DIFFERS
    )


def test_a_changed_text_is_a_mismatch(ground: Ground) -> None:
    clinic, key = ground.run(ground.new_clinic())
    case = ground.run(finalized_case(clinic))
    finalization = case.require_finalized()
    changed = evolve(finalization, signed=evolve(finalization.signed, text=finalization.signed.text + " "), at=NOW)
    other = uuid4()
    put(ground, [evolve(case, id=other, finalization=changed)])
    assert verified(ground, key.tenant_id) == Signatures(
        verified=1,
        failed=(FailedSignature(tenant_id=key.tenant_id, case_id=other, verdict=Verdict.SIGNATURE_MISMATCH),),
    )
