"""The format of API keys: ``clc_`` + tenant (22 base62) + ``_`` + secret (43 base62) + CRC-32 (6 base62).

The checksum runs over everything before it (ISO 3309 CRC-32, as in zlib), so that a mistyped key, and a string that
only looks like one, is told apart without a database. Digits are 0-9 A-Z a-z, most significant first.
"""

from __future__ import annotations

import re
import zlib
from hashlib import sha256
from typing import Final
from uuid import UUID

from attrs import field, frozen

from clincore.domain.errors import Unauthenticated

SECRET_BYTES: Final = 32
_PREFIX: Final = "clc_"
_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES: Final = {digit: value for value, digit in enumerate(_DIGITS)}
_TENANT, _SECRET, _CHECK = 22, 43, 6
_FORM: Final = re.compile(f"{_PREFIX}[0-9A-Za-z]{{{_TENANT}}}_[0-9A-Za-z]{{{_SECRET + _CHECK}}}")


@frozen
class ApiKey:
    """A key that names its tenant; it is known by its SHA-256 and never shown by ``repr``."""

    text: str = field(repr=False)
    tenant_id: UUID

    @property
    def digest(self) -> str:
        """The SHA-256 of the whole key in hex: what is stored, and looked up."""
        return sha256(self.text.encode("ascii")).hexdigest()

    def __str__(self) -> str:
        return repr(self)


def make_api_key(tenant_id: UUID, secret: bytes) -> ApiKey:
    """Return the key of a tenant for 32 random bytes."""
    if len(secret) != SECRET_BYTES:
        raise ValueError(f"an API key's secret has {SECRET_BYTES} bytes")
    body = f"{_PREFIX}{_encode(tenant_id.int, _TENANT)}_{_encode(int.from_bytes(secret), _SECRET)}"
    return ApiKey(body + _checksum(body), tenant_id)


def parse_api_key(text: str) -> ApiKey:
    """Read a key; raises Unauthenticated where it is malformed, without saying in what."""
    if not isinstance(text, str) or not _FORM.fullmatch(text):
        raise Unauthenticated
    body, tenant_at = text[:-_CHECK], len(_PREFIX)
    tenant = _decode(body[tenant_at : tenant_at + _TENANT])
    if tenant >> 128 or body[-_SECRET:] > _GREATEST_SECRET or text[-_CHECK:] != _checksum(body):
        raise Unauthenticated
    return ApiKey(text, UUID(int=tenant))


def _checksum(body: str) -> str:
    return _encode(zlib.crc32(body.encode("ascii")), _CHECK)


def _encode(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _decode(text: str) -> int:
    number = 0
    for digit in text:
        number = number * 62 + _VALUES[digit]
    return number


_GREATEST_SECRET: Final = _encode((1 << 8 * SECRET_BYTES) - 1, _SECRET)
"""Digits are in the order of their code points, so that texts of one length compare as their numbers do."""
