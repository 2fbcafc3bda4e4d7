"""``clincore repertory prove`` and ``verify-proof``: that one rubric belongs to an edition, without the edition."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.inclusion import InclusionProof
from clincore.entrypoints.cli.opened import opened_repertory, repertory_option
from clincore.entrypoints.cli.running import run
from clincore.entrypoints.cli.tables import facts

if TYPE_CHECKING:
    from clincore.domain.repertory import Edition


class ProofFails(click.ClickException):
    """The proof does not hold."""

    exit_code = 1


@click.command()
@click.argument("rubric_id", type=click.IntRange(1), metavar="ID")
@repertory_option
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Write it to FILE instead.")
def prove(*, rubric_id: int, repertory: Path | None, out: Path | None) -> None:
    """Print a proof, as JSON, that the rubric ID with its grades belongs to the repertory of this fingerprint."""
    proof, edition = run(_prove(rubric_id, repertory))
    text = json.dumps(proof.to_json(edition.head), ensure_ascii=False, indent=2)
    if out is None:
        click.echo(text)
    else:
        out.write_text(f"{text}\n", encoding="utf-8")
        click.echo(f"{out}: rubric {rubric_id} of {edition.fingerprint}")


async def _prove(rubric_id: int, repertory: Path | None) -> tuple[InclusionProof, Edition]:
    async with opened_repertory(repertory) as core:
        return await core.prove(rubric_id), core.edition


@click.command("verify-proof")
@click.argument("file", type=click.File(encoding="utf-8"))
@click.option("--fingerprint", metavar="HEX", help="The edition's fingerprint, as you know it; else that of the proof.")
def verify_proof(*, file: IO[str], fingerprint: str | None) -> None:
    """Check the proof in FILE (- for standard input); no repertory is needed.

    Exit code 1 where it does not hold. Compare the fingerprint with one that you trust, or give that one.
    """
    try:
        given = json.load(file)
    except ValueError as error:
        raise InvalidInput([Problem(file.name, f"is not JSON ({error})")]) from None
    proof, head = InclusionProof.from_json(given)
    if fingerprint is not None and fingerprint.strip().lower() != head.fingerprint:
        raise ProofFails(f"The proof is for another edition, {head.fingerprint}.")
    if not proof.holds(head):
        raise ProofFails("The proof does not hold: what it says is not in the edition of its fingerprint.")
    rubric_id, path, grades = proof.rubric
    click.echo(
        facts(
            [
                ("rubric", rubric_id),
                ("path", " > ".join(path)),
                ("grades", ", ".join(f"{remedy} {grade}" for remedy, grade in grades.items())),
                ("place", f"{proof.index + 1:,} of {proof.size:,}"),
                ("fingerprint", head.fingerprint),
            ]
        )
    )
    click.echo("The rubric belongs to the edition of this fingerprint.")
