"""``uvicorn clincore.api.main:app`` starts the service."""

from __future__ import annotations

from clincore.entrypoints.http.service import make_app

app = make_app()
