"""The state machine: what tenants, their administrators and the operator do, in any order."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clincore.domain.api_key import make_api_key
from clincore.domain.identity import Plan, Role
from clincore.domain.usage import Endpoint
from clincore.testing.model import inputs
from clincore.testing.model.calls import Refusal
from clincore.testing.model.comparing import told
from clincore.testing.model.reference.refusals import no_key, wrong
from clincore.testing.model.reference.state import is_let_in
from clincore.testing.model.representative import ASKED, NAMING_RECORDS
from clincore.testing.model.stepping import MARKERS, UNKNOWN, Ground, Stepping, Which, Who
from clincore.testing.model.target import Tampering

if TYPE_CHECKING:
    from clincore.testing.model.calls import Answer, Json

_OWN = Which("own", 0)
callers, choices, limits = inputs.callers(), inputs.choices(), inputs.limits()
ends = st.sampled_from([None, None, 0, 3600, 86_400])


class ModelMachine(RuleBasedStateMachine):
    """Three tenants on one target: whatever is done, it is answered and kept as the model has it."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.on = Stepping(ground)
        self.repeatable: list[tuple[Endpoint, int, Json, str]] = []

    def ask(self, endpoint: Endpoint, who: Who, **asked: Any) -> Answer:
        return self.on.call(endpoint, self.on.key_of(who), **asked)

    @initialize()
    def found(self) -> None:
        on = self.on
        assert not on.bootstrap(0, None)
        assert not on.bootstrap(0, on.target.bootstrap_token + "?")
        if not on.bootstrap(0, on.target.bootstrap_token):
            on.create_tenant(0)
        assert not on.bootstrap(0, on.target.bootstrap_token)
        for number in range(1, len(MARKERS)):
            on.create_tenant(number)
        for number in range(2):
            who = Who(number, "admin", 0)
            self.stock(who, {"symptom_ids": [3, 7]})
            self.ask(Endpoint.CREATE_KEY, who, body=self.marked(who, {"label": "front desk", "role": "user"}))

    @rule(who=callers, payload=inputs.payloads(), is_signed=st.booleans())
    def work_on_a_case(self, who: Who, payload: Json, is_signed: bool) -> None:
        """Enter a case, and go on to its end, so that examples come that far."""
        case_id = self.stock(who, payload)
        if case_id and is_signed:
            self.ask(Endpoint.FINALIZE_CASE, who, id=case_id)
            self.ask(Endpoint.VERIFY_CASE, who, id=case_id)

    def stock(self, who: Who, payload: Json) -> str | None:
        """Enter a case for a patient of the tenant, a new one where there is none; None where it is refused."""
        if not self.on.tenant(who.tenant).patients:
            self.ask(Endpoint.CREATE_PATIENT, who, body=self.marked(who, {"full_name": "Anna"}))
        body = {"patient_id": self.on.record("patients", who, _OWN), "input_payload": self.marked(who, payload)}
        made = self.ask(Endpoint.CREATE_CASE, who, body=body)
        return None if isinstance(made, Refusal) else str(made["case_id"])

    # --- patients ---------------------------------------------------------------------------------------------------

    @rule(who=callers, details=inputs.details(), once=inputs.idempotency_keys())
    def enter_patient(self, who: Who, details: Json, once: str | None) -> None:
        self.create(Endpoint.CREATE_PATIENT, who, self.marked(who, details), once)

    @rule(who=callers, which=choices)
    def view_patient(self, who: Who, which: Which) -> None:
        self.ask(Endpoint.VIEW_PATIENT, who, id=self.on.record("patients", who, which))

    @rule(who=callers, which=choices, behind=inputs.revisions(), changes=inputs.changes())
    def edit_patient(self, who: Who, which: Which, behind: int | None, changes: Json) -> None:
        patient_id = self.on.record("patients", who, which)
        revision = self.revision("patients", patient_id, behind)
        self.ask(Endpoint.EDIT_PATIENT, who, id=patient_id, revision=revision, body=self.marked(who, changes))

    @rule(who=callers, q=inputs.questions(), limit=limits)
    def list_patients(self, who: Who, q: str, limit: int) -> None:
        self.on.read_list(Endpoint.LIST_PATIENTS, self.on.key_of(who), limit, **({"q": q} if q else {}))

    # --- cases ------------------------------------------------------------------------------------------------------

    @rule(who=callers, which=choices, payload=inputs.payloads_or_wrong_ones(), once=inputs.idempotency_keys())
    def enter_case(self, who: Who, which: Which, payload: Json, once: str | None) -> None:
        patient_id = self.on.record("patients", who, which)
        body = {"patient_id": patient_id, "input_payload": self.marked(who, payload)}
        self.create(Endpoint.CREATE_CASE, who, body, once)

    @rule(who=callers, which=choices)
    def view_case(self, who: Who, which: Which) -> None:
        self.ask(Endpoint.VIEW_CASE, who, id=self.on.record("cases", who, which))

    @rule(who=callers, which=choices, behind=inputs.revisions(), payload=inputs.payloads_or_wrong_ones())
    def edit_case(self, who: Who, which: Which, behind: int | None, payload: Json) -> None:
        case_id = self.on.record("cases", who, which)
        revision = self.revision("cases", case_id, behind)
        body = {"input_payload": self.marked(who, payload)}
        self.ask(Endpoint.EDIT_CASE, who, id=case_id, revision=revision, body=body)

    @rule(who=callers, which=choices)
    def rank_case(self, who: Who, which: Which) -> None:
        self.ask(Endpoint.RANK_CASE, who, id=self.on.record("cases", who, which))

    @rule(who=callers, which=choices)
    def finalize_case(self, who: Who, which: Which) -> None:
        self.ask(Endpoint.FINALIZE_CASE, who, id=self.on.record("cases", who, which))

    @rule(who=callers, which=choices)
    def verify_case(self, who: Who, which: Which) -> None:
        self.ask(Endpoint.VERIFY_CASE, who, id=self.on.record("cases", who, which))

    @rule(
        who=callers,
        which=st.none() | choices,
        status=st.sampled_from([None, None, "draft", "finalized"]),
        limit=limits,
    )
    def list_cases(self, who: Who, which: Which | None, status: str | None, limit: int) -> None:
        wanted = {"patient_id": self.on.record("patients", who, which) if which else None, "status": status}
        self.on.read_list(Endpoint.LIST_CASES, self.on.key_of(who), limit, **given(wanted))

    # --- what is repeated -------------------------------------------------------------------------------------------

    def create(self, endpoint: Endpoint, who: Who, body: Json, once: str | None) -> None:
        if once is not None:
            self.repeatable.append((endpoint, who.tenant, body, once))
        self.ask(endpoint, who, body=body, once=once)

    @rule(who=callers, choice=st.integers(0, 3), is_same=st.sampled_from([True, True, False]), after=inputs.waits())
    def repeat(self, who: Who, choice: int, is_same: bool, after: timedelta) -> None:
        """Repeat a call with its Idempotency-Key, by any key of the tenant, with the same body or with another one."""
        if not self.repeatable:
            self.create(Endpoint.CREATE_PATIENT, who, self.marked(who, {"full_name": "Anna"}), "once")
        if self.on.target.moves_time:
            self.on.target.let_pass(after)
        endpoint, number, body, once = self.repeatable[-1 - choice % len(self.repeatable)]
        by = Who(number, who.key, who.choice)
        other = (
            {"full_name": "other"} if endpoint is Endpoint.CREATE_PATIENT else {"input_payload": {"symptom_ids": [4]}}
        )
        self.ask(endpoint, by, body=body if is_same else {**body, **other}, once=once)

    # --- keys -------------------------------------------------------------------------------------------------------

    @rule(who=callers, grace=st.sampled_from([0, 0, 1, 3600, 30 * 86_400, 30 * 86_400 + 1]))
    def rotate_key(self, who: Who, grace: int) -> None:
        if grace == 1 and not self.on.target.moves_time:
            grace = 0  # nobody could say whether the key was let in just before the second was over
        self.ask(Endpoint.ROTATE_KEY, who, body={"grace_seconds": grace} if grace else {})

    @rule(who=callers, label=inputs.names(), role=st.sampled_from(Role), ends=ends)
    def make_key(self, who: Who, label: str, role: Role, ends: int | None) -> None:
        expires_at = None if ends is None else self.on.target.now() + timedelta(seconds=ends)
        body = self.marked(who, {"label": label, "role": role.value, "expires_at": expires_at})
        self.ask(Endpoint.CREATE_KEY, who, body=body)

    @rule(who=callers, which=choices)
    def revoke_key(self, who: Who, which: Which) -> None:
        self.ask(Endpoint.REVOKE_KEY, who, id=self.on.record("keys", who, which))

    @rule(who=callers, limit=limits)
    def list_keys(self, who: Who, limit: int) -> None:
        self.on.read_list(Endpoint.LIST_KEYS, self.on.key_of(who), limit)

    @rule(who=callers)
    def check_key(self, who: Who) -> None:
        self.ask(Endpoint.HEALTH, who)

    @rule(who=callers, endpoint=st.sampled_from(Endpoint), how=st.sampled_from(["malformed", "mistyped", "forged"]))
    def use_a_wrong_key(self, who: Who, endpoint: Endpoint, how: str) -> None:
        tenant = self.on.tenant(who.tenant)
        key = self.on.key_of(who)
        if how == "malformed":
            key = "no key"
        elif how == "mistyped":
            key = key[:-1] + ("1" if key.endswith("0") else "0")
        else:
            key = make_api_key(UUID(tenant.id), bytes(31) + bytes([who.choice])).text
        refused = self.on.call(endpoint, key, **self.representative(endpoint, who, _OWN))
        assert isinstance(refused, Refusal)

    # --- what an administrator sees ---------------------------------------------------------------------------------

    @rule(who=callers)
    def see_usage(self, who: Who) -> None:
        self.ask(Endpoint.USAGE, who)

    @rule(who=callers, filters=inputs.log_filters(), span=st.sampled_from([None, None, "since", "until"]), limit=limits)
    def see_the_access_log(self, who: Who, filters: Json, span: str | None, limit: int) -> None:
        wanted = {
            name: self.on.record(value[0], who, value[1]) if name in ("record_id", "key_id") else value
            for name, value in filters.items()
        }
        log = self.on.tenant(who.tenant).log
        if span and log:
            wanted[span] = log[len(log) // 2]["at"]
        self.on.read_list(Endpoint.LIST_ACCESS, self.on.key_of(who), limit, **wanted)

    # --- the repertory ----------------------------------------------------------------------------------------------

    @rule(who=callers, question=inputs.repertory_questions())
    def ask_the_repertory(self, who: Who, question: tuple[Endpoint, Json]) -> None:
        endpoint, asked = question
        if endpoint is Endpoint.SEARCH_RUBRICS:
            self.on.read_list(endpoint, self.on.key_of(who), **asked)
        else:
            self.ask(endpoint, who, **asked)

    # --- the operator, time, and who breaks in ----------------------------------------------------------------------

    @rule(number=inputs.numbers(), plan=st.sampled_from([Plan.FREE, Plan.FREE, Plan.PAID, Plan.SUBSCRIPTION]))
    def change_plan(self, number: int, plan: Plan) -> None:
        tenant = self.on.tenant(number)
        self.on.target.operator.set_plan(tenant.id, plan)
        tenant.plan = plan.value

    @rule(number=inputs.numbers(), role=st.sampled_from(Role), ends=ends)
    def make_key_as_operator(self, number: int, role: Role, ends: int | None) -> None:
        tenant, at, label = self.on.tenant(number), self.on.target.now(), MARKERS[number]
        expires_at = None if ends is None else at + timedelta(seconds=ends)
        made = self.on.target.operator.create_key(tenant.id, label, role, expires_at)
        if ends == 0:
            self.on.require(wrong("expires_at"), made, "making a key that has ended")
            return
        self.on.enter_key(tenant, made, at, label=label, role=role, expires_at=expires_at)

    @rule(who=callers, which=choices)
    def revoke_key_as_operator(self, who: Who, which: Which) -> None:
        tenant, at = self.on.tenant(who.tenant), self.on.target.now()
        key_id = self.on.record("keys", who, which)
        key = tenant.keys.get(key_id)
        with self.on.checking():
            seen = self.on.target.operator.revoke_key(tenant.id, key_id)
            expected: Answer = no_key(key_id)
            if key is not None and key["revoked_at"] is None:
                key["revoked_at"] = at
                expected = {
                    "admins": sum(one["role"] == "admin" and is_let_in(one, at) for one in tenant.keys.values())
                }
            self.on.require(expected, seen, "revoking a key as the operator")

    @precondition(lambda self: self.on.target.moves_time)
    @rule(lapse=inputs.lapses())
    def time_goes_by(self, lapse: timedelta) -> None:
        self.on.target.let_pass(lapse)

    @rule(number=inputs.numbers(), has_token=st.booleans())
    def bootstrap_again(self, number: int, has_token: bool) -> None:
        assert not self.on.bootstrap(number, self.on.target.bootstrap_token if has_token else "another")

    @precondition(lambda self: self.on.target.tamper is not None)
    @rule(who=callers, choice=st.integers(0, 3), how=st.sampled_from(Tampering))
    def tamper(self, who: Who, choice: int, how: Tampering) -> None:
        """Change a signed case behind everybody's back, which a replay tells."""
        tenant = self.on.tenant(who.tenant)
        signed = [case for case in tenant.cases.values() if case["status"] == "finalized"]
        if not signed:
            return
        case = signed[-1 - choice % len(signed)]
        assert self.on.target.tamper is not None
        self.on.target.tamper(tenant.id, case["id"], how)
        if how is Tampering.TEXT:
            case["_text_differs"] = True
        elif how is Tampering.SIGNATURE:
            case["result_signature"] = case["result_signature"][::-1]
        elif how is Tampering.INPUT:
            case["input_payload"] = {"symptom_ids": [1]}
        else:
            case["ranking_snapshot"] = []
        self.ask(Endpoint.VERIFY_CASE, who, id=case["id"])

    @rule(who=callers, endpoint=st.sampled_from(NAMING_RECORDS), choice=st.integers(0, 3))
    def reach_across(self, who: Who, endpoint: Endpoint, choice: int) -> None:
        """Name another tenant's records: it is answered as for records that nobody has."""
        foreign = self.representative(endpoint, who, Which("foreign", choice))
        nobodys = self.representative(endpoint, who, Which("unknown", choice))
        across, beside = self.ask(endpoint, who, **foreign), self.ask(endpoint, who, **nobodys)
        with self.on.checking():
            named = [self.on.record(kind, who, Which("foreign", choice)) for kind in ("patients", "cases", "keys")]
            text = told(across)
            for one in named:
                text = text.replace(one, UNKNOWN)
            assert text == told(beside), f"{endpoint} answers for another tenant's record otherwise than for nobody's"

    @rule(who=callers, endpoint=st.sampled_from([Endpoint.LIST_PATIENTS, Endpoint.LIST_CASES, Endpoint.LIST_ACCESS]))
    def ask_for_no_page(self, who: Who, endpoint: Endpoint) -> None:
        for query in ({"limit": 0}, {"limit": 201}, {"cursor": "no-cursor"}):
            assert isinstance(self.ask(endpoint, who, query=query), Refusal)

    # --- what holds -------------------------------------------------------------------------------------------------

    @invariant()
    def everything_is_as_the_model_has_it(self) -> None:
        self.on.ground.steps += 1
        self.on.require_contents()

    def teardown(self) -> None:
        if self.on.is_whole and self.on.world.tenants:
            self.on.require_accounts()

    # --- helpers ----------------------------------------------------------------------------------------------------

    def marked(self, who: Who, body: Json) -> Json:
        """Put the tenant's marker to every text that people would read, unless it is blank."""
        marker = MARKERS[who.tenant]
        texts = ("full_name", "label", "notes")
        return {name: f"{value}{marker}" if name in texts and value != " " else value for name, value in body.items()}

    def revision(self, kind: str, record_id: str, behind: int | None) -> int | None:
        if behind is None:
            return None
        records = [getattr(tenant, kind) for tenant in self.on.world.tenants.values()]
        return next((found[record_id]["revision"] - behind for found in records if record_id in found), 1)

    def representative(self, endpoint: Endpoint, who: Who, which: Which) -> dict[str, Any]:
        ids = (self.on.record(kind, who, which) for kind in ("patients", "cases", "keys"))
        return ASKED[endpoint](*ids)


def given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
