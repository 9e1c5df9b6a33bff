"""Reading a meter: its telegrams, from the first on."""

import asyncio

from ..address import BROADCAST, SELECTED, Address, SecondaryAddress, check_address
from ..application.header import Identity
from ..application.telegram import Telegram
from ..errors import FrameError, MBusError
from ..line.frame import Control, Received, Single, parse_frame
from ..line.reply import Discard, Reply, judge_acknowledgement
from .errors import EndlessError, UncountableError
from .reading import LostCountError, Reading
from .readout import Quirks, Readout
from .session import Session
from .slave import is_same
from .unanswered import unanswered

MAX_TELEGRAMS = 64
"""A readout ends here, even if the meter says that more follow."""

_APPLICATION_RESET = 0x50


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
        Reading(
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
        self, session: Session, reading: Reading, quirks: Quirks, attempts: int
    ) -> None:
        self._session = session
        self._reading = reading
        self._address = reading.address
        self._slave = reading.slave
        self._quirks = quirks
        self._attempts = attempts
        self._ring = quirks.ring
        self._doubted = 0
        self._is_numbered = True
        # A selection is a reset, too.
        self._is_never_reset = self._slave.keeps_frame_count or (
            quirks.reset == "never" and isinstance(reading.address, int)
        )

    async def read(self, last_telegram: int | None) -> Readout:
        reading, slave = self._reading, self._slave
        error: MBusError | None = None
        complete = finished = False
        try:
            await self._session.line.settle(slave.rest_until)
            complete = await self._read_all(last_telegram)
            finished = True
            if not reading.was_disturbed and len(reading.telegrams) > 1:
                slave.is_counting = reading.counts()
        except MBusError as err:
            error = err
            slave.selection = None
            if not reading.best:
                raise
        finally:
            slave.rest_until = asyncio.get_running_loop().time() + self._quirks.pause
        return Readout(
            telegrams=tuple(reading.telegrams if finished else reading.best),
            complete=complete,
            error=error,
            ring=self._ring,
        )

    async def _read_all(self, last_telegram: int | None) -> bool:
        """Read from the first telegram on; say whether the last one there is was reached."""
        # One round more than attempts: what a meter's last telegram is may need a second look.
        for _ in range(self._attempts + 1):
            await self._begin()
            try:
                complete = await self._read_numbered(last_telegram)
            except LostCountError:
                if self._is_never_reset:
                    self._reading.forget()
                continue
            self._slave.is_at_first = complete and self._is_never_reset
            return complete
        raise UncountableError(address=self._address)

    async def _read_numbered(self, last_telegram: int | None) -> bool:
        """Read a round of telegrams that are counted from the first. Raises LostCountError."""
        if not self._is_never_reset:
            complete = await self._read_round(last_telegram)
        else:
            if not self._slave.is_at_first:
                self._is_numbered = False
                try:
                    await self._read_round(None)
                finally:
                    self._reading.forget()
                    self._is_numbered = True
                # The last of a round: how many there are is known only after a whole one.
                self._slave.last_number = (len(self._slave.forms) or 2) - 1
            self._reading.before = self._slave.last
            complete = await self._read_round(None)
        if complete and not self._quirks.ignore_more_records:
            self._believe()
        return complete

    def _believe(self) -> None:
        """Make sure that the telegrams are of one round, or raise LostCountError.

        A meter may have said by mistake that more follow. Where telegrams recur, only a second
        round as long as this one tells.
        """
        reading, slave = self._reading, self._slave
        length = len(reading.telegrams)
        if len(reading.sure) < length:
            if slave.forms and reading.recurs_every(len(slave.forms)):
                reading.telegrams = reading.telegrams[: len(slave.forms)]
                return
            if self._doubted != length:
                self._doubted = length
                raise LostCountError
        slave.forms = reading.forms

    async def _begin(self) -> None:
        """Bring the meter to its first telegram, and do what it needs before it sends any."""
        session, quirks, reading = self._session, self._quirks, self._reading
        attempts, wait = self._attempts, quirks.first_byte_timeout
        reading.begin()
        await session.line.settle(self._slave.late_until)
        # First, as they may deselect the meter.
        for frame in filter(_may_be_unanswered, quirks.initial_frames):
            await session.exchange(frame, judge_acknowledgement, wait=0.0)
        if isinstance(self._address, SecondaryAddress):
            await session.select(self._address, attempts=attempts, wait=wait)
        elif not self._is_never_reset:
            await session.reset(self._address, attempts=attempts, wait=wait)
        if quirks.application_reset is not None:
            data = bytes((quirks.application_reset,))
            await session.send_user_data(
                self._address, _APPLICATION_RESET, data, attempts=attempts, wait=wait
            )

        def judge(item: Received) -> Telegram | Single | Discard:
            return item if isinstance(item, Single) else reading.judge(item)

        for frame in quirks.initial_frames:
            if not _may_be_unanswered(frame):
                reply = await session.ask(
                    self._address, [frame], judge, attempts=attempts, wait=wait
                )
                if isinstance(reply.answer, Telegram):
                    reading.take(reply.answer)

    async def _read_round(self, last_telegram: int | None) -> bool:
        """Read telegrams until none follows or the wanted one is there; say which."""
        reading = self._reading
        is_first = True
        while len(reading.telegrams) < MAX_TELEGRAMS:
            telegram = await self._read_telegram(is_first=is_first)
            is_first = False
            if telegram is None or self._quirks.ignore_more_records:
                return True
            if not telegram.more_records_follow:
                self._ring = None
                return True
            if len(reading.telegrams) == self._ring and not self._is_never_reset:
                self._slave.forms = reading.forms
                return True
            if last_telegram is not None and last_telegram < len(reading.sure):
                return False
        self._learn_ring()
        return True

    def _learn_ring(self) -> None:
        """See after how many telegrams a meter that never marks its end begins again."""
        reading = self._reading
        rings = range(1, MAX_TELEGRAMS // 2 + 1)
        ring = next(filter(reading.recurs_every, rings), None)
        if ring is None or self._is_never_reset:
            raise EndlessError(address=self._address, telegrams=MAX_TELEGRAMS)
        self._ring = ring
        reading.telegrams = reading.telegrams[:ring]
        self._slave.forms = reading.forms

    async def _read_telegram(self, *, is_first: bool) -> Telegram | None:
        """Request the next telegram; None when the meter has no other than those sent.

        A request repeated with the same FCB gives the same telegram, but not from every meter: the
        first one is asked for with a reset before it, and after a repetition each has to be the
        next by its access number.
        """
        reading = self._reading
        replies: list[Reply[Telegram]] = []
        for attempt in range(self._attempts):
            if attempt and is_first and not self._is_never_reset:
                await self._begin()
            reply = await self._request(is_first=is_first)
            replies.append(reply)
            if reply.answer is not None:
                reading.take(reply.answer)
                if self._is_numbered:
                    self._slave.last_number = len(reading.telegrams) - 1
                return reply.answer
            if Discard.OTHER_METER in reply.discarded:
                self._slave.selection = None
            if is_first and Discard.OUT_OF_ORDER in reply.discarded:
                raise LostCountError
            reading.was_disturbed = True
            reading.was_repeated = not is_first or self._is_never_reset
        if any(Discard.OUT_OF_ORDER in reply.discarded for reply in replies):
            raise LostCountError
        no_other = {Discard.REPEATED, Discard.ACKNOWLEDGEMENT}
        if reading.telegrams and all(
            no_other.intersection(reply.discarded) for reply in replies
        ):
            return None
        raise reading.error or unanswered(self._address, replies, reading)

    async def _request(self, *, is_first: bool) -> Reply[Telegram]:
        """Request a telegram once; a first one that can't be it is asked for with the other FCB.

        A meter that keeps its FCB over a reset or selection sends its last telegram again. What comes
        then instead has no number yet. Raises LostCountError.
        """
        slave, reading = self._slave, self._reading
        wait = self._quirks.first_byte_timeout
        last, number, was_still = slave.last, slave.last_number, slave.is_still
        reply = await self._session.request_data(
            self._address, reading.judge, wait=wait
        )
        first = reply.answer
        if not is_first or first is None:
            return reply
        is_old = last is not None and is_same(first, last) and not was_still
        if self._is_numbered and reading.is_misplaced(first):
            is_old, number, slave.forms = True, 1, ()
            if self._is_never_reset:
                raise LostCountError
        if not is_old:
            return reply
        other = await self._session.request_data(
            self._address, reading.judge, wait=wait
        )
        if other.answer is None or (is_same(other.answer, first) and not number):
            return other
        if not is_same(other.answer, first):
            if self._is_never_reset and not (number and self._is_numbered):
                return other
            if number or not slave.is_still:
                slave.keeps_frame_count |= not self._is_never_reset
                self._is_never_reset = True
        raise LostCountError


def _may_be_unanswered(request: bytes) -> bool:
    """Say whether no meter has to answer: a broadcast, or a reset of what may be selected."""
    try:
        frame = parse_frame(request)
    except FrameError:
        return False
    return frame.address == BROADCAST or (
        frame.address == SELECTED and frame.control == Control.SND_NKE
    )
