"""Fetching a meter's telegrams, one after another: what is asked for each, and what may come for it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..address import BROADCAST, SELECTED, SecondaryAddress
from ..application.telegram import Telegram
from ..errors import FrameError
from ..line.frame import Received, Single, parse_frame
from ..line.reply import Discard, Reply, judge_acknowledgement
from .collector import Collector, LostCountError
from .readout import Quirks
from .session import Session
from .slave import AfterReset, is_same
from .unanswered import unanswered

_APPLICATION_RESET = 0x50


class Fetcher:
    """Brings one meter to its first telegram, and fetches that and the next ones.

    `is_never_reset`: it goes on over resets, or none may be sent.
    """

    def __init__(
        self,
        session: Session,
        collector: Collector,
        quirks: Quirks,
        attempts: int,
        *,
        is_never_reset: bool,
    ) -> None:
        """Ask nothing yet; what is fetched goes to the collector."""
        self.is_never_reset = is_never_reset
        self._session = session
        self._collector = collector
        self._address = collector.address
        self._slave = collector.slave
        self._quirks = quirks
        self._attempts = attempts
        self._is_numbered = True
        self._first_count: int | None = None

    async def begin(self) -> None:
        """Bring the meter to its first telegram, and do what it needs before it sends any."""
        session, quirks, collector = self._session, self._quirks, self._collector
        attempts, wait = self._attempts, quirks.first_byte_timeout
        collector.begin()
        await session.line.settle(session.late_until(self._address))
        # First, as they may deselect the meter.
        for frame in filter(_may_be_unanswered, quirks.initial_frames):
            await session.exchange(frame, judge_acknowledgement, wait=0.0)
        if isinstance(self._address, SecondaryAddress):
            await session.select(self._address, attempts=attempts, wait=wait)
        elif not self.is_never_reset:
            await session.reset(self._address, attempts=attempts, wait=wait)
        code = quirks.application_reset
        if code is not None or quirks.usual_application:
            data = b"" if code is None else bytes((code,))
            await session.send_user_data(
                self._address, _APPLICATION_RESET, data, attempts=attempts, wait=wait
            )

        def judge(item: Received) -> Telegram | Single | Discard:
            return item if isinstance(item, Single) else collector.judge(item)

        for frame in quirks.initial_frames:
            if not _may_be_unanswered(frame):
                reply = await session.ask(
                    self._address, [frame], judge, attempts=attempts, wait=wait
                )
                if isinstance(reply.answer, Telegram):
                    collector.take(reply.answer)
        if self._first_count is not None:
            self._slave.frame_count = self._first_count

    async def begin_again(self, frame_count: int) -> None:
        """Bring the meter to its first telegram once more, and ask with this FCB for it."""
        self._first_count = frame_count
        await self.rest()
        await self.begin()
        self._collector.forget()

    async def rest(self) -> None:
        """Let the meter pause as long as it needs between two readouts."""
        now = asyncio.get_running_loop().time()
        await self._session.line.settle(now + self._quirks.pause)

    async def fetch_first(self) -> Telegram:
        """Request the first telegram. Raises LostCountError."""
        telegram = await self.fetch(is_first=True)
        assert telegram is not None  # None stands for one of those before.
        return telegram

    async def fetch_next(self) -> Telegram:
        """Request what follows an answer: only that is sure to be the next telegram. Raises LostCountError."""
        self._collector.forget()
        telegram = await self.fetch(is_first=False)
        assert telegram is not None  # None stands for one of those before.
        return telegram

    @contextmanager
    def without_numbers(self) -> Iterator[None]:
        """Fetch telegrams that aren't counted from the first: none of them is one of the readout."""
        self._is_numbered = False
        try:
            yield
        finally:
            self._collector.forget()
            self._is_numbered, self._first_count = True, None

    async def fetch(self, *, is_first: bool) -> Telegram | None:
        """Request the next telegram; None when the meter has no other than those sent.

        A request repeated with the same FCB gives the same telegram, but not from every meter: the
        first one is asked for with a reset before it, and after a repetition each has to be the
        next by its access number.
        """
        collector = self._collector
        replies: list[Reply[Telegram]] = []
        for attempt in range(self._attempts):
            if attempt and is_first and not self.is_never_reset:
                if self._slave.after_reset is AfterReset.SAME:
                    raise LostCountError  # Whether it heard the request can't be told.
                await self.begin()
            reply = await self._request(is_first=is_first)
            replies.append(reply)
            if reply.answer is not None:
                collector.take(reply.answer)
                return reply.answer
            if Discard.OTHER_METER in reply.discarded:
                self._slave.selection = None
            if is_first and Discard.OUT_OF_ORDER in reply.discarded:
                raise LostCountError
            collector.note_unanswered()
        if any(Discard.OUT_OF_ORDER in reply.discarded for reply in replies):
            raise LostCountError
        no_other = {Discard.REPEATED, Discard.ACKNOWLEDGEMENT}
        if collector.telegrams and all(
            no_other.intersection(reply.discarded) for reply in replies
        ):
            return None
        raise collector.error or unanswered(self._address, replies, collector)

    async def _request(self, *, is_first: bool) -> Reply[Telegram]:
        """Request a telegram once; see that a first one can be it. Raises LostCountError."""
        slave, collector = self._slave, self._collector
        last, was_still = slave.last, slave.is_still
        reply = await self._ask()
        first = reply.answer
        if first is None or not (is_first and self._is_numbered):
            return reply
        is_old = last is not None and is_same(first, last) and not was_still
        is_one_of_more = slave.after_reset is AfterReset.SAME and (
            last is None or first.more_records_follow != last.more_records_follow
        )
        if is_old or is_one_of_more or collector.is_misplaced(first):
            slave.forms = ()
            if not self.is_never_reset:
                slave.after_reset = AfterReset.UNKNOWN
            raise LostCountError
        return reply

    async def _ask(self) -> Reply[Telegram]:
        return await self._session.request_data(
            self._address, self._collector.judge, wait=self._quirks.first_byte_timeout
        )


def _may_be_unanswered(request: bytes) -> bool:
    """Say whether no meter has to answer: a broadcast, or a reset of what may be selected."""
    try:
        frame = parse_frame(request)
    except FrameError:
        return False
    return frame.address == BROADCAST or (frame.address == SELECTED and frame.is_reset)
