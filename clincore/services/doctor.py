"""The deployment's checklist: the database, and the repertory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clincore.domain.errors import ClinCoreError
from clincore.domain.finding import Finding, failed, passed

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from clincore.ports.examination import Examination
    from clincore.ports.repertory import Repertory


async def examine_database(opening: Callable[[], AbstractAsyncContextManager[Examination]]) -> list[Finding]:
    """Return what the database's checklist says; what keeps it from being opened is a finding too."""
    try:
        async with opening() as examination:
            return list(await examination.examine())
    except ClinCoreError as error:
        return [failed("database", str(error), "")]


async def examine_repertory(opening: Callable[[], AbstractAsyncContextManager[Repertory]]) -> Finding:
    """Return whether the repertory can be read, and which it is."""
    try:
        async with opening() as repertory:
            edition = repertory.edition
    except ClinCoreError as error:
        return failed(
            "repertory", str(error), "set REPERTORY_DB_PATH to a repertory; 'clincore repertory info' reads it"
        )
    named = f"{edition.name} {edition.edition}".strip()
    counts = f"{edition.rubrics:,} rubrics, {edition.grades:,} grades"
    return passed("repertory", f"{named}, {counts}, fingerprint {edition.fingerprint}")
