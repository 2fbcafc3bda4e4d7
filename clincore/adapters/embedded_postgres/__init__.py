"""The real PostgreSQL, from a wheel, on one directory: what ``embedded:DIR`` stands for."""

from __future__ import annotations
