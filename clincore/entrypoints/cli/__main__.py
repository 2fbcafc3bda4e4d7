"""``python -m clincore.entrypoints.cli`` is ``clincore``."""

from __future__ import annotations

from clincore.entrypoints.cli.main import main

main()
