"""ClinCore: multi-tenant clinical case analysis in homeopathy.

async with clincore.open("memory:") as core:
    key = await core.tenants.create("Clinic on the Hill")
    clinic = core.clinic(key.api_key)
"""

from __future__ import annotations

from clincore.domain import errors
from clincore.domain.access import AccessEntry, Action, RecordType
from clincore.domain.case import Case, CaseStatus
from clincore.domain.case_input import CaseInput
from clincore.domain.errors import ClinCoreError
from clincore.domain.identity import KeyState, Plan, Role, Tenant
from clincore.domain.page import Page
from clincore.domain.patient import Patient
from clincore.domain.ranking.parameters import McareParameters
from clincore.domain.ranking.ranking import RankedRemedy, Ranking
from clincore.domain.repertory import Edition, Rubric, RubricTag
from clincore.domain.replay import Replay, Verdict
from clincore.domain.usage import UsageReport
from clincore.services.administered_keys import MadeKey
from clincore.services.cases import FinalizedCase
from clincore.services.clinic import Clinic
from clincore.services.core import ClinCore
from clincore.services.keys import ListedKey, NewKey
from clincore.services.repertorization import Repertorization
from clincore.wiring import open_clincore as open

__version__ = "0.1.0"

__all__ = [
    "AccessEntry",
    "Action",
    "Case",
    "CaseInput",
    "CaseStatus",
    "ClinCore",
    "ClinCoreError",
    "Clinic",
    "Edition",
    "FinalizedCase",
    "KeyState",
    "ListedKey",
    "MadeKey",
    "McareParameters",
    "NewKey",
    "Page",
    "Patient",
    "Plan",
    "RankedRemedy",
    "Ranking",
    "RecordType",
    "Repertorization",
    "Replay",
    "Role",
    "Rubric",
    "RubricTag",
    "Tenant",
    "UsageReport",
    "Verdict",
    "errors",
    "open",
]
