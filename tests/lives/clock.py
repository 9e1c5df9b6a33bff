"""Time that doesn't wait: where nothing is left to do, it is at once the time of the next timer."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
import os
import socket
import tty
from typing import Any
from unittest.mock import patch

OVER_A_TERMINAL = 0.01
"""Seconds (real) in which what was sent is there."""
LONGEST_JOB = 60.0
"""Seconds (real) that a thread may take before time goes on without it."""


class Clock:
    """The one clock of an event loop and of all that ask for the time; it stands still while anything runs.

    What comes over sockets and from threads is waited for in real time, what timers wait for is not waited for at all.
    What comes another way than over loopback may be `on_the_way` for so much longer.
    """

    def __init__(
        self, select: Callable[[float | None], Any], settle: Callable[[], None]
    ) -> None:
        """Start now; `select` is what the loop waits by, and `settle` returns when what was sent before is there."""
        self.seconds = 0.0
        self.jobs = 0
        self.on_the_way = 0.0
        self._start = datetime.now(UTC).timestamp()
        self._select = select
        self._settle = settle

    def time(self) -> float:
        """Return the seconds since 1970."""
        return self._start + self.seconds

    def now(self) -> datetime:
        """Return the time."""
        return datetime.fromtimestamp(self.time(), UTC)

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready; with nothing ready, let the time pass until the next timer."""
        if timeout is None or timeout <= 0:
            return self._select(timeout)
        if self.jobs:
            return self._select(LONGEST_JOB)
        if events := self._select(0):
            return events
        self._settle()
        if events := self._select(self.on_the_way):
            return events
        self.seconds += timeout
        return []


@contextmanager
def _lines() -> Iterator[Callable[[], None]]:
    """Give what sends a byte each way over loopback and over a terminal, and waits for it: a busy machine takes its time."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as near,
        server.accept()[0] as far,
        closing(_Terminal()) as terminal,
    ):
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def settle() -> None:
            near.send(b".")
            far.recv(1)
            terminal.send()

        yield settle


class _Terminal:
    def __init__(self) -> None:
        self._ends = os.openpty()
        tty.setraw(self._ends[1])

    def send(self) -> None:
        for end, other in (self._ends, self._ends[::-1]):
            os.write(end, b".")
            os.read(other, 1)

    def close(self) -> None:
        for end in self._ends:
            os.close(end)


@contextmanager
def accelerated(loop: Any) -> Iterator[Clock]:
    """Let the running loop, and Home Assistant in it, live by a clock of its own."""
    selector, started, run_in_executor = (
        loop._selector,
        loop.time(),
        loop.run_in_executor,
    )

    def ended(_: asyncio.Future[Any]) -> None:
        clock.jobs -= 1

    def run(*arguments: Any) -> asyncio.Future[Any]:
        job: asyncio.Future[Any] = run_in_executor(*arguments)
        clock.jobs += 1
        job.add_done_callback(ended)
        return job

    with _lines() as settle:
        clock = Clock(selector.select, settle)
        with (
            patch.object(selector, "select", clock.select),
            patch.object(loop, "time", lambda: started + clock.seconds),
            patch.object(loop, "run_in_executor", run),
            patch("time.time", clock.time),
            patch("homeassistant.util.dt.utcnow", clock.now),
            patch("homeassistant.helpers.event.time_tracker_utcnow", clock.now),
            patch("homeassistant.helpers.event.time_tracker_timestamp", clock.time),
        ):
            yield clock
