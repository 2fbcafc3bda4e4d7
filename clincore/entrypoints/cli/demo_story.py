"""What ``clincore demo`` does, and what it says of it."""

from __future__ import annotations

import os
import secrets
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final, LiteralString
from uuid import uuid4

from clincore.database_url import DatabaseUrl
from clincore.domain.errors import AlreadyBootstrapped, ClinCoreError
from clincore.domain.replay import Verdict
from clincore.entrypoints.cli.demo_http import serving_http
from clincore.entrypoints.cli.narrator import Narrator
from clincore.entrypoints.cli.ranking import grid_table, heading, legend, ranking_table
from clincore.entrypoints.cli.tables import Column, facts, table
from clincore.wiring import open_clincore, open_migrations, refusal_of, start_embedded

if TYPE_CHECKING:
    from pathlib import Path

    from clincore.domain.case import Case
    from clincore.domain.migration import Step
    from clincore.domain.repertory import Edition
    from clincore.services.clinic import Clinic
    from clincore.services.core import ClinCore
    from clincore.services.repertorization import Repertorization
    from clincore.wiring import EmbeddedAddress

RUBRICS: Final = (8, 18, 29, 71, 159, 151)
"""Of the starter repertory: restless and afraid after midnight, chilly, drinking little and often."""
_TOP: Final = 5
_ALTER: Final[LiteralString] = """
    UPDATE public.cases SET input_payload = '{"symptom_ids": [1]}' WHERE tenant_id = %(tenant_id)s AND id = %(case_id)s
"""


class DemoFailed(ClinCoreError):
    """The demo found something that must not be."""


async def tell_story(directory: Path) -> None:
    """Do it all in an empty directory and say so; raises DemoFailed where something is not as promised."""
    tell = Narrator()
    tell.step("A PostgreSQL of its own")
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(start_embedded(directory / "database"))
        server = _process_of(directory)
        tell.line(f"PostgreSQL 18 from the wheel runs as process {server}, on {directory / 'database'}.")
        tell.line(f"It was ready after {time.monotonic() - began:.1f} seconds and listens on a private socket only.")
        await _migrate(tell, address)
        token = secrets.token_urlsafe(24)
        core = await stack.enter_async_context(
            open_clincore(address.service_url, cache_directory=directory / "cache", bootstrap_token=token)
        )
        await core.check()
        clinic, api_key = await _set_up(tell, core, token)
        draft, ranked = await _enter(tell, clinic)
        _show_ranking(tell, ranked, core.edition)
        case = await _finalize(tell, clinic, draft)
        await _replay(tell, clinic, case)
        await _alter(tell, address, case)
        await _look_from_next_door(tell, core, api_key, case)
        await _show_usage(tell, clinic)
    tell.step("The end")
    if _is_running(server):
        raise DemoFailed(f"PostgreSQL is still running, as process {server}.")
    tell.line(f"PostgreSQL was shut down: process {server} has ended, and no server is left.")


async def _migrate(tell: Narrator, address: EmbeddedAddress) -> None:
    tell.step("Its schema, one revision after the other")
    applied: list[str] = []

    def done(step: Step) -> None:
        applied.append(step.revision.id)
        tell.line(f"{len(applied)}  {step.revision.id:<14}  {step.revision.description}")

    owner, service = DatabaseUrl.parse(address.owner_url), DatabaseUrl.parse(address.service_url)
    async with open_migrations(owner, service.user) as migrations:
        await migrations.upgrade("head", done, tell.line)
        tell.line(f"The database is at {await migrations.current()}, the head.")
    tell.line(f"{owner.user} owns the tables; the service connects as {service.user}, which is no superuser,")
    tell.line("sees one clinic's rows at a time, and can delete no record.")


async def _set_up(tell: Narrator, core: ClinCore, token: str) -> tuple[Clinic, str]:
    tell.step("A clinic")
    key = await core.tenants.bootstrap("Clinic on the Hill", token)
    tell.line(f"'Clinic on the Hill' is set up, once, against the operator's token: tenant {key.tenant_id}.")
    tell.line(f"Its first key, an admin's, begins with {key.api_key[:10]}; only its SHA-256 is stored.")
    try:
        await core.tenants.bootstrap("Another one", token)
    except AlreadyBootstrapped as refusal:
        tell.line(f"The same token a second time is refused: {refusal}")
    else:
        raise DemoFailed("A second bootstrap was not refused.")
    return core.clinic(key.api_key), key.api_key


async def _enter(tell: Narrator, clinic: Clinic) -> tuple[Case, Repertorization]:
    tell.step("A patient and a case")
    patient = await clinic.patients.create(full_name="Jane Example", birth_year=1984)
    tell.line(f"Patient {patient.id}: anxious and restless after midnight, afraid of death,")
    tell.line("chilly, thirsty for small sips. In the words of the repertory:")
    case = await clinic.cases.create(patient.id, {"symptom_ids": list(RUBRICS)})
    ranked = await clinic.cases.rank(case.id)
    tell.block(legend(ranked))
    tell.line(f"Case {case.id} is a draft with these {len(RUBRICS)} rubrics.")
    return case, ranked


def _show_ranking(tell: Narrator, ranked: Repertorization, edition: Edition) -> None:
    tell.step("The remedies, ranked")
    tell.line(heading(ranked, edition))
    tell.block(ranking_table(ranked, _TOP))
    tell.line("What each rubric gives each remedy; a row adds up to the score, to the last digit:")
    tell.block(grid_table(ranked, _TOP))
    for row in ranked.grid():
        if sum(cell.contribution for cell in row.cells) != row.row.score.score:
            raise DemoFailed(f"The contributions to {row.row.remedy} do not add up to its score.")
    first = ranked.ranking.rows[0]
    tell.line(f"{first.name} comes first, with {first.score.rubrics_hit} of {len(ranked.case.rubrics)} rubrics.")


async def _finalize(tell: Narrator, clinic: Clinic, draft: Case) -> Case:
    tell.step("Finalized and signed")
    finalized = await clinic.cases.finalize(draft.id)
    tell.line(
        "The input, the method with all its parameters, the repertory's fingerprint and the whole ranking are one"
    )
    tell.line("canonical text; its SHA-256 is the signature:")
    tell.line(finalized.signature)
    return finalized.case


async def _replay(tell: Narrator, clinic: Clinic, case: Case) -> None:
    tell.step("Replayed")
    replay = await clinic.cases.verify_replay(case.id)
    tell.line("The stored text is hashed, compared with the row, and its input is ranked again:")
    tell.block(facts([("expected", replay.expected), ("computed", replay.computed), ("verdict", replay.verdict.value)]))
    if replay.verdict is not Verdict.VERIFIED:
        raise DemoFailed(f"The replay's verdict is {replay.verdict.value}.")


async def _alter(tell: Narrator, address: EmbeddedAddress, case: Case) -> None:
    owner = DatabaseUrl.parse(address.owner_url).user
    tell.step("What is finalized stays")
    tell.line(f"Not even {owner}, who owns the table, may change it. The database answers:")
    refusal = await refusal_of(address.owner_url, case.tenant_id, _ALTER, {"case_id": case.id})
    if refusal is None:
        raise DemoFailed("The database did not refuse to change a finalized case.")
    tell.block("\n".join(("UPDATE public.cases SET input_payload = …", f"ERROR:  {refusal}")))


async def _look_from_next_door(tell: Narrator, core: ClinCore, own_key: str, case: Case) -> None:
    tell.step("The clinic next door sees nothing of it")
    other_key = (await core.tenants.create("Clinic next Door")).api_key
    unknown = uuid4()
    calls = [
        ("its own clinic", own_key, case.id, 200),
        ("the other clinic", other_key, case.id, 404),
        ("the other clinic", other_key, unknown, 404),
    ]
    rows, answers = [], []
    async with serving_http(core) as caller:
        tell.line(f"A second clinic asks for the case over HTTP, at {caller.address}, and for one that does not exist:")
        for who, key, case_id, expected in calls:
            answer = await caller.get(f"/cases/{case_id}", key)
            rows.append([who, f"GET /cases/{case_id}", answer.status])
            answers.append((answer.status, str(answer.body).replace(str(case_id), "ID")))
            if answer.status != expected:
                raise DemoFailed(f"GET /cases/{case_id} by {who} was answered {answer.status}, not {expected}.")
    tell.block(table([Column("key of"), Column("call"), Column("status", number=True)], rows))
    if answers[1] != answers[2]:
        raise DemoFailed("Another clinic's case can be told from one that does not exist.")
    tell.line(f"Both are answered alike: {answer.body['detail']}")


async def _show_usage(tell: Narrator, clinic: Clinic) -> None:
    tell.step("The usage")
    report = await clinic.administration.usage()
    columns = [Column("call"), Column("answered", number=True)]
    tell.line("What the clinic is metered for; refused calls cost nothing:")
    tell.block(table(columns, [*sorted(report.calls_by_endpoint.items()), ("all together", report.total_calls)]))
    tell.line(f"In the last 24 hours: {report.last_24h_count}.")


def _process_of(directory: Path) -> int:
    """The number of the server's process, as PostgreSQL notes it in its data directory."""
    (note,) = directory.rglob("postmaster.pid")
    return int(note.read_text(encoding="ascii").split("\n", 1)[0])


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
