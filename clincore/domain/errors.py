"""Everything ClinCore can refuse, as one tree of exceptions.

A class's docstring is its default message; constructors take ids and numbers, never a patient's data.
Entry points turn classes into status codes and exit codes in one table each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from uuid import UUID


class ClinCoreError(Exception):
    """ClinCore refused the call."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


# --- input ------------------------------------------------------------------------------------------


@frozen
class Problem:
    """One thing wrong with an input: where it is (a path such as ``rubrics[2].weight``) and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidInput(ClinCoreError):
    """The input is not valid."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(str(problem) for problem in self.problems))


class InvalidQuery(ClinCoreError):
    """A search query that cannot be read; ``position`` counts characters from 0."""

    def __init__(self, message: str, position: int) -> None:
        self.position = position
        super().__init__(f"{message} (at character {position + 1})")


class InvalidCursor(ClinCoreError):
    """The cursor is not one that a list of this kind has handed out; leave it away to start from the beginning."""


# --- who may ----------------------------------------------------------------------------------------


class Unauthenticated(ClinCoreError):
    """The API key is missing, malformed, unknown, expired or revoked."""


class Forbidden(ClinCoreError):
    """This call needs a key with the role admin."""


class BootstrapDisabled(ClinCoreError):
    """Bootstrapping is switched off: BOOTSTRAP_TOKEN is not set on the server."""


class BootstrapTokenWrong(ClinCoreError):
    """The bootstrap token is missing or wrong; send it as 'Authorization: Bearer …'."""


class AlreadyBootstrapped(ClinCoreError):
    """This deployment was bootstrapped before; further tenants are made by its operator."""


class PlanLimitReached(ClinCoreError):
    """The free plan's cases of this month are used up."""

    def __init__(self, limit: int, used: int, renews_at: datetime) -> None:
        self.limit, self.used, self.renews_at = limit, used, renews_at
        super().__init__(
            f"The free plan allows {limit} new cases in a calendar month (UTC) and {used} are used. "
            f"Change the plan, or continue on {renews_at:%Y-%m-%d}."
        )


# --- records ----------------------------------------------------------------------------------------


class NotFound(ClinCoreError):
    """There is no such record."""


class PatientNotFound(NotFound):
    """There is no such patient."""

    def __init__(self, patient_id: UUID) -> None:
        super().__init__(f"There is no patient {patient_id}.")


class CaseNotFound(NotFound):
    """There is no such case."""

    def __init__(self, case_id: UUID) -> None:
        super().__init__(f"There is no case {case_id}.")


class TenantNotFound(NotFound):
    """There is no such tenant."""

    def __init__(self, tenant_id: UUID) -> None:
        super().__init__(f"There is no tenant {tenant_id}.")


class KeyNotFound(NotFound):
    """There is no such key, or it is revoked already."""

    def __init__(self, key_id: UUID) -> None:
        super().__init__(f"There is no key {key_id}, or it is revoked already.")


class RubricNotFound(NotFound):
    """There is no such rubric in the repertory."""

    def __init__(self, rubric_id: int) -> None:
        super().__init__(f"There is no rubric {rubric_id} in the repertory.")


class Conflict(ClinCoreError):
    """The record is not in a state that allows this."""


class CaseAlreadyFinalized(Conflict):
    """A finalized case never changes again."""

    def __init__(self, case_id: UUID) -> None:
        super().__init__(
            f"Case {case_id} is finalized; a finalized case never changes again. Its ranking is its ranking_snapshot."
        )


class CaseNotFinalized(Conflict):
    """Only finalized cases can be verified."""

    def __init__(self, case_id: UUID) -> None:
        super().__init__(f"Case {case_id} is a draft; only finalized cases can be verified. Finalize it first.")


class RevisionMismatch(ClinCoreError):
    """The record was changed since it was read; read it again and repeat the change on what it says now."""


class LastAdminKey(Conflict):
    """This is the tenant's last valid admin key; make another one before this one is revoked."""


class StillRunning(Conflict):
    """The first call with this Idempotency-Key is still running; ask again shortly."""


class IdempotencyKeyReused(ClinCoreError):
    """This Idempotency-Key was used with another payload; a new call needs a new key."""


# --- surroundings -----------------------------------------------------------------------------------


class RepertoryError(ClinCoreError):
    """The repertory cannot be used."""


class UnknownMethod(ClinCoreError):
    """The ranking method is not one this installation knows."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(f"There is no ranking method {name!r}; there are: {', '.join(sorted(known))}.")


class DatabaseUnavailable(ClinCoreError):
    """The database cannot be reached, or every connection is busy; nothing was written. Try again shortly."""


class DatabaseNotReady(ClinCoreError):
    """The database is reachable but must not be served from: wrong role, or not at the migration head."""


class MigrationError(ClinCoreError):
    """The migration was refused; the database is as it was."""


class BackupRefused(ClinCoreError):
    """The backup was refused; nothing was written."""


class RestoreRefused(ClinCoreError):
    """The restore was refused; the target is as it was."""


class SettingsError(ClinCoreError):
    """Settings that are missing or wrong, every one of them named with its cure."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(["ClinCore cannot start:", *(f"  - {problem}" for problem in self.problems)]))


class DatabaseClosed(DatabaseUnavailable):
    """This ClinCore was closed; call it inside 'async with clincore.open(…)'."""


class CommitUncertain(DatabaseUnavailable):
    """The connection to the database broke while a call was being committed.

    Whether it was done is unknown: read the record before repeating a change.
    """

    def __init__(self) -> None:
        super().__init__(
            "The connection to the database broke while the call was being committed: whether it was done is "
            "unknown. Read the record before repeating a change."
        )


class StorageFault(ClinCoreError):
    """The database refused a statement that it should have taken; nothing was written."""

    def __init__(self, sqlstate: str | None, constraint: str | None = None) -> None:
        named = f", constraint {constraint}" if constraint else ""
        super().__init__(f"The database refused a statement (SQLSTATE {sqlstate or 'unknown'}{named}).")


class RightsMissing(StorageFault):
    """The role that the database was reached as has no right to do this; nothing was written."""

    def __init__(self) -> None:
        ClinCoreError.__init__(
            self,
            "The role that the database was reached as has no right to do this. What an operator does needs the "
            "database's owner: set MIGRATION_DATABASE_URL to the owner's URL, the one that migrations run over.",
        )
