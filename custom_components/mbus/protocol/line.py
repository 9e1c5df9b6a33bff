"""One request and what comes back, with the waits of the standard (EN 13757-2, 1.6 to 1.8)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
import logging
from time import time

from .frame import Frame, FrameReader, Garbage, Received, Single
from .link import Link

_LOGGER = logging.getLogger(__name__)

_LONGEST_FRAME = 261
_NEVER_QUIET = 3.0
"""Seconds after which a line that is never idle is spoken on all the same."""


class Discard(StrEnum):
    """Why something that came was not the answer."""

    ECHO = "echo"
    NOISE = "noise"
    FOREIGN = "foreign address"
    OTHER_METER = "other meter"
    ANONYMOUS = "no identification"
    REPEATED = "repeated answer"
    ACKNOWLEDGEMENT = "acknowledgement without data"
    BUSY = "meter is busy"
    SECOND = "second answer"
    LATE = "late answer"


_ENDS_THE_WAIT = {
    Discard.NOISE,
    Discard.ACKNOWLEDGEMENT,
    Discard.BUSY,
    Discard.REPEATED,
}
"""After these the meter has spoken: only the standard's response time is waited for more."""

type Answer = Frame | Single
type Judge = Callable[[Received], Discard | None]
"""Says why something is not the answer, or None when it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and all bytes that came after it, for the bus trace.

    `time` is in seconds since 1970, `duration` in seconds.
    """

    time: float
    request: bytes
    reply: bytes
    outcome: str
    duration: float


@dataclass(slots=True)
class Statistics:
    """What happened on a line; `busy_time` is in seconds."""

    requests: int = 0
    replies: int = 0
    discarded: Counter[Discard] = field(default_factory=Counter)
    busy_time: float = 0.0


@dataclass(slots=True)
class Reply:
    """What came after one request."""

    request: bytes
    answer: Answer | None = None
    discarded: list[Discard] = field(default_factory=list)

    def take(self, item: Received, judge: Judge) -> None:
        """Sort in what was received."""
        reason = Discard.SECOND if self.answer is not None else judge(item)
        if reason is not None:
            self.discarded.append(reason)
        elif isinstance(item, Frame | Single):
            self.answer = item

    @property
    def ends_the_wait(self) -> bool:
        """The meter has spoken, though not as expected."""
        return not _ENDS_THE_WAIT.isdisjoint(self.discarded)

    @property
    def is_doubtful(self) -> bool:
        """E5 among noise may be the remains of something longer."""
        return self.answer is Single.ACK and Discard.NOISE in self.discarded


class Line:
    """A link on which requests are sent one at a time, each on an idle line."""

    def __init__(
        self,
        link: Link,
        *,
        line_delay_ratio: float = 1.0,
        on_exchange: Callable[[Exchange], None] | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        """Use an open link; `line_delay_ratio` stretches every wait that depends on the line."""
        self.link = link
        self.statistics = statistics or Statistics()
        self._ratio = line_delay_ratio
        self._on_exchange = on_exchange
        self._loop = asyncio.get_running_loop()
        self._reply_due = 0.0
        self._is_in_step = True

    @property
    def response_time(self) -> float:
        """Seconds within which the standard lets an answer start, as seen from here."""
        return self._ratio * (self._bits(330) + 0.05) + self.link.latency

    def _bits(self, count: int) -> float:
        return count / self.link.baud_rate

    @property
    def _idle(self) -> float:
        return self._ratio * self._bits(33)

    @property
    def _gap(self) -> float:
        return self._ratio * max(self._bits(33), self.link.gap)

    async def settle(self, until: float = 0.0) -> None:
        """Drop what still comes, until the line is idle and no answer is due.

        `until` is a time of the event loop before which nothing is to be sent.
        """
        pause = self._idle if self._is_in_step else self._gap
        until = max(self.link.last_byte_at + pause, self._reply_due, until)
        give_up = max(until, self._loop.time()) + _NEVER_QUIET
        reader = FrameReader()
        while data := await self.link.read(until - self._loop.time()):
            self._drop(reader.feed(data))
            until = max(self._loop.time() + pause, until)
            if self._loop.time() > give_up:
                break
        self._drop(reader.flush())
        self._is_in_step = True

    def _drop(self, received: list[Received]) -> None:
        for item in received:
            is_noise = isinstance(item, Garbage)
            self.statistics.discarded[Discard.NOISE if is_noise else Discard.LATE] += 1
            if item is Single.ACK:
                self.link.unlearn_latency()

    async def exchange(
        self,
        request: bytes,
        judge: Judge,
        *,
        wait: float = 0.0,
        listen_on: bool = False,
    ) -> Reply:
        """Send a request on the idle line and return what came, as soon as it is the answer.

        The answer may start within the standard's response time, or `wait` seconds if that is
        longer. With `listen_on`, the line is listened to until then even after an answer, for a
        second one. Raises LinkError, and whatever `judge` raises.
        """
        await self.settle()
        started = self._loop.time()
        self.link.write(request)
        self.statistics.requests += 1
        sent = started + self._bits(11 * len(request))
        due = self._reply_due = sent + self.response_time
        end = max(due, sent + wait)
        self._is_in_step = False
        reply = Reply(request)
        raw = bytearray()
        reader = FrameReader()
        trace_time = time() if self._on_exchange else 0.0
        try:
            deadline = end
            give_up = end + self._bits(2 * 11 * _LONGEST_FRAME) + _NEVER_QUIET
            while True:
                data = await self.link.read(deadline - self._loop.time())
                raw += data
                for item in reader.feed(data) if data else reader.flush():
                    reply.take(item, judge)
                if reply.answer is not None and not listen_on and not reply.is_doubtful:
                    self._reply_due = 0.0
                    break
                now = self._loop.time()
                if reader.pending:
                    deadline = now + self._gap
                else:
                    deadline = due if reply.ends_the_wait else end
                if now >= deadline or now >= give_up:
                    break
            self._is_in_step = not reader.pending
            if reply.is_doubtful and Discard.SECOND in reply.discarded:
                reply.answer = None
            if reply.answer is Single.ACK and not reply.discarded:
                # The answer started with its only character, 11 bit times after the request at
                # the earliest.
                self.link.learn_latency(
                    max(0.0, self.link.last_byte_at - sent - self._bits(22))
                )
        finally:
            duration = self._loop.time() - started
            self.statistics.busy_time += duration
            self.statistics.replies += reply.answer is not None
            self.statistics.discarded.update(reply.discarded)
            outcome = ", ".join(reply.discarded) or "nothing"
            if reply.answer is not None:
                outcome = "answered" + (f" ({outcome})" if reply.discarded else "")
            _LOGGER.debug("%s > %s: %s", request.hex(" "), raw.hex(" "), outcome)
            if self._on_exchange is not None:
                self._on_exchange(
                    Exchange(
                        time=trace_time,
                        request=request,
                        reply=bytes(raw),
                        outcome=outcome,
                        duration=duration,
                    )
                )
        return reply
