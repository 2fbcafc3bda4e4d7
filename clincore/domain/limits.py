"""Every limit of the contract, in one place; what is past one is refused, never cut."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

HEAD_BYTES: Final = 16 * 1024
"""Of a request's line and headers together."""
BODY_BYTES: Final = 1024 * 1024
LARGE_BODY_BYTES: Final = 64 * 1024
"""From which on a body is large: more than any case needs."""
LARGE_BODIES_AT_ONCE: Final = 32
"""That one process receives, so that clients who send many leave it its memory."""
BODY_SECONDS: Final = 30
"""Within which a body has to arrive."""
CALLS_AT_ONCE: Final = 512
"""That one process works on."""
RUBRICS_PER_CASE: Final = 200
MIN_WEIGHT: Final = Decimal("0.1")
MAX_WEIGHT: Final = Decimal(10)
WEIGHT_DECIMALS: Final = 3
MAX_ID: Final = 2**53 - 1
NAME_CHARACTERS: Final = 200
PHONE_CHARACTERS: Final = 40
NOTES_CHARACTERS: Final = 2000
MIN_BIRTH_YEAR: Final = 1850
PAGE_SIZE: Final = 50
MAX_PAGE_SIZE: Final = 200
QUERY_CHARACTERS: Final = 200
QUERY_TERMS: Final = 20
MAX_GRACE_SECONDS: Final = 2_592_000
"""How long a rotated key may live on: 30 days."""
TOP_N: Final = 20
METHOD_CHARACTERS: Final = 64
