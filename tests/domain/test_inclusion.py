"""A proof shows that one rubric belongs to an edition, and no changed bit of it goes unseen."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st
from test_fingerprint import LEAVES, ROOTS, merkle_tree_hash, root

from clincore.domain.canonical_json import canonical_json
from clincore.domain.errors import InvalidInput
from clincore.domain.fingerprint import leaf_hash, rubric_leaf
from clincore.domain.inclusion import InclusionProof, TreeHead, audit_path

PATHS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
    (0, 1): [],
}
"""The audit paths of the test vectors of certificate-transparency, by index and size of the tree."""


def path_of(leaves: list[bytes], index: int) -> list[str]:
    return [beside.hex() for beside in audit_path(b"".join(map(leaf_hash, leaves)), index)]


def recursive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH as RFC 6962, section 2.1.1, defines it."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if index < k:
        return [*recursive_path(index, leaves[:k]), merkle_tree_hash(leaves[k:])]
    return [*recursive_path(index - k, leaves[k:]), merkle_tree_hash(leaves[:k])]


def proof_of(leaves: list[str], index: int) -> tuple[InclusionProof, TreeHead]:
    encoded = [leaf.encode() for leaf in leaves]
    proof = InclusionProof(leaf=leaves[index], index=index, size=len(leaves), path=tuple(path_of(encoded, index)))
    return proof, TreeHead(fingerprint=root(encoded), rubrics=len(leaves))


def rubrics(number: int) -> list[str]:
    return [rubric_leaf(each, ["Mind", f"FEAR {each}"], {"ars": 3, "Ä": 1}) for each in range(1, number + 1)]


@pytest.mark.parametrize(("place", "expected"), PATHS.items())
def test_the_paths_are_those_of_the_published_vectors(place: tuple[int, int], expected: list[str]) -> None:
    index, size = place
    leaves = [bytes.fromhex(leaf) for leaf in LEAVES[:size]]
    assert path_of(leaves, index) == expected
    assert root(leaves) == ROOTS[size]


@pytest.mark.parametrize("size", range(1, 34))
def test_every_path_is_that_of_the_recursive_definition_and_holds(size: int) -> None:
    leaves = rubrics(size)
    encoded = [leaf.encode() for leaf in leaves]
    for index in range(size):
        assert path_of(encoded, index) == [beside.hex() for beside in recursive_path(index, encoded)]
        proof, head = proof_of(leaves, index)
        assert proof.holds(head)


def mutations(proof: InclusionProof, head: TreeHead) -> list[tuple[InclusionProof, TreeHead]]:
    """Every proof, or head, that differs in one bit of leaf, path, root, index or size."""
    found: list[tuple[InclusionProof, TreeHead]] = []
    encoded = proof.leaf.encode()
    for text in _flipped(encoded):
        changed = text.decode("utf-8", "surrogateescape")
        found.append((evolve(proof, leaf=changed), head))
    for place, beside in enumerate(proof.path):
        for other in _flipped(bytes.fromhex(beside)):
            path = (*proof.path[:place], other.hex(), *proof.path[place + 1 :])
            found.append((evolve(proof, path=path), head))
    found += [(proof, evolve(head, fingerprint=other.hex())) for other in _flipped(bytes.fromhex(head.fingerprint))]
    for bit in range(20):
        found.append((evolve(proof, index=proof.index ^ 1 << bit), head))
        found.append((evolve(proof, size=proof.size ^ 1 << bit), head))
        found.append((proof, evolve(head, rubrics=head.rubrics ^ 1 << bit)))
    return found


def _flipped(content: bytes) -> list[bytes]:
    return [
        content[:byte] + bytes([content[byte] ^ 1 << bit]) + content[byte + 1 :]
        for byte in range(len(content))
        for bit in range(8)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 7, 8, 9, 13])
def test_no_changed_bit_of_leaf_path_root_index_or_size_holds(size: int) -> None:
    for index in range(size):
        proof, head = proof_of(rubrics(size), index)
        changed = mutations(proof, head)
        assert len(changed) > 500
        assert [other for other in changed if other[0].holds(other[1])] == []


@settings(max_examples=50)
@given(st.data())
def test_a_path_that_is_longer_shorter_or_in_another_order_does_not_hold(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 40))
    proof, head = proof_of(rubrics(size), data.draw(st.integers(0, size - 1)))
    other = data.draw(st.permutations(proof.path))
    if tuple(other) != proof.path:
        assert not evolve(proof, path=tuple(other)).holds(head)
    assert not evolve(proof, path=(*proof.path, head.fingerprint)).holds(head)
    assert not evolve(proof, path=proof.path[:-1]).holds(head)
    assert not evolve(proof, path=proof.path[1:]).holds(head)


def test_a_node_is_no_leaf() -> None:
    """The two sides of a node, put together as a leaf, do not stand for it."""
    leaves = [leaf.encode() for leaf in rubrics(2)]
    sides = b"".join(map(leaf_hash, leaves)).decode("latin-1")
    assert sha256(b"\x00" + sides.encode("latin-1")).hexdigest() != root(leaves)
    forged = InclusionProof(leaf=sides, index=0, size=1, path=())
    assert not forged.holds(TreeHead(fingerprint=root(leaves), rubrics=1))


@pytest.mark.parametrize("hashed", ["", "0", "g" * 64, "A" * 64, "0" * 65])
def test_what_is_no_hash_does_not_hold(hashed: str) -> None:
    proof, head = proof_of(rubrics(2), 0)
    assert not evolve(proof, path=(hashed,)).holds(head)
    assert not proof.holds(evolve(head, fingerprint=hashed))


def test_a_proof_goes_through_json_and_back() -> None:
    proof, head = proof_of(rubrics(11), 4)
    text = canonical_json(proof.to_json(head))
    assert InclusionProof.from_json(json.loads(text)) == (proof, head)
    assert proof.rubric == (5, ("Mind", "FEAR 5"), {"ars": 3, "Ä": 1})


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"format": "v2"}, "format"),
        ({"rubric": 5}, "rubric"),
        ({"index": -1}, "index"),
        ({"index": "4"}, "index"),
        ({"size": True}, "size"),
        ({"size": 2**53}, "size"),
        ({"path": "00"}, "path"),
        ({"path": ["00"]}, "path"),
        ({"path": ["0" * 64] * 65}, "path"),
        ({"edition": {"fingerprint": "0" * 64}}, "edition"),
        ({"edition": {"fingerprint": "0" * 63, "rubrics": 11}}, "edition.fingerprint"),
        ({"edition": []}, "edition"),
        ({"more": 1}, ""),
    ],
)
def test_what_is_not_of_the_form_is_named(change: dict[str, Any], path: str) -> None:
    proof, head = proof_of(rubrics(11), 4)
    with pytest.raises(InvalidInput) as refused:
        InclusionProof.from_json({**proof.to_json(head), **change})
    assert path in [problem.path for problem in refused.value.problems]


@pytest.mark.parametrize("given", [None, [], "", 3, {}])
def test_what_is_no_object_with_the_fields_is_refused(given: object) -> None:
    with pytest.raises(InvalidInput):
        InclusionProof.from_json(given)


@pytest.mark.parametrize(
    "leaf", ["", "[]", "[1,[],[],[]]", '[1, ["Mind"], []]', "[" * 100_000, "1", '{"a":1}', "[1,2,3]"]
)
def test_a_leaf_that_is_no_rubric_is_refused_when_it_is_read(leaf: str) -> None:
    with pytest.raises(InvalidInput):
        _ = InclusionProof(leaf=leaf, index=0, size=1, path=()).rubric
