"""Writes repertories of any size for the benchmarks: seeded, with a tree, and as uneven as real ones."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE info (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE syntree (id INTEGER PRIMARY KEY, parent_id INTEGER, item TEXT NOT NULL);
CREATE TABLE symptom_remedies (symptom_id INTEGER NOT NULL, remedy TEXT NOT NULL, degree INTEGER NOT NULL);
CREATE TABLE remedies (remedy TEXT PRIMARY KEY, name TEXT NOT NULL);
"""
_INDEX = "CREATE INDEX symptom_remedies_symptom_id ON symptom_remedies (symptom_id)"
_ADD_INFO = "INSERT INTO info VALUES (?, ?)"
_ADD_RUBRIC = "INSERT INTO syntree VALUES (?, ?, ?)"
_ADD_GRADE = "INSERT INTO symptom_remedies VALUES (?, ?, ?)"
_ADD_REMEDY = "INSERT INTO remedies VALUES (?, ?)"

_CHAPTERS = """
Mind Vertigo Head Eye Vision Ear Hearing Nose Face Mouth Teeth Throat Stomach Abdomen Rectum Stool Bladder Kidneys Urine
Larynx Respiration Cough Expectoration Chest Back Extremities Sleep Chill Fever Perspiration Skin Generalities
"""
_MODALITIES = """
morning forenoon noon afternoon evening night midnight agg amel before after during on in from walking sitting lying
standing motion rest cold warm air open room eating drinking sleep bed waking menses coughing right left
"""
_SYLLABLES = "an gor thi pel ma re dis no li cra ve tu son par di bel ost em fi ur cal hy ne pos ter"
_RARE_WORDS = 8000
_MOST_REMEDIES = 400


def write_repertory(path: Path, *, rubrics: int, grades: int, remedies: int = 2000, seed: int = 1) -> None:
    """Write an SQLite repertory in the contract's shape to ``path``, which must not exist.

    It has exactly ``rubrics`` rubrics in 32 chapters and exactly ``grades`` distinct (rubric, remedy) pairs; about a
    tenth of the rubrics have no remedies. The same arguments give the same repertory. Raises ValueError where the
    sizes do not fit each other, and FileExistsError.
    """
    if rubrics < 32 or remedies < 1 or not 0 <= grades <= rubrics * min(remedies, _MOST_REMEDIES) // 4:
        raise ValueError("there must be 32 rubrics or more, and few enough grades to spread them over the rubrics")
    path.open("xb").close()
    seeded = random.Random(seed)  # noqa: S311 - the same repertory in every run
    abbreviations = [f"{_word(number)[:8]}-{number}" for number in range(remedies)]
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(_SCHEMA)
        connection.execute("BEGIN")
        connection.executemany(_ADD_INFO, [("name", f"Generated {rubrics}"), ("edition", str(seed))])
        connection.executemany(_ADD_RUBRIC, _tree(seeded, rubrics))
        connection.executemany(_ADD_REMEDY, [(remedy, f"{remedy.title()} officinalis") for remedy in abbreviations])
        connection.executemany(_ADD_GRADE, _grades(seeded, rubrics, grades, abbreviations))
        connection.execute(_INDEX)
        connection.execute("COMMIT")


def _word(number: int) -> str:
    """Return the word of a number; different numbers below 25^4 give different words."""
    syllables = _SYLLABLES.split()
    number = number * 9973 % 25**4  # words of neighbouring numbers do not begin alike
    return "".join(syllables[number // 25**place % 25] for place in range(4))


def _tree(seeded: random.Random, rubrics: int) -> Iterator[tuple[int, int | None, str]]:
    """Yield (id, parent's id, text), parents first; ids are 1 to ``rubrics``."""
    chapters, modalities = _CHAPTERS.split(), _MODALITIES.split()
    rare = [_word(number) for number in range(_RARE_WORDS)]
    weights = list(accumulate(1 / (rank + 10) for rank in range(_RARE_WORDS)))
    above: list[int] = []  # the ids from the chapter down to the rubric before
    started = 0
    for rubric in range(1, rubrics + 1):
        if rubric > started * rubrics / len(chapters):
            above = [rubric]
            yield rubric, None, chapters[started]
            started += 1
            continue
        depth = min(len(above), seeded.choices((1, 2, 3, 4, 5), (8, 43, 38, 9, 2))[0])
        del above[depth:]
        words = seeded.choices(rare, cum_weights=weights, k=seeded.choices((1, 2, 3), (60, 30, 10))[0])
        if depth == 1:
            words[0] = words[0].upper()
        else:
            words += seeded.choices(modalities, k=seeded.choices((0, 1, 2, 3), (30, 40, 20, 10))[0])
        yield rubric, above[-1], " ".join(words)
        above.append(rubric)


def _grades(
    seeded: random.Random, rubrics: int, grades: int, remedies: Sequence[str]
) -> Iterator[tuple[int, str, int]]:
    """Yield the pairs: few rubrics are large and few remedies frequent, as in printed repertories."""
    sizes = _sizes(seeded, rubrics, grades, min(len(remedies), _MOST_REMEDIES))
    weights = list(accumulate(1 / (rank + 20) for rank in range(len(remedies))))
    for rubric, size in enumerate(sizes, 1):
        chosen: dict[str, None] = {}
        if size * 3 < len(remedies):
            while len(chosen) < size:
                chosen.update(dict.fromkeys(seeded.choices(remedies, cum_weights=weights, k=size - len(chosen))))
        else:
            chosen.update(dict.fromkeys(seeded.sample(remedies, size)))
        for remedy, grade in zip(chosen, seeded.choices((1, 2, 3, 4), (68, 25, 6, 1), k=size), strict=True):
            yield rubric, remedy, grade


def _sizes(seeded: random.Random, rubrics: int, grades: int, most: int) -> list[int]:
    """Return how many remedies each rubric has; the sum is ``grades``."""
    shares = [0.0 if seeded.random() < 0.1 else seeded.paretovariate(1.1) for _ in range(rubrics)]
    factor = grades / (sum(shares) or 1)
    sizes = [min(int(share * factor), most) for share in shares]
    missing = grades - sum(sizes)
    while missing > 0:
        rubric = seeded.randrange(rubrics)
        if shares[rubric] and sizes[rubric] < most:
            sizes[rubric] += 1
            missing -= 1
    return sizes
