"""Finding the meters on a bus: by wildcards of the secondary address, and by primary address.

A selection with wildcards is acknowledged by all meters that match. Silence rules a branch of
addresses out, one answer followed by a sound telegram is a meter, and anything else is several,
whose addresses are told apart digit by digit (EN 13757-7, and 7.7 of the classic documentation).
"""

from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence

from ..address import LAST_PRIMARY, Address, SecondaryAddress
from ..errors import LinkClosedError
from .asking import Answer, Asker, Presence
from .divide import (
    Parting,
    beyond_identification,
    by_any_digit,
    by_digit,
    has_open_digits,
)
from .errors import DamagedTelegramsError, NoDataError, TwinsError
from .found import Findings, Found, SearchStep
from .listening import EVERYTHING, Listener
from .master import Master

AWAKE = 6.0
"""Seconds after opening a gateway that was silent until it is asked again."""


def search(
    master: Master,
    *,
    by_secondary: bool = True,
    by_primary: bool = True,
    slowly: bool = False,
) -> AsyncGenerator[SearchStep]:
    """Find the meters on the bus, by wildcards first and then at each primary address.

    Answers are waited for as long as the slowest of all took, at most the master's timeout; with
    `slowly` the whole timeout at each primary address. Each step is over within a few exchanges, and
    leaves the line to others until the next one is asked for. Raises LinkError.
    """
    return _Search(master, slowly=slowly).run(
        by_secondary=by_secondary, by_primary=by_primary
    )


async def hears_any(master: Master) -> bool:
    """Say whether anything answers to what all meters do, which is no proof of one. Raises LinkError."""
    listener = Listener(master, Asker())
    await listener.settle()
    return await listener.hears_any()


def scan(master: Master) -> AsyncGenerator[SearchStep]:
    """Search at the primary addresses only."""
    return search(master, by_secondary=False)


class _Search:
    """One search: holds the line for each step, and knows what the steps before have found."""

    def __init__(self, master: Master, *, slowly: bool) -> None:
        self._master = master
        self._link = master.link
        self._slowly = slowly
        self._asker = Asker()
        self._listener = Listener(master, self._asker)
        self._findings = Findings()
        self._has_heard = False
        self._selected: set[str] = set()
        self._twins: dict[SecondaryAddress, Answer] = {}
        self._unresolved = 0
        self._unsound: dict[Address, Answer] = {}
        self._answering: set[int] = set()
        self._again: set[Address] = set()
        self._previous: Address | None = None
        self._was_silent = False
        self._progress = 0.0

    async def run(
        self, *, by_secondary: bool, by_primary: bool
    ) -> AsyncGenerator[SearchStep]:
        await self._listener.settle()
        may_be_deaf = self._listener.may_be_deaf
        if by_secondary:
            async for step in self._search_by_secondary(0.3 if by_primary else 1.0):
                yield step
        was_deaf = by_secondary and not self._has_heard and may_be_deaf
        if by_primary and not self._asker.silence.is_endless:
            async for step in self._search_by_primary(0.8 if self._twins else 1.0):
                yield step
        if was_deaf:
            async with self._master.hold() as session:
                await session.line.settle(self._master.link.opened_at + AWAKE)
            async for step in self._search_by_secondary(1.0):
                yield step
        async for step in self._part_twins():
            yield step
        if by_primary and not self._asker.silence.is_noisy:
            self._findings.drop_silent(self._answering)
        self._tell_unsound()
        if (problem := self._listener.problem) is not None:
            self._findings.tell(problem)
        for news in self._steps(1.0):
            yield news

    async def _search_by_secondary(self, end: float) -> AsyncGenerator[SearchStep]:
        silence = self._asker.silence
        was_constant = silence.is_constant
        self._has_heard = await self._listener.hears_selected()
        if self._has_heard:
            several: list[SecondaryAddress] = []
            async for step in self._ask_each([EVERYTHING], 0, 0, several):
                yield step
            # What a gateway had held back may have seemed an answer.
            self._has_heard = bool(several or self._located)
            for address in several:
                async for step in self._divide(address, self._progress, end):
                    yield step
            async with self._master.hold() as session:
                await session.deselect()
            if silence.is_constant and not was_constant and not self._located:
                # What was taken for answers was silence.
                async for step in self._search_by_secondary(end):
                    yield step
        for step in self._steps(end):
            yield step

    async def _divide(
        self, address: SecondaryAddress, start: float, end: float
    ) -> AsyncGenerator[SearchStep]:
        """Find the meters, two at least, that an address selects."""
        answer = self._unsound.get(address)
        if answer is None or (
            answer.garbage and self._asker.silence.covers(answer.garbage)
        ):
            return
        if not has_open_digits(address):
            self._twins[address] = answer
            return
        before = self._located
        # Of two meters one may not be found: a request was lost, or a digit is none.
        for parting in (by_digit, by_any_digit):
            several: list[SecondaryAddress] = []
            middle = start + (end - start) / 10
            async for step in self._ask_each(parting(address), start, middle, several):
                yield step
            for number, part in enumerate(several):
                width = (end - middle) / len(several)
                begin = middle + number * width
                async for step in self._divide(part, begin, begin + width):
                    yield step
            if self._located - before >= 2 or self._asker.has_given_up:
                return

    async def _part_twins(self) -> AsyncGenerator[SearchStep]:
        """Find the meters of one identification, as far as they differ in the rest.

        That takes longest, and is the quicker the more is known of the link.
        """
        while self._twins:
            address, answer = self._twins.popitem()
            self._unsound[address] = answer
            ways = beyond_identification(
                self._manufacturers, are_alike=answer.is_damaged
            )
            async for step in self._tell_apart(address, ways, self._progress, 1.0):
                yield step
            async with self._master.hold() as session:
                await session.deselect()

    async def _tell_apart(
        self,
        address: SecondaryAddress,
        ways: Sequence[Parting],
        start: float,
        end: float,
    ) -> AsyncGenerator[SearchStep]:
        """Find the meters, two at least, of one identification."""
        before = self._located
        for number, way in enumerate(ways):
            if not (parts := way(address)):
                continue
            impossible, *parts = parts
            async with self._master.hold() as session:
                answer = await self._asker.ask(session, impossible)
            if answer.presence is not Presence.NONE:
                continue  # This part of the address is not compared at all.
            several: list[SecondaryAddress] = []
            async for step in self._ask_each(parts, start, end, several):
                yield step
            for part in several:
                async for step in self._tell_apart(part, ways[number:], start, end):
                    yield step
            if several or self._located - before >= 2 or self._asker.has_given_up:
                return
        if self._located - before < 2 and await self._is_still_shared(address):
            self._give_up_on(address)

    async def _is_still_shared(self, address: SecondaryAddress) -> bool:
        """Say whether it wasn't by chance that several meters seemed to be there."""
        answer = await self._ask(address, again=True, for_data=False)
        self._take(address, answer, [])
        return answer.presence is Presence.SEVERAL

    def _give_up_on(self, address: SecondaryAddress) -> None:
        self._unresolved += 2
        is_damaged = self._unsound[address].is_damaged
        kind = DamagedTelegramsError if is_damaged else TwinsError
        self._findings.tell(kind(address=address))

    @property
    def _located(self) -> int:
        return len(self._selected) + 2 * len(self._twins) + self._unresolved

    @property
    def _manufacturers(self) -> set[str]:
        selections = (found.secondary for found in self._findings.found.values())
        return {one.manufacturer for one in selections if one and one.manufacturer}

    async def _search_by_primary(self, end: float) -> AsyncGenerator[SearchStep]:
        asker, start = self._asker, self._progress
        has_heard = await self._listener.hears_reset()
        if self._slowly:
            async with self._master.hold() as session:
                asker.wait = session.timeout
        addresses = [
            address
            for address in range(LAST_PRIMARY + 1)
            if not self._findings.is_shared(address)
        ]
        middle = (start + end) / 2
        async for step in self._ask_each(addresses, start, middle, []):
            yield step
        if not has_heard and asker.trusts_from:
            await self._listener.hears_reset()
        silent = [address for address in addresses if self._is_silent(address)]
        async for step in self._ask_each(silent, middle, end, [], for_data=True):
            yield step
        # Two late answers in a row look like those of several meters.
        async for step in self._ask_each(self._shared, end, end, []):
            yield step

    async def _ask_each(
        self,
        addresses: Sequence[Address],
        start: float,
        end: float,
        several: list[SecondaryAddress],
        *,
        for_data: bool = False,
    ) -> AsyncGenerator[SearchStep]:
        """Ask at each address, and note at which several meters answer.

        An answer that was late belongs to the address before: both are asked again, with the
        longer wait that the link then has. So may be what came beside an answer after silence.
        """
        waiting = deque(addresses)
        while waiting:
            address = waiting.popleft()
            previous, again = self._previous, address in self._again
            answer = await self._ask(address, again=again, for_data=for_data)
            is_late = answer.is_late
            if (
                previous is not None
                and self._was_silent
                and answer.is_mixed
                and not again
            ):
                check = await self._ask(previous, again=True, for_data=for_data)
                is_late = check.presence is not Presence.NONE
            if is_late:
                self._master.link.unlearn_latency()
                self._again.add(address)
                waiting.extendleft(
                    [address] if previous is None else [address, previous]
                )
            else:
                self._take(address, answer, several)
            self._previous = address
            self._was_silent = answer.presence is Presence.NONE
            done = 1 - len(waiting) / len(addresses)
            for step in self._steps(start + (end - start) * max(0, done)):
                yield step
            if self._asker.silence.is_endless:
                return
            if self._asker.has_given_up and isinstance(address, SecondaryAddress):
                return

    async def _ask(self, address: Address, *, again: bool, for_data: bool) -> Answer:
        """Ask who is at an address, and tell what that says of the line."""
        async with self._master.hold() as session:
            if self._master.link is not self._link:
                # Of another link, and of meters powered anew, nothing is known.
                raise LinkClosedError(link=str(self._link.settings))
            if for_data and isinstance(address, int):
                asked = self._asker.ask_for_data(session, address, again=again)
            else:
                asked = self._asker.ask(session, address, again=again)
            answer = await asked
            problem = await self._asker.count(session, answer)
        if problem is not None:
            self._findings.tell(problem)
        return answer

    def _take(
        self, address: Address, answer: Answer, several: list[SecondaryAddress]
    ) -> None:
        """Take in what an address answered."""
        if answer.problem is not None:
            self._findings.tell(answer.problem)
        if isinstance(address, int):
            if answer.presence is Presence.NONE:
                self._answering.discard(address)
            else:
                self._answering.add(address)
        self._unsound.pop(address, None)
        if answer.telegram is None:
            self._unsound[address] = answer
            if answer.presence is Presence.SEVERAL and isinstance(
                address, SecondaryAddress
            ):
                several += [address] if address not in several else []
        elif answer.secondary is not None:
            self._selected.add(str(answer.secondary))
            self._findings.note_selected(answer.secondary, answer.telegram)
        else:
            self._findings.note_addressed(answer.telegram, answer.quirks)

    def _is_silent(self, address: Address) -> bool:
        """Say whether nothing was heard at an address but what is this line's silence."""
        answer = self._unsound.get(address)
        return address not in self._answering or (
            answer is not None
            and answer.garbage is not None
            and self._asker.silence.covers(answer.garbage)
        )

    @property
    def _shared(self) -> list[int]:
        """The primary addresses at which several meters seem to be."""
        return [
            address
            for address, answer in self._unsound.items()
            if isinstance(address, int)
            and answer.presence is Presence.SEVERAL
            and not self._asker.silence.is_noisy
            and not self._is_silent(address)
        ]

    def _tell_unsound(self) -> None:
        """Tell what sent no sound telegram, now that the line is known."""
        for address, answer in self._unsound.items():
            if answer.lacks_data and not self._asker.silence.acknowledges:
                self._findings.tell(NoDataError(address=address, attempts=2))
        for primary in self._shared:
            self._findings.share(primary)

    def _steps(self, progress: float) -> Iterator[SearchStep]:
        """Give the news, and the part that is done."""
        for news in self._findings.take_news():
            if isinstance(news, Found):
                yield SearchStep(progress=self._progress, found=news)
            else:
                yield SearchStep(progress=self._progress, problem=news)
        self._progress = max(self._progress, progress)
        yield SearchStep(progress=self._progress)
