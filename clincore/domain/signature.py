"""The signature of a result: SHA-256 over DSSE's pre-authentication encoding of its canonical JSON.

The encoding is that of the Dead Simple Signing Envelope, version 1 (``DSSEv1``), so that signatures by key can later
be put around the same text.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from attrs import field, frozen

PAYLOAD_TYPE: Final = "application/vnd.clincore.result.v1+json"


@frozen
class SignedResult:
    """The canonical text of a result and its signature (64 hex digits)."""

    text: str = field(repr=False)
    signature: str

    @classmethod
    def sign(cls, text: str) -> SignedResult:
        return cls(text, signature_of(text))

    @property
    def is_intact(self) -> bool:
        """Whether the text still hashes to the signature."""
        return signature_of(self.text) == self.signature


def pre_authentication_encoding(payload_type: str, body: bytes) -> bytes:
    """``DSSEv1`` SP length SP type SP length SP body, lengths in bytes as ASCII decimals."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(body), body)


def signature_of(text: str) -> str:
    """Return the signature of a canonical text, 64 hex digits."""
    return sha256(pre_authentication_encoding(PAYLOAD_TYPE, text.encode())).hexdigest()
