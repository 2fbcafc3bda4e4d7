"""Words that say the same in a repertory, so that a search need not know which of them the repertory uses."""

from __future__ import annotations

from typing import Final

_SAME: Final = (
    ("worse", "agg"),
    ("better", "amel"),
    # Repertories name parts of the body now in the singular, now in the plural.
    ("arm", "arms"),
    ("ear", "ears"),
    ("eye", "eyes"),
    ("finger", "fingers"),
    ("foot", "feet"),
    ("hand", "hands"),
    ("joint", "joints"),
    ("knee", "knees"),
    ("leg", "legs"),
    ("limb", "limbs"),
    ("toe", "toes"),
    ("tooth", "teeth"),
    ("perspiration", "sweat", "sweats"),
    ("urination", "micturition"),
)
_MEANS: Final = {
    "backache": ("back pain",),
    "earache": ("ear pain",),
    "headache": ("head pain",),
    "stomachache": ("stomach pain",),
    "toothache": ("teeth pain",),
    "nosebleed": ("epistaxis",),
}
"""One way only: who asks for a headache is content with "Head > PAIN", and not the other way round."""


def synonyms(word: str) -> tuple[str, ...]:
    """Return the other words and phrases that say the same as a word, in any case of letters; often there is none."""
    lower = word.lower()
    others = tuple(other for same in _SAME if lower in same for other in same if other != lower)
    return others or _MEANS.get(lower, ())
