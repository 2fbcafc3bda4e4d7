"""A light HTTP/1.1 client in a process of its own: it shares the machine with the server that it measures.

Reads one ``Load`` as JSON from standard input and writes one ``Measured`` as JSON to standard output.
"""

from __future__ import annotations

import hashlib
import json
import random
import select
import socket
import sys
import time
from typing import TYPE_CHECKING, Final
from uuid import UUID

from attrs import asdict, define, field, frozen

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECEIVED: Final = 1 << 18
_END_OF_HEAD: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length: "


@frozen(kw_only=True)
class Load:
    """Requests to one address: ``path`` has the place of an id, ``bodies`` (JSON texts) that of a patient's.

    Ids are those of the records numbered ``first`` to ``first + count - 1``: drawn from them, or each one once.
    It ends after ``seconds``, after ``requests``, or where each record was named once.
    """

    port: int
    connections: int
    method: str
    path: str
    headers: dict[str, str] = field(factory=dict)
    bodies: list[str] = field(factory=list)
    first: int
    count: int
    is_each_once: bool = False
    seconds: float = 3600.0
    requests: int = 1 << 62
    expected: int = 200


@frozen(kw_only=True)
class Measured:
    """What a load met; latencies are in milliseconds, ``cpu_seconds`` are this client's."""

    answered: int
    refused: int
    seconds: float
    cpu_seconds: float
    p50: float
    p99: float

    @property
    def per_second(self) -> float:
        return self.answered / self.seconds


def numbered_id(number: int) -> UUID:
    """The id of the record with this number: md5(number::text)::uuid in SQL."""
    return UUID(hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest())


def requests_of(load: Load) -> Iterator[bytes]:
    """Yield whole requests, each with an id of its own."""
    seeded = random.Random(load.first)  # noqa: S311 - the same requests in every run
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": "127.0.0.1", **load.headers}.items())
    once = iter(range(load.first, load.first + load.count))
    while True:
        number = next(once, None) if load.is_each_once else load.first + seeded.randrange(load.count)
        if number is None:
            return
        record_id = str(numbered_id(number))
        first_line = f"{load.method} {load.path.replace('ID', record_id)} HTTP/1.1\r\n"
        if not load.bodies:
            yield f"{first_line}{head}\r\n".encode()
            continue
        body = seeded.choice(load.bodies).replace("ID", record_id).encode()
        yield f"{first_line}{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@define
class _Line:
    """One connection, with the answer that it is receiving."""

    socket: socket.socket
    sent_at: float = 0.0
    received: bytes = b""
    needed: int = 0

    def send(self, request: bytes) -> None:
        self.received, self.needed = b"", 0
        self.sent_at = time.perf_counter()
        self.socket.sendall(request)

    def is_answered(self) -> bool:
        """Take what has arrived; tell whether the answer is whole."""
        arrived = self.socket.recv(_RECEIVED)
        if not arrived:
            raise ConnectionError("the server has hung up")
        self.received += arrived
        if not self.needed:
            end = self.received.find(_END_OF_HEAD)
            if end < 0:
                return False
            at = self.received.lower().index(_LENGTH) + len(_LENGTH)
            self.needed = end + len(_END_OF_HEAD) + int(self.received[at : self.received.index(b"\r\n", at)])
        return len(self.received) >= self.needed


def run(load: Load) -> Measured:
    """Keep every connection busy with one request at a time until the load is over."""
    poll = select.epoll()
    lines: dict[int, _Line] = {}
    requests = iter(requests_of(load))
    expected = f"HTTP/1.1 {load.expected} ".encode()
    times: list[float] = []
    refused, left = 0, load.requests
    for _ in range(load.connections):
        connected = socket.create_connection(("127.0.0.1", load.port))
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines[connected.fileno()] = _Line(connected)
        poll.register(connected.fileno(), select.EPOLLIN)
    cpu, start = time.process_time(), time.perf_counter()
    end = start + load.seconds
    busy = 0

    def go_on(line: _Line) -> bool:
        nonlocal left
        request = next(requests, None) if left > 0 and time.perf_counter() < end else None
        if request is None:
            return False
        left -= 1
        line.send(request)
        return True

    busy = sum([go_on(line) for line in lines.values()])
    while busy:
        for descriptor, _ in poll.poll():
            line = lines[descriptor]
            if not line.is_answered():
                continue
            if line.received.startswith(expected):
                times.append(time.perf_counter() - line.sent_at)
            else:
                refused += 1
            busy -= not go_on(line)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    for line in lines.values():
        line.socket.close()
    poll.close()
    times.sort()
    return Measured(
        answered=len(times),
        refused=refused,
        seconds=seconds,
        cpu_seconds=cpu,
        p50=_percentile(times, 50),
        p99=_percentile(times, 99),
    )


def _percentile(ordered: list[float], percent: int) -> float:
    return ordered[min(len(ordered) * percent // 100, len(ordered) - 1)] * 1000 if ordered else 0.0


if __name__ == "__main__":
    print(json.dumps(asdict(run(Load(**json.load(sys.stdin))))))
