"""Requests to meters over the line that one task holds (EN 13757-2, EN 13757-7)."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from ..address import (
    LAST_PRIMARY,
    SELECTED,
    Address,
    SecondaryAddress,
    check_address,
    link_address,
)
from ..application.telegram import Telegram
from ..errors import FrameError, PackageTooLongError
from ..line.frame import (
    FRAME_COUNT_BIT,
    SELECT,
    Control,
    Frame,
    Single,
    long_frame,
    parse_frame,
    short_frame,
)
from ..line.line import Line
from ..line.link import Link
from ..line.reply import Discard, Judge, Reply, judge_acknowledgement, judge_answer_from
from ..line.settings import LONGEST_WAIT
from .slave import Slave
from .unanswered import unanswered

BUSY_PAUSE = 1.0
"""Seconds before a meter that is busy is asked again."""

_SHORTEST_TELEGRAM = 9
"""Bytes; when fewer came, the answer may still come."""


class Session:
    """Requests to meters, and what they tell of each; `Master.hold` gives it to one task at a time.

    `timeout` is in seconds until the first byte of an answer, `attempts` the number of times that a
    request is sent, `max_package_length` is in bytes from CI on.
    """

    def __init__(
        self, line: Line, *, timeout: float, attempts: int, max_package_length: int
    ) -> None:
        """Speak over a line."""
        self.line = line
        self.timeout = timeout
        self.attempts = attempts
        self.max_package_length = max_package_length
        self._loop = asyncio.get_running_loop()
        self._slaves: dict[Address, Slave] = {}
        self._selected = Slave()
        # An acknowledgement doesn't say whose it is: whether older ones may still come, and when.
        self._may_hear_older = False
        self._late_until = 0.0
        # And whether an acknowledgement in the place of data may be one of them.
        self._silent_until = 0.0

    def slave(self, address: Address) -> Slave:
        """Give what is known of the meter at an address."""
        return self._slaves.setdefault(address, Slave())

    def moved(self, address: Address, new_address: int) -> None:
        """Take note that a meter may have another primary address: it goes on there with the FCB of the old one."""
        if isinstance(address, int):
            old = self.slave(address)
            self._slaves[new_address] = Slave(
                frame_count=old.frame_count, asked_with=old.asked_with
            )

    def late_until(self, address: Address) -> float:
        """Give the time until which a meter may still answer what it was asked in vain, at this address or another."""
        slaves = self._one_meter(self.slave(address), link_address(address))
        return max(slave.late_until for slave in slaves)

    def times(self, attempts: int | None) -> int:
        """Give how often a request is sent. Raises ValueError for never."""
        if attempts is None:
            return self.attempts
        if attempts < 1:
            raise ValueError(f"attempts are 1 at least, not {attempts}")
        return attempts

    def use(self, link: Link) -> None:
        """Go on over another link: what was sent over the old one may still be answered."""
        self.line.link = link
        self._may_hear_older = True

    async def reset(
        self, address: int, *, attempts: int | None = None, wait: float | None = None
    ) -> None:
        """Reset the link layer of a meter (SND_NKE), as `Master.reset` does."""
        check_address(address)
        request = Frame(short_frame(Control.SND_NKE, address))
        await self._be_acknowledged(address, [request], attempts, wait)

    async def select(
        self,
        address: SecondaryAddress,
        *,
        attempts: int | None = None,
        wait: float | None = None,
    ) -> None:
        """Select a meter, as `Master.select` does."""
        slave = self.slave(address)
        ways = {
            Frame(long_frame(control, SELECTED, SELECT, choice.selection)): choice
            for choice in dict.fromkeys((address, address.with_wildcards()))
            for control in (Control.SND_UD, Control.SND_UD | FRAME_COUNT_BIT)
        }
        # What failed is tried last the next time: few attempts come round to each way, too.
        requests = [*ways][slave.failed_ways :] + [*ways][: slave.failed_ways]
        requests.sort(key=lambda way: way.raw != slave.selection)
        known, slave.selection = slave.selection, None
        tried = slave.failed_ways + self.times(attempts)
        slave.failed_ways = tried % len(ways)
        reply = await self._be_acknowledged(address, requests, attempts, wait)
        slave.selected_with, slave.failed_ways = reply.request, 0
        slave.is_selected_in_part = ways[Frame(reply.request)].has_wildcards
        # What left something out may have selected others: it is a way once a telegram came by it.
        if reply.request == known or not slave.is_selected_in_part:
            slave.selection = reply.request
        slave.begin()
        self._selected = slave

    async def deselect(self) -> None:
        """Release whatever is selected; nothing answers if nothing is. Raises LinkError."""
        request = Frame(short_frame(Control.SND_NKE, SELECTED))
        await self.exchange(request, judge_acknowledgement, wait=0.0)

    async def send_user_data(
        self,
        address: Address,
        control_information: int,
        data: bytes | Callable[[], bytes] = b"",
        *,
        attempts: int | None = None,
        wait: float | None = None,
    ) -> Reply[Frame | Single]:
        """Send data to a meter (SND_UD), selected before if it is asked by a secondary address.

        Data that depend on the time are given by a function, asked whenever they are sent. The answer
        is an acknowledgement or a frame. Raises NoReplyError, DamagedReplyError, ForeignReplyError,
        FrameError for too much data, LinkError, ValueError for no address.
        """
        check_address(address)
        if isinstance(address, SecondaryAddress):
            if self._selected is not self.slave(address):
                await self.select(address, attempts=attempts, wait=wait)
        field = link_address(address)
        return await self.ask(
            address,
            ways_to_send(field, control_information, data),
            judge_answer_from(field),
            attempts=attempts,
            wait=wait,
        )

    async def request_data[Answer](
        self, address: Address, judge: Judge[Answer], *, wait: float | None = None
    ) -> Reply[Answer]:
        """Ask once for the telegram that is next, or again for the one that did not come (REQ_UD2)."""
        field = link_address(address)
        control = Control.REQ_UD2 | self._reached(field).frame_count
        request = Frame(short_frame(control, field))
        return await self.exchange(request, judge, wait=wait)

    async def ask[Answer](
        self,
        address: Address,
        requests: Sequence[Frame | bytes | Callable[[], Frame]],
        judge: Judge[Answer],
        *,
        attempts: int | None = None,
        wait: float | None = None,
    ) -> Reply[Answer]:
        """Send the requests in turn until one is answered. Raises what `unanswered` gives."""
        replies: list[Reply[Answer]] = []
        for attempt in range(self.times(attempts)):
            request = requests[attempt % len(requests)]
            if callable(request):
                request = request()
            reply = await self.exchange(request, judge, wait=wait)
            if reply.answer is not None:
                return reply
            replies.append(reply)
        raise unanswered(address, replies)

    async def exchange[Answer](
        self,
        request: Frame | bytes,
        judge: Judge[Answer],
        *,
        wait: float | None = None,
        listen_on: float = 0.0,
    ) -> Reply[Answer]:
        """Send one request, as `Line.exchange` does, and take note of what it does to the meters.

        Of bytes that are no frame, that can't be known. Raises PackageTooLongError and ValueError for a
        wait that can't be, before anything is sent.
        """
        frame = request if isinstance(request, Frame) else _frame_of(request)
        if frame is not None and len(frame.data) >= self.max_package_length:
            length = 1 + len(frame.data)
            raise PackageTooLongError(length=length, limit=self.max_package_length)
        if wait is not None and not 0 <= wait < LONGEST_WAIT:
            raise ValueError(f"wait is 0 s at least and below a day, not {wait}")
        slave = self._note_request(frame)
        asks_for_data = frame is not None and frame.asks_for_data
        heard_all = not self._may_hear_older
        is_overdue = self._loop.time() < self._silent_until
        heard_data = slave.late_until < self._loop.time()
        self._may_hear_older = True
        if frame is not None and asks_for_data:
            slave.asked_with = frame.control & FRAME_COUNT_BIT
            # An answer that was given up may still come. Of another meter it would be told apart,
            # of this one only by waiting for it.
            slave.late_until = self._loop.time() + 2 * self.timeout
        reply = await self.line.exchange(
            bytes(request),
            judge,
            wait=self.timeout if wait is None else wait,
            listen_on=listen_on,
        )
        if asks_for_data and heard_data and len(reply.raw) >= _SHORTEST_TELEGRAM:
            slave.late_until = 0.0
        self._may_hear_older = not heard_all or reply.answer is None
        if is_overdue and Discard.ACKNOWLEDGEMENT in reply.discarded:
            reply.followed_late = reply.followed_late or self.timeout
        if reply.is_echo:
            self._silent_until = self._loop.time() + 3 * self.timeout
        if reply.answer is None:
            self._late_until = self._loop.time() + self.timeout
        elif frame is not None:
            self._note_answer(frame, reply.answer)
        if Discard.BUSY in reply.discarded:
            await self.line.settle(self._loop.time() + BUSY_PAUSE)
        return reply

    def _reached(self, field: int) -> Slave:
        """Give the meter that an address field reaches."""
        return self._selected if field == SELECTED else self.slave(field)

    def _note_request(self, frame: Frame | None) -> Slave:
        """Take note of a request on its way: who hears it may go on to another telegram."""
        reached = Slave() if frame is None else self._reached(frame.address)
        heard_by: Iterable[Slave] = self._slaves.values()
        if frame is not None:
            if frame.is_reset or frame.is_selection:
                return reached  # Whoever stands at the first telegram stays there.
            if frame.address <= SELECTED:
                heard_by = self._one_meter(reached, frame.address)
        for slave in heard_by:
            slave.is_at_first = False
        return reached

    def _one_meter(self, reached: Slave, field: int) -> Iterator[Slave]:
        """Give all that may be the meter reached by an address field: each has one primary address."""
        for address, slave in self._slaves.items():
            is_other = max(field, link_address(address)) <= LAST_PRIMARY
            if slave is reached or (not is_other and reached.may_be(slave)):
                yield slave

    def _note_answer(self, frame: Frame, answer: object) -> None:
        """Take note of a request that was heard, and of the telegram that came."""
        reached = self._reached(frame.address)
        if frame.address == SELECTED and (frame.is_selection or frame.is_reset):
            self._selected = Slave()
        elif frame.is_reset:
            reached.begin()
        elif frame.asks_for_data and not isinstance(answer, Single):
            reached.frame_count = reached.asked_with ^ FRAME_COUNT_BIT
        if isinstance(answer, Telegram):
            reached.sent(answer)

    async def _be_acknowledged(
        self,
        address: Address,
        requests: Sequence[Frame],
        attempts: int | None,
        wait: float | None,
    ) -> Reply[Single]:
        """Repeat a request that E5 acknowledges if this may have been the E5 of an older one."""
        may_be_older = self._may_hear_older or self._loop.time() < self._late_until
        reply = await self.ask(
            address, requests, judge_acknowledgement, attempts=attempts, wait=wait
        )
        if may_be_older:
            self._may_hear_older = False
            reply = await self.ask(
                address,
                [Frame(reply.request)],
                judge_acknowledgement,
                attempts=attempts,
                wait=wait,
            )
        return reply


def ways_to_send(
    field: int, control_information: int, data: bytes | Callable[[], bytes]
) -> list[Callable[[], Frame]]:
    """Give the requests that tell a meter something: some take one C field of SND_UD only."""

    def request(control: int) -> Frame:
        now = data() if callable(data) else data
        return Frame(long_frame(control, field, control_information, now))

    return [
        partial(request, control)
        for control in (Control.SND_UD, Control.SND_UD | FRAME_COUNT_BIT)
    ]


def _frame_of(data: bytes) -> Frame | None:
    try:
        return parse_frame(data)
    except FrameError:
        return None
