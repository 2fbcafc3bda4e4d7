"""Making a call on the target and on the model, and looking whether they agree."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from attrs import define, frozen

from clincore.domain.identity import Plan, Role
from clincore.domain.usage import Endpoint
from clincore.testing.model.calls import Call, Refusal
from clincore.testing.model.comparing import adopt, difference, told
from clincore.testing.model.reference.model import answer
from clincore.testing.model.reference.refusals import BOOTSTRAP_TOKEN, BOOTSTRAPPED
from clincore.testing.model.reference.state import Tenant, World, is_let_in, new_key, newest_first, shown, with_state

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from clincore.testing.model.calls import Answer, Json
    from clincore.testing.model.target import Contents, Target

UNKNOWN: Final = str(UUID(int=0x40008000000000000000, version=4))
MARKERS: Final = ("Kq7Berg", "Kq7Tal", "Kq7See")
"""What stands in every name, note and label of a tenant and in nothing else."""
_CLOCKS_DIFFER: Final = timedelta(seconds=60)


@define
class Ground:
    """A target on which examples follow each other, and how much was done on it."""

    target: Target
    bootstrapped: bool = False
    examples: int = 0
    steps: int = 0
    calls: int = 0

    def __str__(self) -> str:
        return f"{self.examples} examples, {self.steps} steps, {self.calls} calls"


@frozen
class Who:
    """Who makes a call: the number of a tenant, and which of its keys."""

    tenant: int
    key: str
    choice: int


@frozen
class Which:
    """Which record a call names: ``own``, ``foreign`` or ``unknown``, counted from the newest."""

    whose: str
    choice: int


class Stepping:
    """One example: three tenants on the target, and what the model knows of them."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.target = ground.target
        self.target.begin()
        self.slack = timedelta(0) if self.target.moves_time else _CLOCKS_DIFFER
        self.world = World(
            engine=self.target.engine,
            free_tier_limit=self.target.free_tier_limit,
            bootstrapped=ground.bootstrapped,
        )
        self.sent: dict[str, str] = {}
        self.calls = 0
        self.is_whole = True
        ground.examples += 1

    @contextmanager
    def checking(self) -> Iterator[None]:
        """Mark the example as broken where a check fails, so that its end does not speak over what was found."""
        self.is_whole = False
        yield
        self.is_whole = True

    # --- tenants ----------------------------------------------------------------------------------------------------

    def bootstrap(self, number: int, token: str | None) -> bool:
        """Try to set up a tenant with the operator's token; return whether it was."""
        with self.checking():
            at = self.target.now()
            seen = self.target.bootstrap(MARKERS[number], token)
            expected = BOOTSTRAPPED if self.world.bootstrapped else None
            if token != self.target.bootstrap_token:
                expected = BOOTSTRAP_TOKEN
            if expected is not None:
                self.require(expected, seen, "POST /bootstrap")
                return False
            assert isinstance(seen, dict), f"the bootstrap should have been answered, not {seen}"
            self.world.bootstrapped = self.ground.bootstrapped = True
            self._enter(number, seen, at)
        return True

    def create_tenant(self, number: int) -> None:
        at = self.target.now()
        self._enter(number, self.target.operator.create_tenant(MARKERS[number], Plan.FREE), at)

    def _enter(self, number: int, made: Json, at: datetime) -> None:
        assert made.keys() == {"tenant_id", "key_id", "api_key"}
        assert made["tenant_id"] not in self.world.tenants
        tenant = Tenant(id=made["tenant_id"], number=number, plan="free")
        self.world.tenants[tenant.id] = tenant
        self.enter_key(tenant, made, at, label="first admin key", role=Role.ADMIN, expires_at=None)

    def enter_key(
        self, tenant: Tenant, made: Answer, at: datetime, *, label: str, role: Role, expires_at: datetime | None
    ) -> str:
        """Note a key that the operator made, and return it."""
        assert isinstance(made, dict), f"the operator should have got a key, not {made}"
        assert made["tenant_id"] == tenant.id
        key = new_key(made["key_id"], label=label, role=role.value, at=at, expires_at=expires_at)
        tenant.keys[key["key_id"]] = key
        self.world.secrets[made["api_key"]] = (tenant.id, key["key_id"])
        return str(made["api_key"])

    def tenant(self, number: int) -> Tenant:
        return list(self.world.tenants.values())[number]

    # --- who and which ----------------------------------------------------------------------------------------------

    def key_of(self, who: Who) -> str:
        """Return the newest key of the role that is let in, or whichever there is."""
        tenant = self.tenant(who.tenant)
        secrets = [secret for secret, (owner, _) in self.world.secrets.items() if owner == tenant.id]
        at = self.target.now()
        fitting = [
            secret
            for secret in secrets
            if (key := tenant.keys[self.world.secrets[secret][1]])["role"] == who.key and is_let_in(key, at)
        ]
        return fitting[-1] if fitting else secrets[who.choice % len(secrets)]

    def record(self, kind: str, who: Who, which: Which) -> str:
        """Return the id of one of the patients, cases or keys; one that nobody has where there is none."""
        number = (who.tenant + (1 + which.choice % 2 if which.whose == "foreign" else 0)) % len(self.world.tenants)
        ids = [] if which.whose == "unknown" else list(getattr(self.tenant(number), kind))
        return ids[-1 - which.choice % len(ids)] if ids else UNKNOWN

    # --- calls ------------------------------------------------------------------------------------------------------

    def call(self, endpoint: Endpoint, key: str, **asked: Any) -> Answer:
        """Make a call on both, and require that they agree and that nothing of another tenant is told."""
        with self.checking():
            self.ground.calls += 1
            self.calls += 1
            call = Call(endpoint=endpoint, key=key, request_id=f"request-{self.calls}", **asked)
            at = self.target.now()
            seen = self.target.answer(call)
            self.require_walls(call, seen)
            self.require(answer(self.world, call, at, seen), seen, str(call))
        return seen

    def read_list(self, endpoint: Endpoint, key: str, limit: int, **query: Any) -> list[Json]:
        """Read a whole list, page by page."""
        found: list[Json] = []
        asked = {"limit": limit, **query}
        while True:
            page = self.call(endpoint, key, query=dict(asked))
            if isinstance(page, Refusal):
                return []
            found += page["items"]
            if page["next"] is None:
                return found
            asked["cursor"] = page["next"]

    def require(self, expected: Answer, seen: Answer, what: str) -> None:
        found = difference(expected, seen, self.slack)
        assert not found, f"{what}: {found}"

    def require_walls(self, call: Call, seen: Answer) -> None:
        """Require that an answer names nothing of another tenant that the caller has not itself sent."""
        caller, _ = self.world.secrets.get(call.key, ("", ""))
        sent = self.sent.get(caller, "") + str(call)
        if caller:
            self.sent[caller] = sent
        text = told(seen)
        for tenant in self.world.tenants.values():
            if tenant.id != caller:
                secrets = (secret for secret, (owner, _) in self.world.secrets.items() if owner == tenant.id)
                own = (tenant.id, MARKERS[tenant.number], *tenant.patients, *tenant.cases, *tenant.keys, *secrets)
                leaked = [one for one in own if one in text and one not in sent]
                assert not leaked, f"{call.endpoint} tells tenant {caller or 'nobody'} of {leaked}, another tenant's"

    # --- what is there ----------------------------------------------------------------------------------------------

    def require_contents(self) -> None:
        """Require that the target keeps of each tenant what the model does, and nothing else."""
        with self.checking():
            for tenant in self.world.tenants.values():
                at = self.target.now()
                held = self.target.operator.contents(tenant.id)
                assert held.plan == tenant.plan
                self._require_records(tenant, held, at)
                self._require_log(tenant, held.access_log)

    def _require_records(self, tenant: Tenant, held: Contents, at: datetime) -> None:
        patients, cases = newest_first(tenant.patients), newest_first(tenant.cases)
        keys = newest_first(tenant.keys, "key_id")
        expected = {
            "patients": list(map(shown, patients)),
            "cases": list(map(shown, cases)),
            "keys": [with_state(key, at) for key in keys],
        }
        actual = {"patients": held.patients, "cases": held.cases, "keys": held.keys}
        self.require(expected, actual, f"what is kept of {MARKERS[tenant.number]}")
        for record, found in zip((*patients, *cases, *keys), (*held.patients, *held.cases, *held.keys), strict=True):
            adopt(record, found)

    def _require_log(self, tenant: Tenant, held: list[Json]) -> None:
        """Compare the log line by line; a call writes one at most, so that its request id tells which line it is."""
        lines = {line["request_id"]: line for line in tenant.log}
        found = {line["request_id"]: line for line in held}
        assert len(found) == len(held), "a call has left two lines in the access log"
        assert held == sorted(held, key=lambda line: (line["at"], line["id"]), reverse=True)
        expected = {request_id: {**line, "id": found.get(request_id, line)["id"]} for request_id, line in lines.items()}
        self.require(expected, found, f"the access log of {MARKERS[tenant.number]}")
        for request_id, line in lines.items():
            before = line["id"]
            adopt(line, found[request_id])
            assert before in (None, line["id"]), "a line of the access log has got another id"

    def require_accounts(self) -> None:
        """Require that an administrator of each tenant is told its records, its access log and its usage exactly."""
        for tenant in self.world.tenants.values():
            at = self.target.now()
            label = MARKERS[tenant.number]
            made = self.target.operator.create_key(tenant.id, label, Role.ADMIN, None)
            key = self.enter_key(tenant, made, at, label=label, role=Role.ADMIN, expires_at=None)
            for endpoint in (Endpoint.LIST_PATIENTS, Endpoint.LIST_CASES, Endpoint.LIST_KEYS):
                self.read_list(endpoint, key, 3)
            self.require_contents()
            self.read_list(Endpoint.LIST_ACCESS, key, 7)
            self.call(Endpoint.USAGE, key)
        self.require_contents()
