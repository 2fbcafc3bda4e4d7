"""500 seeded cases of Kent's repertory and the digits that each has, as the slow reference finds them.

A line of ``golden_kent.jsonl`` holds a case's input (a rubric is ID:WEIGHT, with ! where it eliminates), the SHA-256 of
its whole ranking in canonical JSON, and the first five rows. The rows of Kent are read here from their files, by
themselves. ``python tests/domain/golden_kent.py ROWS`` makes the file anew, from the reference alone; ROWS is the
folder of Kent's rows.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
from collections import Counter
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from statistics import median
from typing import Any, Final

import reference_mcare as reference
from attrs import frozen

from clincore.domain.ranking.case import Bucket, CaseRubric, CaseType, Course, RankingCase
from clincore.domain.repertory import Remedy, RemedyStatistics

FILE: Final = Path(__file__).with_suffix(".jsonl")
FIRST: Final = 5
_CASES: Final = 500
_SEED: Final = 1897
_METHODS: Final = ("mcare/6.1", "mcare/6.1", "mcare/6.1", "sum-of-grades/1", "coverage/1")


@frozen
class Kent:
    """Kent's rows: each rubric's chapter and grades, the remedies' names, and how many rubrics each stands in."""

    chapters: dict[int, str]
    grades: dict[int, dict[str, int]]
    statistics: RemedyStatistics

    @classmethod
    def read(cls, directory: Path) -> Kent:
        chapters = {int(row[0]): row[2] for row in _rows(directory / "rubrics.tsv.gz")}
        grades: dict[int, dict[str, int]] = {rubric_id: {} for rubric_id in chapters}
        for rubric_id, remedy, grade in _rows(directory / "grades.tsv.gz"):
            of_rubric = grades[int(rubric_id)]
            if int(grade):
                of_rubric[remedy] = max(int(grade), of_rubric.get(remedy, 0))
        names = {row[0]: row[1] for row in _rows(directory / "remedies.tsv.gz")}
        frequencies = Counter(remedy for of_rubric in grades.values() for remedy in of_rubric)
        statistics = RemedyStatistics(
            remedies={
                remedy: Remedy(abbreviation=remedy, name=names.get(remedy, ""), frequency=frequency)
                for remedy, frequency in frequencies.items()
            },
            median_frequency=Decimal(median(frequencies.values())),
        )
        return cls(chapters, grades, statistics)

    def case(self, given: dict[str, Any]) -> RankingCase:
        """Put an input to the rows, by the contract's rule for buckets."""
        tags = given["tags"]
        payload = payload_of(given)
        return RankingCase(
            rubrics=tuple(
                CaseRubric(
                    id=entry["symptom_id"],
                    weight=Decimal(entry["weight"]),
                    eliminate=entry["eliminate"],
                    bucket=Bucket(tags.get(str(entry["symptom_id"]), [self._bucket(entry["symptom_id"])])[0]),
                    ailments_from=tags.get(str(entry["symptom_id"]), [0, False, False])[1],
                    delusions=tags.get(str(entry["symptom_id"]), [0, False, False])[2],
                    grades=self.grades[entry["symptom_id"]],
                )
                for entry in payload["rubrics"]
            ),
            course=Course(payload["course"]),
            requested_type=None if payload["case_type"] == "auto" else CaseType(payload["case_type"]),
            statistics=self.statistics,
            fingerprint="",
        )

    def _bucket(self, rubric_id: int) -> str:
        chapter = self.chapters[rubric_id].lower()
        return {"mind": "MIND_CORE", "generals": "GENERALS", "generalities": "GENERALS"}.get(chapter, "LOCAL")


def payload_of(given: dict[str, Any]) -> dict[str, Any]:
    """The input as the library takes it."""
    rubrics = []
    for text in given["rubrics"]:
        rubric_id, _, weight = text.rstrip("!").partition(":")
        rubrics.append(
            {"symptom_id": int(rubric_id), "weight": Decimal(weight or "1"), "eliminate": text.endswith("!")}
        )
    return {"rubrics": rubrics, "top_n": 0, **{name: given[name] for name in ("course", "case_type", "method")}}


def _rows(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        next(file)
        return [line.rstrip("\n").split("\t") for line in file]


def expected_rows(kent: Kent, given: dict[str, Any]) -> list[dict[str, Any]]:
    """The whole ranking, as the reference has it."""
    case = kent.case(given)
    method = given["method"]
    if method == "mcare/6.1":
        rows = reference.mcare(case)
        assert all(row.is_in_sight for row in rows)
        return reference.to_json(case, rows)
    if method == "sum-of-grades/1":
        return reference.to_json(case, reference.sum_of_grades(case))
    return reference.to_json(case, reference.coverage(case), tied_by_raw=True)


def digits(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What is kept of a ranking."""
    text = json.dumps(rows, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    first = [[row["rank"], row["remedy"], row["score"], row["raw_score"], row["coverage"]] for row in rows[:FIRST]]
    return {"remedies": len(rows), "sha256": sha256(text.encode()).hexdigest(), "first": first}


def inputs(kent: Kent) -> list[dict[str, Any]]:
    """Seeded cases: 1 to 30 rubrics, large ones and small ones, Mind and not, with weights, flags and eliminations."""
    seeded = random.Random(_SEED)  # noqa: S311
    graded = [rubric_id for rubric_id, of_rubric in sorted(kent.grades.items()) if of_rubric]
    large = [rubric_id for rubric_id in graded if len(kent.grades[rubric_id]) > 40]
    mind = [rubric_id for rubric_id in graded if kent.chapters[rubric_id] == "Mind"]
    made = []
    for _ in range(_CASES):
        size = seeded.choice([1, 2, 3, 5, 8, 10, 10, 12, 20, 30])
        ids = list(dict.fromkeys(seeded.choice(seeded.choice([graded, large, mind])) for _ in range(size)))
        weighted = seeded.random() < 0.5
        rubrics = []
        for rubric_id in ids:
            weight = f":{Decimal(seeded.randint(100, 10_000)) / 1000}" if weighted else ""
            rubrics.append(f"{rubric_id}{weight}{'!' if seeded.random() < 0.04 else ''}")
        tags = {
            str(rubric_id): [seeded.choice(reference.BUCKETS), seeded.random() < 0.3, seeded.random() < 0.3]
            for rubric_id in ids
            if seeded.random() < 0.15
        }
        made.append(
            {
                "rubrics": rubrics,
                "tags": tags,
                "course": seeded.choice(["chronic", "chronic", "acute"]),
                "case_type": seeded.choice(["auto", "auto", "mind_dominant", "constitution", "mixed"]),
                "method": seeded.choice(_METHODS),
            }
        )
    return made


def kept() -> list[dict[str, Any]]:
    """The file's lines."""
    return [json.loads(line) for line in FILE.read_text(encoding="utf-8").splitlines()]


def main() -> None:
    kent = Kent.read(Path(sys.argv[1]))
    cases = [{**given, **digits(expected_rows(kent, given))} for given in inputs(kent)]
    lines = [json.dumps(case, separators=(",", ":"), ensure_ascii=False) for case in cases]
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
