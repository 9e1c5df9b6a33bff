"""Reading a meter: its telegrams, from the first on."""

import asyncio

from ..address import Address, check_address
from ..application.header import Identity
from ..application.telegram import Telegram
from ..errors import MBusError
from ..line.frame import FRAME_COUNT_BIT
from .alarm import read_alarm
from .collector import Collector, LostCountError
from .errors import EndlessError, UncountableError
from .fetching import Fetcher
from .readout import Quirks, Readout
from .requested import read_requested
from .session import Session
from .slave import AfterReset, access_number, is_same

MAX_TELEGRAMS = 64
"""A readout ends here, even if the meter says that more follow."""

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
        if self._slave.last is None:
            self._slave.after_reset = _AFTER_RESET[quirks.keeps_frame_count]
        # A selection is a reset, too.
        is_never_reset = quirks.reset == "never" and isinstance(collector.address, int)
        self._fetcher = Fetcher(
            session,
            collector,
            quirks,
            attempts,
            is_never_reset=is_never_reset or self._slave.after_reset is AfterReset.NEXT,
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
        if error is None and not self._fetcher.is_never_reset:
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
            await self._fetcher.begin()
            try:
                complete = await self._read_numbered(last_telegram)
            except LostCountError:
                if self._fetcher.is_never_reset:
                    self._collector.forget()
                await self._fetcher.rest()
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
        if not self._fetcher.is_never_reset:
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
        with self._fetcher.without_numbers():
            heard = await self._fetcher.fetch_first()
            await self._fetcher.begin_again(slave.asked_with)
            first = await self._fetcher.fetch_first()
            if is_same(first, heard) and self._has_next(first):
                await self._read_on()
                heard = slave.last or first
                await self._fetcher.begin_again(slave.asked_with)
                first = await self._fetcher.fetch_first()
                if self._has_next(heard) and not is_same(first, heard):
                    raise LostCountError
            if not is_same(first, heard):
                slave.after_reset = AfterReset.FIRST
            else:
                await self._fetcher.begin_again(slave.asked_with ^ FRAME_COUNT_BIT)
                first = await self._fetcher.fetch_first()
                self._expect_same(heard, first)
                if not self._has_next(first):
                    # What was heard may be older, and this the last of several.
                    heard, first = first, await self._fetcher.fetch_next()
                    self._expect_same(heard, first)
                slave.after_reset = AfterReset.SAME
        self._collector.take(first)
        return first

    async def _find_end(self) -> None:
        """Read to the last telegram of a meter that goes on over resets. Raises LostCountError.

        The first answer is none that ends a round: it may repeat what was sent before, while the meter
        has gone on at its other address. Nor does no data in the place of a telegram.
        """
        with self._fetcher.without_numbers():
            await self._fetcher.fetch_first()
            await self._read_on()
            if self._has_next(self._collector.telegrams[-1]):
                raise LostCountError

    async def _read_on(self) -> None:
        """Read a round from what follows an answer."""
        await self._read_round(None, await self._fetcher.fetch_next())

    def _expect_same(self, again: Telegram, other: Telegram) -> None:
        """See that a meter has one telegram, which it sent again, and to the other FCB. Raises LostCountError."""
        is_single = not (self._has_next(again) or self._has_next(other))
        is_still = access_number(again) == access_number(other)
        if is_same(again, other) or (is_single and is_still):
            return
        self._slave.after_reset = AfterReset.NEXT
        self._fetcher.is_never_reset = True
        self._collector.forget()
        raise LostCountError

    def _has_next(self, telegram: Telegram) -> bool:
        return telegram.more_records_follow and not self._quirks.ignore_more_records

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

    async def _read_round(
        self, last_telegram: int | None, first: Telegram | None = None
    ) -> bool:
        """Read telegrams, the first one unless it is there, until none follows or the wanted one came; say which."""
        collector = self._collector
        telegram = first or await self._fetcher.fetch(is_first=True)
        while True:
            if telegram is None or self._quirks.ignore_more_records:
                return True
            if not telegram.more_records_follow:
                self._ring = None
                return True
            if (
                len(collector.telegrams) == self._ring
                and not self._fetcher.is_never_reset
            ):
                self._slave.forms = collector.forms
                return True
            if last_telegram is not None and last_telegram < len(collector.sure):
                return False
            if len(collector.telegrams) >= MAX_TELEGRAMS:
                break
            telegram = await self._fetcher.fetch(is_first=False)
        self._learn_ring()
        return True

    def _learn_ring(self) -> None:
        """See after how many telegrams a meter that never marks its end begins again."""
        collector = self._collector
        rings = range(1, MAX_TELEGRAMS // 2 + 1)
        ring = next(filter(collector.recurs_every, rings), None)
        is_refused = self._fetcher.is_never_reset or self._quirks.reset == "never"
        if ring is None or is_refused:
            raise EndlessError(address=self._address, telegrams=MAX_TELEGRAMS)
        self._ring = ring
        collector.keep_first(ring)
        self._slave.forms = collector.forms
