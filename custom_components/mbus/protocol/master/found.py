"""What a search finds."""

from dataclasses import dataclass

from ..address import Address, SecondaryAddress, manufacturer_text
from ..application.header import Header, Identity
from ..application.telegram import Telegram
from ..errors import MBusError


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A meter that answered; a later one with the same `key` takes its place.

    `address` is the one to use: the primary address unless it is 0 or shared. `secondary` is set
    if the meter answers to it.
    """

    address: Address
    primary: int | None
    secondary: SecondaryAddress | None
    telegram: Telegram

    @property
    def header(self) -> Header | None:
        """Who the meter says it is."""
        return self.telegram.header

    @property
    def identity(self) -> Identity | None:
        """What tells the meter from others."""
        return self.telegram.identity

    @property
    def key(self) -> str:
        """Same for the same meter."""
        return key_of(self.telegram)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchStep:
    """What one step of a search brought; `progress` is the part that is done, from 0 to 1."""

    progress: float
    found: Found | None = None
    problem: MBusError | None = None


def key_of(telegram: Telegram) -> str:
    """Tell the meter that sent this from others."""
    secondary = secondary_of(telegram)
    if secondary is None:
        return str(telegram.address)
    identity = telegram.identity
    number = identity.fabrication_number if identity else None
    return f"{secondary}/{number}"


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
        version=header.version,
        medium=header.medium,
    )
