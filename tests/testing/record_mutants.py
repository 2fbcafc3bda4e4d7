"""Faults in the stores of patients and cases, and in their pages."""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from attrs import evolve

from clincore.adapters.memory.case_store import MemoryCaseStore
from clincore.adapters.memory.patient_store import MemoryPatientStore
from clincore.adapters.memory.unit_of_work import MemoryUnitOfWork
from clincore.domain.case import Case
from clincore.domain.errors import StorageFault
from clincore.domain.page import Page, PageRequest, Position

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from clincore.domain.patient import Patient
    from clincore.domain.replay import Replay
    from clincore.ports.pending import Pending

from database_mutants import Copy, planted


@planted("a lost update of a patient", "a_patient_is_replaced_by_the_next_revision_only")
class _LosesUpdates(MemoryPatientStore):
    def replace(self, patient: Patient) -> Pending[bool]:
        def step() -> bool:
            if patient.id not in self._rows:
                return False
            self._work.put(self._rows, patient.id, patient)
            return True

        return self._work.ask(step)


@planted("a name searched by its letters' case", "names_are_found_by_a_part_in_any_case_of_letters")
class _MindsCase(MemoryPatientStore):
    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        self._rows = {id: row for id, row in self._rows.items() if (name or "") in row.details.full_name}
        return super().list(None, page)


@planted("a record that is entered over another", "an_id_that_is_taken_is_refused_and_the_record_stays")
class _EntersOver(MemoryUnitOfWork):
    def enter(self, table: dict[Any, Any], key: Any, value: Any) -> None:
        self.put(table, key, value)


@planted("the wrong class for an unknown patient", "a_case_for_an_unknown_or_foreign_patient_is_refused_alike")
class _SaysForeignKey(MemoryCaseStore):
    def add(self, case: Case) -> None:
        def step() -> None:
            if case.patient_id not in self._work.tables.patients:
                raise StorageFault("23503")
            self._work.enter(self._rows, case.id, case)

        self._work.ask(step)


class _WritesOver(MemoryCaseStore):
    """Replaces whatever is there."""

    def replace(self, case: Case) -> Pending[bool]:
        def step() -> bool:
            self._work.put(self._rows, case.id, case)
            return True

        return self._work.ask(step)


@planted("a finalize that wins twice", "of_several_that_replace_one_draft_at_once_without_a_lock_one_wins")
class _FinalizesTwice(_WritesOver):
    pass


@planted("a finalized case that is written over", "a_finalized_case_never_changes_again")
class _EditsFinalized(MemoryCaseStore):
    def replace(self, case: Case) -> Pending[bool]:
        def step() -> bool:
            before = self._rows.get(case.id)
            if before is None or before.revision != case.revision - 1:
                return False
            self._work.put(self._rows, case.id, case)
            return True

        return self._work.ask(step)


@planted("a lock that does not hold", "of_several_that_finalize_one_case_at_once_one_wins")
class _LocksNothing(Copy):
    takes_turns = False

    class work(MemoryUnitOfWork):  # noqa: N801
        async def flush(self) -> None:
            await super().flush()
            await asyncio.sleep(0)

        @cached_property
        def cases(self) -> MemoryCaseStore:
            return _WritesOver(self)


@planted("a verdict that is kept of a draft", "a_verdict_of_a_draft_or_of_an_unknown_or_foreign_case_is_not_kept")
class _JudgesDrafts(MemoryCaseStore):
    def record_replay(self, replay: Replay) -> None:
        def step() -> None:
            stored = self._rows.get(replay.case_id)
            if stored is not None:
                after = evolve(stored, verdict=replay.verdict.value, verified_at=replay.verified_at)
                self._work.put(self._rows, replay.case_id, after)

        self._work.ask(step)


@planted("a verdict that counts as a revision", "of_a_finalized_case_the_latest_verdict_is_kept")
class _RevisesByVerdict(MemoryCaseStore):
    def record_replay(self, replay: Replay) -> None:
        super().record_replay(replay)

        def step() -> None:
            stored = self._rows.get(replay.case_id)
            if stored is not None:
                self._work.put(self._rows, stored.id, evolve(stored, revision=stored.revision + 1))

        self._work.ask(step)


@planted("a case that is stored by reference", "what_was_read_of_a_case_is_a_copy")
class _LendsItsRows(MemoryCaseStore):
    def get(self, case_id: UUID) -> Pending[Case | None]:
        return self._work.ask(lambda: self._rows.get(case_id))


@planted("weights that lose their zeros", "a_weight_keeps_its_zeros")
class _StoresFloats(MemoryCaseStore):
    def add(self, case: Case) -> None:
        payload: Any = case.input_payload
        rubrics = [{**each, "weight": float(each["weight"])} for each in payload.get("rubrics", ()) if "weight" in each]
        super().add(evolve(case, input_payload={**payload, "rubrics": rubrics}) if rubrics else case)


@planted("a count that leaves its first moment out", "cases_are_counted_from_a_moment_on")
class _CountsAfter(MemoryCaseStore):
    def count_since(self, start: datetime) -> Pending[int]:
        return self._work.ask(lambda: sum(row.created_at > start for row in self._rows.values()))


class _Pages(MemoryPatientStore):
    """Pages of patients by another rule."""

    def list(self, name: str | None, page: PageRequest) -> Pending[Page[Patient]]:
        def step() -> Page[Patient]:
            rows = sorted(self._rows.values(), key=lambda row: (row.created_at, row.id), reverse=True)
            return self._page(rows, page)

        return self._work.ask(step) if name is None else super().list(name, page)

    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        raise NotImplementedError


PAGES: Final = "pages_of_patients_are_complete_without_repeats_newest_first"


def _behind(row: Patient, after: Position | None, *, inclusive: bool = False) -> bool:
    if after is None:
        return True
    place, limit = (row.created_at, row.id), (after.created_at, after.id)
    return place <= limit if inclusive else place < limit


def _cut(rows: Sequence[Patient], limit: int) -> Page[Patient]:
    items = tuple(rows[:limit])
    last = items[-1] if items else None
    more = last is not None and len(rows) > limit
    return Page(items=items, next=Position(last.created_at, last.id).to_cursor() if more and last else None)


@planted("a page one short", PAGES)
class _LosesTheLast(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        whole = _cut([row for row in rows if _behind(row, page.after)], page.limit)
        return evolve(whole, items=whole.items[:-1]) if whole.next else whole


@planted("a page one too long", PAGES)
class _GivesOneMore(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        return _cut([row for row in rows if _behind(row, page.after)], page.limit + 1)


@planted("a cursor that repeats", PAGES)
class _Repeats(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        first = page.after is None
        whole = [row for row in rows if _behind(row, page.after, inclusive=True)]
        return _cut(whole, page.limit if first else page.limit + 1)


@planted("a cursor of the time alone", PAGES)
class _SkipsTheSameMoment(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        after = page.after
        return _cut([row for row in rows if after is None or row.created_at < after.created_at], page.limit)


@planted("a full last page that promises another", PAGES)
class _PromisesAnother(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        whole = [row for row in rows if _behind(row, page.after)]
        if whole and len(whole) < page.limit:
            last = whole[-1]
            return Page(items=tuple(whole), next=Position(last.created_at, last.id).to_cursor())
        return _cut(whole, page.limit)


@planted("an order of ids upwards", PAGES)
class _OrdersUpwards(_Pages):
    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        rows = sorted(sorted(rows, key=lambda row: row.id), key=lambda row: row.created_at, reverse=True)
        places = [row.id for row in rows]
        start = places.index(page.after.id) + 1 if page.after else 0
        return _cut(rows[start:], page.limit)


class _Offsets(_Pages):
    """Cursors that count rows from the newest instead of naming a place."""

    def _page(self, rows: Sequence[Patient], page: PageRequest) -> Page[Patient]:
        start = page.after.id.int if page.after else 0
        items = tuple(rows[start : start + page.limit])
        if len(rows) <= start + page.limit:
            return Page(items=items, next=None)
        place = evolve(Position(items[-1].created_at, items[-1].id), id=type(items[-1].id)(int=start + page.limit))
        return Page(items=items, next=place.to_cursor())


@planted("a cursor that counts rows", "records_entered_between_two_pages_shift_nothing")
class _CountsRows(_Offsets):
    pass
