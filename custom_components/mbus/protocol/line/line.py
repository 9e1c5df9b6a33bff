"""One request and what comes back, with the waits of the standard (EN 13757-2, 1.6 to 1.8)."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
import logging
from time import time
from typing import Any

from .frame import Frame, FrameReader, Garbage, Received, Single
from .link import Link
from .pause import LONG, Pauses
from .reply import Discard, Judge, Reply, outcome

_LOGGER = logging.getLogger(__name__)

REACTION = 0.05
"""Seconds, beside 330 bit times, within which an answer starts."""

_BEFORE = {Discard.ECHO, Discard.NOISE}
"""What may come before an acknowledgement."""
_LONGEST_FRAME = 261
_SHOWN = 1024
"""Bytes of what came that a trace shows."""
_PATIENCE = 1.5
"""Seconds that a frame may pause, until that was waited for in vain a few times."""
_FEW = 3
_LONGER = 1.25
"""How much longer than the longest pause so far the next ones may be."""
_NEVER_QUIET = 3.0
"""Seconds after which a line that is never idle is spoken on all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and what came after it, for the bus trace.

    `time` is in seconds since 1970, `duration` in seconds. `reply` is what came, or the beginning of
    it if no meter sends so much, `discarded` the kinds of what was not the answer.
    """

    time: float
    request: bytes
    reply: bytes
    is_answered: bool
    discarded: tuple[Discard, ...] = ()
    duration: float

    @property
    def outcome(self) -> str:
        """What became of the request, in a few words."""
        return outcome(is_answered=self.is_answered, discarded=self.discarded)


@dataclass(slots=True)
class Statistics:
    """What happened on a line."""

    requests: int = 0
    replies: int = 0
    discarded: Counter[Discard] = field(default_factory=Counter)


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
        self._sent_at = self._reply_due = 0.0
        self._is_in_step = True
        self._was_cut = False
        self._patience = _FEW
        self._pauses = Pauses()

    @property
    def response_time(self) -> float:
        """Seconds within which the standard lets an answer start, as seen from here."""
        return self._ratio * (self._bits(330) + REACTION) + self.link.latency

    @property
    def time(self) -> float:
        """Seconds by the clock that `settle` waits by."""
        return self._loop.time()

    def _bits(self, count: int) -> float:
        return count / self.link.baud_rate

    @property
    def _idle(self) -> float:
        return self._ratio * self._bits(LONG)

    @property
    def _gap(self) -> float:
        pause = _PATIENCE if self._patience else self.link.gap
        return self._ratio * max(self._bits(33), pause)

    async def settle(self, until: float = 0.0, *, pause: int = 0) -> float:
        """Drop what still comes, until the line is idle and no answer is due.

        `until` is a time of the event loop before which nothing is to be sent, `pause` the bit times
        of idle line. Says how long (s) after the last request something came that had been an answer
        if it had come sooner, 0 if nothing did. Raises LinkError.
        """
        is_in_step = self._is_in_step and not self._was_cut
        idle = self._ratio * self._bits(pause) if is_in_step else self._gap
        until = max(self.link.last_byte_at + idle, self._reply_due, until)
        give_up = max(until, self._loop.time()) + _NEVER_QUIET
        reader = FrameReader()
        dropped: Counter[Discard] = Counter()
        while data := await self.link.read(until - self._loop.time()):
            dropped.update(map(_why_dropped, reader.feed(data)))
            until = max(self._loop.time() + max(idle, self._idle), until)
            if self._loop.time() > give_up:
                break
        dropped.update(map(_why_dropped, reader.flush()))
        if self._was_cut and Discard.NOISE in dropped:
            self._patience = _FEW
        self._is_in_step = True
        self.statistics.discarded.update(dropped)
        if Discard.LATE not in dropped:
            return 0.0
        return max(0.0, self.link.last_byte_at - self._sent_at)

    async def exchange[Answer](
        self,
        request: bytes,
        judge: Judge[Answer],
        *,
        wait: float = 0.0,
        listen_on: float = 0.0,
    ) -> Reply[Answer]:
        """Send a request on the idle line and return what came, as soon as it is the answer.

        The answer may start within the standard's response time, or `wait` seconds if that is
        longer. The line is listened to for `listen_on` seconds even after an answer, for a second
        one. Raises LinkError, and whatever `judge` raises.
        """
        late = await self.settle(pause=self._pauses.before(request))
        reply = Reply[Answer](request, followed_late=late)
        began_at = time() if self._on_exchange else 0.0
        started = self._loop.time()
        was_early = started < self.link.last_byte_at + self._idle
        self.link.write(request)
        sent = started + self._bits(11 * len(request))
        self._sent_at = sent
        self._reply_due = sent + self.response_time
        self._is_in_step = False
        was_cut, self._was_cut = self._was_cut, False
        try:
            await self._listen(reply, judge, sent + wait, listen_on=listen_on)
        finally:
            duration = self._loop.time() - started
            self._count(reply)
            self._pauses.note(request, reply, was_early=was_early)
            if self._on_exchange is not None:
                self._on_exchange(
                    Exchange(
                        time=began_at,
                        request=request,
                        reply=bytes(reply.raw[:_SHOWN]),
                        is_answered=reply.answer is not None,
                        discarded=tuple(reply.discarded),
                        duration=duration,
                    )
                )
        if reply.answer is Single.ACK and reply.discarded.keys() <= _BEFORE:
            # Its only character is over 22 bit times after the request at the earliest.
            delay = self.link.last_byte_at - sent - self._bits(22)
            self.link.learn_latency(max(0.0, delay))
        if was_cut and Discard.NOISE in reply.discarded:
            reply.is_cut = True
            self._patience = _FEW
        self._was_cut = reply.is_cut
        return reply

    async def _listen[Answer](
        self,
        reply: Reply[Answer],
        judge: Judge[Answer],
        end: float,
        *,
        listen_on: float,
    ) -> None:
        due = max(self._reply_due, self._sent_at + listen_on)
        end = max(due, end)
        give_up = end + self._bits(2 * 11 * _LONGEST_FRAME) + _NEVER_QUIET
        reader = FrameReader()
        deadline = end
        pause = first_at = item_at = 0.0
        while self._loop.time() < give_up:
            began, was_pending = self._loop.time(), reader.pending
            data = await self.link.read(deadline - began)
            reply.raw += data
            if data and not reply.is_echo:
                first_at = first_at or self._loop.time()
            if not was_pending:
                item_at = self._loop.time()
            else:
                pause = max(pause, self._loop.time() - began)
                if not data:
                    reply.is_cut = True
                    self._patience = max(0, self._patience - 1)
            for item in reader.feed(data) if data else reader.flush():
                if reply.answer is None:
                    reply.lead = item_at - (first_at or item_at)
                reply.take(item, judge)
                if isinstance(item, Frame):
                    self._learn_gap(pause)
            if data and not reply.is_echo:
                reply.delay = max(0.0, self._loop.time() - self._sent_at)
            if reply.answer is not None and not listen_on and not reply.is_doubtful:
                self._reply_due = 0.0
                break
            if reader.pending:
                deadline = self._loop.time() + self._gap
                continue
            deadline = due if reply.has_spoken else end
            if reply.answer is None and reply.raw:
                # What came may be the beginning of it.
                idle = self.link.last_byte_at + self._idle + REACTION
                deadline = max(deadline, idle)
            if self._loop.time() >= deadline:
                break
        self._is_in_step = not reader.pending
        reply.went_on = self._loop.time() < self.link.last_byte_at + self._idle
        if reply.is_doubtful and Discard.SECOND in reply.discarded:
            reply.answer = None

    def _learn_gap(self, pause: float) -> None:
        """Take note of the longest pause within a frame that was sound."""
        if pause > self.link.gap:
            self.link.gap = _LONGER * pause
            self._patience = 0

    def _count(self, reply: Reply[Any]) -> None:
        self.statistics.requests += 1
        self.statistics.replies += reply.answer is not None
        self.statistics.discarded.update(reply.discarded)
        if _LOGGER.isEnabledFor(logging.DEBUG):
            _LOGGER.debug(
                "%s > %s: %s",
                reply.request.hex(" "),
                reply.raw[:_SHOWN].hex(" "),
                outcome(
                    is_answered=reply.answer is not None, discarded=reply.discarded
                ),
            )


def _why_dropped(item: Received) -> Discard:
    return Discard.NOISE if isinstance(item, Garbage) else Discard.LATE
