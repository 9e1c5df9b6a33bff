"""Reading a meter: its telegrams, from the first on."""

import asyncio

from ..address import Address, SecondaryAddress, check_address
from ..application.header import Identity
from ..application.telegram import Telegram
from ..errors import MBusError
from ..line.frame import Received, Single
from ..line.reply import Discard, Reply
from .errors import DamagedReplyError
from .failure import failure
from .reading import LostCountError, Reading
from .readout import Quirks, Readout
from .session import Session

MAX_TELEGRAMS = 32
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
        # A selection is a reset, too.
        self._is_never_reset = quirks.reset == "never" and isinstance(
            reading.address, int
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
            if not reading.best:
                raise
        finally:
            slave.rest_until = asyncio.get_running_loop().time() + self._quirks.pause
        telegrams = reading.telegrams if finished else reading.best
        return Readout(telegrams=tuple(telegrams), complete=complete, error=error)

    async def _read_all(self, last_telegram: int | None) -> bool:
        """Read from the first telegram on; say whether the last one there is was reached."""
        # One round more than attempts: what a meter's last telegram is may need a second look.
        for _ in range(self._attempts + 1):
            await self._begin()
            try:
                if not self._is_never_reset:
                    return await self._read_to_end(last_telegram)
                if not self._slave.is_at_first:
                    await self._read_to_end(None)
                    self._reading.forget()
                complete = await self._read_to_end(None)
            except LostCountError:
                if self._is_never_reset:
                    self._reading.forget()
                continue
            self._slave.is_at_first = complete
            return complete
        raise DamagedReplyError(
            f"the telegrams of {self._address} can't be counted", self._address
        )

    async def _begin(self) -> None:
        """Bring the meter to its first telegram, and do what it needs before it sends any."""
        session, quirks, reading = self._session, self._quirks, self._reading
        attempts, wait = self._attempts, quirks.first_byte_timeout
        reading.begin()
        await session.line.settle(self._slave.late_until)
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
            reply = await session.ask(
                self._address, [frame], judge, attempts=attempts, wait=wait
            )
            if isinstance(reply.answer, Telegram):
                reading.take(reply.answer)

    async def _read_to_end(self, last_telegram: int | None) -> bool:
        """Read telegrams until none follows or the wanted one is there; say which."""
        reading = self._reading
        is_first = True
        while len(reading.telegrams) < MAX_TELEGRAMS:
            telegram = await self._read_telegram(is_first=is_first)
            is_first = False
            if telegram is None or reading.begins_again():
                return True
            if not telegram.more_records_follow or self._quirks.ignore_more_records:
                return True
            if last_telegram is not None and len(reading.telegrams) > last_telegram:
                return False
        return False

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
            reply = await self._session.request_data(
                self._address, reading.judge, wait=self._quirks.first_byte_timeout
            )
            replies.append(reply)
            if reply.answer is not None:
                reading.take(reply.answer)
                return reply.answer
            reading.was_disturbed = True
            reading.was_repeated = not is_first or self._is_never_reset
        if any(Discard.OUT_OF_ORDER in reply.discarded for reply in replies):
            raise LostCountError
        no_other = {Discard.REPEATED, Discard.ACKNOWLEDGEMENT}
        if reading.telegrams and all(
            no_other.intersection(reply.discarded) for reply in replies
        ):
            return None
        raise reading.error or failure(self._address, replies, reading)
