"""The signature is SHA-256 over DSSE's pre-authentication encoding of the canonical text."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.signature import SignedResult, pre_authentication_encoding, signature_of

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def test_the_encoding_is_that_of_the_dsse_specification() -> None:
    """The vector of https://github.com/secure-systems-lab/dsse/blob/master/protocol.md."""
    encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_lengths_count_bytes() -> None:
    assert pre_authentication_encoding("é", "€".encode()) == b"DSSEv1 2 \xc3\xa9 3 \xe2\x82\xac"
    assert pre_authentication_encoding("", b"") == b"DSSEv1 0  0 "


def test_a_signature_by_hand() -> None:
    message = b'DSSEv1 39 application/vnd.clincore.result.v1+json 13 {"a":"\xc3\xa9\xe2\x82\xac"}'
    assert signature_of('{"a":"é€"}') == sha256(message).hexdigest()


@given(texts)
def test_a_signed_text_is_intact(text: str) -> None:
    signed = SignedResult.sign(text)
    assert signed.is_intact
    assert signed.text == text
    assert len(signed.signature) == 64
    assert set(signed.signature) <= set("0123456789abcdef")


@given(st.text(st.characters(max_codepoint=127), min_size=1, max_size=60), st.data())
def test_every_changed_bit_of_the_text_is_seen(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    bit = data.draw(st.integers(0, 6))
    changed = text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]
    assert signature_of(changed) != signature_of(text)
    assert not SignedResult(changed, signature_of(text)).is_intact


@given(texts, st.integers(0, 255))
def test_every_changed_bit_of_the_signature_is_seen(text: str, bit: int) -> None:
    signature = f"{int(signature_of(text), 16) ^ (1 << bit):064x}"
    assert not SignedResult(text, signature).is_intact


def test_a_signed_result_does_not_show_its_text() -> None:
    assert "Anna" not in repr(SignedResult.sign('{"name":"Anna"}'))
