"""What the holder of one API key can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import field, frozen

from clincore.domain.api_key import parse_api_key
from clincore.domain.call import is_request_id
from clincore.domain.errors import InvalidInput, Problem
from clincore.services.administration import Administration
from clincore.services.cases import Cases
from clincore.services.keys import Keys
from clincore.services.loaded_repertory import LoadedRepertory
from clincore.services.patients import Patients
from clincore.services.repertorization import Rankings
from clincore.services.session import Caller, Session

if TYPE_CHECKING:
    from clincore.services.resources import Resources


@frozen
class Clinic:
    """A clinic, seen through one of its keys; the key is checked at each call, in the call's own transaction."""

    patients: Patients
    cases: Cases
    repertory: LoadedRepertory
    rankings: Rankings
    keys: Keys
    administration: Administration
    caller: Caller = field(eq=False)
    """Whose key it is, once a call has shown that it is valid."""

    @classmethod
    def open(cls, resources: Resources, api_key: str, request_id: str) -> Clinic:
        """Raises Unauthenticated where the key is malformed, without asking the database, and InvalidInput."""
        if not is_request_id(request_id):
            raise InvalidInput([Problem("request_id", "must be 1 to 64 letters, digits, and . _ : or -")])
        session = Session(resources, parse_api_key(api_key), request_id)
        return cls(
            patients=Patients(session),
            cases=Cases(session),
            repertory=LoadedRepertory(session),
            rankings=Rankings(session),
            keys=Keys(session),
            administration=Administration(session),
            caller=session.caller,
        )
