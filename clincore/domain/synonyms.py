"""Words that say the same in a repertory, so that a search need not know which of them the repertory uses."""

from __future__ import annotations

from typing import Final

_SAME: Final = (
    ("worse", "agg"),
    ("better", "amel"),
    ("foot", "feet"),
    ("tooth", "teeth"),
    ("ovary", "ovaries"),
    ("testis", "testes"),
    ("perspiration", "sweat", "sweats"),
    ("urination", "micturition"),
)
_COUNTED: Final = """
ankle arm bone cheek dream ear elbow eruption eye finger gland gum hand hip joint kidney knee leg limb lip muscle nail
nostril palm shoulder sole stool thigh thumb toe tonsil tumor ulcer wart wrist
"""
"""What repertories name now in the singular, now in the plural."""
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
    counted = _COUNTED.split()
    if lower in counted:
        return (f"{lower}s",)
    if lower.removesuffix("s") in counted:
        return (lower.removesuffix("s"),)
    others = tuple(other for same in _SAME if lower in same for other in same if other != lower)
    return others or _MEANS.get(lower, ())
