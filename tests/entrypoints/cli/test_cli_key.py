"""``clincore key`` on a real PostgreSQL, in every deployment."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from operators import DEPLOYMENTS, Operator, deployed

import clincore as library
from clincore.domain.errors import Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from databases import Server


@pytest.fixture(params=DEPLOYMENTS)
def operator(request: pytest.FixtureRequest, postgres: Server) -> Iterator[Operator]:
    with deployed(request.param, postgres) as made:
        yield made


@pytest.fixture(scope="module", params=DEPLOYMENTS)
def standing(request: pytest.FixtureRequest, postgres: Server) -> Iterator[Operator]:
    """A deployment that the tests of wrong input share: none of them changes it."""
    with deployed(request.param, postgres) as made:
        yield made


@pytest.fixture
def clinic(operator: Operator) -> dict[str, str]:
    """A clinic's ids and its first admin key."""
    made: dict[str, str] = operator.json("tenant", "create", "Hill")
    return made


def is_let_in(operator: Operator, api_key: str, *, as_admin: bool = False) -> bool:
    """Whether the service takes a key."""

    async def scene() -> bool:
        async with library.open(operator.service_url) as core:
            holder = core.clinic(api_key)
            try:
                await (holder.administration.usage() if as_admin else holder.keys.check())
            except Unauthenticated:
                return False
            return True

    return asyncio.run(scene())


def rotate(operator: Operator, api_key: str) -> str:
    async def scene() -> str:
        async with library.open(operator.service_url) as core:
            return (await core.clinic(api_key).keys.rotate()).api_key

    return asyncio.run(scene())


def test_a_key_is_shown_once_and_lets_its_holder_in(operator: Operator, clinic: dict[str, str]) -> None:
    ended = operator.run("key", "create", clinic["tenant_id"], "--label", "Empfang Ä")
    assert ended.code == 0
    told = dict(line.rsplit(maxsplit=1) for line in ended.lines)
    assert list(told) == ["key", "role", "expires", "API key"]
    assert (told["role"], told["expires"]) == ("user", "never")
    assert ended.err == "Keep the API key now: it is never shown again. It goes in the header X-API-Key.\n"
    assert is_let_in(operator, told["API key"])
    listed = operator.run("key", "list", clinic["tenant_id"])
    assert told["key"] in listed.out
    assert "clc_" not in listed.out


def test_a_key_for_a_script(operator: Operator, clinic: dict[str, str]) -> None:
    arguments = ("--label", "backup", "--role", "admin", "--expires", "2999-12-31")
    made = operator.json("key", "create", clinic["tenant_id"], *arguments)
    assert list(made) == ["tenant_id", "key_id", "api_key", "role", "expires_at"]
    assert (made["tenant_id"], made["role"]) == (clinic["tenant_id"], "admin")
    assert datetime.fromisoformat(made["expires_at"]) == datetime(2999, 12, 31, tzinfo=UTC)
    assert is_let_in(operator, made["api_key"], as_admin=True)


def test_every_key_is_listed_with_its_state_and_never_with_a_hash(operator: Operator, clinic: dict[str, str]) -> None:
    tenant_id = clinic["tenant_id"]
    made: dict[str, Any] = {
        label: operator.json("key", "create", tenant_id, "--label", label, "--expires", "2999-12-31")
        for label in ("of a guest", "lost", "replaced", "front desk")
    }
    operator.json("key", "revoke", tenant_id, made["lost"]["key_id"])
    rotate(operator, made["replaced"]["api_key"])
    operator.database.rows("UPDATE public.api_keys SET expires_at = now() WHERE id = %s", made["of a guest"]["key_id"])
    states = {key["key_id"]: (key["label"], key["state"]) for key in operator.json("key", "list", tenant_id)}
    assert states.pop(clinic["key_id"]) == ("first admin key", "valid")
    expected = {"of a guest": "expired", "lost": "revoked", "replaced": "rotated", "front desk": "valid"}
    assert {states.pop(key["key_id"]) for key in made.values()} == set(expected.items())
    assert list(states.values()) == [("replaced", "valid")]

    ended = operator.run("key", "list", tenant_id)
    headings, _, *rows = ended.lines
    assert (ended.code, ended.err) == (0, "")
    assert re.split(r"  +", headings) == ["key", "role", "state", "created", "expires", "last used", "label"]
    assert [re.split(r"  +", row)[2] for row in rows].count("valid") == 3
    never = re.split(r"  +", next(row for row in rows if clinic["key_id"] in row))
    assert never[4:] == ["-", "-", "first admin key"]
    used = re.split(r"  +", next(row for row in rows if made["replaced"]["key_id"] in row))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:00Z", used[5])

    hashes = operator.database.rows("SELECT key_hash FROM public.api_keys")
    assert len(hashes) == 6
    as_json = operator.run("key", "list", tenant_id, "--json").out
    for (digest,) in hashes:
        assert digest not in ended.out + as_json


def test_keys_are_listed_newest_first(operator: Operator, clinic: dict[str, str]) -> None:
    later = [operator.json("key", "create", clinic["tenant_id"], "--label", f"{n}")["key_id"] for n in range(3)]
    listed = [key["key_id"] for key in operator.json("key", "list", clinic["tenant_id"])]
    assert listed == [*later[::-1], clinic["key_id"]]


def test_a_revoked_key_is_refused_at_once(operator: Operator, clinic: dict[str, str]) -> None:
    made = operator.json("key", "create", clinic["tenant_id"], "--label", "lost")
    assert is_let_in(operator, made["api_key"])
    ended = operator.run("key", "revoke", clinic["tenant_id"], made["key_id"])
    assert (ended.code, ended.out, ended.err) == (0, f"revoked {made['key_id']}\n", "")
    assert not is_let_in(operator, made["api_key"])
    assert is_let_in(operator, clinic["api_key"])
    told = operator.refused(1, "key", "revoke", clinic["tenant_id"], made["key_id"])
    assert told == f"error: There is no key {made['key_id']}, or it is revoked already.\n"


def test_the_last_admin_key_goes_too_and_it_says_how_to_make_another(
    operator: Operator, clinic: dict[str, str]
) -> None:
    ended = operator.run("key", "revoke", clinic["tenant_id"], clinic["key_id"])
    assert (ended.code, ended.out) == (0, f"revoked {clinic['key_id']}\n")
    assert not is_let_in(operator, clinic["api_key"])
    said, _, cure = ended.err.strip().partition(": clincore ")
    assert said == "The clinic has no valid admin key now. To make one"
    made = operator.json(*cure.split())
    assert is_let_in(operator, made["api_key"], as_admin=True)
    answer = operator.json("key", "revoke", clinic["tenant_id"], made["key_id"])
    assert answer == {"revoked": made["key_id"], "valid_admin_keys": 0}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("create", "{tenant}"), 2, "Missing option '--label'"),
        (("create", "{tenant}", "--label", ""), 1, "error: label: is empty\n"),
        (("create", "{tenant}", "--label", "x" * 201), 1, "error: label: has 201 characters, 200 at most"),
        (("create", "{tenant}", "--label", "x", "--role", "root"), 2, "'root' is not one of 'admin', 'user'"),
        (("create", "{tenant}", "--label", "x", "--expires", "soon"), 2, "'soon' does not match the format"),
        (("create", "{tenant}", "--label", "x", "--expires", "2999-02-29"), 2, "does not match the format"),
        (("create", "{tenant}", "--label", "x", "--expires", "2020-01-01"), 1, "expires_at: must be in the future"),
        (("create", "Hill", "--label", "x"), 2, "'Hill' is not a valid UUID"),
        (("create", "{unknown}", "--label", "x"), 1, "error: There is no tenant {unknown}.\n"),
        (("list",), 2, "Missing argument 'TENANT'"),
        (("list", "{unknown}"), 1, "error: There is no tenant {unknown}.\n"),
        (("revoke", "{tenant}"), 2, "Missing argument 'KEY'"),
        (("revoke", "{tenant}", "clc_x"), 2, "'clc_x' is not a valid UUID"),
        (("revoke", "{tenant}", "{unknown}"), 1, "error: There is no key {unknown}, or it is revoked already.\n"),
        (("revoke", "{tenant}", "{foreign}"), 1, "error: There is no key {foreign}, or it is revoked already.\n"),
        (("revoke", "{unknown}", "{key}"), 1, "error: There is no tenant {unknown}.\n"),
    ],
)
def test_wrong_input_is_named_and_nothing_is_written(
    standing: Operator, arguments: tuple[str, ...], code: int, said: str
) -> None:
    clinic, other = (standing.json("tenant", "create", name) for name in ("Hill", "Valley"))
    known = {
        "tenant": clinic["tenant_id"],
        "key": clinic["key_id"],
        "foreign": other["key_id"],
        "unknown": uuid4(),
    }
    told = standing.refused(code, "key", *(argument.format(**known) for argument in arguments))
    assert said.format(**known) in told


def test_a_clinic_without_a_key_is_told_how_one_is_made(operator: Operator, clinic: dict[str, str]) -> None:
    operator.database.rows("DELETE FROM public.api_keys")
    ended = operator.run("key", "list", clinic["tenant_id"])
    assert (ended.code, ended.out) == (0, "")
    assert ended.err == (
        f"The clinic has no key; 'clincore key create {clinic['tenant_id']} --label LABEL' makes one.\n"
    )
    assert operator.json("key", "list", clinic["tenant_id"]) == []
