"""How request bodies are read."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
from msgspec import Struct

from clincore.domain.errors import InvalidInput, Problem
from clincore.domain.limits import BODY_BYTES, BODY_SECONDS, LARGE_BODIES_AT_ONCE, LARGE_BODY_BYTES
from clincore.entrypoints.http.problems import BUSY, MALFORMED, MEDIA_TYPE, TIMEOUT, TOO_LARGE, HttpRefusal
from clincore.entrypoints.http.wording import validation_problem

if TYPE_CHECKING:
    from starlette.requests import Request

Body = TypeVar("Body", bound=Struct)
_NAME_CHARACTERS: Final = 40
_POSITION: Final = re.compile(r"\(byte (\d+)\)")


async def read_body(request: Request, kind: type[Body], *, optional: bool = False) -> Body:
    """Read and check a JSON body; an ``optional`` one may be empty.

    Raises HttpRefusal (400 with the position, 408, 413, 415, 503) and InvalidInput naming the first invalid field.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise HttpRefusal(MEDIA_TYPE, "Send the body as it is, without a Content-Encoding.")
    content = await _content(request)
    if optional and not content.strip():
        return kind()
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HttpRefusal(MEDIA_TYPE, "Send the body as JSON, with the header 'Content-Type: application/json'.")
    return parse(content, kind)


async def pass_over_body(request: Request) -> None:
    """Wait for the end of a body that nobody needs; raises HttpRefusal (408, 413, 503)."""
    await _content(request)


def parse(content: bytes, kind: type[Body]) -> Body:
    """Read a JSON document; raises HttpRefusal (400 with the position) and InvalidInput.

    The second pass looks for nothing but fields that stand twice, of which the first one takes the last.
    """
    try:
        body = msgspec.json.decode(content, type=kind)
        _REPEATED.decode(content.decode())
    except msgspec.ValidationError as error:
        _require_json(content)
        raise InvalidInput([validation_problem(str(error), kind)]) from None
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise HttpRefusal(MALFORMED, _malformed(content, error)) from None
    return body


def _require_json(content: bytes) -> None:
    """Raise HttpRefusal where a body with an invalid field is no JSON either, further on."""
    try:
        json.loads(content, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise HttpRefusal(MALFORMED, _malformed(content, error)) from None


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    """Refuse a field that stands twice in one object: readers disagree on which of the two counts."""
    if len(dict(pairs)) == len(pairs):
        return
    name, times = Counter(name for name, _ in pairs).most_common(1)[0]
    raise InvalidInput([Problem("", f"has the field `{name[:_NAME_CHARACTERS]}` {times} times")])


_REPEATED: Final = json.JSONDecoder(object_pairs_hook=_refuse_repeated, parse_int=str, parse_float=str)


async def _content(request: Request) -> bytes:
    too_large = HttpRefusal(TOO_LARGE, f"A body has {BODY_BYTES} bytes (1 MiB) at most.")
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > BODY_BYTES:
        raise too_large
    content = bytearray()
    room: asyncio.Semaphore = request.scope["clincore.large_bodies"]
    is_large = False
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                content += chunk
                if len(content) > BODY_BYTES:
                    raise too_large
                if len(content) > LARGE_BODY_BYTES and not is_large:
                    is_large = await _let_in(room)
    except TimeoutError:
        raise HttpRefusal(TIMEOUT, f"A body has to arrive within {BODY_SECONDS} seconds.") from None
    finally:
        if is_large:
            room.release()
    return bytes(content)


async def _let_in(room: asyncio.Semaphore) -> bool:
    """Take one of the places for large bodies; raises HttpRefusal where none is left."""
    if room.locked():
        raise HttpRefusal(
            BUSY,
            f"{LARGE_BODIES_AT_ONCE} bodies of more than {LARGE_BODY_BYTES} bytes are coming in, which is all that the "
            "service takes on at once. Try again shortly.",
        )
    return await room.acquire()


def _malformed(content: bytes, error: Exception) -> str:
    if not content.strip():
        return "The body is empty; a JSON object is needed."
    found = _POSITION.search(str(error))
    if found is not None:
        return f"The body is not JSON: the error is {_place(content, int(found.group(1)))}."
    try:
        json.loads(content.decode())
    except UnicodeDecodeError as wrong:
        return f"The body is not JSON: it is not UTF-8 {_place(content, wrong.start)}."
    except ValueError:
        return f"The body is not JSON: it ends too early, {_place(content, len(content))}."
    except RecursionError:
        return "The body is not JSON that can be read: it is nested too deep."
    return "The body is not JSON that can be read: a text in it has half of a surrogate pair, such as \\ud800."


def _place(content: bytes, position: int) -> str:
    line = content.count(b"\n", 0, position) + 1
    column = position - (content.rfind(b"\n", 0, position) + 1) + 1
    return f"at byte {position} (line {line}, column {column})"
