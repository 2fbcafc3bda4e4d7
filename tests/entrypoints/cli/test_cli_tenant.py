"""``clincore tenant`` on a real PostgreSQL, in every deployment."""

from __future__ import annotations

import asyncio
import json
import signal
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest
from command_line import clincore, line_with, passable_directory, processes_naming, running
from operators import DEPLOYMENTS, Operator, deployed

import clincore as library
from clincore.domain.errors import PlanLimitReached

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import FreshDatabase, NewDatabase, Server


@pytest.fixture(params=DEPLOYMENTS)
def operator(request: pytest.FixtureRequest, postgres: Server) -> Iterator[Operator]:
    with deployed(request.param, postgres) as made:
        yield made


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def standing(request: pytest.FixtureRequest, postgres: Server) -> Iterator[Operator]:
    """A deployment that the tests of wrong input share: none of them changes it."""
    with deployed(request.param, postgres) as made:
        yield made


def made_cases(operator: Operator, api_key: str, *, free_tier_limit: int) -> int:
    """Make cases with a key over the service's URL until the plan refuses, three at most; return how many."""

    async def scene() -> int:
        async with library.open(operator.service_url, free_tier_limit=free_tier_limit) as core:
            await core.check()
            clinic = core.clinic(api_key)
            patient = await clinic.patients.create(full_name="Ada Example")
            for number in range(3):
                try:
                    await clinic.cases.create(patient.id, {"symptom_ids": [8]})
                except PlanLimitReached:
                    return number
        return 3

    return asyncio.run(scene())


def test_a_clinic_is_set_up_and_its_key_lets_in(operator: Operator) -> None:
    ended = operator.run("tenant", "create", " Klinik Ä ")
    assert ended.code == 0
    told = dict(line.rsplit(maxsplit=1) for line in ended.lines)
    assert list(told) == ["tenant", "key", "API key"]
    assert ended.err == "Keep the API key now: it is never shown again. It goes in the header X-API-Key.\n"
    assert made_cases(operator, told["API key"], free_tier_limit=1) == 1
    (tenant,) = operator.json("tenant", "list")
    assert (tenant["tenant_id"], tenant["name"], tenant["plan"]) == (told["tenant"], "Klinik Ä", "free")
    (key,) = operator.json("key", "list", told["tenant"])
    assert (key["key_id"], key["role"], key["state"]) == (told["key"], "admin", "valid")


def test_a_script_reads_json_alone_on_stdout(operator: Operator) -> None:
    ended = operator.run("tenant", "create", "Hill", "--plan", "paid", "--json")
    made = json.loads(ended.out)
    assert list(made) == ["tenant_id", "key_id", "api_key"]
    assert "never shown again" in ended.err
    assert made["api_key"] not in ended.err
    (tenant,) = operator.json("tenant", "list")
    assert list(tenant) == ["tenant_id", "plan", "created_at", "name"]
    assert tenant["plan"] == "paid"
    assert datetime.now(UTC) - datetime.fromisoformat(tenant["created_at"]) < timedelta(minutes=5)


def test_all_clinics_are_listed_newest_first_in_one_table(operator: Operator) -> None:
    assert operator.run("tenant", "list").err == "There is no clinic yet; 'clincore tenant create NAME' sets one up.\n"
    assert operator.json("tenant", "list") == []
    made = {
        name: operator.json("tenant", "create", name, "--plan", plan)["tenant_id"]
        for name, plan in [("First One", "free"), ("Zweite Ä", "paid"), ("Third", "subscription")]
    }
    ended = operator.run("tenant", "list")
    headings, rule, *rows = ended.lines
    assert (ended.code, ended.err, headings.split()) == (0, "", ["tenant", "plan", "created", "name"])
    assert set(rule) == {"-", " "}
    cells = [row.split(maxsplit=4) for row in rows]
    assert [(row[0], row[1], row[4]) for row in cells] == [
        (made["Third"], "subscription", "Third"),
        (made["Zweite Ä"], "paid", "Zweite Ä"),
        (made["First One"], "free", "First One"),
    ]


def test_a_plan_is_in_force_at_once(operator: Operator) -> None:
    made = operator.json("tenant", "create", "Hill")
    assert made_cases(operator, made["api_key"], free_tier_limit=0) == 0
    ended = operator.run("tenant", "set-plan", made["tenant_id"], "subscription")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"tenant  {made['tenant_id']}\nplan    subscription\n"
    assert made_cases(operator, made["api_key"], free_tier_limit=0) == 3
    answer = operator.json("tenant", "set-plan", made["tenant_id"], "free")
    assert answer == {"tenant_id": made["tenant_id"], "plan": "free"}
    assert made_cases(operator, made["api_key"], free_tier_limit=0) == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create",), 2, "Missing argument 'NAME'"),
        (("create", " "), 1, "error: tenant_name: is empty\n"),
        (("create", "x" * 201), 1, "error: tenant_name: has 201 characters, 200 at most are allowed\n"),
        (("create", "a\x1b[31m"), 1, "error: tenant_name: holds a control character (U+001B) at position 2\n"),
        (("create", "Hill", "--plan", "golden"), 2, "'golden' is not one of 'free', 'paid', 'subscription'"),
        (("create", "Two", "words"), 2, "unexpected extra argument"),
        (("set-plan", "{tenant}"), 2, "Missing argument"),
        (("set-plan", "{tenant}", "golden"), 2, "'golden' is not one of 'free', 'paid', 'subscription'"),
        (("set-plan", "Hill", "paid"), 2, "'Hill' is not a valid UUID"),
        (("set-plan", "{unknown}", "paid"), 1, "error: There is no tenant {unknown}.\n"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_written(
    standing: Operator, arguments: tuple[str, ...], code: int, said: str
) -> None:
    known = {"tenant": standing.json("tenant", "create", "Hill")["tenant_id"], "unknown": uuid4()}
    told = standing.refused(code, "tenant", *(argument.format(**known) for argument in arguments))
    assert said.format(**known) in told


# --- the database ---------------------------------------------------------------------------------------------------


def test_the_services_role_is_told_whose_url_is_needed(fresh_database: FreshDatabase) -> None:
    """With DATABASE_URL alone where the owner is another role: what the service may do works, the rest has a cure."""
    settings = {"DATABASE_URL": fresh_database.service_url}
    made = json.loads(clincore("tenant", "create", "Hill", "--json", **settings).out)
    before = fresh_database.contents()
    for arguments in (("list",), ("set-plan", made["tenant_id"], "paid")):
        ended = clincore("tenant", *arguments, **settings)
        assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
        assert "has no right to do this" in ended.err
        assert "set MIGRATION_DATABASE_URL to the owner's URL" in ended.err
    assert fresh_database.contents() == before


def test_a_stranger_is_told_whose_url_is_needed(postgres: Server, fresh_database: FreshDatabase) -> None:
    postgres.make_role("operators_stranger")
    fresh_database.rows("GRANT CONNECT ON DATABASE " + fresh_database.name + " TO operators_stranger")
    ended = clincore("tenant", "list", DATABASE_URL=fresh_database.url_of("operators_stranger"))
    assert (ended.code, ended.out) == (1, "")
    assert "set MIGRATION_DATABASE_URL to the owner's URL" in ended.err


def test_a_superuser_for_an_owner_sees_each_clinic_once_and_changes_one(
    fresh_database: FreshDatabase,
) -> None:
    """Row-level security does not bind it; the tenant in every statement does."""
    settings = {"DATABASE_URL": fresh_database.service_url, "MIGRATION_DATABASE_URL": fresh_database.superuser_url}
    one, two = (json.loads(clincore("tenant", "create", name, "--json", **settings).out) for name in ("One", "Two"))
    clincore("tenant", "set-plan", one["tenant_id"], "paid", **settings)
    clincore("key", "revoke", one["tenant_id"], one["key_id"], **settings)
    found = json.loads(clincore("tenant", "list", "--json", **settings).out)
    assert [(tenant["name"], tenant["plan"]) for tenant in found] == [("Two", "free"), ("One", "paid")]
    states = [
        [key["state"] for key in json.loads(clincore("key", "list", made["tenant_id"], "--json", **settings).out)]
        for made in (one, two)
    ]
    assert states == [["revoked"], ["valid"]]


@pytest.mark.parametrize("target", ["base", "a96162dee369", "0001_core_init"])
def test_a_database_that_is_not_at_the_head_is_refused_with_the_cure(new_database: NewDatabase, target: str) -> None:
    with new_database(migrated=False) as made:
        settings = {"DATABASE_URL": made.service_url, "MIGRATION_DATABASE_URL": made.owner_url}
        if target != "base":
            assert clincore("migrate", "upgrade", target, **settings).code == 0
        before = made.contents()
        some_id = str(uuid4())
        for arguments in (
            ("tenant", "create", "Hill"),
            ("tenant", "list"),
            ("tenant", "set-plan", some_id, "paid"),
            ("key", "create", some_id, "--label", "x"),
            ("key", "list", some_id),
            ("key", "revoke", some_id, some_id),
        ):
            ended = clincore(*arguments, **settings)
            assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
            assert ended.err.startswith("error: The database is at ")
            assert "Run 'clincore migrate upgrade head'" in ended.err
        assert made.contents() == before


def test_a_database_that_is_down_is_one_message_without_the_password() -> None:
    ended = clincore("tenant", "list", DATABASE_URL="postgresql://somebody:hush@127.0.0.1:1/clincore")
    assert (ended.code, ended.out, ended.err.count("\n")) == (1, "", 1)
    assert ended.err.startswith("error: The database cannot be reached over MIGRATION_DATABASE_URL (or DATABASE_URL)")
    assert "hush" not in ended.err


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "DATABASE_URL is not set; set it, or MIGRATION_DATABASE_URL"),
        ({"DATABASE_URL": "memory:"}, "DATABASE_URL is memory:, whose tenants are known to their process alone"),
        ({"DATABASE_URL": "mysql://a:hush@b/c"}, "DATABASE_URL is not a database URL that ClinCore knows"),
        ({"DATABASE_URL": "postgresql://a:hush@b/c?colour=red"}, "has a parameter behind its ?"),
    ],
)
def test_settings_that_are_wrong_are_named(settings: dict[str, str], said: str) -> None:
    for arguments in (("tenant", "list"), ("key", "list", str(uuid4()))):
        ended = clincore(*arguments, **settings)
        assert (ended.code, ended.out) == (2, "")
        assert said in ended.err
        assert "hush" not in ended.err


# --- the embedded database ------------------------------------------------------------------------------------------


def test_an_embedded_database_is_started_for_as_long_as_a_command_runs() -> None:
    with passable_directory() as ground:
        directory = ground / "db"
        settings = {"DATABASE_URL": f"embedded:{directory}"}
        ended = clincore("tenant", "list", **settings)
        assert (ended.code, ended.out, directory.exists()) == (2, "", False)
        assert f"embedded:{directory}, where no database is yet; 'clincore migrate upgrade head' makes one" in ended.err
        with running("serve", "--embedded", directory, "--port", 0) as process:
            line_with("ClinCore serves at ", process)
            used = clincore("tenant", "list", **settings)
            assert (used.code, used.out) == (1, "")
            assert used.err == (
                f"error: {directory} is in use by process {process.pid}; stop it first, or choose another directory.\n"
            )
            process.send_signal(signal.SIGTERM)
            process.wait(30)
        made = json.loads(clincore("tenant", "create", "Hill", "--json", **settings).out)
        clincore("tenant", "set-plan", made["tenant_id"], "paid", **settings)
        (tenant,) = json.loads(clincore("tenant", "list", "--json", **settings).out)
        assert (UUID(tenant["tenant_id"]), tenant["plan"]) == (UUID(made["tenant_id"]), "paid")
        assert processes_naming(directory) == []
