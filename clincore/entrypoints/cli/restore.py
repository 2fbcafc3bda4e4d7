"""``clincore restore``: a backup into an empty database, and what came out of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from clincore.entrypoints.cli.operating import json_option, print_json
from clincore.entrypoints.cli.running import run
from clincore.entrypoints.cli.tables import Column, table
from clincore.entrypoints.cli.urls import tell, url_option, warn_of_localhost
from clincore.settings import Settings

if TYPE_CHECKING:
    from clincore.database_url import DatabaseUrl
    from clincore.domain.backup import RestoreReport, Signatures


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@url_option("--into", "target", required=True, help="The database, which must be empty.")
@click.option(
    "--service-role", metavar="NAME", help="The role that serves; else the user of DATABASE_URL, else clincore_user."
)
@json_option
@click.pass_context
def command(ctx: click.Context, *, file: Path, target: DatabaseUrl, service_role: str | None, as_json: bool) -> None:
    """Restore FILE into the empty database of --into, all of it or nothing, and verify what came out.

    Verified are the schema, every tenant's rows in every table (against FILE.manifest.json, where it is there), and the
    signatures of all finalized cases. The role owns the database, or is a superuser.

    Exit code 0: everything is as it was backed up; 1: refused, with nothing changed, or something differs, and what.
    """
    report = run(_restore(file, target, service_role or Settings.read_service_role(os.environ)))
    if as_json:
        print_json(_json(report))
    else:
        for line in _lines(report):
            click.echo(line)
    ctx.exit(0 if report.is_in_order else 1)


async def _restore(file: Path, url: DatabaseUrl, service_role: str | None) -> RestoreReport:
    from clincore.wiring import open_restoration

    warn_of_localhost(url)
    async with open_restoration(url, file, service_role) as restoration:
        return await restoration.run(tell)


def _lines(report: RestoreReport) -> list[str]:
    return [
        *_counts_table(report),
        *_count_lines(report),
        *_schema_lines(report),
        *_signature_lines(report.signatures, report.verification.current),
        "in order: the restored database is what was backed up"
        if report.is_in_order and report.manifest
        else "in order, and compared with no manifest"
        if report.is_in_order
        else "NOT in order: see above",
    ]


def _counts_table(report: RestoreReport) -> list[str]:
    names = sorted({name for tables in report.counts.values() for name in tables})
    if not names:
        return ["no tenant has a row"]
    columns = [Column("tenant"), *(Column(name.partition(".")[2], number=True) for name in names)]
    rows = [
        (tenant_id, *(tables.get(name, 0) for name in names)) for tenant_id, tables in sorted(report.counts.items())
    ]
    return [table(columns, rows), ""]


def _count_lines(report: RestoreReport) -> list[str]:
    lines = [
        f"differs: tenant {one.tenant_id}, {one.table}: {one.in_backup} rows backed up, {one.restored} restored"
        for one in report.count_differences
    ]
    lines += [f"differs: tenant {tenant_id} has rows, and no list names it" for tenant_id in report.unlisted]
    if report.manifest is None:
        lines.append("counts: compared with nothing, because no manifest lies beside the archive")
    elif not report.count_differences:
        lines.append("counts: as in the backup")
    return lines


def _schema_lines(report: RestoreReport) -> list[str]:
    schema = report.verification
    lines = [f"differs: {changed}" for changed in schema.changed_files]
    lines += [f"differs: {difference}" for difference in schema.differences]
    lines += [f"pending: {revision.id} {revision.description}" for revision in schema.pending]
    return lines or [f"schema: at {schema.current}, the reviewed one"]


def _signature_lines(signatures: Signatures | None, revision: str | None) -> list[str]:
    if signatures is None:
        return [f"signatures: not verified; this version of ClinCore does not read cases at {revision or 'base'}"]
    lines = [f"differs: tenant {one.tenant_id}, case {one.case_id}: {one.verdict}" for one in signatures.failed]
    total = signatures.verified + len(signatures.failed)
    return [*lines, f"signatures: {signatures.verified} of {total} finalized cases verified"]


def _json(report: RestoreReport) -> dict[str, object]:
    signatures, schema = report.signatures, report.verification
    return {
        "in_order": report.is_in_order,
        "compared_with_manifest": report.manifest is not None,
        "revision": schema.current,
        "schema_differences": [*map(str, schema.changed_files), *schema.differences],
        "tenants": {str(tenant_id): dict(tables) for tenant_id, tables in sorted(report.counts.items())},
        "count_differences": [
            {
                "tenant_id": one.tenant_id,
                "table": one.table,
                "in_backup": one.in_backup,
                "restored": one.restored,
            }
            for one in report.count_differences
        ],
        "unlisted_tenants": list(report.unlisted),
        "finalized_cases_verified": signatures.verified if signatures else None,
        "finalized_cases_failed": [
            {"tenant_id": one.tenant_id, "case_id": one.case_id, "verdict": one.verdict}
            for one in (signatures.failed if signatures else ())
        ],
    }
