"""What a search finds."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from ..address import LAST_PRIMARY, Address, SecondaryAddress, manufacturer_text
from ..application.header import Header, Identity
from ..application.telegram import Telegram
from ..errors import MBusError
from .errors import CollisionError
from .readout import Quirks


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A meter that answered; a later one with the same `key` takes its place.

    `address` is the one to use: the primary address unless it is 0, shared or not the meter's.
    `secondary` is set if the meter answers to it. `quirks` are what reading it needs.
    """

    key: str
    address: Address
    primary: int | None
    secondary: SecondaryAddress | None
    telegram: Telegram
    quirks: Quirks = field(default_factory=Quirks)

    @property
    def header(self) -> Header | None:
        """Who the meter says it is."""
        return self.telegram.header

    @property
    def identity(self) -> Identity | None:
        """What tells the meter from others."""
        return self.telegram.identity


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStep:
    """What one step of a search brought; `progress` is the part that is done, from 0 to 1."""

    progress: float
    found: Found | None = None
    problem: MBusError | None = None


class Findings:
    """What a search has found so far, and what it has not told yet."""

    def __init__(self) -> None:
        """Know of nothing."""
        self.found: dict[str, Found] = {}
        self._shared: set[int] = set()
        self._told: set[str] = set()
        self._news: list[Found | MBusError] = []

    def take_news(self) -> list[Found | MBusError]:
        """Give what is new since the last time."""
        news, self._news = self._news, []
        return news

    def tell(self, problem: MBusError) -> None:
        """Tell a problem, once."""
        if str(problem) not in self._told:
            self._told.add(str(problem))
            self._news.append(problem)

    def is_shared(self, primary: int) -> bool:
        """Say whether several meters are known to be at a primary address."""
        return primary in self._shared

    def note_selected(self, secondary: SecondaryAddress, telegram: Telegram) -> None:
        """Take in a meter that answers to its secondary address, once."""
        primary = telegram.address if telegram.address <= LAST_PRIMARY else None
        key = _key_of(telegram)
        known = self.found.get(key)
        if known is not None and known.primary == primary:
            if known.secondary is None:
                self._add(replace(known, secondary=secondary))
            return
        if known is not None:
            key = f"{key}@{primary}"
        is_shared = primary is not None and any(
            found.primary == primary for found in self.found.values()
        )
        self._add(
            Found(
                key=key,
                address=0,
                primary=primary,
                secondary=secondary,
                telegram=telegram,
            )
        )
        if primary is not None and is_shared:
            self.share(primary)

    def note_addressed(self, telegram: Telegram, quirks: Quirks) -> None:
        """Take in a meter that answers at its primary address, once.

        One with the header of another but at another address is another meter.
        """
        key, primary = _key_of(telegram), telegram.address
        known = self.found.get(key)
        if known is not None and known.primary not in (None, primary):
            key = f"{key}@{primary}"
            known = self.found.get(key)
        if known is None:
            known = Found(
                key=key, address=0, primary=primary, secondary=None, telegram=telegram
            )
        elif (known.primary, known.quirks) == (primary, quirks):
            return
        self._add(replace(known, primary=primary, quirks=quirks))

    def share(self, primary: int) -> None:
        """Take note that several meters are at a primary address, once."""
        if primary in self._shared:
            return
        self._shared.add(primary)
        self.tell(CollisionError(address=primary))
        for found in list(self.found.values()):
            if found.primary == primary:
                self._add(found)

    def drop_silent(self, answering: Collection[int]) -> None:
        """Use no primary address that a meter has by its telegram, but doesn't answer at."""
        for found in list(self.found.values()):
            if found.primary not in answering and found.secondary is not None:
                if found.address != found.secondary:
                    self._publish(replace(found, address=found.secondary))

    def _add(self, found: Found) -> None:
        usable = found.primary not in (None, 0) and found.primary not in self._shared
        address = found.primary if usable else found.secondary
        if address is None:
            address = found.primary
        if address is not None:
            self._publish(replace(found, address=address))

    def _publish(self, found: Found) -> None:
        self.found[found.key] = found
        self._news.append(found)


def secondary_of(telegram: Telegram) -> SecondaryAddress | None:
    """Give the address that selects exactly the meter which sent this."""
    header = telegram.header
    if header is None or header.identification is None:
        return None
    code = header.manufacturer_code
    if code is None:
        # A fixed structure tells the medium in another coding than it compares.
        return SecondaryAddress(identification=header.identification)
    return SecondaryAddress(
        identification=header.identification,
        manufacturer=manufacturer_text(code),
        version=_comparable(header.version),
        medium=_comparable(header.medium),
    )


def _comparable(code: int | None) -> int | None:
    """Leave out what in a selection stands for anything."""
    return None if code == 0xFF else code


def _key_of(telegram: Telegram) -> str:
    """Tell the meter that sent this from others."""
    secondary = secondary_of(telegram)
    if secondary is None:
        return str(telegram.address)
    identity = telegram.identity
    number = identity.fabrication_number if identity else None
    return f"{secondary}/{number}"
