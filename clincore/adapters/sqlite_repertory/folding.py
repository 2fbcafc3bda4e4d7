"""How words are spelled in the search index: without regard to letter case, diacritics and ligatures."""

from __future__ import annotations

import re
import unicodedata

_LIGATURES = str.maketrans({"æ": "ae", "œ": "oe", "ø": "o", "ł": "l"})
_MODERN = str.maketrans({"æ": "e", "œ": "e"})
# UTF-8 that was once read as Windows-1252: "Ã¦" was meant to be "æ".
_MISREAD = re.compile("[ÂÃÅ][\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")


def folded(text: str) -> str:
    """Return a text as the index spells it; composed and decomposed characters come out the same."""
    return _plain(text).translate(_LIGATURES)


def spellings(text: str) -> tuple[str, ...]:
    """Return the text as the index spells it and, where ligatures stand in it, also in the modern way.

    "DIARRHŒA" is found as diarrhoea and as diarrhea. Characters that an export has garbled are read as they were meant.
    """
    if text.isascii():
        return (text.lower(),)
    plain = _plain(_MISREAD.sub(_meant, text))
    return tuple(dict.fromkeys((plain.translate(_LIGATURES), plain.translate(_MODERN).translate(_LIGATURES))))


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not unicodedata.combining(c)))


def _meant(misread: re.Match[str]) -> str:
    try:
        return misread[0].encode("cp1252").decode()
    except UnicodeError:
        return misread[0]
