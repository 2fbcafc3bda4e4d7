"""The fingerprint is the root of an RFC 6962 tree over the rubrics' leaves."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.fingerprint import MerkleTree, rubric_leaf
from clincore.domain.repertory import Rubric
from clincore.testing.strategies import rubrics

LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
"""The leaf inputs of the test vectors of certificate-transparency, and the roots over the first n of them."""
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def merkle_tree_hash(leaves: list[bytes]) -> bytes:
    """MTH as RFC 6962, section 2.1, defines it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + merkle_tree_hash(leaves[:k]) + merkle_tree_hash(leaves[k:])).digest()


def root(leaves: list[bytes]) -> str:
    tree = MerkleTree()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_the_published_vectors(size: int) -> None:
    assert root([bytes.fromhex(leaf) for leaf in LEAVES[:size]]) == ROOTS[size]


@pytest.mark.parametrize("size", range(71))
def test_the_root_is_that_of_the_recursive_definition(size: int) -> None:
    leaves = [b"leaf %d" % number for number in range(size)]
    assert root(leaves) == merkle_tree_hash(leaves).hex()


@given(st.lists(st.binary(max_size=5), max_size=20))
def test_any_leaves_have_the_root_of_the_recursive_definition(leaves: list[bytes]) -> None:
    assert root(leaves) == merkle_tree_hash(leaves).hex()


def test_asking_for_the_root_leaves_the_tree_as_it_was() -> None:
    tree = MerkleTree()
    for number in range(12):
        tree.append(b"%d" % number)
        assert tree.root() == tree.root() == root([b"%d" % each for each in range(number + 1)])


def test_a_leaf_by_hand() -> None:
    leaf = rubric_leaf(
        17, ("Mind", "Ängste", 'so "called"'), {"sulph.": 3, "Aur.": 1, "é": 2, "\ufb01": 1, "\U0001d538": 5}
    )
    assert leaf == (
        '[17,["Mind","Ängste","so \\"called\\""],[["Aur.",1],["sulph.",3],["é",2],["\ufb01",1],["\U0001d538",5]]]'
    )


def test_a_leaf_without_remedies_has_an_empty_list() -> None:
    assert rubric_leaf(1, ["Head"], {}) == '[1,["Head"],[]]'


@given(rubrics())
def test_a_leaf_holds_the_rubric_with_remedies_by_code_point(rubric: Rubric) -> None:
    leaf = rubric_leaf(rubric.id, rubric.path, rubric.grades)
    assert json.loads(leaf) == [
        rubric.id,
        list(rubric.path),
        [[name, rubric.grades[name]] for name in sorted(rubric.grades)],
    ]
    assert leaf == rubric_leaf(rubric.id, list(rubric.path), dict(reversed(list(rubric.grades.items()))))
