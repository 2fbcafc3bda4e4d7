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


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf; its prefix keeps it apart from that of any node."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two sides."""
    return sha256(b"\x01" + left + right).digest()


class MerkleTree:
    """Takes leaves in order and knows their root, in memory that grows with the logarithm of their number."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []  # (number of leaves, hash), largest first: perfect subtrees

    def append(self, leaf: bytes) -> bytes:
        """Add the next leaf and return its hash."""
        hashed = leaf_hash(leaf)
        size, node = 1, hashed
        while self._peaks and self._peaks[-1][0] == size:
            _, left = self._peaks.pop()
            size, node = size * 2, node_hash(left, node)
        self._peaks.append((size, node))
        return hashed

    def root(self) -> str:
        """Return the tree's root in hex; that of no leaves is the hash of nothing."""
        if not self._peaks:
            return sha256().hexdigest()
        node = self._peaks[-1][1]
        for _, left in reversed(self._peaks[:-1]):
            node = node_hash(left, node)
        return node.hex()
