"""API keys name their tenant, are told apart from anything else without a database, and are never shown."""

from __future__ import annotations

import zlib
from hashlib import sha256
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clincore.domain.api_key import SECRET_BYTES, make_api_key, parse_api_key
from clincore.domain.errors import Unauthenticated
from clincore.testing.strategies import api_key_secrets, tenant_ids

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
NOBODY = UUID(int=0)


def base62(number: int, width: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text.rjust(width, "0")


def key_of(tenant: int, secret: int) -> str:
    """A key as the contract writes it, of numbers that may be too large."""
    body = f"clc_{base62(tenant, 22)}_{base62(secret, 43)}"
    return body + base62(zlib.crc32(body.encode()), 6)


@given(tenant_ids(), api_key_secrets())
def test_a_key_reads_back_as_it_was_made(tenant_id: UUID, secret: bytes) -> None:
    made = make_api_key(tenant_id, secret)
    read = parse_api_key(made.text)
    assert read == made
    assert read.tenant_id == tenant_id
    assert made.text == key_of(tenant_id.int, int.from_bytes(secret))
    assert made.digest == sha256(made.text.encode()).hexdigest()


@pytest.mark.parametrize("tenant", [0, 1, 2**128 - 1])
@pytest.mark.parametrize("secret", [bytes(SECRET_BYTES), b"\xff" * SECRET_BYTES])
def test_keys_have_one_length_and_one_alphabet(tenant: int, secret: bytes) -> None:
    text = make_api_key(UUID(int=tenant), secret).text
    assert len(text) == 4 + 22 + 1 + 43 + 6
    assert (text[:4], text[26]) == ("clc_", "_")
    assert set(text[4:26] + text[27:]) <= set(DIGITS)
    assert parse_api_key(text).tenant_id.int == tenant


def test_a_key_by_hand() -> None:
    body = "clc_" + "0" * 21 + "z" + "_" + "0" * 42 + "1"
    text = body + base62(zlib.crc32(body.encode()), 6)
    assert make_api_key(UUID(int=61), bytes(31) + b"\x01").text == text


@settings(max_examples=40)
@given(tenant_ids(), api_key_secrets(), st.data())
def test_every_single_changed_character_is_refused(tenant_id: UUID, secret: bytes, data: st.DataObject) -> None:
    text = make_api_key(tenant_id, secret).text
    other = data.draw(st.sampled_from(DIGITS + "_-é\x00"))
    for at, character in enumerate(text):
        if character != other:
            with pytest.raises(Unauthenticated):
                parse_api_key(text[:at] + other + text[at + 1 :])


@given(tenant_ids(), api_key_secrets(), st.data())
def test_two_exchanged_neighbours_are_refused(tenant_id: UUID, secret: bytes, data: st.DataObject) -> None:
    text = make_api_key(tenant_id, secret).text
    at = data.draw(st.integers(0, len(text) - 2))
    exchanged = text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    if exchanged != text:
        with pytest.raises(Unauthenticated):
            parse_api_key(exchanged)


@pytest.mark.parametrize(
    ("tenant", "secret"), [(2**128, 0), (62**22 - 1, 0), (0, 2**256), (0, 62**43 - 1), (2**128, 2**256)]
)
def test_a_number_too_large_for_its_place_is_refused_despite_its_checksum(tenant: int, secret: int) -> None:
    with pytest.raises(Unauthenticated):
        parse_api_key(key_of(tenant, secret))


def test_the_largest_numbers_are_accepted() -> None:
    assert parse_api_key(key_of(2**128 - 1, 2**256 - 1)).tenant_id == UUID(int=2**128 - 1)


GOOD = make_api_key(NOBODY, bytes(SECRET_BYTES)).text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "clc_",
        "_",
        GOOD[:-1],
        GOOD + "0",
        " " + GOOD,
        GOOD + "\n",
        GOOD.upper(),
        GOOD.replace("0", "٠"),
        GOOD.replace("0", "０"),
        GOOD[:-1] + "é",
        GOOD[:-1] + "\ud800",
        GOOD[:5] + "\udcff" + GOOD[6:],
        "\ud800" * len(GOOD),
        "\x00" * len(GOOD),
        "x" * 1_000_000,
        GOOD * 10_000,
    ],
    ids=lambda text: ascii(text)[:24],
)
def test_what_only_looks_like_a_key_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_api_key(text)


any_character = st.characters() | st.characters(categories=["Cs"]) | st.sampled_from(DIGITS)


@given(
    st.text(any_character, max_size=80)
    | st.builds(
        lambda tenant, secret: f"clc_{tenant}_{secret}",
        st.text(any_character, min_size=22, max_size=22),
        st.text(any_character, min_size=49, max_size=49),
    )
)
def test_any_other_text_is_refused_and_in_no_other_way(text: str) -> None:
    with pytest.raises(Unauthenticated) as refused:
        parse_api_key(text)
    assert str(refused.value) == "The API key is missing, malformed, unknown, expired or revoked."


@given(tenant_ids(), api_key_secrets())
def test_a_key_is_shown_neither_by_repr_nor_by_str(tenant_id: UUID, secret: bytes) -> None:
    key = make_api_key(tenant_id, secret)
    shown = f"{key!r} {key!s} {key}" + f" {key} %s" % key
    assert key.text not in shown
    assert key.text[-49:] not in shown
    assert key.digest not in shown


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_secret_has_32_bytes(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        make_api_key(NOBODY, bytes(length))
