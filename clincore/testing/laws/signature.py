"""The laws of the signature: a domain function, not a port, because every result is signed in one way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.signature import SignedResult
from clincore.testing.strategies import signed_results
from clincore.testing.suite.law import law

if TYPE_CHECKING:
    from clincore.testing.suite.signature import SignatureGround

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
SEVEN_BITS = st.text(st.characters(max_codepoint=127), min_size=1, max_size=60)


@law(given(text=TEXTS), examples=100)
def a_signed_text_is_intact(ground: SignatureGround, text: str) -> None:
    signed = ground.sign(text)
    assert signed.is_intact
    assert signed.text == text
    assert len(signed.signature) == 64
    assert set(signed.signature) <= set("0123456789abcdef")


@law(given(text=SEVEN_BITS, data=st.data()), examples=100)
def every_changed_bit_of_the_text_is_seen(ground: SignatureGround, text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    bit = data.draw(st.integers(0, 6))
    changed = text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]
    assert ground.sign(changed).signature != ground.sign(text).signature
    assert not SignedResult(changed, ground.sign(text).signature).is_intact


@law(given(text=TEXTS, bit=st.integers(0, 255)), examples=100)
def every_changed_bit_of_the_signature_is_seen(ground: SignatureGround, text: str, bit: int) -> None:
    signature = f"{int(ground.sign(text).signature, 16) ^ (1 << bit):064x}"
    assert not SignedResult(text, signature).is_intact


@law(given(one=TEXTS, other=TEXTS), examples=100)
def a_text_has_one_signature_and_no_two_texts_have_the_same(ground: SignatureGround, one: str, other: str) -> None:
    assert ground.sign(one) == ground.sign(one)
    assert (ground.sign(one).signature == ground.sign(other).signature) is (one == other)


@law(given(signed=signed_results()), examples=25)
def what_was_signed_is_signed_the_same_again(ground: SignatureGround, signed: SignedResult) -> None:
    """The results of cases too."""
    assert ground.sign(signed.text) == signed


@law()
def a_signed_result_does_not_show_its_text(ground: SignatureGround) -> None:
    assert "Anna" not in repr(ground.sign('{"name":"Anna"}'))
