"""The settings, read from the environment here and nowhere else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from attrs import field, frozen

from clincore.database_url import DatabaseKind, DatabaseUrl
from clincore.domain.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

STARTER: Final = "starter:"
"""In the place of REPERTORY_DB_PATH: the small repertory that comes with ClinCore."""
_DIGITS: Final = 9
_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")


@frozen(kw_only=True)
class Settings:
    """Everything that an operator chooses; secrets are left out of its repr."""

    database: DatabaseUrl
    migration_database: DatabaseUrl
    repertory: Path | None
    """None for the starter repertory."""
    tags: Path | None = None
    cache_directory: Path | None = None
    mcare_config: Path | None = None
    bootstrap_token: str | None = field(default=None, repr=False)
    free_tier_limit: int = 1000
    pool_size: int = 16
    pool_timeout: float = 5.0
    log_level: str = "INFO"
    log_format: str = "text"

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings of a service; raises SettingsError naming every one that is missing or wrong."""
        reader = _Reader(environment)
        database = reader.database("DATABASE_URL", "set it: postgresql://clincore_user:…@127.0.0.1:5432/clincore")
        migration_database = reader.database("MIGRATION_DATABASE_URL", None)
        settings = cls(
            database=database or _NOWHERE,
            migration_database=migration_database or database or _NOWHERE,
            repertory=reader.repertory(),
            tags=reader.file("REPERTORY_TAGS_PATH", "the CSV file with the rubrics' tags"),
            cache_directory=reader.path("REPERTORY_CACHE_DIR"),
            mcare_config=reader.file("MCARE_CONFIG_PATH", "the JSON file with MCARE's parameters"),
            bootstrap_token=reader.token(),
            free_tier_limit=reader.number("FREE_TIER_LIMIT", 1000, least=0),
            pool_size=reader.number("DATABASE_POOL_SIZE", 16, least=1),
            pool_timeout=reader.number("DATABASE_POOL_TIMEOUT", 5, least=1),
            log_level=reader.choice("LOG_LEVEL", "INFO", _LEVELS),
            log_format=reader.choice("LOG_FORMAT", "text", ("text", "json")),
        )
        reader.finish()
        return settings

    @classmethod
    def read_database(cls, environment: Mapping[str, str]) -> DatabaseUrl:
        """Return the service's database alone; raises SettingsError."""
        reader = _Reader(environment)
        database = reader.database("DATABASE_URL", "set it to the URL that the service connects with")
        reader.finish()
        return database or _NOWHERE

    @classmethod
    def read_migration_database(cls, environment: Mapping[str, str]) -> tuple[DatabaseUrl, str | None]:
        """Return where migrations run, and the service role, the user of DATABASE_URL; raises SettingsError."""
        reader = _Reader(environment)
        database = reader.database("DATABASE_URL", None)
        migration = reader.database("MIGRATION_DATABASE_URL", None)
        if database is None and migration is None and not reader.problems:
            reader.problems.append("DATABASE_URL is not set; set it, or MIGRATION_DATABASE_URL, to the database's URL.")
        reader.finish()
        return migration or database or _NOWHERE, database.user if database else None

    @classmethod
    def read_backup_database(cls, environment: Mapping[str, str]) -> DatabaseUrl:
        """Return what is backed up, over a role that row-level security does not filter; raises SettingsError."""
        reader = _Reader(environment)
        backup = reader.database("BACKUP_DATABASE_URL", None)
        reader.finish()
        return backup or cls.read_migration_database(environment)[0]

    @classmethod
    def read_service_role(cls, environment: Mapping[str, str]) -> str | None:
        """Return the user of DATABASE_URL, None where that is not set; raises SettingsError."""
        reader = _Reader(environment)
        database = reader.database("DATABASE_URL", None)
        reader.finish()
        return database.user if database else None


def is_log_json(environment: Mapping[str, str]) -> bool:
    """Whether lines of log are JSON, for what is written before all settings are read and checked."""
    return environment.get("LOG_FORMAT", "").strip().lower() == "json"


_NOWHERE: Final = DatabaseUrl(kind=DatabaseKind.MEMORY)


class _Reader:
    """Reads variables and gathers what is wrong with them; an empty one counts as not set."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def text(self, name: str) -> str | None:
        return self._environment.get(name, "").strip() or None

    def database(self, name: str, cure_if_missing: str | None) -> DatabaseUrl | None:
        url = self.text(name)
        if url is None:
            if cure_if_missing:
                self.problems.append(f"{name} is not set; {cure_if_missing} (or embedded:DIRECTORY, or memory:).")
            return None
        try:
            return DatabaseUrl.parse(url)
        except ValueError as error:
            self.problems.append(f"{name} {error}.")
            return None

    def repertory(self) -> Path | None:
        name = "REPERTORY_DB_PATH"
        value = self.text(name)
        if value == STARTER:
            return None
        if value is None:
            self.problems.append(f"{name} is not set; set it to the SQLite repertory, or to '{STARTER}' to try things.")
            return None
        return self.file(name, "the SQLite repertory; 'clincore repertory import' makes one")

    def token(self) -> str | None:
        value = self.text("BOOTSTRAP_TOKEN")
        if value is not None and not (value.isascii() and value.isprintable()):
            self.problems.append("BOOTSTRAP_TOKEN has characters that no header carries; use printable ASCII.")
        return value

    def path(self, name: str) -> Path | None:
        value = self.text(name)
        return Path(value).expanduser() if value else None

    def file(self, name: str, meaning: str) -> Path | None:
        path = self.path(name)
        if path is not None and not path.is_file():
            what = "is a directory" if path.is_dir() else "does not exist"
            self.problems.append(f"{name}: {path} {what}; set it to {meaning}.")
        return path

    def number(self, name: str, default: int, *, least: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not value.isdecimal() or not value.isascii() or len(value) > _DIGITS or int(value) < least:
            self.problems.append(f"{name} is not a whole number of {least} or more; leave it away for {default}.")
            return default
        return int(value)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        value = self.text(name)
        if value is None:
            return default
        fitting = [choice for choice in allowed if choice.lower() == value.lower()]
        if not fitting:
            self.problems.append(f"{name} is not one of {', '.join(allowed)}; leave it away for {default}.")
            return default
        return fitting[0]

    def finish(self) -> None:
        if self.problems:
            raise SettingsError(self.problems)
