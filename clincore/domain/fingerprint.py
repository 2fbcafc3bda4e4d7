"""The fingerprint of a repertory: the root of a Merkle tree as in RFC 6962, section 2.1 (SHA-256)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from clincore.domain.canonical_json import canonical_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def rubric_leaf(rubric_id: int, path: Sequence[str], grades: Mapping[str, int]) -> str:
    """Return a rubric's leaf: ``[id, [texts from the chapter down], [[abbreviation, grade], …]]`` in canonical JSON.

    Remedies stand in the order of their code points; ``grades`` holds counting grades (1 to 5) only.
    """
    return canonical_json([rubric_id, list(path), [[remedy, grades[remedy]] for remedy in sorted(grades)]])


class MerkleTree:
    """Takes leaves in order and knows their root, in memory that grows with the logarithm of their number."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []  # (number of leaves, hash), largest first: perfect subtrees

    def append(self, leaf: bytes) -> None:
        """Add the next leaf."""
        size, node = 1, sha256(b"\x00" + leaf).digest()
        while self._peaks and self._peaks[-1][0] == size:
            _, left = self._peaks.pop()
            size, node = size * 2, sha256(b"\x01" + left + node).digest()
        self._peaks.append((size, node))

    def root(self) -> str:
        """Return the tree's root in hex; that of no leaves is the hash of nothing."""
        if not self._peaks:
            return sha256().hexdigest()
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = sha256(b"\x01" + left + node).digest()
        return node.hex()
