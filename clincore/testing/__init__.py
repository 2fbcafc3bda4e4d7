"""What proves an adapter right: strategies, laws a port must hold to, and suites that put an adapter to them.

Needs the extra ``testing``; docs/adapters.md walks through an example.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

if find_spec("hypothesis") is None:
    raise ModuleNotFoundError("clincore.testing needs Hypothesis: pip install 'clincore[testing]'", name="hypothesis")
if (pytest := sys.modules.get("pytest")) is not None:  # a law that fails then shows both sides of its comparison
    pytest.register_assert_rewrite("clincore.testing.laws", "clincore.testing.suite")

from clincore.testing.suite.capabilities import Capabilities, MethodCapabilities
from clincore.testing.suite.database import DatabaseLaws
from clincore.testing.suite.ranking_method import RankingMethodLaws
from clincore.testing.suite.repertory import RepertoryLaws
from clincore.testing.suite.signature import SignatureLaws

__all__ = [
    "Capabilities",
    "DatabaseLaws",
    "MethodCapabilities",
    "RankingMethodLaws",
    "RepertoryLaws",
    "SignatureLaws",
]
