"""Transactions with meters over one open link (EN 13757-2, EN 13757-3, EN 13757-7)."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

from ..address import SELECTED, Address, SecondaryAddress, link_address
from ..application.header import Identity
from ..application.record import Record
from ..application.telegram import Telegram
from ..coding.values import Value
from ..errors import DamagedReplyError, MBusError
from ..line.frame import (
    FRAME_COUNT_BIT,
    Control,
    Frame,
    Received,
    Single,
    long_frame,
    short_frame,
)
from ..line.line import (
    Discard,
    Exchange,
    Judge,
    Line,
    Reply,
    Statistics,
    judge_acknowledgement,
    judge_answer_from,
)
from ..line.link import Link
from .commands import write_record
from .failure import failure
from .readout import LostCountError, Quirks, Reading, Readout
from .search import Search, SearchStep

MAX_TELEGRAMS = 32
"""A readout ends here, even if the meter says that more follow."""

_BUSY_PAUSE = 1.0
_SHORTEST_TELEGRAM = 9
"""Bytes; when fewer came, the answer may still come."""
_APPLICATION_RESET = 0x50
_SELECT = 0x52


class Master:
    """Speaks with the meters on a bus, one transaction at a time: the caller sees to that.

    `timeout` is in seconds until the first byte of an answer, `attempts` the number of times that
    a request is sent, `line_delay_ratio` multiplies every wait that depends on the line, and
    `max_package_length` is in bytes from CI on. `on_exchange` is told of each request and what came.
    """

    def __init__(
        self,
        link: Link,
        *,
        timeout: float = 3.0,
        attempts: int = 3,
        line_delay_ratio: float = 1.0,
        max_package_length: int = 250,
        on_exchange: Callable[[Exchange], None] | None = None,
        statistics: Statistics | None = None,
    ) -> None:
        """Use an open link; `statistics` go on counting where another master left them."""
        self.line = Line(
            link,
            line_delay_ratio=line_delay_ratio,
            on_exchange=on_exchange,
            statistics=statistics,
        )
        self.timeout = timeout * line_delay_ratio
        self.attempts = attempts
        self.max_package_length = max_package_length
        self._loop = asyncio.get_running_loop()
        self._frame_counts: dict[int, int] = {}
        self._at_first_telegram: set[int] = set()
        self._selections: dict[SecondaryAddress, bytes] = {}
        self._rest_until: dict[Address, float] = {}
        self._uniform: dict[Address, bool] = {}
        self._counting: set[Address] = set()
        self._may_hear_older = False
        self._late_until = 0.0

    @property
    def link(self) -> Link:
        """The link in use; another one is a new way to the same bus."""
        return self.line.link

    @link.setter
    def link(self, link: Link) -> None:
        self.line.link = link
        self._may_hear_older = True

    @property
    def statistics(self) -> Statistics:
        """What happened on the line so far."""
        return self.line.statistics

    async def reset(
        self, address: int, *, attempts: int | None = None, wait: float | None = None
    ) -> None:
        """Reset the link layer of a meter (SND_NKE): its next telegram is the first.

        Raises NoReplyError, DamagedReplyError, LinkError.
        """
        request = short_frame(Control.SND_NKE, address)
        await self._be_acknowledged(address, [request], attempts, wait)
        self._frame_counts[address] = FRAME_COUNT_BIT

    async def select(
        self,
        address: SecondaryAddress,
        *,
        attempts: int | None = None,
        wait: float | None = None,
    ) -> None:
        """Select a meter by its secondary address; it then answers at 253, with its first telegram.

        Some meters take only one C field of SND_UD, and some compare another version or medium
        than they report: repetitions try these ways, and what worked is tried first next time.
        Raises NoReplyError, DamagedReplyError, LinkError.
        """
        ways = [
            long_frame(control, SELECTED, _SELECT, choice.selection)
            for choice in dict.fromkeys((address, address.with_wildcards()))
            for control in (Control.SND_UD, Control.SND_UD | FRAME_COUNT_BIT)
        ]
        known = self._selections.get(address, ways[0])
        ways.sort(key=lambda way: way != known)
        reply = await self._be_acknowledged(address, ways, attempts, wait)
        self._selections[address] = reply.request
        self._frame_counts[SELECTED] = FRAME_COUNT_BIT

    async def deselect(self) -> None:
        """Release whatever is selected; nothing answers if nothing is. Raises LinkError."""
        await self.line.exchange(
            short_frame(Control.SND_NKE, SELECTED), judge_acknowledgement
        )

    async def read(
        self,
        address: Address,
        *,
        identity: Identity | None = None,
        last_telegram: int | None = None,
        attempts: int | None = None,
        quirks: Quirks | None = None,
    ) -> Readout:
        """Read the telegrams of a meter, up to and including number `last_telegram`.

        Answers of a meter with another `identity`, or that doesn't match a secondary address, are
        left out. What was read before an error is returned with it; when nothing was, it is raised:
        NoReplyError, DamagedReplyError, ForeignReplyError, OtherMeterError, FrameError and its
        kinds, PackageTooLongError, LinkError.
        """
        quirks = quirks or Quirks()
        attempts = attempts or self.attempts
        reading = Reading(
            address,
            identity=identity,
            max_package_length=self.max_package_length,
            is_uniform=self._uniform.get(address),
            is_counting=address in self._counting,
        )
        error: MBusError | None = None
        complete = finished = False
        try:
            await self.line.settle(self._rest_until.pop(address, 0.0))
            complete = await self._read_all(reading, last_telegram, quirks, attempts)
            finished = True
            if not reading.was_disturbed and len(reading.telegrams) > 1:
                known = self._counting
                (known.add if reading.counts() else known.discard)(address)
        except MBusError as err:
            error = err
            if not reading.best:
                raise
        finally:
            if reading.is_uniform is not None:
                self._uniform[address] = reading.is_uniform
            # An answer that was given up may still come. Of another meter it would be told apart,
            # of this one only by waiting for it.
            rest_until = max(self._loop.time() + quirks.pause, reading.late_until)
            if rest_until > self._loop.time():
                self._rest_until[address] = rest_until
        telegrams = reading.telegrams if finished else reading.best
        return Readout(telegrams=tuple(telegrams), complete=complete, error=error)

    async def _read_all(
        self, reading: Reading, last_telegram: int | None, quirks: Quirks, attempts: int
    ) -> bool:
        """Read from the first telegram on; say whether the last one there is was reached."""
        never_reset = _is_never_reset(reading.address, quirks)
        field = link_address(reading.address)
        # One round more than attempts: what a meter's last telegram is may need a second look.
        for _ in range(attempts + 1):
            await self._begin(reading, quirks, attempts)
            try:
                if never_reset and field not in self._at_first_telegram:
                    await self._read_to_end(reading, None, quirks, attempts)
                    reading.forget()
                self._at_first_telegram.discard(field)
                complete = await self._read_to_end(
                    reading, None if never_reset else last_telegram, quirks, attempts
                )
            except LostCountError:
                if never_reset:
                    reading.forget()
                continue
            if complete:
                self._at_first_telegram.add(field)
            return complete
        raise DamagedReplyError(
            f"the telegrams of {reading.address} can't be counted", reading.address
        )

    async def _begin(self, reading: Reading, quirks: Quirks, attempts: int) -> None:
        """Bring the meter to its first telegram, and do what it needs before it sends any."""
        reading.begin()
        await self.line.settle(reading.late_until)
        address, wait = reading.address, quirks.first_byte_timeout
        if isinstance(address, SecondaryAddress):
            await self.select(address, attempts=attempts, wait=wait)
        elif quirks.reset == "before_each_read":
            await self.reset(address, attempts=attempts, wait=wait)
        if quirks.application_reset is not None:
            data = bytes((quirks.application_reset,))
            await self.send_user_data(
                address, _APPLICATION_RESET, data, attempts=attempts, wait=wait
            )

        def judge(item: Received) -> Discard | None:
            return None if item is Single.ACK else reading.judge(item)

        for frame in quirks.initial_frames:
            reply = await self.ask(
                address, [frame], judge, attempts=attempts, wait=wait
            )
            if isinstance(reply.answer, Frame):
                reading.take()

    async def _read_to_end(
        self, reading: Reading, last_telegram: int | None, quirks: Quirks, attempts: int
    ) -> bool:
        """Read telegrams until none follows or the wanted one is there; say which."""
        is_first = True
        while len(reading.telegrams) < MAX_TELEGRAMS:
            telegram = await self._read_telegram(
                reading, quirks, attempts, is_first=is_first
            )
            is_first = False
            if telegram is None or reading.begins_again():
                return True
            if not telegram.more_records_follow or quirks.ignore_more_records:
                return True
            if last_telegram is not None and len(reading.telegrams) > last_telegram:
                return False
        return False

    async def _read_telegram(
        self, reading: Reading, quirks: Quirks, attempts: int, *, is_first: bool
    ) -> Telegram | None:
        """Request the next telegram; None when the meter has no other than those sent.

        A request repeated with the same FCB gives the same telegram, but not from every meter: the
        first one is asked for with a reset before it, and after a repetition each has to be the
        next by its access number.
        """
        field = link_address(reading.address)
        never_reset = _is_never_reset(reading.address, quirks)
        replies: list[Reply] = []
        for attempt in range(attempts):
            if attempt and is_first and not never_reset:
                await self._begin(reading, quirks, attempts)
            count = self._frame_counts.setdefault(field, FRAME_COUNT_BIT)
            request = short_frame(Control.REQ_UD2 | count, field)
            heard_all = reading.late_until < self._loop.time()
            reading.late_until = self._loop.time() + 2 * self.timeout
            reply = await self._exchange(
                request, reading.judge, quirks.first_byte_timeout
            )
            replies.append(reply)
            if heard_all and len(reply.raw) >= _SHORTEST_TELEGRAM:
                reading.late_until = 0.0
            if isinstance(reply.answer, Frame):
                self._frame_counts[field] ^= FRAME_COUNT_BIT
                return reading.take()
            reading.was_disturbed = True
            reading.was_repeated = not is_first or never_reset
        if any(Discard.OUT_OF_ORDER in reply.discarded for reply in replies):
            raise LostCountError
        no_other = {Discard.REPEATED, Discard.ACKNOWLEDGEMENT}
        if reading.telegrams and all(
            no_other.intersection(reply.discarded) for reply in replies
        ):
            return None
        raise reading.error or failure(reading.address, replies, reading)

    def search(
        self, *, by_secondary: bool = True, by_primary: bool = True
    ) -> AsyncGenerator[SearchStep]:
        """Find the meters on the bus, by wildcards first and then at each primary address.

        Each step is over within a few exchanges, and leaves the line to others until the next one
        is asked for. Raises LinkError.
        """
        return Search(self).run(by_secondary=by_secondary, by_primary=by_primary)

    def scan(self) -> AsyncGenerator[SearchStep]:
        """Search at the primary addresses only."""
        return self.search(by_secondary=False)

    async def write(
        self,
        address: Address,
        header: bytes,
        value: Value,
        *,
        identity: Identity | None = None,
    ) -> Record | None:
        """Write a value into a record and read it back, as `commands.write_record` does."""
        return await write_record(self, address, header, value, identity=identity)

    async def send_user_data(
        self,
        address: Address,
        control_information: int,
        data: bytes = b"",
        *,
        attempts: int | None = None,
        wait: float | None = None,
    ) -> Reply:
        """Send data to a meter, which a secondary address must have selected before (SND_UD).

        The answer is an acknowledgement or a frame. Raises NoReplyError, DamagedReplyError,
        ForeignReplyError, FrameError for too much data, LinkError.
        """
        field = link_address(address)
        ways = [
            long_frame(control, field, control_information, data)
            for control in (Control.SND_UD, Control.SND_UD | FRAME_COUNT_BIT)
        ]
        return await self.ask(
            address, ways, judge_answer_from(field), attempts=attempts, wait=wait
        )

    async def ask(
        self,
        address: Address,
        requests: Sequence[bytes],
        judge: Judge,
        *,
        attempts: int | None = None,
        wait: float | None = None,
    ) -> Reply:
        """Send the requests in turn until one is answered. Raises what `failure` gives."""
        replies: list[Reply] = []
        for attempt in range(attempts or self.attempts):
            reply = await self._exchange(requests[attempt % len(requests)], judge, wait)
            if reply.answer is not None:
                return reply
            replies.append(reply)
        raise failure(address, replies)

    async def _be_acknowledged(
        self,
        address: Address,
        requests: Sequence[bytes],
        attempts: int | None,
        wait: float | None,
    ) -> Reply:
        """Repeat a request that E5 acknowledges if this may have been the E5 of an older one."""
        may_be_older = self._may_hear_older or self._loop.time() < self._late_until
        reply = await self.ask(
            address, requests, judge_acknowledgement, attempts=attempts, wait=wait
        )
        if may_be_older:
            self._may_hear_older = False
            reply = await self.ask(
                address,
                [reply.request],
                judge_acknowledgement,
                attempts=attempts,
                wait=wait,
            )
        return reply

    async def _exchange(
        self, request: bytes, judge: Judge, wait: float | None
    ) -> Reply:
        heard_all, self._may_hear_older = not self._may_hear_older, True
        reply = await self.line.exchange(
            request, judge, wait=self.timeout if wait is None else wait
        )
        self._may_hear_older = not heard_all or reply.answer is None
        if reply.answer is None:
            self._late_until = self._loop.time() + self.timeout
        if Discard.BUSY in reply.discarded:
            await self.line.settle(self._loop.time() + _BUSY_PAUSE)
        return reply


def _is_never_reset(address: Address, quirks: Quirks) -> bool:
    # A selection is a reset, too.
    return quirks.reset == "never" and isinstance(address, int)
