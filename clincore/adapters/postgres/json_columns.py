"""JSON as it goes into jsonb columns and comes out: exact numbers, no binary floating point."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg.types.json import Jsonb, set_json_loads

if TYPE_CHECKING:
    import psycopg

_encode = msgspec.json.Encoder(decimal_format="number").encode
_decoder = json.JSONDecoder(parse_float=Decimal)


def jsonb(value: Any) -> Jsonb:
    """Wrap a value for a jsonb parameter; Decimals are written as JSON numbers."""
    return Jsonb(value, dumps=_encode)


def _decode(text: Any) -> Any:
    """``text`` is what the driver has: bytes, or another buffer of them."""
    return _decoder.decode(str(text, "utf-8"))


def configure_json(connection: psycopg.AsyncConnection[Any]) -> None:
    """Let a connection read JSON numbers with a fraction as Decimals."""
    set_json_loads(_decode, connection)
