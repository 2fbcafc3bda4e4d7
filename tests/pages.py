"""Pages of the documentation, run as they stand: their blocks one after the other, in one shell, on a bare server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from databases import PASSWORD
from postgres_server import bare_server, free_port
from service import environment

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT: Final = Path(__file__).parent.parent
_MARK: Final = "=== block "


def require_curl() -> None:
    """Skip the test, with the reason, where the pages' HTTP client is missing; fail it where it is required."""
    if shutil.which("curl") is not None:
        return
    missing = "curl, which the pages use, is not installed (Debian: apt-get install curl)"
    if os.environ.get("CLINCORE_REQUIRE_CURL") == "1":
        pytest.fail(missing)
    pytest.skip(missing)


def shell_blocks(text: str) -> list[str]:
    """The shell blocks of a page, in order."""
    return re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def run_in_shell(blocks: Sequence[str], binaries: Path, folder: Path) -> list[str]:
    """Run the blocks on a server that has its superuser alone; return what each printed.

    Ports are changed to the test's, and the checkout's files are copied into the folder. The first command that fails
    ends it, and fails the test.
    """
    shutil.copytree(ROOT / "clincore" / "data" / "starter", folder / "clincore" / "data" / "starter")
    shutil.copytree(ROOT / "scripts", folder / "scripts")
    path = os.pathsep.join([str(Path(sys.executable).parent), str(binaries), os.environ.get("PATH", "")])
    settings = environment(REPERTORY_CACHE_DIR=str(folder / "cache"), PATH=path, PGPASSWORD=PASSWORD)
    with bare_server(binaries) as port:
        done = subprocess.run(
            ["bash", "-c", _script(blocks, port, free_port())],
            cwd=folder,
            env=settings,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-4000:]}"
    return [printed.partition("\n")[2] for printed in done.stdout.split(_MARK)[1:]]


def _script(blocks: Sequence[str], port: int, http: int) -> str:
    lines = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, block in enumerate(blocks):
        lines += [f"echo '{_MARK}{number}'", block]
    text = "\n".join(lines)
    return text.replace(":5432", f":{port}").replace("PGPORT=5432", f"PGPORT={port}").replace("8000", str(http))
