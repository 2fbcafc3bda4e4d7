"""The ranking methods that come along hold to the laws of clincore.testing."""

from __future__ import annotations

from clincore.domain.ranking.mcare import Mcare
from clincore.domain.ranking.plain import Coverage, SumOfGrades
from clincore.testing import MethodCapabilities, RankingMethodLaws


class TestMcare(RankingMethodLaws):
    method = Mcare()
    capabilities = MethodCapabilities(linear=True)


class TestSumOfGrades(RankingMethodLaws):
    method = SumOfGrades()
    capabilities = MethodCapabilities(linear=True)


class TestCoverage(RankingMethodLaws):
    method = Coverage()
