"""Clients that are slow, endless, silent or many hurt nobody but themselves, under ``clincore serve``."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from raw_http import Answer, Ground, read_answer, read_last_answer, refusal, run, served
from service import SERVE, running_service

import clincore
from clincore.domain.limits import LARGE_BODIES_AT_ONCE, LARGE_BODY_BYTES
from clincore.entrypoints.cli.connections import Limits
from clincore.entrypoints.http import reading

if TYPE_CHECKING:
    from pathlib import Path

    from databases import FreshDatabase

QUICK = Limits(connections=8, head=0.3, body=0.6, answer=0.6, look=0.05)
WITHOUT_GRACE = Limits(grace=0)
WITHOUT_START = Limits(connections=8, start=0)
GENEROUS = Limits(connections=8)


async def drip(writer: asyncio.StreamWriter, drop: bytes, answer: asyncio.Task[Answer]) -> Answer:
    """Send a drop at a time until the answer comes."""
    while not answer.done():
        writer.write(drop)
        await asyncio.wait([answer], timeout=0.02)
    return await answer


def test_headers_that_trickle_are_given_up_while_others_are_served(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        slow = asyncio.create_task(drip(writer, b"a", asyncio.create_task(read_last_answer(reader))))
        while not slow.done():
            assert (await ground.get("/cases")).status == 200
        assert refusal(await slow) == (408, "request-timeout")
        writer.close()

    run(tmp_path, QUICK, scene)


def test_a_connection_that_says_nothing_is_ended(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()

    run(tmp_path, QUICK, scene)


def test_a_body_that_trickles_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "BODY_SECONDS", 0.2)

    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(ground.head("POST", "/patients", "Content-Type: application/json", "Content-Length: 5000"))
        answer = await drip(writer, b" ", asyncio.create_task(read_answer(reader)))
        assert refusal(answer) == (408, "request-timeout")
        writer.close()

    run(tmp_path, GENEROUS, scene)


def test_a_call_is_not_made_where_a_body_that_it_does_not_need_never_ends(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(ground.head("GET", "/cases", "Content-Length: 5000") + b"{")
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
        assert (await ground.get("/admin/usage")).body["total_calls"] == 0

    run(tmp_path, QUICK, scene)


def test_a_chunked_body_without_end_is_refused_as_soon_as_it_is_too_large(tmp_path: Path) -> None:
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"

    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(ground.head("POST", "/patients", "Content-Type: application/json", "Transfer-Encoding: chunked"))
        answer = asyncio.create_task(read_answer(reader))
        sent = 0
        with pytest.raises(ConnectionError):
            while True:
                writer.write(chunk)
                sent += len(chunk)
                await writer.drain()
        assert sent < 64 * 1024 * 1024
        assert refusal(await answer) == (413, "body-too-large")
        writer.close()

    run(tmp_path, GENEROUS, scene)


def test_who_sends_a_little_too_much_and_then_reads_gets_the_refusal(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        length = 8 * 1024 * 1024
        writer.write(ground.head("POST", "/patients", "Content-Type: application/json", f"Content-Length: {length}"))
        for _ in range(128):
            writer.write(b" " * 65536)
            await writer.drain()
        assert refusal(await read_last_answer(reader)) == (413, "body-too-large")
        writer.close()

    run(tmp_path, GENEROUS, scene)


def test_huge_headers_are_refused(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        reader, writer = await ground.connect()
        writer.write(ground.head("GET", "/cases", f"X-Huge: {'a' * 1_000_000}"))
        assert refusal(await read_answer(reader)) == (431, "headers-too-large")
        writer.close()
        assert (await ground.get("/cases")).status == 200

    run(tmp_path, GENEROUS, scene)


def test_idle_connections_make_room_for_those_who_ask(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        idle = [await ground.connect() for _ in range(40)]
        for _, writer in idle[:20]:
            writer.write(b"GET /cases HTTP/1.1\r\n")
        for _ in range(20):
            assert (await ground.get("/cases")).status == 200
        for _, writer in idle:
            writer.close()

    run(tmp_path, WITHOUT_START, scene)


def test_past_the_calls_that_are_at_work_one_is_refused_and_may_be_repeated(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        async with ground.database_taken():
            calls = {asyncio.create_task(ground.get("/cases")) for _ in range(9)}
            done, running = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
            (refused,) = [one.result() for one in done]
            assert refusal(refused) == (503, "too-busy")
            assert refused.headers["retry-after"] == "1"
            assert (await ground.get("/version")).status == 200
        assert [(await one).status for one in running] == [200] * 8
        assert (await ground.get("/cases")).status == 200

    run(tmp_path, GENEROUS, scene)


def test_clients_that_do_not_send_their_bodies_keep_nobody_out(tmp_path: Path) -> None:
    """More of them than calls are taken on at once."""

    async def scene(ground: Ground) -> None:
        slow = [await ground.connect() for _ in range(12)]
        for _, writer in slow:
            writer.write(ground.head("POST", "/patients", "Content-Type: application/json", "Content-Length: 9") + b"{")
        for _ in range(20):
            assert (await ground.get("/cases")).status == 200
        for _, writer in slow:
            writer.close()

    run(tmp_path, Limits(connections=16), scene)


def test_many_large_bodies_are_not_kept_at_once(tmp_path: Path) -> None:
    """Nor do they shut out who sends a body that a case needs."""
    begun = b" " * (LARGE_BODY_BYTES + 1)

    async def scene(ground: Ground) -> None:
        head = ground.head("POST", "/patients", "Content-Type: application/json", "Content-Length: 500000")
        large = [await ground.connect() for _ in range(LARGE_BODIES_AT_ONCE + 1)]
        answers = [asyncio.create_task(read_answer(reader)) for reader, _ in large]
        for _, writer in large:
            writer.write(head + begun)
        done, _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED, timeout=20)
        assert [refusal(one.result()) for one in done] == [(503, "too-busy")]
        assert (await ground.enter_patient()).status == 201
        for _, writer in large:
            writer.close()
        await asyncio.gather(*answers, return_exceptions=True)

    run(tmp_path, Limits(connections=64), scene)


def test_a_request_of_two_lengths_is_refused_and_nothing_after_it_is_read(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        lines = ("Content-Type: application/json", "Content-Length: 4", "Transfer-Encoding: chunked")
        reader, writer = await ground.connect()
        body = b'12\r\n{"full_name": "Al"}\r\n0\r\n\r\n'
        writer.write(ground.head("POST", "/patients", *lines) + body + ground.head("GET", "/cases"))
        assert refusal(await read_last_answer(reader)) == (400, "unreadable-request")
        writer.close()

    run(tmp_path, GENEROUS, scene)


def test_a_client_that_does_not_read_its_answers_is_cut_off(tmp_path: Path) -> None:
    async def scene(ground: Ground) -> None:
        _, writer = await ground.connect()
        writer.write(ground.head("GET", "/openapi.json") * 200)
        with pytest.raises(ConnectionResetError):
            async with asyncio.timeout(30):
                while True:
                    writer.write(b"\r\n")  # tells whether the other end is still there
                    await writer.drain()
                    assert (await ground.get("/cases")).status == 200
        writer.close()

    run(tmp_path, QUICK, scene)


def test_what_is_still_running_after_the_grace_is_answered_as_stopped(tmp_path: Path) -> None:
    async def scene() -> Answer:
        async with clincore.open("memory:", cache_directory=tmp_path) as core, AsyncExitStack() as service:
            key = (await core.tenants.create("Clinic")).api_key
            ground = Ground(core, await service.enter_async_context(served(core, WITHOUT_GRACE)), key)
            async with ground.database_taken():
                reader, writer = await ground.connect()
                writer.write(ground.head("GET", "/cases"))
                assert (await ground.get("/version")).status == 200
                await service.aclose()
                answer = await read_last_answer(reader)
                writer.close()
                return answer

    answer = asyncio.run(scene())
    assert (answer.status, answer.body["type"]) == (503, "urn:clincore:problem:not-ready")
    assert answer.headers["retry-after"] == "1"


def test_no_connection_to_the_database_is_held_for_a_slow_client(fresh_database: FreshDatabase) -> None:
    """Of a service with one connection, clients that send or read slowly leave it to the others."""
    with running_service(fresh_database.service_url, command=SERVE, DATABASE_POOL_SIZE="1") as service:
        key = service.bootstrap()
        port = int(service.url.rpartition(":")[2])
        with (
            socket.create_connection(("127.0.0.1", port)) as sends,
            socket.create_connection(("127.0.0.1", port)) as reads_not,
            service.client(key) as client,
        ):
            head = f"HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
            sends.sendall(f'POST /patients {head}Content-Length: 28\r\n\r\n{{"full_name": '.encode())
            reads_not.setblocking(False)
            while True:
                with suppress(BlockingIOError):
                    reads_not.send(f"GET /repertory/remedies?limit=200 {head}\r\n".encode() * 100)
                    continue
                break
            for _ in range(20):
                assert client.get("/cases").status_code == 200
            sends.sendall(b'"Ada Example"}')
            assert b"201 Created" in sends.recv(65536)
