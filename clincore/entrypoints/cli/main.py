"""The command ``clincore``: its groups, and what an error becomes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper
from typing import TYPE_CHECKING, Final

import click

from clincore.domain.errors import ClinCoreError, SettingsError
from clincore.entrypoints.cli.lazy import LazyGroup
from clincore.entrypoints.cli.running import Terminated
from clincore.entrypoints.cli.telling import FAILED, SETTINGS_WRONG

if TYPE_CHECKING:
    from collections.abc import Sequence

INTERRUPTED: Final = 130

_COMMANDS: Final = {
    "demo": "Show the whole job on a real PostgreSQL of its own, in under a minute.",
    "serve": "Serve ClinCore over HTTP; --embedded brings its own PostgreSQL.",
    "migrate": "Bring a database's schema up or down, and say where it is.",
    "init-roles": "Print the SQL that makes a deployment's roles and its database.",
    "doctor": "Go through a deployment's checklist.",
    "rls": "Prove that no tenant can reach another's rows.",
    "tenant": "Set up clinics, list them, and put them on a plan.",
    "key": "Make, list and revoke the API keys of a clinic.",
    "backup": "Back a database up to an archive of pg_dump, with a manifest beside it.",
    "restore": "Restore a backup into an empty database, and verify what came out.",
    "repertory": "Import, search and rank with a repertory; no database needed.",
}
_EPILOG: Final = """\
Start with 'clincore demo'; then 'clincore serve --embedded' for a service to try, or 'clincore repertory rank' for a
ranking without any service.

Settings are environment variables: DATABASE_URL, REPERTORY_DB_PATH, BOOTSTRAP_TOKEN, MIGRATION_DATABASE_URL and others.
The README's section Settings says what each means; a wrong one is named together with its cure.
"""


@click.group(cls=LazyGroup, lazy=_COMMANDS, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="clincore", prog_name="clincore", message="%(prog)s %(version)s")
def cli() -> None:
    """ClinCore: clinical case analysis in homeopathy, for many clinics on one database.

    A patient's symptoms are entered as rubrics of a repertory, the MCARE engine ranks the remedies, and the case is
    finalized and signed: it never changes again, and anyone can replay it and see that it still gives the same result.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process: 0 done, 1 refused or failed, 2 wrong usage or settings, 130 Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter is no reason to stop
    sys.exit(run_command(arguments))


def run_command(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; errors are told on stderr."""
    try:
        code = cli.main(arguments, prog_name="clincore", standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Terminated as error:
        return 128 + error.signal
    except BrokenPipeError:
        with suppress(OSError):  # the reader has gone: what is still buffered goes nowhere
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (ClinCoreError, OSError) as error:
        click.echo(f"error: {error}", err=True)
        return SETTINGS_WRONG if isinstance(error, SettingsError) else FAILED
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    main()
