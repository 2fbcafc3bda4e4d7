"""Rules for text that people type: trimmed, of bounded length, without control characters or lone surrogates."""

from __future__ import annotations

import unicodedata

from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.limits import NAME_CHARACTERS


def text_problem(value: str, *, longest: int, shortest: int = 0, line_breaks: bool = False) -> str | None:
    """Return what is wrong with a text, or None; the answer never repeats the text."""
    if len(value) > longest:
        return f"has {len(value)} characters, {longest} at most are allowed"
    if len(value) < shortest:
        return "is empty" if not value else f"has {len(value)} characters, {shortest} at least are needed"
    allowed = "\n\r" if line_breaks else ""
    for position, character in enumerate(value):
        if character not in allowed and unicodedata.category(character) in ("Cc", "Cs"):
            return f"holds a control character (U+{ord(character):04X}) at position {position + 1}"
    return None


def clean_name(value: str, path: str) -> str:
    """Return a name trimmed, 1 to 200 characters; raises InvalidInput naming ``path``."""
    if not isinstance(value, str):
        raise InvalidInput([Problem(path, "must be a text")])
    trimmed = value.strip()
    if problem := text_problem(trimmed, longest=NAME_CHARACTERS, shortest=1):
        raise InvalidInput([Problem(path, problem)])
    return trimmed
