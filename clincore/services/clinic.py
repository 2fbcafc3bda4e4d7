"""What the holder of one API key can do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

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

    _session: Session

    @classmethod
    def open(cls, resources: Resources, api_key: str, request_id: str) -> Clinic:
        """Raises Unauthenticated where the key is malformed, without asking the database, and InvalidInput."""
        if not is_request_id(request_id):
            raise InvalidInput([Problem("request_id", "must be 1 to 64 letters, digits, and . _ : or -")])
        return cls(Session(resources, parse_api_key(api_key), request_id))

    @property
    def patients(self) -> Patients:
        return Patients(self._session)

    @property
    def cases(self) -> Cases:
        return Cases(self._session)

    @property
    def repertory(self) -> LoadedRepertory:
        return LoadedRepertory(self._session)

    @property
    def rankings(self) -> Rankings:
        return Rankings(self._session)

    @property
    def keys(self) -> Keys:
        return Keys(self._session)

    @property
    def administration(self) -> Administration:
        return Administration(self._session)

    @property
    def caller(self) -> Caller:
        """Whose key it is, once a call has shown that it is valid."""
        return self._session.caller
