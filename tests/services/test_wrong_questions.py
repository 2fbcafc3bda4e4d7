"""The repertory, the keys and the access log from Python: what is wrong is refused by its name, and not counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from clinics import Ground, opened

from clincore.domain.errors import ClinCoreError, InvalidCursor, InvalidInput, InvalidQuery, RubricNotFound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from clincore import Clinic


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with opened(None, tmp_path_factory.mktemp("cache")) as ground:
        yield ground


WRONG: list[tuple[Callable[[Clinic], Awaitable[Any]], type[ClinCoreError]]] = [
    (lambda clinic: clinic.repertory.search("fear", limit=0), InvalidInput),
    (lambda clinic: clinic.repertory.search(None), InvalidInput),  # type: ignore[arg-type]
    (lambda clinic: clinic.repertory.search("fear", cursor=5), InvalidCursor),  # type: ignore[arg-type]
    (lambda clinic: clinic.repertory.search("fear", cursor="x"), InvalidCursor),
    (lambda clinic: clinic.repertory.search('"fear'), InvalidQuery),
    (lambda clinic: clinic.repertory.rubric(999_999), RubricNotFound),
    (lambda clinic: clinic.repertory.rubric(-1), RubricNotFound),
    (lambda clinic: clinic.repertory.rubric("8"), InvalidInput),  # type: ignore[arg-type]
    (lambda clinic: clinic.repertory.remedies(limit=201), InvalidInput),
    (lambda clinic: clinic.repertory.remedies(cursor=5), InvalidCursor),  # type: ignore[arg-type]
    (lambda clinic: clinic.administration.access_log(key_id="x"), InvalidInput),  # type: ignore[arg-type]
    (lambda clinic: clinic.administration.access_log(action="VIEW"), InvalidInput),  # type: ignore[arg-type]
    (lambda clinic: clinic.administration.access_log(since=5), InvalidInput),  # type: ignore[arg-type]
    (lambda clinic: clinic.administration.keys.create(label=None), InvalidInput),  # type: ignore[arg-type]
    (lambda clinic: clinic.administration.keys.create(label="x", role="root"), InvalidInput),  # type: ignore[arg-type]
    (lambda clinic: clinic.administration.keys.revoke("x"), InvalidInput),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("call", "error"), WRONG)
def test_what_is_wrong_is_refused_and_not_counted(
    ground: Ground, call: Callable[[Clinic], Awaitable[Any]], error: type[ClinCoreError]
) -> None:
    async def scene() -> None:
        clinic, _ = await ground.new_clinic()
        with pytest.raises(error) as caught:
            await call(clinic)
        assert type(caught.value) is error
        assert (await clinic.administration.usage()).total_calls == 0

    ground.run(scene())
