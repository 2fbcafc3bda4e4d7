"""What an operator is told: findings, migrations and backups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from clincore.domain.backup import CountDifference, FailedSignature, Manifest, RestoreReport, Signatures
from clincore.domain.finding import Finding, Outcome
from clincore.domain.migration import HEAD, ChangedFile, Revision, Step, Verification
from clincore.domain.replay import Verdict
from clincore.testing.strategies.basics import digests, moments, names
from clincore.testing.strategies.identity import tenant_ids

if TYPE_CHECKING:
    from uuid import UUID

_TABLES = st.sampled_from(["clincore.tenant_directory", "public.tenants", "public.patients", "public.cases"])


def findings() -> st.SearchStrategy[Finding]:
    """What passed has no cure."""
    return st.sampled_from(Outcome).flatmap(
        lambda outcome: st.builds(
            Finding,
            check=st.sampled_from(["database", "role", "head"]),
            outcome=st.just(outcome),
            message=names(),
            cure=st.just("") if outcome is Outcome.PASS else names(),
        )
    )


def revisions() -> st.SearchStrategy[Revision]:
    return st.builds(
        Revision,
        id=st.sampled_from(["0001_core_init", HEAD]),
        revises=st.none() | st.just("0001_core_init"),
        description=names(),
        loses=st.lists(_TABLES, max_size=2, unique=True).map(tuple),
        up=st.just("SELECT 1;"),
        down=st.just("SELECT 0;"),
        verify=st.just(""),
        file=st.just("0001_core_init.sql"),
        checksum=digests(),
    )


def steps() -> st.SearchStrategy[Step]:
    return st.builds(Step, revisions(), st.sampled_from(["upgrade", "downgrade"]))


def changed_files() -> st.SearchStrategy[ChangedFile]:
    return st.builds(ChangedFile, file=st.just("0001_core_init.sql"), applied=digests(), now=digests())


def verifications() -> st.SearchStrategy[Verification]:
    """In order, pending, with files or a schema that differ."""
    return st.builds(
        Verification,
        current=st.none() | st.just(HEAD),
        pending=st.lists(revisions(), max_size=2).map(tuple),
        changed_files=st.lists(changed_files(), max_size=2).map(tuple),
        differences=st.lists(names(), max_size=2).map(tuple),
    )


def counts() -> st.SearchStrategy[dict[UUID, dict[str, int]]]:
    """Rows by tenant and table; none stands with 0."""
    return st.dictionaries(tenant_ids(), st.dictionaries(_TABLES, st.integers(1, 50), min_size=1), max_size=3)


def manifests() -> st.SearchStrategy[Manifest]:
    return st.builds(
        Manifest,
        made_at=moments(),
        server_version=st.sampled_from(["15.14", "18.0"]),
        program_version=st.sampled_from(["15.14", "18.0"]),
        revision=st.just(HEAD),
        size=st.integers(1, 10**9),
        sha256=digests(),
        counts=counts(),
    )


def count_differences() -> st.SearchStrategy[CountDifference]:
    numbers = st.tuples(st.integers(0, 50), st.integers(0, 50)).filter(lambda pair: pair[0] != pair[1])
    return st.builds(
        lambda tenant_id, table, pair: CountDifference(
            tenant_id=tenant_id, table=table, in_backup=pair[0], restored=pair[1]
        ),
        tenant_ids(),
        _TABLES,
        numbers,
    )


def failed_signatures() -> st.SearchStrategy[FailedSignature]:
    failing = [verdict for verdict in Verdict if verdict is not Verdict.VERIFIED]
    return st.builds(FailedSignature, tenant_id=tenant_ids(), case_id=st.uuids(), verdict=st.sampled_from(failing))


def signatures() -> st.SearchStrategy[Signatures]:
    return st.builds(
        Signatures, verified=st.integers(0, 50), failed=st.lists(failed_signatures(), max_size=2).map(tuple)
    )


def restore_reports() -> st.SearchStrategy[RestoreReport]:
    return st.builds(
        RestoreReport,
        manifest=st.none() | manifests(),
        verification=verifications(),
        counts=counts(),
        signatures=st.none() | signatures(),
    )
