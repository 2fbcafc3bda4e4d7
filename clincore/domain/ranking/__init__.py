"""Ranking remedies for a case: the case as methods see it, the methods, the ranking and its explanation."""

from __future__ import annotations
