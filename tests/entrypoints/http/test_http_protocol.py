"""What stands between bytes and requests, under ``clincore serve``."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import socket
import struct
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_http import Ground, read_answer, read_last_answer, refusal, run
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from clincore.domain.limits import HEAD_BYTES
from clincore.entrypoints.cli.connections import Connection, Limits

if TYPE_CHECKING:
    from pathlib import Path

LIMITS = Limits(connections=8)
UNREADABLE = (400, "unreadable-request")
TOO_LARGE = (431, "headers-too-large")
CHUNKED = ("Content-Type: application/json", "Transfer-Encoding: chunked")
OFFER = ("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
PATIENT = b'{"full_name": "Ada Example"}'


def entering(ground: Ground, *more: str) -> bytes:
    """A request that enters a patient."""
    lines = ("Content-Type: application/json", f"Content-Length: {len(PATIENT)}")
    return ground.head("POST", "/patients", *lines, *more) + PATIENT


async def statuses(ground: Ground, *packets: bytes, answers: int) -> list[int]:
    """Send what a connection is, and return how its requests were answered."""
    reader, writer = await ground.connect()
    for packet in packets:
        writer.write(packet)
        await writer.drain()
        await asyncio.sleep(0)
    found = [(await read_answer(reader)).status for _ in range(answers)]
    writer.close()
    return found


async def refused_after(ground: Ground, sent: bytes, *answered: int) -> tuple[int, str]:
    """Send what ends in a refusal, after so many answers; return that."""
    reader, writer = await ground.connect()
    writer.write(sent)
    for status in answered:
        assert (await read_answer(reader)).status == status
    found = refusal(await read_last_answer(reader))
    writer.close()
    return found


async def patients(ground: Ground) -> int:
    return len((await ground.get("/patients")).body["items"])


@given(cuts=st.lists(st.integers(1, 1800), max_size=12))
@settings(max_examples=25)
def test_requests_are_the_same_however_they_are_cut(tmp_path_factory: pytest.TempPathFactory, cuts: list[int]) -> None:
    chunked = b"%x;a=b\r\n%s\r\n0\r\nX-Trailer: t\r\n\r\n" % (len(PATIENT), PATIENT)

    async def scene(ground: Ground) -> None:
        head, offering = (ground.head("POST", "/patients", *CHUNKED, *more) for more in ((), OFFER))
        stream = entering(ground) + ground.head("GET", "/nothing") + head + chunked + offering + chunked
        stream += entering(ground, *OFFER) + ground.head("GET", "/cases", *OFFER) + ground.head("GET", "/cases")
        edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
        packets = [stream[start:end] for start, end in pairwise(edges)]
        assert await statuses(ground, *packets, answers=7) == [201, 404, 201, 201, 201, 200, 200]
        assert await patients(ground) == 4

    run(tmp_path_factory.mktemp("cuts"), LIMITS, scene)


def test_what_comes_before_rubbish_is_done_and_answered_first(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        assert await refused_after(ground, entering(ground) * 2 + b"rubbish\r\n\r\n", 201, 201) == UNREADABLE
        assert await patients(ground) == 2

    run(tmp_path, LIMITS, scene)


def test_a_broken_body_behind_a_running_request_is_refused_after_it(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        broken = ground.head("POST", "/patients", *CHUNKED, "X-Request-ID: second") + b"zz\r\n"
        reader, writer = await ground.connect()
        async with ground.database_taken():
            writer.write(ground.head("GET", "/cases") + broken)
            assert (await ground.get("/version")).status == 200
        assert (await read_answer(reader)).status == 200
        answer = await read_last_answer(reader)
        writer.close()
        assert (refusal(answer), answer.headers["x-request-id"]) == (UNREADABLE, "second")
        assert await patients(ground) == 0

    run(tmp_path, LIMITS, scene)


def test_head_is_answered_without_a_body(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(ground.head("HEAD", "/version") + ground.head("GET", "/cases"))
        async with asyncio.timeout(20):
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert (await read_answer(reader)).status == 200
        writer.close()

    run(tmp_path, LIMITS, scene)


def test_who_waits_to_be_told_to_send_a_body_is_told(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        lines = ("Content-Type: application/json", f"Content-Length: {len(PATIENT)}", "Expect: 100-continue")
        writer.write(ground.head("POST", "/patients", *lines))
        async with asyncio.timeout(20):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(PATIENT)
        assert (await read_answer(reader)).status == 201
        writer.close()

    run(tmp_path, LIMITS, scene)


def test_a_call_without_a_body_is_not_made_where_a_broken_one_comes(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        sent = ground.head("GET", "/patients", "Transfer-Encoding: chunked", "X-Request-ID: broken") + b"zz\r\n"
        reader, writer = await ground.connect()
        writer.write(sent)
        answer = await read_last_answer(reader)
        writer.close()
        assert (refusal(answer), answer.headers["x-request-id"]) == (UNREADABLE, "broken")
        assert (await ground.get("/admin/usage")).body["total_calls"] == 0

    run(tmp_path, LIMITS, scene)


def test_a_body_of_a_request_that_offers_another_protocol_is_no_request(tmp_path: Path) -> None:
    """As clients send that would rather speak HTTP/2."""

    async def scene(ground: Ground) -> None:
        within = entering(ground)
        head = ground.head("GET", "/version", *OFFER, f"Content-Length: {len(within)}")
        after = ground.head("GET", "/cases")
        assert await statuses(ground, head + within + after, answers=2) == [200, 200]
        assert await statuses(ground, head, within + after, answers=2) == [200, 200]
        assert await patients(ground) == 0

    run(tmp_path, LIMITS, scene)


def test_a_connection_that_a_trailer_ends_is_ended(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        body = b"%x\r\n%s\r\n0\r\nConnection: close\r\n\r\n" % (len(PATIENT), PATIENT)
        reader, writer = await ground.connect()
        writer.write(ground.head("POST", "/patients", *CHUNKED) + body + ground.head("GET", "/cases"))
        answer = await read_last_answer(reader)
        assert (answer.status, answer.headers["connection"]) == (201, "close")
        writer.close()

    run(tmp_path, LIMITS, scene)


def test_few_requests_of_a_connection_are_kept_at_once(tmp_path: Path) -> None:
    """The others wait in the client, who is not read from meanwhile."""

    async def scene(ground: Ground) -> None:
        _, writer = await ground.connect()
        async with ground.database_taken():
            writer.write(ground.head("GET", "/cases") + b"GET /x HTTP/1.1\r\nHost:\r\n\r\n" * 20_000)
            assert (await ground.get("/version")).status == 200
            gc.collect()
            assert sum(isinstance(one, RequestResponseCycle) for one in gc.get_objects()) < 300
        writer.close()

    run(tmp_path, LIMITS, scene)


def test_who_sends_no_more_is_answered_all_the_same(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        async with ground.database_taken():
            writer.write(entering(ground) * 20)
            writer.write_eof()
            assert (await ground.get("/version")).status == 200
        assert [(await read_answer(reader)).status for _ in range(20)] == [201] * 20
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        assert await patients(ground) == 20

    run(tmp_path, LIMITS, scene)


def test_a_body_that_is_cut_short_is_not_waited_for(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(entering(ground)[:-5])
        writer.write_eof()
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        assert await patients(ground) == 0

    run(tmp_path, LIMITS, scene)


@pytest.mark.parametrize("last", ["Content-Length: 20000000", "Connection: close"])
def test_no_answer_is_lost_because_the_client_sends_on(tmp_path: Path, last: str) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        final = ground.head("POST", "/nothing", last)
        writer.write(ground.head("GET", "/openapi.json") * 4 + final + b" " * 300_000)
        async with ground.database_taken():
            assert (await ground.get("/version")).status == 200  # who reads late
        assert [(await read_answer(reader)).status for _ in range(5)] == [200] * 4 + [404]
        writer.close()

    run(tmp_path, LIMITS, scene)


def test_nothing_more_comes_while_what_came_waits(tmp_path: Path) -> None:
    """However often a call that is running asks for its body."""
    padded = f"P: {'x' * 1850}"

    async def scene(ground: Ground) -> None:
        _, writer = await ground.connect()
        sent = ground.head("GET", "/cases", padded, "Content-Length: 1") + b"z"
        async with ground.database_taken():
            writer.write(sent * 2_000)
            for _ in range(50):
                assert (await ground.get("/version")).status == 200
            held = [len(one._held) for one in gc.get_objects() if isinstance(one, Connection)]
        assert max(held) < 600_000
        writer.close()

    run(tmp_path, LIMITS, scene)


def test_who_waits_to_send_a_body_and_sends_a_broken_one_is_no_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene(ground: Ground) -> None:
        sent = ground.head("POST", "/patients", *CHUNKED, "Expect: 100-continue") + b"zz\r\n"
        assert await refused_after(ground, sent) == UNREADABLE

    run(tmp_path, LIMITS, scene)
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_a_client_that_has_just_left_is_left_too(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        client = socket.create_connection(("127.0.0.1", ground.port))
        address = client.getsockname()
        while not (found := [one for one in gc.get_objects() if isinstance(one, Connection) and one.client == address]):
            assert (await ground.get("/version")).status == 200
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # resets the connection, which the server has not seen yet
        found[0].leave()

    run(tmp_path, LIMITS, scene)


@pytest.mark.parametrize("size", [900, 30_000])
def test_a_head_is_as_large_as_it_is_sent(tmp_path: Path, size: int) -> None:
    async def scene(ground: Ground) -> None:
        padded = ground.head("GET", "/cases", f"X-Padded:{' ' * 24_000}x")
        packets = [padded[at : at + size] for at in range(0, len(padded), size)]
        reader, writer = await ground.connect()
        for packet in packets:
            writer.write(packet)
        assert refusal(await read_answer(reader)) == TOO_LARGE
        writer.close()

    run(tmp_path, LIMITS, scene)


def test_trailers_are_no_headers(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        head = "\r\n".join(["POST /patients HTTP/1.1", "Host: x", *CHUNKED, "", ""]).encode()
        body = b"%x\r\n%s\r\n0\r\nX-API-Key: %s\r\n\r\n" % (len(PATIENT), PATIENT, ground.key.encode())
        assert await statuses(ground, head + body, answers=1) == [401]
        assert await statuses(ground, ground.head("POST", "/patients", *CHUNKED) + body, answers=1) == [201]

    run(tmp_path, LIMITS, scene)


@pytest.mark.parametrize("besides", [b"0\r\nX-Long: ", b"1;"], ids=["trailers", "a chunk's extension"])
def test_what_is_no_body_is_limited_behind_the_headers_too(tmp_path: Path, besides: bytes) -> None:
    async def scene(ground: Ground) -> None:
        sent = ground.head("POST", "/patients", *CHUNKED) + besides + b"x" * 1_000_000
        assert await refused_after(ground, sent) == TOO_LARGE

    run(tmp_path, LIMITS, scene)


def test_a_body_in_chunks_of_one_byte_is_a_body(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        body = PATIENT + b" " * 20_000
        chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in body) + b"0\r\n\r\n"
        assert await statuses(ground, ground.head("POST", "/patients", *CHUNKED) + chunks, answers=1) == [201]

    run(tmp_path, LIMITS, scene)


@pytest.mark.parametrize(("bytes_more", "status"), [(0, 200), (1, 431)])
def test_the_limit_of_a_head_is_exact(tmp_path: Path, bytes_more: int, status: int) -> None:
    async def scene(ground: Ground) -> None:
        longest = HEAD_BYTES - len(ground.head("GET", "/cases", "X-Long: "))
        head = ground.head("GET", "/cases", f"X-Long: {'x' * (longest + bytes_more)}")
        assert await statuses(ground, head, answers=1) == [status]

    run(tmp_path, LIMITS, scene)


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /health HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        b"GET /health HTTP/1.1\r\n\r\n",
        b"GET /health\r\n\r\n",
        b"GET /health HTTP/2.0\r\nHost: x\r\n\r\n",
        b"GET /health HTTP/1.1\nHost: x\n\n",
        b"GET /health HTTP/1.1\r\nHost: x\r\nA: b\r\n folded\r\n\r\n",
        b"GET /\xe4 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT host:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /patients HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"POST /patients HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\nabc",
        b"POST /patients HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"POST /patients HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_http_1_1_is_refused(tmp_path: Path, sent: bytes) -> None:
    async def scene(ground: Ground) -> None:
        assert await refused_after(ground, sent) == UNREADABLE

    run(tmp_path, LIMITS, scene)


def test_http_1_0_needs_no_host(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(b"GET /health HTTP/1.0\r\n\r\n")
        assert json.dumps((await read_last_answer(reader)).body) == '{"status": "ok"}'
        writer.close()

    run(tmp_path, LIMITS, scene)
