"""Whole numbers give the digits of the decimal context, and say where only the context can tell."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clincore.domain.ranking.arithmetic import CONTEXT, half_even, power, six_places, whole_numbers
from clincore.domain.ranking.mcare_factors import InverseFactors, frequency_factor


@pytest.mark.parametrize(
    ("over", "under", "expected"),
    [
        (0, 7, (0, False)),
        (4, 10, (0, False)),
        (6, 10, (1, False)),
        (5, 10, (0, True)),
        (15, 10, (2, True)),
        (25, 10, (2, True)),
        (5 * 10**26 + 1, 10**27, (1, True)),
        (5 * 10**26 - 1, 10**27, (0, True)),
        (5 * 10**23 + 1, 10**24, (1, False)),
    ],
)
def test_a_quotient_near_a_half_is_in_doubt(over: int, under: int, expected: tuple[int, bool]) -> None:
    assert half_even(over, under) == expected


@given(st.integers(0, 10**40), st.integers(1, 10**40))
def test_a_quotient_is_rounded_half_even(over: int, under: int) -> None:
    assert half_even(over, under)[0] == round(Fraction(over, under))


@given(st.integers(0, 10**12), st.integers(1, 10**6), st.integers(1, 10**6))
def test_where_there_is_no_doubt_the_context_gives_the_same(sum_of_parts: int, over: int, frequency: int) -> None:
    """A score: thousandths times a fraction, over a root of 34 digits."""
    with localcontext(CONTEXT):
        ff = power(Decimal(frequency) / 240, Decimal("0.25"))
        expected = six_places(Decimal(sum_of_parts) / 1000 * over / (1000 * ff))
    ff_over, ff_under = ff.as_integer_ratio()
    millionths, in_doubt = half_even(sum_of_parts * over * ff_under * 10**6, 10**6 * ff_over)
    assert in_doubt or millionths == int(expected * 10**6)


@given(st.dictionaries(st.integers(0, 9), st.lists(st.decimals("0", "1000", places=6), max_size=6), max_size=5))
def test_values_keep_their_ratio_over_one_denominator(values: dict[int, list[Decimal]]) -> None:
    found, under = whole_numbers(values)
    assert {key: [Fraction(one, under) for one in row] for key, row in found.items()} == {
        key: [Fraction(one) for one in row] for key, row in values.items()
    }


@given(
    st.integers(0, 10**12), st.integers(1, 10**6), st.sampled_from([1, 2, 500, 10**9, 10**33]), st.integers(1, 10**6)
)
def test_a_score_in_fixed_point_is_that_of_the_context_or_in_doubt(total: int, over: int, unit: int, seen: int) -> None:
    median, alpha = Decimal(240), Decimal("0.25")
    with localcontext(CONTEXT):
        ff = frequency_factor(seen, median, alpha)
        expected = six_places(Decimal(total) / unit * over / (1000 * ff))
    inverses = InverseFactors(median, alpha, unit)
    ff_under, ff_over = inverses[seen][0]
    (millionths,) = inverses.rounded([total * inverses.scale((over * ff_under, 1000 * ff_over))])
    assert millionths in {None, int(expected * 10**6)}


def test_a_score_in_fixed_point_is_in_doubt_at_a_half_and_where_it_is_large() -> None:
    inverses = InverseFactors(Decimal(1), Decimal(0), 2 * 10**6)  # no factor; a unit is half a millionth
    (_, scale) = inverses[7]
    assert inverses.rounded([0 * scale, 2 * scale, 3 * scale, 2**44 * scale]) == [0, 1, None, None]
