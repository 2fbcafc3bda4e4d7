"""What the machine's calls are made of: few values, so that examples meet themselves again."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

from clincore.domain.usage import Endpoint
from clincore.testing.model.stepping import MARKERS, Which, Who

if TYPE_CHECKING:
    from clincore.testing.model.calls import Json

_UNKNOWN_RUBRIC: Final = 999_999


def callers() -> st.SearchStrategy[Who]:
    return st.builds(Who, numbers(), st.sampled_from(["admin", "admin", "admin", "user", "any"]), st.integers(0, 7))


def numbers() -> st.SearchStrategy[int]:
    """Which of the tenants."""
    return st.integers(0, len(MARKERS) - 1)


def choices() -> st.SearchStrategy[Which]:
    """Which record: mostly one of the caller's own tenant."""
    whose = ["own", "own", "own", "own", "own", "foreign", "unknown"]
    return st.builds(Which, st.sampled_from(whose), st.integers(0, 3))


def texts() -> st.SearchStrategy[str]:
    return st.text("aAäÄ %_ßΣσ", max_size=3)


def names() -> st.SearchStrategy[str]:
    """Texts to which the tenant's marker is put, and now and then a blank one, which is refused."""
    return st.sampled_from(["", "", "", "", " "]).flatmap(
        lambda blank: st.just(blank) if blank else texts().map("n".__add__)
    )


def questions() -> st.SearchStrategy[str]:
    """What patients' names may hold, another tenant's marker among it."""
    return st.one_of(st.just(""), texts(), st.sampled_from([*MARKERS, MARKERS[0][3:].upper()]))


def details() -> st.SearchStrategy[Json]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "birth_year": st.sampled_from([None, 1969, 1849, 2026, 2027]),
        "phone": st.sampled_from([None, "030 1", " "]),
    }
    return st.fixed_dictionaries({"full_name": names()}, optional=optional)


def changes() -> st.SearchStrategy[Json]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "full_name": names(),
        "birth_year": st.sampled_from([None, 1970, 1849]),
        "phone": st.sampled_from([None, "+49 30 1"]),
    }
    return st.fixed_dictionaries({}, optional=optional).filter(bool)


def payloads() -> st.SearchStrategy[Json]:
    """Inputs of a case: plain and with weights, with any of the options."""
    ids = st.lists(st.sampled_from([3, 5, 7, 12, 71]), min_size=1, max_size=4, unique=True)
    weights = st.sampled_from([1, 2, 0.5, 9.999, Decimal("0.1"), Decimal("2.50"), 10])
    rubric = st.fixed_dictionaries(
        {"symptom_id": st.sampled_from([3, 5, 7, 71])}, optional={"weight": weights, "eliminate": st.booleans()}
    )
    rubrics = st.lists(rubric, min_size=1, max_size=3, unique_by=lambda chosen: str(chosen["symptom_id"]))
    options: dict[str, st.SearchStrategy[Any]] = {
        "course": st.sampled_from(["chronic", "acute"]),
        "case_type": st.sampled_from(["auto", "mixed"]),
        "method": st.sampled_from(["mcare/6.1", "sum-of-grades/1", "coverage/1"]),
        "top_n": st.sampled_from([0, 1, 20]),
        "notes": texts(),
    }
    return st.one_of(
        st.fixed_dictionaries({"symptom_ids": ids}, optional=options),
        st.fixed_dictionaries({"rubrics": rubrics}, optional=options),
    )


def payloads_or_wrong_ones() -> st.SearchStrategy[Json]:
    """Inputs some of which repeat a rubric, name one that does not exist, or weigh one too much."""
    wrong: list[Json] = [
        {"symptom_ids": [3, 5, 3]},
        {"symptom_ids": [_UNKNOWN_RUBRIC, 5]},
        {"rubrics": [{"symptom_id": 3}, {"symptom_id": 5}, {"symptom_id": 3, "weight": 11}]},
        {"rubrics": [{"symptom_id": 5}, {"symptom_id": _UNKNOWN_RUBRIC}]},
    ]
    return st.integers(0, 5).flatmap(lambda one: payloads() if one else st.sampled_from(wrong))


def repertory_questions() -> st.SearchStrategy[tuple[Endpoint, Json]]:
    """A call about the repertory, and what it asks."""
    words = st.sampled_from(["anxiety", "fear night", "grade:3 anger", "nothing"])
    return st.one_of(
        st.tuples(st.just(Endpoint.SEARCH_RUBRICS), st.fixed_dictionaries({"q": words, "limit": limits()})),
        st.tuples(
            st.just(Endpoint.VIEW_RUBRIC), st.fixed_dictionaries({"id": st.sampled_from(["1", "3", "12", "999999"])})
        ),
        st.tuples(st.just(Endpoint.VIEW_REPERTORY), st.just({})),
        st.tuples(st.just(Endpoint.LIST_REMEDIES), st.fixed_dictionaries({"query": st.just({"limit": 20})})),
        st.tuples(st.just(Endpoint.RANK_RUBRICS), st.fixed_dictionaries({"body": payloads_or_wrong_ones()})),
    )


def revisions() -> st.SearchStrategy[int | None]:
    """How far behind the record's revision the caller is; None: the caller takes any."""
    return st.sampled_from([0, 0, 0, 0, 1, -1, None])


def idempotency_keys() -> st.SearchStrategy[str | None]:
    return st.sampled_from([None, None, "once", "twice"])


def log_filters() -> st.SearchStrategy[Json]:
    """Which lines of the access log; records are named by their kind and which of it."""
    optional: dict[str, st.SearchStrategy[Any]] = {
        "record_id": st.tuples(st.sampled_from(["patients", "cases"]), choices()),
        "key_id": st.tuples(st.just("keys"), choices()),
        "action": st.sampled_from(["VIEW", "LIST", "CREATE", "VERIFY"]),
        "record_type": st.sampled_from(["patient", "case"]),
    }
    return st.fixed_dictionaries({}, optional=optional)


def limits() -> st.SearchStrategy[int]:
    return st.sampled_from([1, 2, 3, 50])


def waits() -> st.SearchStrategy[timedelta]:
    """How long after a call it is repeated: also just before and just when its Idempotency-Key is forgotten."""
    day = timedelta(days=1)
    return st.sampled_from([timedelta(0), timedelta(0), day - timedelta(microseconds=1), day])


def lapses() -> st.SearchStrategy[timedelta]:
    """How much time goes by: also just as long as something lasts, and a little less and more."""
    seconds = [0, 1, 59, 3600, 86_400, 31 * 86_400]
    microseconds = st.sampled_from([0, 0, 1, -1]).map(lambda more: timedelta(microseconds=more))
    return st.builds(
        lambda whole, more: max(timedelta(seconds=whole) + more, timedelta(0)), st.sampled_from(seconds), microseconds
    )
