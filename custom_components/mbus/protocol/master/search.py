"""Finding the meters on a bus: by wildcards of the secondary address, and by primary address.

A selection with wildcards is acknowledged by all meters that match. Silence rules a branch of
addresses out, one answer followed by a sound telegram is a meter, and anything else is several,
whose addresses are told apart digit by digit (EN 13757-7, and 7.7 of the classic documentation).
"""

from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Sequence
from dataclasses import replace
from enum import Enum, auto

from ..address import LAST_PRIMARY, SELECTED, Address, SecondaryAddress, link_address
from ..application.telegram import Telegram
from ..errors import LinkError, MBusError, NoisyLineError
from ..line.frame import FRAME_COUNT_BIT, Control, long_frame, short_frame
from ..line.reply import Discard, judge_acknowledgement
from ..tables.medium import MEDIA
from .errors import CollisionError, NoDataError, TwinsError
from .found import Found, SearchStep, key_of, secondary_of
from .master import Master
from .reading import Reading
from .session import Session
from .slave import Slave

POWER_UP = 3.0
"""Seconds that a serial converter needs after opening until all meters on its bus are awake."""

VERSIONS = range(0xFF)

_NOBODY = 252
_SELECT = 0x52
_DECIMAL = "0123456789"
_HEXADECIMAL = "ABCDE"


class _Presence(Enum):
    NONE = auto()
    ONE = auto()
    SEVERAL = auto()


def search(
    master: Master, *, by_secondary: bool = True, by_primary: bool = True
) -> AsyncGenerator[SearchStep]:
    """Find the meters on the bus, by wildcards first and then at each primary address.

    Each step is over within a few exchanges, and leaves the line to others until the next one is
    asked for. Raises LinkError.
    """
    return _Search(master).run(by_secondary=by_secondary, by_primary=by_primary)


def scan(master: Master) -> AsyncGenerator[SearchStep]:
    """Search at the primary addresses only."""
    return search(master, by_secondary=False)


class _Search:
    """One search: holds the line for each step, and knows what the steps before have found."""

    def __init__(self, master: Master) -> None:
        self._master = master
        self._control: int = Control.SND_UD
        self._found: dict[str, Found] = {}
        self._unresolved = 0
        self._shared: set[int] = set()
        self._noise: bytes | None = None
        self._has_heard = False
        self._was_late = False
        self._again: set[Address] = set()
        self._news: list[SearchStep] = []
        self._told: set[str] = set()
        self._progress = 0.0

    async def run(
        self, *, by_secondary: bool, by_primary: bool
    ) -> AsyncGenerator[SearchStep]:
        link = self._master.link
        if not link.settings.over_network:
            async with self._master.hold() as session:
                await session.line.settle(link.opened_at + POWER_UP)
        share = 0.3 if by_primary else 1.0
        if by_secondary:
            async for step in self._search_by_secondary(share):
                yield step
        if by_primary:
            start = share if by_secondary else 0.0
            async for step in self._ask_each(range(LAST_PRIMARY + 1), start, 1.0, []):
                yield step

    async def _search_by_secondary(self, end: float) -> AsyncGenerator[SearchStep]:
        several: list[SecondaryAddress] = []
        for control in (Control.SND_UD, Control.SND_UD | FRAME_COUNT_BIT):
            self._control = control
            async for step in self._ask_each([SecondaryAddress()], 0, 0, several):
                yield step
            if self._has_heard:
                break
        for address in several:
            async for step in self._divide(address, 0, end):
                yield step
        async with self._master.hold() as session:
            await session.deselect()
        yield self._step(end)

    async def _divide(
        self, address: SecondaryAddress, start: float, end: float
    ) -> AsyncGenerator[SearchStep]:
        """Find the meters, two at least, that an address selects."""
        before = self._located
        for parts in _divisions(address, self._manufacturers):
            several: list[SecondaryAddress] = []
            middle = start + (end - start) / 10
            async for step in self._ask_each(parts, start, middle, several):
                yield step
            if len(several) == len(parts) and not _has_wildcard_digits(address):
                continue  # This part of the address is not compared at all.
            for number, part in enumerate(several):
                width = (end - middle) / len(several)
                begin = middle + number * width
                async for step in self._divide(part, begin, begin + width):
                    yield step
            if self._located - before >= 2:
                return
        if self._located == before:
            self._unresolved += 1
            problem = TwinsError(address=address)
            yield self._step(end, problem=problem)

    @property
    def _located(self) -> int:
        return len(self._found) + self._unresolved

    @property
    def _manufacturers(self) -> list[str]:
        selections = (found.secondary for found in self._found.values())
        known = {one.manufacturer for one in selections if one and one.manufacturer}
        return sorted(known)

    async def _ask_each(
        self,
        addresses: Sequence[Address],
        start: float,
        end: float,
        several: list[SecondaryAddress],
    ) -> AsyncGenerator[SearchStep]:
        """Ask at each address, and note at which several meters answer.

        An answer that was late belongs to the address before: both are asked again, with the
        longer wait that the link then has.
        """
        waiting = deque(addresses)
        previous: Address | None = None
        while waiting:
            address = waiting.popleft()
            self._was_late = False
            async with self._master.hold() as session:
                presence = await self._ask(session, address)
            if self._was_late and address not in self._again:
                self._master.link.unlearn_latency()
                self._again.add(address)
                waiting.extendleft(
                    [address] if previous is None else [address, previous]
                )
            elif presence is _Presence.SEVERAL:
                if isinstance(address, int):
                    self._note_shared(address)
                elif address not in several:
                    several.append(address)
            previous = address
            done = 1 - len(waiting) / len(addresses)
            for news in (*self._news, self._step(start + (end - start) * max(0, done))):
                yield news
            self._news.clear()

    async def _ask(self, session: Session, address: Address) -> _Presence:
        """Say who is there; a single meter is read at once."""
        if isinstance(address, SecondaryAddress):
            request = long_frame(self._control, SELECTED, _SELECT, address.selection)
        else:
            request = short_frame(Control.SND_NKE, address)
        presence = await self._probe(session, request)
        if presence is _Presence.SEVERAL and isinstance(address, int):
            presence = await self._probe(session, request)
        if presence is _Presence.ONE:
            presence = await self._read(session, address)
        return presence

    async def _probe(self, session: Session, request: bytes) -> _Presence:
        reply = await session.exchange(
            request, judge_acknowledgement, wait=0.0, listen_on=True
        )
        self._was_late |= reply.followed_late
        others = set(reply.discarded) - {Discard.ECHO}
        if not others and reply.answer is None:
            return _Presence.NONE
        self._has_heard = True
        if not others:
            return _Presence.ONE
        if reply.answer is None and others == {Discard.NOISE}:
            if self._noise is None:
                await self._learn_noise(session)
            if bytes(reply.raw) == self._noise:
                return _Presence.NONE
        return _Presence.SEVERAL

    async def _learn_noise(self, session: Session) -> None:
        """See whether there is noise even where no meter can answer."""
        request = short_frame(Control.SND_NKE, _NOBODY)
        reply = await session.exchange(request, judge_acknowledgement, wait=0.0)
        self._noise = bytes(reply.raw)
        if Discard.NOISE in reply.discarded:
            self._tell(NoisyLineError(noise=self._noise))

    async def _read(self, session: Session, address: Address) -> _Presence:
        """Read the first telegram of the meter that acknowledged, if it is but one."""
        reading = Reading(
            address, slave=Slave(), max_package_length=session.max_package_length
        )
        request = short_frame(Control.REQ_UD2 | FRAME_COUNT_BIT, link_address(address))
        # A damaged telegram after a clean acknowledgement is that of several meters.
        is_part = isinstance(address, SecondaryAddress) and _has_wildcard_digits(
            address
        )
        for _ in range(1 if is_part else 2):
            try:
                reply = await session.exchange(request, reading.judge, listen_on=True)
            except LinkError:
                raise
            except MBusError as err:
                self._tell(err)
                return _Presence.NONE
            others = set(reply.discarded) - {Discard.ECHO}
            # An E5 now, or silence, says that the one before was another meter's.
            self._was_late |= reply.followed_late or Discard.ACKNOWLEDGEMENT in others
            if reply.answer is not None and Discard.SECOND not in others:
                self._note(address, reply.answer)
                return _Presence.ONE
            if not others:
                self._was_late = True
                return _Presence.NONE
        if others == {Discard.ACKNOWLEDGEMENT} and address in self._again:
            self._tell(NoDataError(address=address, attempts=2))
            return _Presence.NONE
        return _Presence.SEVERAL

    def _tell(self, problem: MBusError) -> None:
        """Tell a problem, once."""
        if str(problem) not in self._told:
            self._told.add(str(problem))
            self._news.append(self._step(self._progress, problem=problem))

    def _note(self, address: Address, telegram: Telegram) -> None:
        """Take in a meter, once, however often it is found."""
        by_secondary = isinstance(address, SecondaryAddress)
        primary = telegram.address if telegram.address <= LAST_PRIMARY else None
        known = self._found.get(key_of(telegram))
        if known is not None and (known.primary == primary or not by_secondary):
            return
        sharing = [
            found
            for found in self._found.values()
            if found.primary == primary and primary is not None
        ]
        secondary = None
        if isinstance(address, SecondaryAddress):
            secondary = secondary_of(telegram)
            if secondary is not None and address.fabrication_number is not None:
                # Only the number tells it from another of the same address.
                number = (
                    telegram.identity.fabrication_number if telegram.identity else None
                )
                if number is None or len(number) != 8:
                    number = address.fabrication_number
                secondary = replace(secondary, fabrication_number=number)
        self._add(
            Found(address=0, primary=primary, secondary=secondary, telegram=telegram)
        )
        if sharing and primary is not None:
            self._note_shared(primary)

    def _note_shared(self, primary: int) -> None:
        if primary in self._shared:
            return
        self._shared.add(primary)
        self._tell(CollisionError(address=primary))
        for found in list(self._found.values()):
            if found.primary == primary:
                self._add(found)

    def _add(self, found: Found) -> None:
        usable = found.primary not in (None, 0) and found.primary not in self._shared
        address = found.primary if usable else found.secondary
        if address is None:
            address = found.primary
        if address is None:
            return
        found = replace(found, address=address)
        self._found[found.key] = found
        self._news.append(self._step(self._progress, found=found))

    def _step(
        self,
        progress: float,
        *,
        found: Found | None = None,
        problem: MBusError | None = None,
    ) -> SearchStep:
        self._progress = max(self._progress, progress)
        return SearchStep(progress=self._progress, found=found, problem=problem)


def _has_wildcard_digits(address: SecondaryAddress) -> bool:
    return "F" in address.identification


def _divisions(
    address: SecondaryAddress, manufacturers: Iterable[str]
) -> Iterator[list[SecondaryAddress]]:
    """Give the ways to part what an address selects, to be tried one after the other."""
    if _has_wildcard_digits(address):

        def digits(choice: str) -> list[SecondaryAddress]:
            number = address.identification
            return [
                replace(address, identification=number.replace("F", digit, 1))
                for digit in choice
            ]

        yield digits(_DECIMAL)
        # Of two meters at least one wasn't found: a request was lost, or a digit is none.
        yield digits(_DECIMAL + _HEXADECIMAL)
        return
    number = address.fabrication_number or "F" * 8
    if "F" in number:
        yield [
            replace(address, fabrication_number=number.replace("F", digit, 1))
            for digit in _DECIMAL
        ]
        if address.fabrication_number is not None:
            return
    if address.medium is None:
        yield [replace(address, medium=medium) for medium in MEDIA]
    elif address.version is None:
        yield [replace(address, version=version) for version in VERSIONS]
    elif address.manufacturer is None:
        yield [replace(address, manufacturer=name) for name in manufacturers]
