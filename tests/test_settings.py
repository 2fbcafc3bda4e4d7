"""Settings: everything that is missing or wrong in one message, and no secret in any."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.database_url import DatabaseKind, DatabaseUrl
from clincore.domain.errors import SettingsError
from clincore.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

PASSWORD = "geheim"  # noqa: S105
URL = f"postgresql+psycopg_async://clincore_user:{PASSWORD}@127.0.0.1:5432/clincore"
LEAST = {"DATABASE_URL": URL, "REPERTORY_DB_PATH": "starter:"}


def problems(environment: Mapping[str, str]) -> list[str]:
    """Read the settings, and return what is wrong with them."""
    with pytest.raises(SettingsError) as refused:
        Settings.read(environment)
    assert str(refused.value).splitlines() == [
        "ClinCore cannot start:",
        *(f"  - {problem}" for problem in refused.value.problems),
    ]
    assert PASSWORD not in str(refused.value)
    assert PASSWORD not in repr(refused.value)
    return list(refused.value.problems)


# --- the settings ---------------------------------------------------------------------------------------------------


def test_the_least_that_is_needed_and_the_defaults() -> None:
    settings = Settings.read(LEAST)
    assert settings.database == settings.migration_database == DatabaseUrl.parse(URL)
    assert (settings.repertory, settings.tags, settings.mcare_config, settings.cache_directory) == (None,) * 4
    assert (settings.bootstrap_token, settings.free_tier_limit) == (None, 1000)
    assert (settings.pool_size, settings.pool_timeout) == (16, 5)
    assert (settings.log_level, settings.log_format) == ("INFO", "text")


def test_everything_can_be_chosen(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    settings = Settings.read(
        {
            "DATABASE_URL": URL,
            "MIGRATION_DATABASE_URL": "postgres://clincore_owner@db/clincore",
            "BOOTSTRAP_TOKEN": " token ",
            "REPERTORY_DB_PATH": str(file),
            "REPERTORY_TAGS_PATH": str(file),
            "REPERTORY_CACHE_DIR": str(tmp_path / "not there yet"),
            "MCARE_CONFIG_PATH": str(file),
            "FREE_TIER_LIMIT": "0",
            "DATABASE_POOL_SIZE": "1",
            "DATABASE_POOL_TIMEOUT": "30",
            "LOG_LEVEL": "debug",
            "LOG_FORMAT": "JSON",
        }
    )
    assert settings.migration_database.user == "clincore_owner"
    assert settings.repertory == settings.tags == settings.mcare_config == file
    assert settings.cache_directory == tmp_path / "not there yet"
    assert (settings.bootstrap_token, settings.free_tier_limit) == ("token", 0)
    assert (settings.pool_size, settings.pool_timeout) == (1, 30)
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


def test_what_is_missing_is_named_with_its_cure() -> None:
    for environment in ({}, {"DATABASE_URL": "", "REPERTORY_DB_PATH": "  "}):
        assert problems(environment) == [
            "DATABASE_URL is not set; set it: postgresql://clincore_user:…@127.0.0.1:5432/clincore "
            "(or embedded:DIRECTORY, or memory:).",
            "REPERTORY_DB_PATH is not set; set it to the SQLite repertory, or to 'starter:' to try things.",
        ]


def test_everything_that_is_wrong_is_named_in_one_message(tmp_path: Path) -> None:
    found = problems(
        {
            "DATABASE_URL": f"mysql://user:{PASSWORD}@host/db",
            "MIGRATION_DATABASE_URL": f"postgresql://owner:{PASSWORD}@host",
            "REPERTORY_DB_PATH": str(tmp_path),
            "REPERTORY_TAGS_PATH": str(tmp_path / "tags.csv"),
            "MCARE_CONFIG_PATH": str(tmp_path / "mcare.json"),
            "BOOTSTRAP_TOKEN": PASSWORD,
            "FREE_TIER_LIMIT": "-1",
            "DATABASE_POOL_SIZE": "0",
            "DATABASE_POOL_TIMEOUT": "soon",
            "LOG_LEVEL": "LOUD",
            "LOG_FORMAT": "xml",
        }
    )
    assert [problem.split()[0].rstrip(":") for problem in found] == [
        "DATABASE_URL",
        "MIGRATION_DATABASE_URL",
        "REPERTORY_DB_PATH",
        "REPERTORY_TAGS_PATH",
        "MCARE_CONFIG_PATH",
        "FREE_TIER_LIMIT",
        "DATABASE_POOL_SIZE",
        "DATABASE_POOL_TIMEOUT",
        "LOG_LEVEL",
        "LOG_FORMAT",
    ]
    assert f"REPERTORY_DB_PATH: {tmp_path} is a directory; set it to the SQLite repertory" in found[2]
    assert "tags.csv does not exist; set it to the CSV file with the rubrics' tags." in found[3]
    assert found[5] == "FREE_TIER_LIMIT is not a whole number of 0 or more; leave it away for 1000."
    assert found[8] == "LOG_LEVEL is not one of DEBUG, INFO, WARNING, ERROR; leave it away for INFO."


@pytest.mark.parametrize("value", ["1.5", "1e3", "٣", "0x10", "1_000", "+1", "9" * 5000, "ten"])
def test_a_number_that_is_none_is_named(value: str) -> None:
    assert len(problems({**LEAST, "FREE_TIER_LIMIT": value, "DATABASE_POOL_SIZE": value})) == 2


def test_no_secret_stands_in_a_repr() -> None:
    settings = Settings.read({**LEAST, "BOOTSTRAP_TOKEN": "token of the operator"})
    for shown in (repr(settings), str(settings), repr(settings.database), f"{settings.database}"):
        assert PASSWORD not in shown
        assert "token of the operator" not in shown


def test_migrations_need_one_url_and_take_the_service_role_from_the_other() -> None:
    owner = "postgresql://clincore_owner@host/db"
    both = Settings.read_migration_database({"DATABASE_URL": URL, "MIGRATION_DATABASE_URL": owner})
    assert (both[0].user, both[1]) == ("clincore_owner", "clincore_user")
    one = Settings.read_migration_database({"DATABASE_URL": URL})
    assert (one[0].user, one[1]) == ("clincore_user", "clincore_user")
    alone = Settings.read_migration_database({"MIGRATION_DATABASE_URL": owner})
    assert (alone[0].user, alone[1]) == ("clincore_owner", None)
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        Settings.read_migration_database({})
    with pytest.raises(SettingsError, match="MIGRATION_DATABASE_URL") as refused:
        Settings.read_migration_database({"DATABASE_URL": URL, "MIGRATION_DATABASE_URL": f"x:{PASSWORD}"})
    assert PASSWORD not in str(refused.value)


def test_the_database_of_a_backup_is_the_first_that_is_named() -> None:
    urls = {
        name: f"postgresql://{role}@db/clincore"
        for name, role in (("BACKUP_DATABASE_URL", "b"), ("MIGRATION_DATABASE_URL", "m"), ("DATABASE_URL", "d"))
    }
    for name, url in tuple(urls.items()):
        assert Settings.read_backup_database(urls) == DatabaseUrl.parse(url)
        del urls[name]
    with pytest.raises(SettingsError, match="DATABASE_URL is not set"):
        Settings.read_backup_database({})
    with pytest.raises(SettingsError, match="BACKUP_DATABASE_URL names no database") as refused:
        Settings.read_backup_database({**LEAST, "BACKUP_DATABASE_URL": f"postgresql://b:{PASSWORD}@db"})
    assert PASSWORD not in str(refused.value)


def test_the_service_role_is_the_user_of_the_services_url() -> None:
    assert Settings.read_service_role(LEAST) == "clincore_user"
    assert Settings.read_service_role({}) is None


# --- DATABASE_URL -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["postgresql+psycopg_async", "postgresql+psycopg", "postgresql", "postgres"])
def test_every_spelling_of_the_scheme_means_the_same(scheme: str) -> None:
    url = DatabaseUrl.parse(f"{scheme}://user:{PASSWORD}@127.0.0.1:5432/clincore?sslmode=require")
    assert url.kind is DatabaseKind.POSTGRES
    assert url.conninfo == f"postgresql://user:{PASSWORD}@127.0.0.1:5432/clincore?sslmode=require"
    assert (url.user, url.directory, url.was_localhost) == ("user", None, False)


@pytest.mark.parametrize(
    ("given_host", "host", "was_localhost"),
    [
        ("localhost:5432", "127.0.0.1:5432", True),
        ("localhost", "127.0.0.1", True),
        ("LocalHost:6000", "127.0.0.1:6000", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("localhost.example.org:5432", "localhost.example.org:5432", False),
        ("[::1]:5432", "[::1]:5432", False),
        ("[::1]", "[::1]", False),
        ("[fe80::1%25eth0]:5432", "[fe80::1%25eth0]:5432", False),
        ("db", "db", False),
    ],
)
def test_a_host_stays_as_given_but_localhost_is_taken_as_127_0_0_1(
    given_host: str, host: str, was_localhost: bool
) -> None:
    url = DatabaseUrl.parse(f"postgresql://localhost:{PASSWORD}@{given_host}/clincore")
    assert url.conninfo == f"postgresql://localhost:{PASSWORD}@{host}/clincore"
    assert (url.user, url.was_localhost) == ("localhost", was_localhost)
    assert psycopg.conninfo.conninfo_to_dict(url.conninfo)["dbname"] == "clincore"


def test_a_url_by_the_socket_of_a_server() -> None:
    url = DatabaseUrl.parse("postgresql://clincore_user@/clincore?host=/run/postgresql&port=5432")
    assert psycopg.conninfo.conninfo_to_dict(url.conninfo) == {
        "user": "clincore_user",
        "dbname": "clincore",
        "host": "/run/postgresql",
        "port": "5432",
    }


def test_memory_and_embedded() -> None:
    assert DatabaseUrl.parse("memory:") == DatabaseUrl(kind=DatabaseKind.MEMORY)
    embedded = DatabaseUrl.parse("embedded:some/directory")
    assert (embedded.kind, embedded.directory) == (DatabaseKind.EMBEDDED, Path("some/directory"))
    assert DatabaseUrl.parse("embedded:~/here").directory == Path.home() / "here"


@pytest.mark.parametrize(
    "url",
    [
        "memory",
        "memory:x",
        "embedded:",
        "clincore",
        "/clincore",
        "mysql://user:geheim@host/db",
        "postgresql+asyncpg://user:geheim@host/db",
        "postgresql:",
        "postgresql://user:geheim@host",
        "postgresql://user:geheim@host/",
        "postgresql://user:geheim@host:port/db",
        "postgresql://user:geheim@host:0/db",
        "postgresql://user:geheim@host:99999/db",
        "postgresql://user:geheim@[::1/db",
        "postgresql://user:ge/heim@host/db",
        "postgresql://user:ge#heim@host/db",
        "postgresql://user:ge?heim@host/db",
        "postgresql://user:geheim%@host/db",
        "postgresql://user:geh%zzeim@host/db",
        "postgresql://user:geh@eim@host/db",
        "host=127.0.0.1 user=user password=geheim dbname=db",
    ],
)
def test_a_url_that_is_none_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        DatabaseUrl.parse(url)
    assert "geheim" not in str(refused.value)
    assert "eim" not in str(refused.value)


@given(password=st.text(min_size=1, max_size=12))
def test_a_password_is_taken_as_it_is_or_refused_without_being_shown(password: str) -> None:
    """Written as it stands it may be refused; percent-encoded it reaches libpq whole."""
    from urllib.parse import quote

    try:
        encoded = quote(password, safe="")
    except UnicodeEncodeError:
        return
    url = DatabaseUrl.parse(f"postgresql://user:{encoded}@localhost/clincore")
    assert repr(url) == repr(DatabaseUrl.parse("postgresql://user:another@localhost/clincore"))
    if "\x00" not in password:
        assert psycopg.conninfo.conninfo_to_dict(url.conninfo)["password"] == password
