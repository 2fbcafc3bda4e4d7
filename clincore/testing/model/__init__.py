"""The model: what three tenants may see of a deployment, whatever they do, run on any database behind the ports.

from clincore.testing.model import run_model, services_target

def test_my_database_does_what_the_model_does():
    with services_target(MyDatabase.open) as target:
        run_model(target)
"""

from __future__ import annotations

from clincore.testing.model.http_target import HttpTarget, http_target
from clincore.testing.model.machine import ModelMachine
from clincore.testing.model.running import run_model
from clincore.testing.model.services_target import ServicesTarget, services_target
from clincore.testing.model.stepping import Ground
from clincore.testing.model.target import Contents, Operator, Tamper, Tampering, Target

__all__ = [
    "Contents",
    "Ground",
    "HttpTarget",
    "ModelMachine",
    "Operator",
    "ServicesTarget",
    "Tamper",
    "Tampering",
    "Target",
    "http_target",
    "run_model",
    "services_target",
]
