"""docs/deployment.md, read and run as it stands, in one shell, on a server that has nothing but its superuser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pages import ROOT, require_curl, run_in_shell, shell_blocks

if TYPE_CHECKING:
    from pathlib import Path

    from databases import Server

PAGE = (ROOT / "docs" / "deployment.md").read_text(encoding="utf-8")


def test_every_command_of_the_page_goes_as_written(postgres: Server, tmp_path: Path) -> None:
    require_curl()
    blocks = shell_blocks(PAGE)
    printed = run_in_shell(blocks, postgres.address.binaries, tmp_path)

    def after(command: str) -> str:
        """What the one block with the command printed."""
        (number,) = [number for number, block in enumerate(blocks) if command in block]
        return printed[number]

    assert after("clincore migrate upgrade head\nclincore migrate current").endswith("b1c2d3e4f505 (head)\n")
    assert "warn" not in after("clincore doctor\n")
    assert '{"status":"ok"}' in after("/health\n")
    tenant, seen, not_seen = after("set_config('app.tenant_id'").split()
    assert (len(tenant), seen, not_seen) == (36, "1", "0")
    assert after("--allow-data-loss").endswith("a96162dee369\n")
    assert "warn  ownership" in after("clincore_alone")


def test_every_language_on_the_page_is_known() -> None:
    """A block that is not run must not look like one that is."""
    assert set(re.findall(r"^```(\w+)$", PAGE, re.MULTILINE)) == {"sh", "ini"}
