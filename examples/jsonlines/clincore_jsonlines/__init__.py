"""A database for ClinCore in one file of JSON lines, written outside the package: an example of an adapter."""

from __future__ import annotations

from clincore_jsonlines.database import JsonLinesDatabase

__all__ = ["JsonLinesDatabase"]
