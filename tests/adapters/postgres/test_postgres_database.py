"""What only the database on PostgreSQL has: connections that break, settings of its server, and roles."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, LiteralString
from uuid import uuid4

import psycopg
import pytest
from databases import FreshDatabase, NewDatabase, Server
from psycopg import sql

import clincore
from clincore.adapters.postgres.database import PostgresDatabase
from clincore.adapters.postgres.migrations.runner import PostgresMigrations
from clincore.domain.access import Action, RecordType
from clincore.domain.call import Record
from clincore.domain.errors import (
    CommitUncertain,
    DatabaseNotReady,
    DatabaseUnavailable,
    StorageFault,
    Unauthenticated,
)
from clincore.testing.suite.members import Member, set_up
from clincore.testing.suite.records import MINUTE, NOW, new_case, new_patient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@asynccontextmanager
async def opened(url: str, **choices: Any) -> AsyncIterator[PostgresDatabase]:
    database = PostgresDatabase(url, **choices)
    try:
        yield database
    finally:
        await database.close()


def set_default(database: FreshDatabase, name: str, value: str) -> None:
    """Set a parameter for every new connection to the database."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(sql.Identifier(database.name), sql.Identifier(name), value)
        )


# --- what a server may be set to ----------------------------------------------------------------------------------


def test_times_are_utc_whatever_the_servers_time_zone(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        async with opened(fresh_database.service_url) as database:
            member = await set_up(database)
            patient = await member.patient()
            await member.do()
            found = await member.ask(lambda work: work.patients.get(patient.id))
            key = await member.key()
            assert found == patient
            assert key is not None
            assert key.last_used_at is not None
            for moment in (found.created_at, found.updated_at, key.created_at, key.last_used_at):
                assert moment.utcoffset() == timedelta(0)

    set_default(fresh_database, "TimeZone", "Asia/Kathmandu")
    asyncio.run(scene())


def test_the_plan_is_guarded_whatever_the_servers_isolation(fresh_database: FreshDatabase) -> None:
    """A count must see what others committed while it waited, which a snapshot of the beginning would not."""

    async def scene() -> None:
        async with opened(fresh_database.service_url) as database:
            member = await set_up(database)
            patient = await member.patient()

            async def create() -> bool:
                async with member.work() as work:
                    work.tenants.hold_plan()
                    used = work.cases.count_since(NOW)
                    await work.flush()
                    if used.result():
                        return False
                    work.cases.add(new_case(member, patient.id))
                    await work.commit()
                return True

            assert sum(await asyncio.gather(*(create() for _ in range(10)))) == 1

    set_default(fresh_database, "default_transaction_isolation", "repeatable read")
    asyncio.run(scene())


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_first_use_in_the_hour_that_is_still_going_on_delays_no_other_call(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        async with opened(fresh_database.service_url) as database:
            member = await set_up(database)
            async with member.work() as first:
                await first.flush()
                await asyncio.wait_for(member.do(), timeout=5)
                await first.commit()
            key = await member.key()
            assert key is not None
            assert key.last_used_at == NOW.replace(minute=0, second=0, microsecond=0)

    asyncio.run(scene())


def test_a_connection_is_given_back_clean(fresh_database: FreshDatabase) -> None:
    """Of one connection, the next call sees neither the tenant nor the work of the one before."""

    async def scene() -> None:
        async with opened(fresh_database.service_url, max_connections=1) as database:
            member, other = await set_up(database), await set_up(database)
            with pytest.raises(ZeroDivisionError):
                async with member.work() as work:
                    work.patients.add(new_patient(member))
                    await work.flush()
                    raise ZeroDivisionError
            async with member.work() as work:
                await work.commit()
            async with database._lent(lambda connection: connection) as connection:
                found = await connection.execute("SELECT current_setting('app.tenant_id', true)")
                assert await found.fetchone() == ("",)
            assert (await other.held()).patients == ()
            assert (await member.held()).patients == ()

    asyncio.run(scene())


def test_where_every_connection_is_busy_a_call_is_refused_after_its_time(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        async with opened(fresh_database.service_url, max_connections=1, timeout=0.2) as database:
            member = await set_up(database)
            async with member.work() as work:
                await work.flush()
                with pytest.raises(DatabaseUnavailable):
                    await member.do()
                await work.commit()
            await member.do()

    asyncio.run(scene())


def test_a_database_that_cannot_be_reached_is_unavailable_and_its_password_is_not_told() -> None:
    async def scene() -> None:
        async with opened("postgresql://someone:geheim@127.0.0.1:1/clincore", timeout=0.2) as database:
            for attempt in (database.check(), set_up(database)):
                with pytest.raises(DatabaseUnavailable) as refused:
                    await attempt
                assert "geheim" not in str(refused.value)
                assert refused.value.__suppress_context__

    asyncio.run(scene())


_END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
)


def end_connections(database: FreshDatabase) -> None:
    """End every connection to the database, as a restart of its server does, and wait until they have ended."""
    with psycopg.connect(database.superuser_url, autocommit=True) as connection:
        connection.execute(_END_OTHERS, [connection.info.backend_pid])


def test_after_its_connections_were_ended_the_next_call_has_a_new_one(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        async with opened(fresh_database.service_url, timeout=10) as database:
            member = await set_up(database)
            await asyncio.gather(*(member.do() for _ in range(8)))
            end_connections(fresh_database)
            await asyncio.gather(*(member.do() for _ in range(8)))

    asyncio.run(scene())


def test_a_connection_that_breaks_before_the_commit_has_written_nothing(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        async with opened(fresh_database.service_url, timeout=10) as database:
            member = await set_up(database)
            with pytest.raises(DatabaseUnavailable) as refused:
                async with member.work() as work:
                    work.patients.add(new_patient(member))
                    await work.flush()
                    end_connections(fresh_database)
                    await work.flush()
            assert type(refused.value) is DatabaseUnavailable
            assert (await member.held()).patients == ()

    asyncio.run(scene())


def test_a_connection_that_breaks_in_the_commit_leaves_it_uncertain_and_says_so(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        async with opened(fresh_database.service_url, timeout=10) as database:
            member = await set_up(database)
            with pytest.raises(CommitUncertain, match="whether it was done is unknown"):
                async with member.work() as work:
                    work.patients.add(new_patient(member))
                    await work.flush()
                    end_connections(fresh_database)
                    await work.commit()

    asyncio.run(scene())


def test_a_lock_that_two_wait_for_crosswise_makes_one_unavailable_and_none_hang(fresh_database: FreshDatabase) -> None:
    async def lock_both(member: Member, first: Any, second: Any, both_hold: asyncio.Barrier) -> None:
        async with member.work() as work:
            work.cases.lock(first.id)
            await work.flush()
            await both_hold.wait()
            work.cases.lock(second.id)
            await work.commit()

    async def scene() -> None:
        async with opened(fresh_database.service_url) as database:
            member = await set_up(database)
            patient = await member.patient()
            one, two = await member.case(patient), await member.case(patient)
            barrier = asyncio.Barrier(2)
            results = await asyncio.wait_for(
                asyncio.gather(
                    lock_both(member, one, two, barrier), lock_both(member, two, one, barrier), return_exceptions=True
                ),
                timeout=20,
            )
            assert sorted(type(result).__name__ for result in results) == ["DatabaseUnavailable", "NoneType"]

    asyncio.run(scene())


# --- what its errors say ------------------------------------------------------------------------------------


def test_what_the_server_says_of_a_row_is_not_passed_on(fresh_database: FreshDatabase) -> None:
    """Its details repeat values, which may be a patient's."""

    async def scene() -> None:
        async with opened(fresh_database.service_url) as database:
            member = await set_up(database)
            patient = await member.patient("Anna Geheim")
            with pytest.raises(StorageFault) as refused:
                await member.do(lambda work: work.patients.add(patient))
            assert str(refused.value) == (
                "The database refused a statement (SQLSTATE 23505, constraint patients_pkey)."
            )
            assert refused.value.__suppress_context__
            assert refused.value.__cause__ is None

    asyncio.run(scene())


@pytest.mark.parametrize("revision", [None, "a96162dee369"])
def test_a_database_that_is_not_at_the_head_is_not_ready_and_the_cure_is_named(
    fresh_database: FreshDatabase, revision: str | None
) -> None:
    async def check() -> None:
        async with opened(fresh_database.service_url) as database:
            await database.check()

    asyncio.run(check())
    migrations = PostgresMigrations(fresh_database.owner_url, "clincore_user")
    asyncio.run(migrations.downgrade(revision or "base", lambda _: None))
    with pytest.raises(DatabaseNotReady, match="Run 'clincore migrate upgrade head'"):
        asyncio.run(check())


def test_a_role_that_could_pass_the_walls_is_refused(postgres: Server, fresh_database: FreshDatabase) -> None:
    async def check(role: str) -> None:
        async with opened(fresh_database.url_of(role)) as database:
            await database.check()

    postgres.make_role("wall_walker", "BYPASSRLS")
    with psycopg.connect(fresh_database.superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("GRANT ALL ON DATABASE {} TO wall_walker").format(sql.Identifier(fresh_database.name))
        )
    with pytest.raises(DatabaseNotReady, match="'wall_walker' of DATABASE_URL is a role with BYPASSRLS"):
        asyncio.run(check("wall_walker"))
    with pytest.raises(DatabaseNotReady, match="'postgres' of DATABASE_URL is a superuser"):
        asyncio.run(check("postgres"))


# --- one role for everything --------------------------------------------------------------------------------


@pytest.fixture
def of_one_role(postgres: Server, new_database: NewDatabase) -> Iterator[FreshDatabase]:
    """A database at the head that one plain role owns, and serves from."""
    postgres.make_role("clinic_alone")
    with new_database(migrated=False, owner="clinic_alone") as made:
        migrations = PostgresMigrations(made.url_of("clinic_alone"), "clinic_alone")
        asyncio.run(migrations.upgrade("head", lambda _: None))
        yield made


def test_one_role_for_everything_works_end_to_end_and_the_walls_stand(
    of_one_role: FreshDatabase, tmp_path: Path
) -> None:
    async def scene() -> None:
        url = of_one_role.url_of("clinic_alone")
        async with clincore.open(url, cache_directory=tmp_path, bootstrap_token="token") as core:  # noqa: S106
            await core.check()
            mine = core.clinic((await core.tenants.bootstrap("Mine", "token")).api_key)
            theirs = core.clinic((await core.tenants.create("Theirs")).api_key)
            patient = await mine.patients.create(full_name="Anna")
            case = await mine.cases.create(patient.id, {"symptom_ids": [3, 7]})
            await mine.cases.edit(case.id, {"symptom_ids": [3, 7, 12]}, revision=1)
            finalized = await mine.cases.finalize(case.id)
            assert (await mine.cases.verify_replay(case.id)).computed == finalized.signature
            assert (await theirs.patients.list()).items == ()
            with pytest.raises(clincore.errors.CaseNotFound):
                await theirs.cases.get(case.id)
            new = core.clinic((await mine.keys.rotate()).api_key)
            assert (await new.administration.usage()).total_calls == 6

    asyncio.run(scene())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE public.cases SET result_text = ''",
        "DELETE FROM public.cases",
        "TRUNCATE public.cases",
        "DELETE FROM public.patients",
        "UPDATE public.access_logs SET at = now()",
        "DELETE FROM public.access_logs",
        "DELETE FROM public.usage_events",
        "DELETE FROM clincore.tenant_directory",
    ],
)
def test_one_role_for_everything_cannot_take_back_what_was_signed_or_logged(
    of_one_role: FreshDatabase, statement: Any
) -> None:
    async def enter() -> None:
        async with opened(of_one_role.url_of("clinic_alone")) as database:
            member = await set_up(database)
            case = await member.finalized(await member.patient())
            record = Record(RecordType.CASE, case.id)
            await member.do(lambda work: work.access_log.touched(Action.VIEW, record), at=NOW + MINUTE)
            tenant_ids.append(member.tenant_id)

    tenant_ids = [uuid4()]
    asyncio.run(enter())
    with psycopg.connect(of_one_role.url_of("clinic_alone")) as connection:
        connection.execute(sql.SQL("SET LOCAL app.tenant_id = {}").format(str(tenant_ids[-1])))
        with pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.IntegrityConstraintViolation)):
            connection.execute(statement)


# --- keys that end while a call runs ------------------------------------------------------------------------------


_GATE = """
    CREATE FUNCTION public.wait_at_the_gate() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_advisory_xact_lock_shared(7); RETURN NEW; END $$;
    CREATE TRIGGER gate BEFORE INSERT ON public.access_logs FOR EACH ROW EXECUTE FUNCTION public.wait_at_the_gate()
"""


async def _ends_meanwhile(fresh_database: FreshDatabase, gate: LiteralString, *, answered: bool) -> None:
    """View a patient; while that waits at the gate its key ends: it is answered, logged and metered, or none of it."""
    async with (
        opened(fresh_database.service_url) as database,
        await psycopg.AsyncConnection.connect(fresh_database.superuser_url) as holder,
    ):
        member = await set_up(database)
        patient = await member.patient()
        before = await member.held()
        await holder.execute(gate)
        reading = asyncio.create_task(_view(member, Record(RecordType.PATIENT, patient.id)))
        while not fresh_database.rows(  # noqa: ASYNC110 - the server has no event for it
            "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ):
            await asyncio.sleep(0)
        fresh_database.rows("UPDATE public.api_keys SET revoked_at = now() - interval '100 years'")
        await holder.rollback()
        if answered:
            assert await reading == patient
        else:
            with pytest.raises(Unauthenticated):
                await reading
        fresh_database.rows("UPDATE public.api_keys SET revoked_at = NULL")
        after = await member.held()
        assert len(after.log) == len(before.log) + answered
        assert after.usage.total_calls == before.usage.total_calls + answered


def test_a_read_whose_key_ends_meanwhile_is_still_logged_and_metered(fresh_database: FreshDatabase) -> None:
    """All that the call does sees one snapshot: what was read is never missing in the log."""
    fresh_database.rows(_GATE)
    asyncio.run(_ends_meanwhile(fresh_database, "SELECT pg_advisory_xact_lock(7)", answered=True))


def test_a_read_whose_key_ends_before_it_begins_is_refused_and_leaves_nothing(fresh_database: FreshDatabase) -> None:
    locked: LiteralString = "LOCK TABLE public.access_logs IN ACCESS EXCLUSIVE MODE"
    asyncio.run(_ends_meanwhile(fresh_database, locked, answered=False))


def test_a_record_that_is_entered_meanwhile_is_answered_logged_and_metered_or_none_of_it(
    fresh_database: FreshDatabase,
) -> None:
    """The read and the log cannot differ on whether the record is there."""

    async def scene() -> None:
        async with opened(fresh_database.service_url) as database:
            member = await set_up(database)
            for turn in range(40):
                patient = new_patient(member)
                entering, found = await asyncio.gather(
                    member.do(lambda work, patient=patient: work.patients.add(patient)),  # type: ignore[misc]
                    _view(member, Record(RecordType.PATIENT, patient.id)),
                )
                assert entering is None
                answered = {patient.id} if found else set()
                seen.append(found is not None)
                log = (await member.held()).log
                assert {entry.record_id for entry in log if entry.record_id == patient.id} == answered, turn
            assert (await member.usage()).total_calls == sum(seen)

    seen: list[bool] = []
    asyncio.run(scene())


async def _view(member: Member, record: Record) -> object:
    async with member.work() as work:
        found = work.patients.get(record.id)
        work.access_log.touched(Action.VIEW, record)
        work.usage.count(record)
        await work.commit()
    return found.result()


def test_a_call_does_not_wait_for_ever_for_a_lock(fresh_database: FreshDatabase) -> None:
    async def scene() -> None:
        async with (
            opened(fresh_database.service_url, max_connections=1) as database,
            await psycopg.AsyncConnection.connect(fresh_database.superuser_url) as gate,
        ):
            member = await set_up(database)
            patient = await member.patient()
            await gate.execute("SELECT FROM public.patients FOR UPDATE")
            with pytest.raises(DatabaseUnavailable):
                await member.do(lambda work: work.patients.replace(patient.edit(patient.details, NOW + MINUTE)))
            await gate.rollback()
            assert await member.ask(lambda work: work.patients.get(patient.id)) == patient

    asyncio.run(scene())
