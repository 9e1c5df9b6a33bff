"""Reading a meter: its telegrams, from the first on."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from ..address import BROADCAST, SELECTED, Address, SecondaryAddress, check_address
from ..application.header import Identity
from ..application.telegram import Telegram
from ..errors import FrameError, MBusError
from ..line.frame import FRAME_COUNT_BIT, Received, Single, parse_frame
from ..line.reply import Discard, Reply, judge_acknowledgement
from .alarm import read_alarm
from .collector import Collector, LostCountError
from .errors import EndlessError, UncountableError
from .readout import Quirks, Readout
from .requested import read_requested
from .session import Session
from .slave import AfterReset, access_number, is_same
from .unanswered import unanswered

MAX_TELEGRAMS = 64
"""A readout ends here, even if the meter says that more follow."""

_APPLICATION_RESET = 0x50
_AFTER_RESET = {
    None: AfterReset.UNKNOWN,
    False: AfterReset.FIRST,
    True: AfterReset.NEXT,
}
_KEEPS_FRAME_COUNT = {kind: keeps for keeps, kind in _AFTER_RESET.items()}


async def read(
    session: Session,
    address: Address,
    *,
    identity: Identity | None = None,
    last_telegram: int | None = None,
    attempts: int | None = None,
    quirks: Quirks | None = None,
) -> Readout:
    """Read the telegrams of a meter, as `Master.read` does."""
    check_address(address)
    if last_telegram is not None and last_telegram < 0:
        raise ValueError(f"last_telegram is 0 at least, not {last_telegram}")
    reader = _Reader(
        session,
        Collector(
            address,
            slave=session.slave(address),
            identity=identity,
            max_package_length=session.max_package_length,
        ),
        quirks or Quirks(),
        session.times(attempts),
    )
    return await reader.read(last_telegram)


class _Reader:
    """One readout under way."""

    def __init__(
        self, session: Session, collector: Collector, quirks: Quirks, attempts: int
    ) -> None:
        self._session = session
        self._collector = collector
        self._address = collector.address
        self._slave = collector.slave
        self._quirks = quirks
        self._attempts = attempts
        self._ring = quirks.ring
        self._doubted = 0
        self._is_numbered = True
        self._first_count: int | None = None
        if self._slave.last is None:
            self._slave.after_reset = _AFTER_RESET[quirks.keeps_frame_count]
        # A selection is a reset, too.
        self._is_never_reset = self._slave.after_reset is AfterReset.NEXT or (
            quirks.reset == "never" and isinstance(collector.address, int)
        )

    async def read(self, last_telegram: int | None) -> Readout:
        collector, slave = self._collector, self._slave
        error: MBusError | None = None
        complete = finished = False
        try:
            await self._session.line.settle(slave.rest_until)
            complete = await self._read_all(last_telegram)
            finished = True
            if not collector.was_disturbed and len(collector.telegrams) > 1:
                slave.is_counting = collector.counts()
            if complete and (
                last_telegram is None or last_telegram >= len(collector.telegrams)
            ):
                complete = False
                await read_requested(
                    self._session, collector, self._quirks, self._attempts
                )
                complete = True
        except MBusError as err:
            error = err
            slave.selection = None
            if not collector.best:
                raise
        finally:
            slave.rest_until = asyncio.get_running_loop().time() + self._quirks.pause
        alarm = None
        if error is None and not self._is_never_reset:
            alarm = await read_alarm(self._session, collector, self._quirks)
        return Readout(
            telegrams=tuple(collector.telegrams if finished else collector.best),
            complete=complete,
            error=error,
            ring=self._ring,
            keeps_frame_count=_KEEPS_FRAME_COUNT.get(slave.after_reset),
            usual_application=self._quirks.usual_application,
            alarm=alarm,
        )

    async def _read_all(self, last_telegram: int | None) -> bool:
        """Read from the first telegram on; say whether the last one there is was reached."""
        # Two rounds more than attempts: what its first and last telegrams are may need a second look.
        for _ in range(self._attempts + 2):
            await self._begin()
            try:
                complete = await self._read_numbered(last_telegram)
            except LostCountError:
                if self._is_never_reset:
                    self._collector.forget()
                await self._rest()
                continue
            # One that said that more follow may have been disturbed: it only seemed to have no other.
            self._slave.is_at_first = complete and not self._has_next(
                self._collector.telegrams[-1]
            )
            return complete
        raise UncountableError(address=self._address)

    async def _read_numbered(self, last_telegram: int | None) -> bool:
        """Read a round of telegrams that are counted from the first. Raises LostCountError."""
        collector, slave = self._collector, self._slave
        if not self._is_never_reset:
            if slave.after_reset is AfterReset.SAME and not slave.is_at_first:
                slave.after_reset = AfterReset.UNKNOWN
            # What answers to initial frames has no FCB.
            is_known = slave.after_reset is not AfterReset.UNKNOWN
            is_found_out = is_known or self._quirks.initial_frames
            first = None if is_found_out else await self._find_out()
            complete = await self._read_round(last_telegram, first)
        else:
            if not slave.is_at_first:
                await self._find_end()
            collector.before = slave.last
            complete = await self._read_round(None)
        if complete and not self._quirks.ignore_more_records:
            self._believe()
        return complete

    async def _find_out(self) -> Telegram:
        """See what the meter sends first after a reset or selection, and give its first telegram.

        One that keeps its FCB repeats the telegram before, if asked with the same. Where its first
        telegram may just not have changed, that before is let be the last one of a round, which no
        other follows. Raises LostCountError.
        """
        slave = self._slave
        with self._without_numbers():
            heard = await self._read_first()
            await self._begin_again(slave.asked_with)
            first = await self._read_first()
            if is_same(first, heard) and self._has_next(first):
                await self._read_on()
                heard = slave.last or first
                await self._begin_again(slave.asked_with)
                first = await self._read_first()
                if self._has_next(heard) and not is_same(first, heard):
                    raise LostCountError
            if not is_same(first, heard):
                slave.after_reset = AfterReset.FIRST
            else:
                await self._begin_again(slave.asked_with ^ FRAME_COUNT_BIT)
                first = await self._read_first()
                self._expect_same(heard, first)
                if not self._has_next(first):
                    # What was heard may be older, and this the last of several.
                    heard, first = first, await self._read_next()
                    self._expect_same(heard, first)
                slave.after_reset = AfterReset.SAME
        self._collector.take(first)
        return first

    async def _find_end(self) -> None:
        """Read to the last telegram of a meter that goes on over resets. Raises LostCountError.

        The first answer is none that ends a round: it may repeat what was sent before, while the meter
        has gone on at its other address. Nor does no data in the place of a telegram.
        """
        with self._without_numbers():
            await self._read_first()
            await self._read_on()
            if self._has_next(self._collector.telegrams[-1]):
                raise LostCountError

    async def _read_on(self) -> None:
        """Read a round from what follows an answer."""
        await self._read_round(None, await self._read_next())

    async def _read_next(self) -> Telegram:
        """Read what follows an answer: only that is sure to be the next telegram."""
        self._collector.telegrams.clear()
        telegram = await self._read_telegram(is_first=False)
        assert telegram is not None  # None stands for one of those before.
        return telegram

    @contextmanager
    def _without_numbers(self) -> Iterator[None]:
        """Read telegrams that aren't counted from the first: none of them is one of the readout."""
        self._is_numbered = False
        try:
            yield
        finally:
            self._collector.forget()
            self._is_numbered, self._first_count = True, None

    def _expect_same(self, again: Telegram, other: Telegram) -> None:
        """See that a meter has one telegram, which it sent again, and to the other FCB. Raises LostCountError."""
        is_single = not (self._has_next(again) or self._has_next(other))
        is_still = access_number(again) == access_number(other)
        if is_same(again, other) or (is_single and is_still):
            return
        self._slave.after_reset = AfterReset.NEXT
        self._is_never_reset = True
        self._collector.forget()
        raise LostCountError

    def _has_next(self, telegram: Telegram) -> bool:
        return telegram.more_records_follow and not self._quirks.ignore_more_records

    async def _begin_again(self, frame_count: int) -> None:
        """Bring the meter to its first telegram once more, and ask with this FCB for it."""
        self._first_count = frame_count
        await self._rest()
        await self._begin()
        self._collector.forget()

    async def _rest(self) -> None:
        now = asyncio.get_running_loop().time()
        await self._session.line.settle(now + self._quirks.pause)

    async def _read_first(self) -> Telegram:
        telegram = await self._read_telegram(is_first=True)
        assert telegram is not None  # None stands for one of those before.
        return telegram

    def _believe(self) -> None:
        """Make sure that the telegrams are of one round, or raise LostCountError.

        A meter may have said by mistake that more follow. Where telegrams recur, only a second
        round as long as this one tells.
        """
        collector, slave = self._collector, self._slave
        length = len(collector.telegrams)
        if len(collector.sure) < length:
            if slave.forms and collector.recurs_every(len(slave.forms)):
                collector.keep_first(len(slave.forms))
                return
            if self._doubted != length:
                self._doubted = length
                raise LostCountError
        slave.forms = collector.forms

    async def _begin(self) -> None:
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
        elif not self._is_never_reset:
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

    async def _read_round(
        self, last_telegram: int | None, first: Telegram | None = None
    ) -> bool:
        """Read telegrams, the first one unless it is there, until none follows or the wanted one came; say which."""
        collector = self._collector
        telegram = first or await self._read_telegram(is_first=True)
        while True:
            if telegram is None or self._quirks.ignore_more_records:
                return True
            if not telegram.more_records_follow:
                self._ring = None
                return True
            if len(collector.telegrams) == self._ring and not self._is_never_reset:
                self._slave.forms = collector.forms
                return True
            if last_telegram is not None and last_telegram < len(collector.sure):
                return False
            if len(collector.telegrams) >= MAX_TELEGRAMS:
                break
            telegram = await self._read_telegram(is_first=False)
        self._learn_ring()
        return True

    def _learn_ring(self) -> None:
        """See after how many telegrams a meter that never marks its end begins again."""
        collector = self._collector
        rings = range(1, MAX_TELEGRAMS // 2 + 1)
        ring = next(filter(collector.recurs_every, rings), None)
        is_refused = self._is_never_reset or self._quirks.reset == "never"
        if ring is None or is_refused:
            raise EndlessError(address=self._address, telegrams=MAX_TELEGRAMS)
        self._ring = ring
        collector.keep_first(ring)
        self._slave.forms = collector.forms

    async def _read_telegram(self, *, is_first: bool) -> Telegram | None:
        """Request the next telegram; None when the meter has no other than those sent.

        A request repeated with the same FCB gives the same telegram, but not from every meter: the
        first one is asked for with a reset before it, and after a repetition each has to be the
        next by its access number.
        """
        collector = self._collector
        replies: list[Reply[Telegram]] = []
        for attempt in range(self._attempts):
            if attempt and is_first and not self._is_never_reset:
                if self._slave.after_reset is AfterReset.SAME:
                    raise LostCountError  # Whether it heard the request can't be told.
                await self._begin()
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
            if not self._is_never_reset:
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
