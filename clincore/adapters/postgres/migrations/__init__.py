"""The schema as a chain of hand-written SQL files, and the runner that applies them."""

from __future__ import annotations
