"""The signature is SHA-256 over DSSE's pre-authentication encoding of the canonical text."""

from __future__ import annotations

from hashlib import sha256

from clincore.domain.signature import SignedResult, pre_authentication_encoding, signature_of
from clincore.testing import SignatureLaws


class TestSignature(SignatureLaws):
    sign = staticmethod(SignedResult.sign)


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
