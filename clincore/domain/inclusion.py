"""Proofs that one rubric belongs to an edition: Merkle audit paths as in RFC 6962, section 2.1.1.

They are checked as RFC 9162, section 2.1.3.2, says. A root alone does not bind the number of leaves, so an edition is
known by its fingerprint and its number of rubrics together, as in RFC 6962's signed tree heads.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from hmac import compare_digest
from typing import TYPE_CHECKING, Any, Final, Self

from attrs import frozen

from clincore.domain.canonical_json import canonical_json
from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.fingerprint import leaf_hash, node_hash
from clincore.domain.limits import MAX_ID

if TYPE_CHECKING:
    from collections.abc import Sequence

    from clincore.domain.canonical_json import JsonObject

FORMAT: Final = "clincore.inclusion-proof.v1"
_HASH: Final = re.compile(r"[0-9a-f]{64}")
_HASH_BYTES: Final = 32
_FIELDS: Final = ("format", "edition", "rubric", "index", "size", "path")
_LONGEST: Final = 64


@frozen(kw_only=True)
class TreeHead:
    """What is trusted: an edition's fingerprint (64 hex digits) and how many rubrics it has."""

    fingerprint: str
    rubrics: int


@frozen(kw_only=True)
class InclusionProof:
    """That ``leaf``, a rubric's canonical text, is the one at ``index`` (from 0, in id order) of ``size`` leaves.

    ``path`` holds the hashes (64 hex digits) beside the way from the leaf to the root, from below.
    """

    leaf: str
    index: int
    size: int
    path: tuple[str, ...]

    def holds(self, head: TreeHead) -> bool:
        """Whether the leaf belongs to the edition of this head; nothing but the head need be trusted."""
        if self.size != head.rubrics:
            return False
        root = _root_of(self)
        return root is not None and compare_digest(root, head.fingerprint.encode("utf-8", "replace"))

    def to_json(self, head: TreeHead) -> JsonObject:
        """The proof beside the head that it was made under, as it is handed out."""
        return {
            "format": FORMAT,
            "edition": {"fingerprint": head.fingerprint, "rubrics": head.rubrics},
            "rubric": self.leaf,
            "index": self.index,
            "size": self.size,
            "path": list(self.path),
        }

    @classmethod
    def from_json(cls, given: object) -> tuple[Self, TreeHead]:
        """Read a proof and its head; raises InvalidInput naming all that is not of the form. Nothing is checked yet."""
        problems: list[Problem] = []
        fields = _object(given, _FIELDS, "", problems)
        edition = _object(fields.get("edition"), ("fingerprint", "rubrics"), "edition", problems)
        if fields.get("format") != FORMAT:
            problems.append(Problem("format", f"must be {FORMAT}"))
        path = fields.get("path")
        if not isinstance(path, list) or len(path) > _LONGEST or not all(_is_hash(item) for item in path):
            problems.append(Problem("path", f"must be a list of at most {_LONGEST} hashes, each 64 hex digits"))
        if not isinstance(fields.get("rubric"), str):
            problems.append(Problem("rubric", "must be a rubric's canonical text"))
        if not _is_hash(edition.get("fingerprint")):
            problems.append(Problem("edition.fingerprint", "must be 64 hex digits"))
        for name, value in (("index", fields.get("index")), ("size", fields.get("size"))):
            _check_number(name, value, problems)
        _check_number("edition.rubrics", edition.get("rubrics"), problems)
        if problems:
            raise InvalidInput(problems)
        proof = cls(leaf=fields["rubric"], index=fields["index"], size=fields["size"], path=tuple(fields["path"]))
        return proof, TreeHead(fingerprint=edition["fingerprint"], rubrics=edition["rubrics"])

    @property
    def rubric(self) -> tuple[int, tuple[str, ...], dict[str, int]]:
        """The rubric's id, path and grades; raises InvalidInput where the leaf is not a rubric's canonical text."""
        try:
            rubric_id, path, grades = json.loads(self.leaf)
            if canonical_json([rubric_id, path, grades]) == self.leaf:
                return rubric_id, tuple(path), dict(grades)
        except (ValueError, TypeError, RecursionError):
            pass
        raise InvalidInput([Problem("rubric", "is not a rubric's canonical text")])


def audit_path(hashes: bytes, index: int) -> list[bytes]:
    """Return the hashes beside the way from the leaf at ``index`` to the root; ``hashes`` are all leaves' in a row."""
    level = [hashes[start : start + _HASH_BYTES] for start in range(0, len(hashes), _HASH_BYTES)]
    path = []
    while len(level) > 1:
        beside = index ^ 1
        if beside < len(level):
            path.append(level[beside])
        above = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
        level = above + level[len(above) * 2 :]  # an odd last one goes up as it is
        index //= 2
    return path


def _root_of(proof: InclusionProof) -> bytes | None:
    """The root that the path leads to, in hex; None where it is of another length than the index and the size say."""
    if not 0 <= proof.index < proof.size:
        return None
    place, last = proof.index, proof.size - 1
    node = leaf_hash(proof.leaf.encode("utf-8", "surrogatepass"))
    for text in proof.path:
        if last == 0 or not _is_hash(text):
            return None
        beside = bytes.fromhex(text)
        if place % 2 or place == last:
            node = node_hash(beside, node)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            node = node_hash(node, beside)
        place, last = place // 2, last // 2
    return node.hex().encode() if last == 0 else None


def _object(given: object, names: Sequence[str], path: str, problems: list[Problem]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping) or given.keys() != set(names):
        problems.append(Problem(path, f"must be a JSON object with {', '.join(names)}"))
    return given if isinstance(given, Mapping) else {}


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and _HASH.fullmatch(value) is not None


def _check_number(path: str, value: object, problems: list[Problem]) -> None:
    if type(value) is not int or not 0 <= value <= MAX_ID:
        problems.append(Problem(path, "must be a whole number"))
