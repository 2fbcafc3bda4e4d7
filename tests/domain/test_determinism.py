"""Every machine gives the same digits: nothing between an input and a printed number is binary floating point."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import exact_numbers
import pytest


def run(*arguments: str) -> list[str]:
    program = [sys.executable, "-W", "error", str(Path(exact_numbers.__file__)), *arguments]
    ended = subprocess.run(program, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.split()


def test_no_value_on_the_way_from_an_input_to_its_digits_is_a_float() -> None:
    """Rankings, grids and stability margins of three methods; with the decimals of C, and with those of Python.

    The latter share no line with the former, and give the same digits.
    """
    digits, watched, decimals = run()
    again, _, others = run("python-decimals")
    assert (decimals, others) == ("C", "Python")
    assert int(watched) > 500_000
    assert again == digits


@pytest.mark.parametrize(
    "source",
    [
        "x = 0.5",
        "x = 1 / 2",
        "x = int(7 / 2)",
        "x = 7\nx /= 2",
        "x = 2 ** -1",
        "import math\nx = round(math.sqrt(16))",
        "x = str(float('1'))",
        "x = divmod(7, float(2))",
        "x = sum(number / 2 for number in [1, 2])",
    ],
)
def test_a_float_would_be_seen(source: str) -> None:
    """Though it be gone at the next step."""
    with pytest.raises(AssertionError):
        exec(exact_numbers.compiled(source, "example"), {"__exact__": exact_numbers.exact})  # noqa: S102


def test_whole_numbers_and_decimals_may_pass() -> None:
    source = "from decimal import Decimal\nx = Decimal(7) / 2 + 7 // 2\nx += 1\ny = x == Decimal('7.5')"
    names: dict[str, object] = {"__exact__": exact_numbers.exact}
    exec(exact_numbers.compiled(source, "example"), names)  # noqa: S102
    assert names["y"] is True
