"""Backup and restore around PostgreSQL's own pg_dump and pg_restore."""

from __future__ import annotations
