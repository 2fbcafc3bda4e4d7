"""Request bodies: their types, and how they are read."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.limits import BODY_BYTES, MAX_GRACE_SECONDS, MAX_ID
from clincore.entrypoints.http.problems import MALFORMED, MEDIA_TYPE, TOO_LARGE, HttpRefusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

Body = TypeVar("Body", bound=Struct)
SymptomId = Annotated[int, Meta(ge=1, le=MAX_ID)]
_WEIGHT_BYTES: Final = 64
_MESSAGE_CHARACTERS: Final = 200
"""An unknown field's name stands in the message, however long it is."""
_POSITION: Final = re.compile(r"\(byte (\d+)\)")
_PATH: Final = re.compile(r" - at `\$\.?(.*)`$")


class TenantBody(Struct, forbid_unknown_fields=True):
    tenant_name: str


class RotationBody(Struct, forbid_unknown_fields=True):
    grace_seconds: Annotated[int, Meta(ge=0, le=MAX_GRACE_SECONDS)] = 0


class PatientBody(Struct, forbid_unknown_fields=True):
    full_name: str
    birth_year: int | None = None
    phone: str | None = None


class PatientChanges(Struct, forbid_unknown_fields=True):
    """What is left away stays as it is; null empties an optional field."""

    full_name: str | UnsetType = UNSET
    birth_year: int | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET


class RubricBody(Struct, forbid_unknown_fields=True):
    symptom_id: SymptomId
    weight: Raw | UnsetType = UNSET
    """Kept as written, so that no digit passes through binary floating point."""
    eliminate: bool | UnsetType = UNSET


class InputBody(Struct, forbid_unknown_fields=True):
    """An ``input_payload``; what its fields mean together is the domain's to say."""

    symptom_ids: list[SymptomId] | UnsetType = UNSET
    rubrics: list[RubricBody] | UnsetType = UNSET
    course: str | UnsetType = UNSET
    case_type: str | UnsetType = UNSET
    method: str | UnsetType = UNSET
    top_n: Annotated[int, Meta(ge=0)] | UnsetType = UNSET
    notes: str | UnsetType = UNSET

    def payload(self, path: str) -> dict[str, Any]:
        """Return the payload as given, weights exact; raises InvalidInput for a weight that is not a number."""
        given = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}
        if "rubrics" in given:
            prefix = f"{path}." if path else ""
            given["rubrics"] = [
                _rubric(entry, f"{prefix}rubrics[{index}].weight") for index, entry in enumerate(given["rubrics"])
            ]
        return given


class CaseBody(Struct, forbid_unknown_fields=True):
    patient_id: UUID
    input_payload: InputBody


class CaseChanges(Struct, forbid_unknown_fields=True):
    input_payload: InputBody


def _rubric(entry: RubricBody, path: str) -> dict[str, Any]:
    given: dict[str, Any] = {"symptom_id": entry.symptom_id}
    if isinstance(entry.weight, Raw):
        given["weight"] = _number(bytes(entry.weight), path)
    if entry.eliminate is not UNSET:
        given["eliminate"] = entry.eliminate
    return given


def _number(raw: bytes, path: str) -> Decimal:
    """A JSON number's exact value; its form was checked by the JSON reader."""
    try:
        if raw[:1] in b"-0123456789" and len(raw) <= _WEIGHT_BYTES:
            return Decimal(raw.decode())
    except ArithmeticError:  # an exponent beyond those that a Decimal can have
        pass
    raise InvalidInput([Problem(path, "must be a JSON number, written in a few digits")])


async def read_body(request: Request, kind: type[Body], *, optional: bool = False) -> Body:
    """Read and check a JSON body; an ``optional`` one may be empty.

    Raises HttpRefusal (400 with the position, 413, 415) and InvalidInput naming the first invalid field.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HttpRefusal(MEDIA_TYPE, "Send the body as it is, without a Content-Encoding.")
    content = await _content(request)
    if optional and not content.strip():
        return kind()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in ("application/json", "application/merge-patch+json"):
        raise HttpRefusal(MEDIA_TYPE, "Send the body as JSON, with the header 'Content-Type: application/json'.")
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput([_validation_problem(str(error))]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HttpRefusal(MALFORMED, _malformed(content, error)) from None


async def _content(request: Request) -> bytes:
    too_large = HttpRefusal(TOO_LARGE, f"A body has {BODY_BYTES} bytes (1 MiB) at most.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > BODY_BYTES:
        raise too_large
    content = bytearray()
    async for chunk in _chunks(request):
        content += chunk
        if len(content) > BODY_BYTES:
            raise too_large
    return bytes(content)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        yield chunk


def _validation_problem(message: str) -> Problem:
    """msgspec's message as a path and what was expected; the message holds types and names of fields, no values."""
    found = _PATH.search(message)
    path = found.group(1) if found else ""
    said = _PATH.sub("", message)
    return Problem(path, said if len(said) <= _MESSAGE_CHARACTERS else f"{said[:_MESSAGE_CHARACTERS]}…")


def _malformed(content: bytes, error: Exception) -> str:
    found = _POSITION.search(str(error))
    if not content.strip():
        return "The body is empty; a JSON object is needed."
    if found is None:
        return "The body is not JSON: it ends too early, is nested too deep, or is not UTF-8."
    position = int(found.group(1))
    line = content.count(b"\n", 0, position) + 1
    column = position - (content.rfind(b"\n", 0, position) + 1) + 1
    return f"The body is not JSON: the error is at byte {position} (line {line}, column {column})."
