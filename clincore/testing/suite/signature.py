"""The suite of the function that signs a result's text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from attrs import frozen

from clincore.testing.laws import signature
from clincore.testing.suite.base import LawSuite
from clincore.testing.suite.law import laws_in

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from clincore.domain.signature import SignedResult


class SignatureLaws(LawSuite, binds=False):
    """Puts a function from a text to its signed result to the laws of the signature:

    class TestMySignature(SignatureLaws):
        sign = staticmethod(SignedResult.sign)
    """

    laws = laws_in(signature)

    @staticmethod
    def sign(text: str) -> SignedResult:
        """Return the signed result of a canonical text."""
        raise NotImplementedError(f"nothing signs {len(text)} characters: sign = staticmethod(…)")

    def ground(self) -> SignatureGround:
        return SignatureGround(self.sign)


@frozen
class SignatureGround:
    """A function that signs."""

    sign: Callable[[str], SignedResult]

    def run(self, _scene: Awaitable[None]) -> None:
        raise TypeError("the signature has no law that waits")
