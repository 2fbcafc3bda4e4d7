"""Making PostgreSQL's data directory, at first use."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

from clincore.adapters.embedded_postgres.address import SUPERUSER
from clincore.adapters.embedded_postgres.binaries import MAJOR
from clincore.adapters.embedded_postgres.environment import ENVIRONMENT
from clincore.adapters.embedded_postgres.errors import DirectoryUnusable, ServerFailed

if TYPE_CHECKING:
    from clincore.adapters.embedded_postgres.binaries import Binaries
    from clincore.adapters.embedded_postgres.home import Home
    from clincore.adapters.embedded_postgres.lock import DirectoryLock

_WORK_PREFIX = "initdb-"

_OPTIONS = (
    f"--username={SUPERUSER}",
    # The builtin provider sorts and folds the same on every machine and after every upgrade of its C library.
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    # The socket's directory is private, and there is no TCP.
    "--auth-local=trust",
    "--auth-host=reject",
    "--no-instructions",
)


def ensure_cluster(home: Home, binaries: Binaries, lock: DirectoryLock, *, durable: bool) -> None:
    """Make the data directory unless it is there.

    It is made under another name and renamed, so that one that was interrupted is never taken for a whole one.
    Raises DirectoryUnusable and ServerFailed.
    """
    for leftover in home.path.glob(f"{_WORK_PREFIX}*"):
        shutil.rmtree(leftover)
    if home.data.exists():
        _require_ours(home)
        return
    work = home.make_private(_WORK_PREFIX, home.path)
    try:
        account = home.account
        made = subprocess.run(  # noqa: S603  the wheel's program, our arguments
            [binaries.initdb, *_OPTIONS, *(() if durable else ("--no-sync",)), f"--pgdata={work}"],
            env=ENVIRONMENT,
            cwd="/",
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            # Should we be killed, it holds the lock until it has ended; Ctrl-C in a terminal is for us alone.
            pass_fds=(lock.descriptor,),
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        if made.returncode != 0:
            raise ServerFailed(home.path, "could not be set up", made.stdout.splitlines()[-20:])
        work.rename(home.data)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    _sync(home)


def _require_ours(home: Home) -> None:
    try:
        version = (home.data / "PG_VERSION").read_text(encoding="ascii").strip()
    except FileNotFoundError:
        reason = f"{home.data} is not a data directory of PostgreSQL. Choose another directory."
        raise DirectoryUnusable(home.path, reason) from None
    if version != MAJOR:
        raise DirectoryUnusable(
            home.path,
            f"its data were written by PostgreSQL {version}, and {MAJOR} is installed. Dump them with the "
            "version that wrote them, and restore the dump in another directory.",
        )


def _sync(home: Home) -> None:
    """Make the new name survive a loss of power."""
    descriptor = os.open(home.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
